/** What a whole prompt set says: a verdict, each measure's paired difference as a dot, the distances. */

import { element } from "./element.js";
import { span } from "./finetune_words.js";
import { plain } from "./words.js";

const SHARES = ["integrity", "order"]; // in hundredths of the pairs; the others are scores
const figure = (value, name) => (SHARES.includes(name) ? plain(100 * value, 0) : plain(value, 3));
const signed = (value, name) => `${value > 0 ? "+" : ""}${figure(value, name)}`;
const STUDIES = {
  baton: "The study of the shipped model has such a control; its figures",
  crpo: "The study of CRPO on the embedded model has such a control; its figures",
};
const COMING = "FD, KAD, KL, IS and diversity are measured when every pair is scored.";

export class Summary {
  /** source: {study}: where the study of a recipe can be read, if anywhere. */
  constructor({ study = null } = {}) {
    this.study = study;
    this.verdict = element("ul", { class: "bs-verdict" });
    this.body = element("div", { class: "bs-measures" });
    this.note = element("p", { class: "bs-status" });
    this.took = element("p", { class: "bs-status bs-took", hidden: true });
    this.sets = element("div", { class: "bs-sets" });
    this.node = element(
      "section",
      { class: "bs-summary", "aria-label": "Over all pairs", hidden: true },
      element("h3", {}, "Over all pairs"), this.verdict, this.took, this.body, this.note, this.sets,
    );
  }

  /** comparison: as the studio tells it; null, or one without scored pairs, shows nothing. */
  show(comparison) {
    const { summary = null, distances = null, verdict = null, sitting = null, is_over: isOver = true } = comparison ?? {};
    this.node.hidden = summary === null;
    const shown = JSON.stringify([summary, distances, verdict, sitting, isOver]);
    if (summary === null || this.shown === shown) return;
    this.shown = shown;
    this.verdict.replaceChildren(...(verdict?.said ?? []).map((text) => element("li", {}, text)));
    if (this.study && comparison.study) {
      this.verdict.append(element("li", {}, element("a", { href: this.study(comparison.study), target: "_blank", rel: "noopener" }, STUDIES[comparison.study])));
    }
    this.took.hidden = sitting === null;
    this.took.textContent = sitting ? tookWords(sitting) : "";
    this.body.replaceChildren(...summary.measures.map((measure, i) => row(measure, measure.said ?? summary.said[i])));
    this.note.textContent = summary.exploratory ?? "";
    this.sets.replaceChildren(...(distances ? asSets(distances) : isOver ? [] : [element("p", { class: "bs-status" }, COMING)]));
  }
}

/** What the way to B took, part by part and in all, the listening apart. */
function tookWords({ parts, seconds, listened }) {
  const each = parts.map((part) => `${part.what} ${span(part.seconds)}`).join(", ");
  return `The way here, as this machine had it: ${each}. Together ${span(seconds)}${listened ? `, beside ${span(listened)} of sound that was listened to` : ""}.`;
}

/** The distances of both sides as sets: their heading, a card each, what was left out and why. */
function asSets({ measures, said, reference, classes, left_out: leftOut }) {
  const [alone] = measures.length ? [] : leftOut;
  if (alone) return [element("p", { class: "bs-status" }, `${alone.metric}: ${alone.why}`)];
  return [
    element("h3", {}, "As sets of sounds"),
    element("p", { class: "bs-status" }, `Against ${lower(reference)}${measures.length > 1 ? " Exploratory: the intervals are not corrected for their number." : ""}`),
    element("div", { class: "bs-measures" }, ...measures.map((measure, i) => row(measure, said[i]))),
    element("p", { class: "bs-status" }, classes),
    element("details", { class: "bs-apart" }, element("summary", {}, "Left out"), element("ul", { class: "bs-notices" }, ...leftOut.map(({ metric, why }) => element("li", { class: "bs-news" }, `${metric}: ${why}`)))),
  ];
}

const lower = (text) => (/^[A-Z][a-z]/.test(text) ? text[0].toLowerCase() + text.slice(1) : text);

/** A measure: its name, the dot on its axis, counts, and the sentence. */
function row(measure, sentence) {
  const { difference, name } = measure;
  const unit = SHARES.includes(name) ? " %" : "";
  const level = (side) => figure(typeof measure[side] === "number" ? measure[side] : measure[side].value, name);
  const levels = ["a", "b"].map((side) => `${side.toUpperCase()} ${level(side)}${unit}`).join(", ");
  const counts = measure.better === undefined ? null : `${levels}. B better ${measure.better}, A better ${measure.worse}, equal ${measure.equal}; ${difference.count} pairs`;
  return element(
    "article",
    { class: "bs-measure", "data-measure": name },
    element("h4", {}, measure.title, element("span", { class: "bs-judge" }, measure.judge)),
    dot(difference, measure, sentence),
    counts && element("p", { class: "bs-counts" }, counts),
    element("p", { class: "bs-said" }, sentence ?? ""),
    finds(measure),
  );
}

/** What so many pairs could have found, where it is known. */
function finds({ detectable, name }) {
  if (detectable === null || detectable === undefined) return null;
  const size = SHARES.includes(name) ? `${Math.ceil(100 * detectable)} points of 100` : plain(detectable, 3);
  return element("p", { class: "bs-counts bs-finds", title: "Found at 5 % in four comparisons of five, where pairs vary as these did" }, `Smallest difference that so many pairs find: ${size}`);
}

/** The difference B minus A on an axis with nought in the middle; where less is better it is turned. */
function dot({ value, low, high }, { name, higher_is_better: isUp }, sentence) {
  const ends = [value, low, high].filter(Number.isFinite).map(Math.abs);
  const turn = isUp === false ? -1 : 1;
  const reach = axisEnd(Math.max(...ends));
  const at = (x) => 50 + (50 * turn * x) / reach;
  const [from, to] = [at(low), at(high)].sort((one, two) => one - two);
  const bar = Number.isFinite(low) ? element("i", { class: "bs-whisker", style: `left:${from}%;right:calc(100% - ${to}%)` }) : null;
  const holdsNought = !(low > 0 || high < 0);
  const words = isUp === null ? ["A more", "B more"] : ["A better", "B better"];
  return element(
    "div",
    { class: `bs-dot-plot ${holdsNought || isUp === null ? "is-open" : turn * value > 0 ? "is-b" : "is-a"}`, role: "img", "aria-label": sentence ?? `B minus A: ${signed(value, name)}` },
    element("i", { class: "bs-nought" }),
    bar,
    element("i", { class: "bs-dot", style: `left:${at(value)}%` }),
    element("span", { class: "bs-axis-low" }, `${words[0]} · ${signed(-turn * reach, name)}`),
    element("span", { class: "bs-axis-mid" }, signed(value, name), SHARES.includes(name) ? " points" : ""),
    element("span", { class: "bs-axis-high" }, `${signed(turn * reach, name)} · ${words[1]}`),
  );
}

/** A round number no smaller than the greatest distance from nought. */
function axisEnd(distance) {
  if (!(distance > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(distance));
  return [1, 2, 5, 10].map((step) => step * power).find((end) => end >= distance * 1.05) ?? 10 * power;
}
