/** All pairs of a comparison, to listen through them: where the two differ most comes first. */

import { element } from "./element.js";
import { ALIKE, plain } from "./words.js";

const last = (value, otherwise) => (value === null || value === undefined ? otherwise : value);
const ORDERS = {
  differ: ["where they differ most", (pair) => -last(pair.distance, -1)],
  asked: ["as asked", (pair) => pair.place],
  b: ["B ahead by CLAP first", (pair) => -last(pair.difference?.clap, -9)],
  a: ["A ahead by CLAP first", (pair) => last(pair.difference?.clap, 9)],
};

export class Pairs {
  /** open: called with the place of the pair that was chosen. */
  constructor(open) {
    this.open = open;
    this.order = "differ";
    this.pairs = [];
    this.select = element(
      "select",
      { "aria-label": "Order of the pairs", onchange: (event) => this.sorted(event.target.value) },
      ...Object.entries(ORDERS).map(([value, [word]]) => element("option", { value }, word)),
    );
    this.title = element("h3", {}, "Pairs");
    this.list = element("ol", { class: "bs-pairs" });
    this.node = element("section", { class: "bs-listen", "aria-label": "All pairs", hidden: true }, element("div", { class: "bs-history-top" }, this.title, this.select), this.list);
  }

  /** isSettled: no more will come, so that the order may be by difference without things moving. */
  show(pairs, place, isSettled, wanted) {
    this.node.hidden = wanted < 2;
    [this.pairs, this.isSettled] = [pairs, isSettled];
    this.title.textContent = isSettled ? `${pairs.length} ${pairs.length === 1 ? "pair" : "pairs"}` : `${pairs.length} of ${wanted} pairs`;
    const shown = JSON.stringify([this.order, isSettled, pairs]);
    if (shown !== this.shown) this.list.replaceChildren(...this.ordered().map((pair) => this.row(pair)));
    this.shown = shown;
    this.mark(place);
  }

  ordered() {
    const [, key] = ORDERS[this.isSettled ? this.order : "asked"];
    return [...this.pairs].sort((one, two) => key(one) - key(two) || one.place - two.place);
  }

  sorted(order) {
    this.order = order;
    this.list.replaceChildren(...this.ordered().map((pair) => this.row(pair)));
    this.mark(this.place);
  }

  mark(place) {
    this.place = place;
    for (const row of this.list.children) {
      const isHere = Number(row.dataset.place) === place;
      if (isHere) row.firstChild.setAttribute("aria-current", "true");
      else row.firstChild.removeAttribute("aria-current");
    }
  }

  /** The pair so many steps on from this one in the order shown; after the last comes the first. */
  beside(place, by) {
    const ordered = this.ordered();
    return ordered.at((ordered.findIndex((pair) => pair.place === place) + by) % ordered.length).place;
  }

  row(pair) {
    const most = Math.max(...this.pairs.map((one) => one.distance ?? 0), 1e-9);
    const share = Math.max(0, (pair.distance ?? 0) / most);
    const button = element(
      "button",
      { type: "button", class: "bs-open bs-pair", onclick: () => this.open(pair.place) },
      element("span", { class: "bs-place", "aria-hidden": "true" }, `${pair.place + 1}`),
      element("span", { class: "bs-run-title" }, pair.prompt),
      element("span", { class: "bs-chips" }, ...chips(pair)),
      element("span", { class: "bs-distance", title: `How far apart: ${pair.distance?.toFixed(2) ?? "not known yet"}` }, element("i", { style: `width:${share * 100}%` })),
    );
    return element("li", { "data-place": pair.place }, button);
  }
}

/** What parts the two, in a few words each. */
function chips(pair) {
  const { a, b, difference } = pair;
  const made = [];
  if (typeof difference?.clap === "number") {
    const ahead = Math.abs(difference.clap) < ALIKE ? null : difference.clap > 0 ? "b" : "a";
    made.push(chip(ahead, `CLAP ${plain(a.scores.clap, 3)} → ${plain(b.scores.clap, 3)}`));
  }
  if (difference?.integrity) made.push(chip(difference.integrity > 0 ? "b" : "a", difference.integrity > 0 ? "all there in B only" : "all there in A only"));
  if (difference?.order) made.push(chip(difference.order > 0 ? "b" : "a", difference.order > 0 ? "in order in B only" : "in order in A only"));
  if (!a.scores || !b.scores) made.push(chip(null, "not scored yet"));
  return made;
}

const chip = (side, text) => element("span", { class: `bs-chip${side ? ` bs-${side}` : ""}` }, text);
