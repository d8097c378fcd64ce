/** Earlier runs, the newest first: hear the best of each, or open it whole. */

import { address, ask, attempt } from "./ask.js";
import { element, say } from "./element.js";
import { claim, yielding } from "./sounding.js";
import { ago, score, titleOf } from "./words.js";

/** The card of the highest score over all prompts; the first where none has a score. */
const bestOf = (cards) => [...cards].sort((a, b) => (b.ranking?.score ?? -2) - (a.ranking?.score ?? -2))[0];

export class History extends HTMLElement {
  connectedCallback() {
    if (this.list) return;
    this.audio = new Audio();
    this.audio.addEventListener("ended", () => this.mark(null));
    this.audio.addEventListener("pause", () => this.mark(null));
    yielding(this, () => this.audio.pause());
    this.list = element("ol", { class: "bs-runs" });
    this.more = element("button", { type: "button", class: "bs-act", hidden: true, onclick: () => this.load(true) }, "Show older runs");
    const liked = element("button", { type: "button", class: "bs-act", onclick: () => this.favourites() }, "Favourites");
    this.append(
      element("div", { class: "bs-history-top" }, element("h2", {}, "Earlier runs"), liked),
      this.list,
      this.more,
    );
    window.addEventListener("baton-history", () => this.load(false));
    this.load(false);
  }

  async load(isOlder) {
    const before = isOlder ? (this.oldest ?? "") : "";
    const found = await attempt(() => ask(`history?before=${encodeURIComponent(before)}`));
    if (!found) return;
    const rows = found.runs.map((run) => this.row(run));
    if (isOlder) this.list.append(...rows);
    else this.list.replaceChildren(...rows);
    this.oldest = found.runs.at(-1)?.created_at ?? this.oldest;
    this.more.hidden = found.runs.length < 20;
    if (!this.list.children.length) {
      this.list.append(element("li", { class: "bs-empty" }, "Runs appear here, and stay after a restart."));
    }
  }

  row(run) {
    const best = bestOf(run.cards);
    const play = element("button", {
      type: "button",
      class: "bs-play bs-small",
      disabled: !best,
      "aria-label": `Play the best of: ${titleOf(run.request)}`,
      onclick: () => this.play(best.id, play),
    });
    const details = [
      `${run.cards.length} ${run.cards.length === 1 ? "sound" : "sounds"}`,
      best?.ranking ? `best ${run.ranking?.reward ? "score" : "CLAP"} ${score(best.ranking.score)}` : null,
      run.status === "done" ? null : run.status,
      `seed ${run.request.seed}`,
    ];
    const open = element(
      "button",
      { type: "button", class: "bs-open", onclick: () => this.open(run.id) },
      element("span", { class: "bs-run-title" }, titleOf(run.request)),
      element("span", { class: "bs-run-facts" }, details.filter(Boolean).join(" · ")),
    );
    const moment = element("time", { datetime: run.created_at, title: new Date(run.created_at).toLocaleString() }, ago(run.created_at));
    return element("li", { class: "bs-run" }, play, open, moment);
  }

  play(id, button) {
    const wasPlaying = button.classList.contains("is-playing");
    this.audio.pause();
    if (wasPlaying) return;
    claim(this);
    this.audio.src = address(`candidates/${id}/sound.wav`);
    this.audio.play().then(() => this.mark(button)).catch(() => {
      if (this.audio.error) say("This sound could not be read. Press play to try again.", "wrong");
    });
  }

  mark(button) {
    for (const other of this.querySelectorAll(".is-playing")) other.classList.remove("is-playing");
    button?.classList.add("is-playing");
  }

  open(job) {
    window.dispatchEvent(new CustomEvent("baton-run", { detail: { job } }));
    document.querySelector("baton-deck")?.scrollIntoView({ behavior: "smooth", block: "start" });
  }

  async favourites() {
    const found = await attempt(() => ask("favourites"));
    if (!found) return;
    window.dispatchEvent(new CustomEvent("baton-cards", { detail: { title: "Favourites", cards: found.cards } }));
    document.querySelector("baton-deck")?.scrollIntoView({ behavior: "smooth", block: "start" });
  }
}
