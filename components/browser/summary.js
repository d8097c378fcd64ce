/** What a whole prompt set says: each measure's paired difference as a dot with its interval. */

import { element } from "./element.js";
import { plain } from "./words.js";

const SHARES = ["integrity", "order"]; // in hundredths of the pairs; the others are scores
const figure = (value, name) => (SHARES.includes(name) ? plain(100 * value, 0) : plain(value, 3));
const signed = (value, name) => `${value > 0 ? "+" : ""}${figure(value, name)}`;
const DISTANCES = "Distances to recordings (FD, KAD) are measured from folders of sounds, by ";

export class Summary {
  constructor() {
    this.body = element("div", { class: "bs-measures" });
    this.note = element("p", { class: "bs-status" });
    const distances = element("p", { class: "bs-status" }, DISTANCES, element("code", {}, "python -m studio.cli evaluate"), ".");
    this.node = element("section", { class: "bs-summary", "aria-label": "Over all pairs", hidden: true }, element("h3", {}, "Over all pairs"), this.body, this.note, distances);
  }

  /** summary: as the comparison tells it; null while fewer than two pairs are scored. */
  show(summary) {
    this.node.hidden = summary === null;
    if (summary === null || this.node.dataset.shown === JSON.stringify(summary)) return;
    this.node.dataset.shown = JSON.stringify(summary);
    const sentences = [summary.said].flat();
    this.body.replaceChildren(...summary.measures.map((measure, i) => row(measure, measure.said ?? sentences[i])));
    this.note.textContent = summary.exploratory ?? "";
  }
}

/** A measure: its name, the dot on its axis, counts, and the sentence. */
function row(measure, sentence) {
  const { difference, better, worse, equal } = measure;
  const unit = SHARES.includes(measure.name) ? " %" : "";
  const levels = ["a", "b"].map((side) => `${side.toUpperCase()} ${figure(measure[side].value, measure.name)}${unit}`).join(", ");
  const counts = `${levels}. B better ${better}, A better ${worse}, equal ${equal}; ${difference.count} pairs`;
  return element(
    "article",
    { class: "bs-measure" },
    element("h4", {}, measure.title, element("span", { class: "bs-judge" }, measure.judge)),
    dot(difference, measure.name, sentence),
    element("p", { class: "bs-counts" }, counts),
    element("p", { class: "bs-said" }, sentence ?? ""),
  );
}

/** The difference B minus A on an axis with nought in the middle. */
function dot({ value, low, high }, name, sentence) {
  const ends = [value, low, high].filter(Number.isFinite).map(Math.abs);
  const reach = axisEnd(Math.max(...ends));
  const at = (x) => `${50 + (50 * x) / reach}%`;
  const bar = Number.isFinite(low) ? element("i", { class: "bs-whisker", style: `left:${at(low)};right:calc(100% - ${at(high)})` }) : null;
  const holdsNought = !(low > 0 || high < 0);
  return element(
    "div",
    { class: `bs-dot-plot ${holdsNought ? "is-open" : value > 0 ? "is-b" : "is-a"}`, role: "img", "aria-label": sentence ?? `B minus A: ${signed(value, name)}` },
    element("i", { class: "bs-nought" }),
    bar,
    element("i", { class: "bs-dot", style: `left:${at(value)}` }),
    element("span", { class: "bs-axis-low" }, `A better · ${signed(-reach, name)}`),
    element("span", { class: "bs-axis-mid" }, signed(value, name), SHARES.includes(name) ? " points" : ""),
    element("span", { class: "bs-axis-high" }, `${signed(reach, name)} · B better`),
  );
}

/** A round number no smaller than the greatest distance from nought. */
function axisEnd(distance) {
  if (!(distance > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(distance));
  return [1, 2, 5, 10].map((step) => step * power).find((end) => end >= distance * 1.05) ?? 10 * power;
}
