/** A comparison to listen through: the pair in view, what all pairs say, the list of them, the keys.
 *
 * It knows no studio: `source` brings pictures and sounds, from addresses or from beside a page. */

import { Battle } from "./battle.js";
import { element } from "./element.js";
import { keyOf, keyRows } from "./keys.js";
import { Pairs } from "./pairs.js";
import { Stand } from "./stand.js";
import { Summary } from "./summary.js";

const KEYS = [
  ["Space", "play or pause"],
  ["A B", "hear A or B"],
  ["X", "change over"],
  ["← →", "half a second back or on"],
  ["Home", "to the beginning"],
  ["[ ]", "loop from here, to here"],
  ["L", "loop on or off"],
  ["Esc", "no loop"],
  ["J K", "next or previous pair"],
];
const KEPT = "baton-keys";

export class Comparison {
  /** source: {picture(place), sound(side), plotly(), record(adapter)} and, in the studio, {battles(), battle()}; onpair: called with the place in view. */
  constructor(source, { onpair = () => {} } = {}) {
    this.onpair = onpair;
    this.stand = new Stand(source);
    this.summary = new Summary(source);
    this.battle = new Battle(source);
    this.pairs = new Pairs((place) => this.open(place, true));
    this.hasKeys = localStorage.getItem(KEPT) !== "off";
    this.steps = [
      element("button", { type: "button", class: "bs-act", title: "Previous pair (K)", onclick: () => this.step(-1) }, "Previous"),
      element("button", { type: "button", class: "bs-act", title: "Next pair (J)", onclick: () => this.step(1) }, "Next"),
    ];
    this.count = element("span", { class: "bs-status" });
    this.walk = element("nav", { class: "bs-walk", "aria-label": "Pairs" }, ...this.steps, this.count);
    this.alone = element("p", { class: "bs-status" }, "One pair shows what differs here; whether it differs in general takes a prompt set.");
    this.node = element("div", { class: "bs-comparison" }, this.walk, this.stand.node, this.alone, this.legend(), this.summary.node, this.battle.node, this.pairs.node);
    this.onkey = (event) => this.pressed(event);
    document.addEventListener("keydown", this.onkey);
  }

  legend() {
    const hands = element("p", {}, "Click or tap a picture to go there; drag across it to loop.");
    const toggle = element("input", { type: "checkbox", checked: this.hasKeys, onchange: (event) => this.turnKeys(event.target.checked) });
    return element("div", { class: "bs-keys" }, element("label", {}, toggle, " Keys"), element("dl", {}, ...keyRows(KEYS)), hands);
  }

  turnKeys(isOn) {
    this.hasKeys = isOn;
    localStorage.setItem(KEPT, isOn ? "on" : "off");
  }

  /** Show the comparison as it stands; it stays at the pair in view, or begins where they differ most. */
  show(comparison, place = null) {
    this.comparison = comparison;
    const { pairs, is_over: isOver, wanted } = comparison;
    this.pairs.show(pairs, this.place, isOver, wanted);
    this.summary.show(wanted > 1 ? comparison : null);
    this.battle.show(comparison);
    this.walk.hidden = wanted < 2;
    this.alone.hidden = wanted > 1;
    const known = (one) => pairs.some((pair) => pair.place === one);
    if (place !== null && known(place)) this.open(place);
    else if (known(this.place)) this.open(this.place);
    else if (pairs.length) this.open(this.pairs.ordered()[0].place);
    this.stand.node.hidden = !pairs.length;
  }

  /** Bring a pair into view; one that follows a playing one plays on. */
  open(place, isChosen = false) {
    const pair = this.comparison.pairs.find((one) => one.place === place);
    const wasPlaying = this.stand.listening.isPlaying;
    const isNew = this.place !== place;
    this.place = place;
    this.stand.show(this.comparison, pair, judgesOf(this.comparison));
    this.pairs.mark(place);
    const shown = this.pairs.ordered().findIndex((one) => one.place === place);
    this.count.textContent = `Pair ${place + 1} · number ${shown + 1} of ${this.comparison.pairs.length} in the list below`;
    for (const button of this.steps) button.disabled = this.comparison.pairs.length < 2;
    if (!isNew) return;
    this.onpair(place);
    if (!isChosen) return;
    if (wasPlaying) this.stand.toggle();
    const top = this.node.getBoundingClientRect().top;
    if (top < 0) this.node.scrollIntoView({ block: "start" });
  }

  step(by) {
    this.open(this.pairs.beside(this.place, by), true);
  }

  /** Keys act while the comparison is on the page, and never where one writes or another key is meant. */
  pressed(event) {
    if (!this.hasKeys || !this.node.offsetParent || this.place === undefined) return;
    const key = keyOf(event);
    if (key === null) return;
    let isDone = true;
    if (key === "j" || key === "n") this.step(1);
    else if (key === "k" || key === "p") this.step(-1);
    else isDone = this.stand.pressed(key);
    if (isDone) event.preventDefault();
  }

  close() {
    document.removeEventListener("keydown", this.onkey);
    this.stand.close();
  }
}

/** The names of those who scored, out of the summary where it has them. */
function judgesOf({ summary }) {
  const named = (name) => summary?.measures.find((measure) => measure.name === name)?.judge;
  return { clap: named("clap") ?? "CLAP-evaluation", listener: named("integrity") ?? "simulated listener (annotator)" };
}
