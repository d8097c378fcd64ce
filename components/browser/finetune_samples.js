/** What the model said at intervals of its training: prompts down, moments across, each to be heard. */

import { address, ask } from "./ask.js";
import { element, say } from "./element.js";
import { claim, yielding } from "./sounding.js";
import { plain } from "./words.js";

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Samples {
  constructor() {
    this.audio = new Audio();
    this.audio.addEventListener("ended", () => this.next());
    this.audio.addEventListener("pause", () => this.mark(null));
    this.deaf = yielding(this, () => this.quiet());
    this.queue = [];
    this.grid = element("div", { class: "bs-fine-grid", role: "region", "aria-label": "Sounds by prompt and step", tabindex: 0, onkeydown: (event) => this.moved(event) });
    this.node = element("section", { class: "bs-fine-samples", "aria-label": "Heard while it learns" }, element("h3", {}, "Heard while it learns"), element("p", { class: "bs-status" }, "Held-out prompts, each with one seed of its own throughout: what changes is the model. Arrow keys go from sound to sound."), this.grid);
    this.node.hidden = true;
    this.follows = true; // the newest stays in sight, unless a person scrolled away from it
    for (const name of ["wheel", "touchmove", "pointerdown", "keydown"]) this.grid.addEventListener(name, () => (this.follows = false), { passive: true });
    this.watcher = new ResizeObserver(() => this.follow());
    this.watcher.observe(this.grid);
  }

  follow() {
    if (this.follows) this.grid.scrollLeft = this.grid.scrollWidth;
  }

  /** moments: of the run, first to last; only what is new is drawn. */
  show(moments) {
    this.node.hidden = !moments.length;
    const key = JSON.stringify(moments);
    if (!moments.length || this.shown === key) return;
    this.shown = key;
    const focused = this.grid.contains(document.activeElement) ? document.activeElement.dataset.sound : null;
    const prompts = moments[0].sounds.map((sound) => sound.prompt);
    this.cells = prompts.map((prompt, n) => moments.map((moment) => (moment.sounds[n] ? this.cell(prompt, moment, moment.sounds[n], moments[0].sounds[n]) : null)));
    const head = element("div", { role: "row", class: "bs-fine-row bs-fine-heads" }, element("span", { role: "columnheader" }, "Prompt"), ...moments.map((moment) => element("span", { role: "columnheader" }, nameOf(moment))));
    const rows = prompts.map((prompt, n) => element("div", { role: "row", class: "bs-fine-row" }, this.title(prompt, n), ...this.cells[n].map((cell) => cell?.node ?? element("span", { role: "cell" }, "–"))));
    this.grid.replaceChildren(element("div", { role: "table", "aria-label": "Samples", class: "bs-fine-table", style: `--moments:${moments.length}` }, head, ...rows));
    this.follow();
    if (focused) this.grid.querySelector(`[data-sound="${CSS.escape(focused)}"]`)?.focus();
    if (this.sounding) this.mark(this.sounding);
  }

  /** The prompt, and a way to hear where it came from and where it is. */
  title(prompt, n) {
    const both = () => this.play([this.cells[n][0], this.cells[n].findLast(Boolean)].map((cell) => cell.url));
    const hear = this.cells[n].length > 1 ? element("button", { type: "button", class: "bs-act", "aria-label": `Hear the base, then the newest: ${prompt}`, onclick: both }, "base, then now") : null;
    return element("span", { role: "rowheader", class: "bs-fine-prompt" }, element("span", {}, prompt), hear);
  }

  cell(prompt, moment, sound, first) {
    const play = element("button", { type: "button", class: "bs-play bs-small", "data-sound": sound.url, "aria-label": `Play ${nameOf(moment)}: ${prompt}`, onclick: () => (this.sounding === sound.url ? this.quiet() : this.play([sound.url])) });
    const said = ["clap", "reward"].filter((judge) => typeof sound[judge] === "number").map((judge) => {
      const change = moment.step && typeof first?.[judge] === "number" ? sound[judge] - first[judge] : null;
      const way = change === null || Math.abs(change) < 0.005 ? "" : change > 0 ? " is-up" : " is-down";
      return element("span", { class: `bs-fine-score${way}`, title: `${judge === "clap" ? "CLAP" : "Reward"} ${plain(sound[judge], 3)}${change === null ? "" : `, ${change < 0 ? "−" : "+"}${Math.abs(change).toFixed(3)} from the base`}` }, `${judge === "clap" ? "CLAP" : "reward"} ${plain(sound[judge], 2)}`);
    });
    return { url: sound.url, node: element("span", { role: "cell", class: "bs-fine-cell" }, play, element("span", { class: "bs-fine-scores" }, element("span", { class: "bs-fine-moment", "aria-hidden": "true" }, nameOf(moment)), ...said)) };
  }

  /** Play these, one after another. */
  play(urls) {
    this.audio.pause();
    this.queue = [...urls];
    this.next();
  }

  next() {
    const url = this.queue.shift();
    this.mark(null);
    if (!url) return;
    claim(this);
    this.audio.src = address(url);
    this.audio.play().then(() => this.mark(url)).catch(() => this.audio.error && this.lost());
  }

  async lost() {
    this.queue = [];
    const gone = await ask("state").then(() => null, (error) => error.message);
    say(gone ?? "This sound could not be read. Press play to try again.", "wrong");
  }

  quiet() {
    this.queue = [];
    this.audio.pause();
  }

  mark(url) {
    this.sounding = url;
    for (const button of this.grid.querySelectorAll(".bs-play")) button.classList.toggle("is-playing", url !== null && button.dataset.sound === url);
  }

  /** Arrow keys go from sound to sound as they lie. */
  moved(event) {
    const by = MOVES[event.key];
    const at = by && event.target.dataset?.sound;
    if (!at) return;
    const row = this.cells.findIndex((cells) => cells.some((cell) => cell?.url === at));
    const column = this.cells[row].findIndex((cell) => cell?.url === at);
    const next = this.cells[row + by[1]]?.[column + by[0]];
    event.preventDefault();
    next?.node.querySelector(".bs-play").focus();
  }

  close() {
    this.quiet();
    this.deaf();
    this.watcher.disconnect();
  }
}

export const nameOf = ({ step, iteration }) => (step === 0 ? "base" : `${iteration ? "iteration" : "step"} ${step}`);
