/** One candidate: player, picture, what the judges say, all that made it, what can be done with it. */

import { address, ask, attempt } from "./ask.js";
import { element, say } from "./element.js";
import { Picture } from "./picture.js";
import { Player } from "./player.js";
import { recordButton } from "./record.js";
import { score, seconds, verdicts } from "./words.js";

/** An empty card of the final size, so that nothing jumps when the sound arrives. */
export function placeholder() {
  return element("article", { class: "bs-card bs-waiting", "aria-hidden": "true" }, element("div", { class: "bs-shimmer" }));
}

export class Card {
  /** start: what to do with the id of a run that this card began; run: the id of its own, if it is in one. */
  constructor(data, start, run) {
    this.data = data;
    this.start = start;
    this.run = run;
    this.player = new Player(data);
    this.picture = new Picture(data, this.player);
    this.badges = element("div", { class: "bs-badges" });
    this.heard = element("p", { class: "bs-heard" });
    this.node = element(
      "article",
      { class: "bs-card", tabindex: 0, "aria-label": `Candidate with seed ${data.settings.seed}: ${data.prompt}`, "data-candidate": data.id },
      this.badges,
      this.player.node,
      this.picture.node,
      this.heard,
      this.facts(),
      this.actions(),
    );
    this.node.addEventListener("keydown", (event) => this.pressed(event));
    this.update(data);
  }

  /** Newer values of the same candidate: its scores may have come. ranker: what gives places, {by}; null: no place is shown. */
  update(data, ranker = null) {
    this.data = data;
    const badges = [];
    if (ranker && data.ranking) {
      const { place, of, score: found } = data.ranking;
      badges.push(badge(place === 1 ? "best" : "place", place === 1 ? "best" : `${place}.`, `Place ${place} of ${of} by ${ranker.by}: ${score(found)}.`));
    }
    if (ranker?.weight < 1 && data.ranking) badges.push(badge("clap", `both ${score(data.ranking.score)}`, `What ranks: ${ranker.by}.`));
    if (data.reward !== null) badges.push(badge("clap", `reward ${score(data.reward)}`, "What the reward model that ranks gives this sound: 1 is most."));
    badges.push(
      data.clap === null
        ? badge("none", "CLAP –", "Not scored (yet).")
        : badge("clap", `CLAP ${score(data.clap)}`, "How near sound and prompt are, by CLAP: 1 is nearest."),
    );
    for (const [kind, word, sentence] of verdicts(data.hearing)) badges.push(badge(kind, word, sentence));
    this.badges.replaceChildren(...badges);
    this.heart.setAttribute("aria-pressed", String(data.is_favourite));
    this.describe(data.hearing);
  }

  /** Draw the picture; called once the card is on the page. */
  show() {
    this.player.draw();
    this.picture.show(this.data.hearing ? "heard" : "unheard");
  }

  describe(hearing) {
    if (!hearing) {
      this.heard.textContent = "The simulated listener has not listened.";
    } else if (!hearing.events.length) {
      this.heard.textContent = "The simulated listener heard nothing that it knows.";
    } else {
      const said = hearing.events.map(([label, from, to]) => `${label} ${from.toFixed(1)}–${to.toFixed(1)} s`);
      this.heard.textContent = `Simulated listener: ${said.join(" · ")}`;
    }
    this.heard.title = this.heard.textContent;
  }

  facts() {
    const { settings } = this.data;
    const took = Object.values(this.data.timings).reduce((sum, part) => sum + part, 0);
    const said = [
      ["seed", settings.seed],
      ["length", seconds(this.data.seconds)],
      ["steps", settings.steps],
      ["guidance", settings.guidance],
      ["sampler", settings.sampler],
      ["model", this.data.title ?? settings.model],
    ];
    if ("guide_from" in settings || "guide_to" in settings) {
      said.push(["guided at noise levels", `${settings.guide_from ?? 0} to ${settings.guide_to ?? 1}`]);
    }
    if ("reuse" in settings) said.push(["step caching", settings.reuse]);
    if (took > 0) said.push(["made in", seconds(took)]);
    const { adapter } = this.data.recipe;
    if (adapter) said.push(["adapter", element("span", {}, `${adapter.slice(0, 8)} `, recordButton(adapter, () => ask(`models/${adapter}/record`)))]);
    return element(
      "dl",
      { class: "bs-facts" },
      ...said.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, typeof value === "number" ? String(value) : value))),
    );
  }

  actions() {
    const { id } = this.data;
    this.heart = element("button", {
      type: "button",
      class: "bs-act bs-heart",
      "aria-label": "Favourite",
      title: "Keep among the favourites (F)",
      onclick: () => this.like(),
    });
    const press = (word, title, work) => element("button", { type: "button", class: "bs-act", title, onclick: work }, word);
    const file = (kind) =>
      element("a", { class: "bs-act", href: address(`candidates/${id}/download.${kind}`), download: "", title: `Download as ${kind.toUpperCase()}, settings inside` }, kind.toUpperCase());
    return element(
      "div",
      { class: "bs-actions" },
      this.heart,
      press("Vary", "Four more with new seeds", () => this.begin(`vary?count=4${this.run ? `&run=${this.run}` : ""}`)),
      press("Same again", "Make it anew and compare the bytes", () => this.begin("again")),
      press("Reuse", "Put its prompt, seed and settings into the form", () => this.reuse()),
      element("span", { class: "bs-gap" }),
      file("wav"),
      file("flac"),
    );
  }

  async like() {
    const liked = !this.data.is_favourite;
    const path = `candidates/${this.data.id}/favourite?liked=${liked ? 1 : 0}`;
    const answer = await attempt(() => ask(path, "POST"));
    if (!answer) return;
    this.data.is_favourite = answer.is_favourite;
    this.heart.setAttribute("aria-pressed", String(answer.is_favourite));
    say(answer.is_favourite ? "Kept among the favourites." : "No longer a favourite.");
    window.dispatchEvent(new CustomEvent("baton-liked"));
  }

  async begin(verb) {
    const answer = await attempt(() => ask(`candidates/${this.data.id}/${verb}`, "POST"));
    if (answer) this.start(answer.job);
  }

  reuse() {
    window.dispatchEvent(new CustomEvent("baton-reuse", { detail: { id: this.data.id } }));
    say("The form now holds its prompt and settings.");
  }

  pressed(event) {
    if (event.target !== this.node) return;
    if (event.key === " ") {
      event.preventDefault();
      this.player.toggle();
    } else if (event.key === "f" && !event.ctrlKey && !event.metaKey) {
      this.like();
    } else if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      event.preventDefault();
      this.player.seek(this.player.audio.currentTime + (event.key === "ArrowRight" ? 0.5 : -0.5));
    }
  }

  close() {
    this.player.close();
    this.picture.close();
  }
}

const badge = (kind, word, sentence) => element("span", { class: `bs-badge bs-${kind}`, title: sentence }, word);
