/** A judgement of each of several sounds: labels, scores from 1 to 5, or scores from 0 to 100. */

import { element } from "./element.js";
import { LabelCell, NumberCell, StepCell } from "./vote_cells.js";
import { plural } from "./words.js";

const CELLS = { integrity: LabelCell, temporal: LabelCell, mos: StepCell, ovl_rel: NumberCell };

export class SetSheet {
  /** campaign: its view; rack: whose strips get the cells; hands: onanswer("scored" | "skip"), onchange(). */
  constructor(campaign, rack, hands) {
    [this.campaign, this.rack, this.hands] = [campaign, rack, hands];
    const Cell = CELLS[campaign.task];
    this.keys = [...Cell.keysOf(campaign), ["Enter", "the next that is open, then submit"], ["Ctrl+Enter", "submit"]];
    this.cells = rack.strips.flatMap((strip, place) => campaign.aspects.map((aspect) => this.cell(Cell, strip, place, aspect)));
    this.current = this.cells[0];
    this.ready = "All are heard and judged.";
    this.submit = element("button", { type: "button", class: "bs-vote-choice bs-vote-submit", onclick: () => hands.onanswer(null) }, element("span", {}, "Submit"), element("kbd", { "aria-hidden": "true" }, "Enter"));
    this.skip = element("button", { type: "button", class: "bs-vote-choice bs-vote-skip", "data-outcome": "skip", onclick: () => hands.onanswer("skip") }, element("span", {}, "Skip"));
    this.bar = element("div", { class: "bs-vote-choices bs-vote-submits", role: "group", "aria-label": "Your answer" }, this.submit, this.skip);
    this.node = element("div", { class: "bs-vote-more", hidden: true });
  }

  cell(Cell, strip, place, aspect) {
    const rules = this.campaign.rules.aspects[aspect] ?? { title: aspect, question: "", scale: [] };
    const cell = new Cell({ place, aspect, letter: strip.letter, rules, hasHalves: this.campaign.half_steps }, {
      onchange: () => this.changed(cell),
      onfocus: () => (this.current = cell),
    });
    strip.slot.append(cell.node);
    return cell;
  }

  changed(cell) {
    this.current = cell;
    this.hands.onchange();
  }

  /** The sound that is heard is the one that keys judge. */
  turned(place) {
    if (this.current.place !== place) this.current = this.cells.find((cell) => cell.place === place && !cell.isSet) ?? this.cells.find((cell) => cell.place === place);
    for (const cell of this.cells) cell.node.classList.toggle("is-current", cell === this.current);
    const wasElsewhere = this.cells.some((cell) => cell.place !== place && cell.node.contains(document.activeElement));
    if (wasElsewhere) this.current.focus(); // or what is written would go to the sound before
  }

  take(answer) {
    for (const cell of this.cells) {
      const kept = answer?.scores?.find((score) => score.place === cell.place && score.aspect === cell.aspect);
      if (kept) cell.show(kept.value);
    }
  }

  wait(why) {
    this.submit.setAttribute("aria-disabled", String(Boolean(why)));
    this.submit.title = why;
  }

  lock(isLocked) {
    for (const cell of this.cells) cell.lock(isLocked);
  }

  get open() {
    return this.cells.filter((cell) => !cell.isSet);
  }

  get lacking() {
    const count = this.open.length;
    return count ? `${count} of ${this.cells.length} still to judge.` : "";
  }

  answer() {
    const scores = this.cells.filter((cell) => cell.isSet).map(({ place, aspect, value }) => ({ place, aspect, value }));
    return { aspects: {}, reason: null, scores };
  }

  told(vote) {
    return vote.outcome === "skip" ? "Skipped" : plural(vote.scores.length, "judgement");
  }

  /** Enter goes to what is still open, in order from here; when nothing is, it submits. */
  goOn() {
    const { open } = this;
    if (!open.length) return this.hands.onanswer(null);
    const from = this.cells.indexOf(this.current);
    const next = open.find((cell) => this.cells.indexOf(cell) > from) ?? open[0];
    const { strips } = this.rack;
    if (this.current.place !== next.place) this.rack.turn(strips[next.place].side);
    this.current = next;
    this.turned(next.place);
    next.focus();
    next.node.scrollIntoView({ block: "nearest" });
  }

  pressed(key) {
    if (key === "Enter") this.goOn();
    else if (!this.current.pressed(key)) return false;
    this.turned(this.current.place);
    return true;
  }
}
