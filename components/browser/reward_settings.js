/** How a reward model is trained: a preset said in words, and fields that change it; empty is the preset's own. */

import { element } from "./element.js";

const PRESETS = { ours: "Ours, for few labels", paper: "The paper's" };
const ABOUT = {
  ours: "A small head that learns slowly and keeps the epoch that is best on prompts it has not met",
  paper: "BATON's reward model as the paper trains it",
};
const TEXTS = { clap: "CLAP's text", "clap+t5": "CLAP's text and T5", t5: "T5" };
const HEARS = { stretches: "stretch by stretch, so that order shows", whole: "as a whole" };
const LOSSES = { bce: "cross-entropy (BCE)", mse: "squared error (MSE)" };
const AGREEING = { mean: "the share of ones", majority: "the majority" };
const NUMBERS = [
  ["epochs", "Epochs"],
  ["batch_size", "Batch"],
  ["learning_rate", "Learning rate"],
  ["weight_decay", "Weight decay"],
  ["hidden", "Hidden widths", "such as 256, 128"],
  ["pair_share", "What pairs count for", "0 to 1, where there are labels too"],
  ["seed", "Seed"],
];
const CHOICES = [
  ["text", "Prompts read by", TEXTS],
  ["hears", "Sounds heard", HEARS],
  ["loss", "Loss of labels", LOSSES],
  ["agreeing", "Several raters become", AGREEING],
];

export class Settings {
  /** kept: what was written before; onchange: called whenever something is. */
  constructor(kept, onchange) {
    this.presets = {};
    this.fields = {};
    this.preset = this.choice(Object.entries(PRESETS), kept.preset ?? "ours");
    const rows = [
      ...CHOICES.map(([name, title, words]) => this.row(name, title, this.choice([["", "as the preset"], ...Object.entries(words)], kept[name] ?? ""))),
      ...NUMBERS.map(([name, title, hint]) => this.row(name, title, element("input", { type: "text", inputmode: "decimal", class: "bs-reward-field", maxlength: 40, value: kept[name] ?? "", title: hint }))),
    ];
    this.said = element("p", { class: "bs-reward-said" });
    this.node = element(
      "details",
      { class: "bs-reward-settings" },
      element("summary", {}, "How it is trained"),
      element("label", { class: "bs-reward-row" }, element("span", {}, "Preset"), this.preset),
      element("div", { class: "bs-reward-rows" }, ...rows),
    );
    this.node.addEventListener("input", () => {
      this.say();
      onchange();
    });
    const { node } = this;
    this.node = element("div", { class: "bs-reward-how" }, node, this.said);
  }

  choice(options, value) {
    return element("select", { class: "bs-reward-field" }, ...options.map(([name, title]) => element("option", { value: name, selected: name === value }, title)));
  }

  row(name, title, field) {
    this.fields[name] = field;
    return element("label", { class: "bs-reward-row" }, element("span", {}, title), field);
  }

  /** presets: {name: settings}, as the studio has them. */
  take(presets) {
    this.presets = presets;
    this.say();
  }

  /** settings: of a reward model; what is its preset's own stays empty. */
  fill(settings) {
    this.preset.value = settings.preset;
    const own = this.presets[settings.preset] ?? {};
    for (const [name, field] of Object.entries(this.fields)) {
      const isOwn = JSON.stringify(own[name]) === JSON.stringify(settings[name]);
      field.value = isOwn || settings[name] === null || settings[name] === undefined ? "" : [settings[name]].flat().join(", ");
    }
    this.say();
  }

  /** The preset in words, and in the empty fields. */
  say() {
    const name = this.preset.value;
    const own = this.presets[name] ?? {};
    for (const [field, node] of Object.entries(this.fields)) {
      if (node.tagName === "INPUT") node.placeholder = own[field] === undefined ? "" : own[field] === null ? "drawn" : String(own[field]);
      else node.options[0].textContent = own[field] ? `as the preset: ${node.querySelector(`option[value="${own[field]}"]`)?.textContent ?? own[field]}` : field === "text" ? "as the preset: by the number of labels" : "as the preset";
    }
    const told = { ...own, ...this.values };
    const text = TEXTS[told.text] ? `, prompts read by ${TEXTS[told.text]}` : "";
    const facts = told.epochs ? `: ${told.epochs} epochs of batches of ${told.batch_size} at the rate ${told.learning_rate}, ${told.loss?.toUpperCase()}${text}` : "";
    const isChanged = Object.keys(this.values).some((field) => !["preset", "seed"].includes(field));
    this.said.textContent = `${ABOUT[name]}${isChanged ? ", but for what you changed" : ""}${facts}.`;
  }

  /** What stands in the fields, as texts. */
  get written() {
    return { preset: this.preset.value, ...Object.fromEntries(Object.entries(this.fields).filter(([, field]) => field.value.trim()).map(([name, field]) => [name, field.value.trim()])) };
  }

  /** What is sent: numbers as numbers; what is none goes as it is, and the studio says what is wrong with it. */
  get values() {
    const number = (text) => (Number.isFinite(Number(text)) ? Number(text) : text);
    const numbers = NUMBERS.map(([name]) => name);
    return Object.fromEntries(Object.entries(this.written).map(([name, text]) => {
      if (name === "hidden") return [name, text.split(/[\s,;]+/).filter(Boolean).map(number)];
      return [name, numbers.includes(name) ? number(text) : text];
    }));
  }
}
