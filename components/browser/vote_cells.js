/** One judgement of one sound: a label, a step of five, or a number up to a hundred. */

import { element } from "./element.js";

let count = 0;

/** What all three share: a heading, a value, and whoever wants to know of a change. */
class Cell {
  constructor({ place, aspect, letter, rules }, hands) {
    Object.assign(this, { place, aspect, letter, rules, hands, value: undefined });
    this.says = element("p", { class: "bs-vote-says" });
    this.node = element("fieldset", { class: "bs-vote-cell", "data-place": place, "data-aspect": aspect }, element("legend", {}, rules.title, element("span", { class: "bs-unseen" }, ` of sound ${letter}`)));
    this.node.addEventListener("focusin", () => hands.onfocus());
  }

  get isSet() {
    return this.value !== undefined;
  }

  /** Take a value as if the person had given it. */
  choose(value) {
    if (this.isLocked) return;
    this.show(value);
    this.hands.onchange();
  }

  lock(isLocked) {
    this.isLocked = isLocked;
    this.node.disabled = isLocked;
  }

  sayingOf(value) {
    return this.rules.scale.find((step) => step.value === value)?.says ?? "";
  }
}

/** Radio buttons of which one stands for each value. */
class RadioCell extends Cell {
  constructor(about, hands, choices, kind) {
    super(about, hands);
    const group = `bs-vote-${(count += 1)}`;
    this.inputs = choices.map(([value, word, key]) => {
      const input = element("input", { type: "radio", name: group, onchange: () => this.choose(value) });
      input.told = value;
      const label = element("label", { class: "bs-vote-option", onmouseenter: () => this.hint(value), onmouseleave: () => this.hint(this.value) }, input, element("span", {}, word, key ? element("kbd", { "aria-hidden": "true" }, key) : null));
      return { input, label };
    });
    this.node.append(element("div", { class: `bs-vote-options ${kind}` }, ...this.inputs.map(({ label }) => label)), this.says);
  }

  /** The words of a step, beside the steps. */
  hint(value) {
    this.says.textContent = value === undefined ? "" : this.sayingOf(value);
  }

  show(value) {
    this.value = value;
    for (const { input } of this.inputs) input.checked = input.told === value;
    this.hint(value);
  }

  focus() {
    (this.inputs.find(({ input }) => input.checked) ?? this.inputs[0]).input.focus({ preventScroll: true });
  }
}

export class LabelCell extends RadioCell {
  static keysOf = () => [["1", "aligned"], ["0", "not aligned"], ["U", "uncertain"]];

  constructor(about, hands) {
    super(about, hands, [[1, "Aligned", "1"], [0, "Not aligned", "0"], [null, "Uncertain", "U"]], "bs-vote-labels");
  }

  pressed(key) {
    const values = { 1: 1, 0: 0, u: null, "?": null };
    if (!(key in values)) return false;
    this.choose(values[key]);
    return true;
  }
}

export class StepCell extends RadioCell {
  static keysOf = ({ half_steps: hasHalves }) => [["1 … 5", "the score"], ...(hasHalves ? [[".", "half a step more"]] : [])];

  constructor(about, hands) {
    const steps = about.hasHalves ? [1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5] : [1, 2, 3, 4, 5];
    super(about, hands, steps.map((step) => [step, Number.isInteger(step) ? String(step) : "½"]), about.hasHalves ? "bs-vote-halves" : "bs-vote-steps");
    for (const { input } of this.inputs) input.setAttribute("aria-label", String(input.told));
    this.hasHalves = about.hasHalves;
  }

  sayingOf(value) {
    const whole = super.sayingOf(value);
    return whole || (this.hasHalves ? `Between ${Math.floor(value)} and ${Math.ceil(value)}.` : "");
  }

  pressed(key) {
    if (/^[1-5]$/.test(key)) this.choose(Number(key));
    else if (key === "." && this.hasHalves && Number.isInteger(this.value) && this.value < 5) this.choose(this.value + 0.5);
    else return false;
    return true;
  }
}

export class NumberCell extends Cell {
  static keysOf = () => [["0 … 9", "write the score"]];

  constructor(about, hands) {
    super(about, hands);
    const name = `${this.rules.title} of sound ${this.letter}, 0 to 100`;
    this.slider = element("input", { type: "range", min: 0, max: 100, step: 1, value: 50, class: "bs-vote-slider", "aria-label": name, oninput: () => this.choose(Number(this.slider.value)) });
    this.field = element("input", { type: "number", min: 0, max: 100, step: 1, class: "bs-vote-number", inputmode: "numeric", placeholder: "–", "aria-label": `${name}, as a number`, oninput: () => this.wrote() });
    const [low, high] = [0, 100].map((end) => element("span", {}, this.sayingOf(end)));
    this.node.append(element("div", { class: "bs-vote-hundred" }, this.slider, this.field), element("div", { class: "bs-vote-ends" }, low, high), this.says);
    this.slider.addEventListener("pointerup", () => this.isSet || this.choose(Number(this.slider.value))); // a tap on the middle says 50
  }

  wrote() {
    const value = Math.round(Number(this.field.value));
    const isGood = this.field.value !== "" && value >= 0 && value <= 100;
    this.field.setAttribute("aria-invalid", String(!isGood && this.field.value !== ""));
    if (isGood) this.choose(value);
    else {
      this.value = undefined;
      this.node.classList.remove("is-set");
      this.says.textContent = this.field.value === "" ? "" : "A score is a number from 0 to 100.";
      this.hands.onchange();
    }
  }

  show(value) {
    this.value = value;
    this.node.classList.add("is-set");
    this.slider.value = value;
    this.slider.style.setProperty("--at", `${value}%`);
    if (document.activeElement !== this.field || Number(this.field.value) !== value) this.field.value = value;
    this.says.textContent = "";
    this.field.removeAttribute("aria-invalid");
  }

  focus() {
    this.field.focus({ preventScroll: true });
    this.field.select();
  }

  /** A digit that is pressed anywhere begins to be written here. */
  pressed(key) {
    if (!/^\d$/.test(key) || this.isLocked) return false;
    this.field.focus({ preventScroll: true });
    this.field.value = key;
    this.wrote();
    return true;
  }
}
