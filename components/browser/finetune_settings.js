/** How a run is trained: settings folded away, each with its line of what it does; empty is the preset's own. */

import { element } from "./element.js";

// Each: its name in a request, its title, what it does, and what the field allows.
const FIELDS = [
  ["learning_rate", "Learning rate", "How far each step goes. Too far shows as a loss that climbs and sounds that fall apart.", { min: 0, step: "any" }],
  ["beta", "β, weight of the base's own data", "Keeps what the base can do already; 0 leaves that data out.", { min: 0, step: "any" }],
  ["batch", "Batch", "Sounds in each step: labelled, scored, or of your folder.", { min: 1, step: 1 }],
  ["pretrain", "Own data in a step", "Sounds of the base's own training beside them.", { min: 0, step: 1 }],
  ["human_share", "Share of labels", "Of each batch, what was labelled; the rest was scored by the reward.", { min: 0, max: 1, step: "any" }],
  ["sample_every", "Listen every", "Steps between two moments to hear; each costs some seconds.", { min: 1, step: 1 }],
  ["seed", "Seed", "Equal seeds, data and settings give equal models.", { min: 0, step: 1 }],
];
const DRAWN = { sample_every: "by length", seed: "drawn" }; // what an empty field without a preset's value means
const PRESETS = { embedded: "For the embedded model", paper: "As in the paper" };
const UNITS = ["epochs", "steps"];

export class Settings {
  /** onchange: called when a person changed something. */
  constructor(onchange) {
    this.preset = element("select", { "aria-label": "Settings", onchange });
    this.inputs = Object.fromEntries(FIELDS.map(([name, title, , limits]) => [name, field(title, limits)]));
    this.length = field("Length", { min: 0, step: "any" });
    this.unit = element("select", { "aria-label": "Unit of the length" }, ...UNITS.map((unit) => element("option", { value: unit }, unit)));
    this.rank = field("Rank of the adapter", { min: 1, max: 256, step: 1 });
    this.isWhole = element("input", { type: "checkbox" });
    this.hints = new Map();
    const rows = FIELDS.map(([name, title, about]) => this.row(name, title, about, this.inputs[name]));
    rows[FIELDS.findIndex(([name]) => name === "human_share")].dataset.only = "baton";
    const length = this.row("length", "Length", "An epoch is one pass through the sounds. Longer learns more, and strays farther.", this.length, this.unit);
    const rank = this.row("rank", "Rank of the adapter", "A larger one can change more. All weights: slower, and the file is the whole model.", this.rank, element("label", { class: "bs-fine-tick" }, this.isWhole, "all weights"));
    this.node = element(
      "details",
      { class: "bs-fine-fold" },
      element("summary", {}, "How it is trained"),
      element("div", { class: "bs-fine-fields" },
        element("label", { class: "bs-fine-field" }, element("span", { class: "bs-fine-name" }, "Settings"), this.preset, element("small", {}, "What is left empty below is as these have it.")),
        length, ...rows.slice(0, 4), rank, ...rows.slice(4),
      ),
    );
    for (const name of ["input", "change"]) this.node.addEventListener(name, () => (this.say(), onchange()));
  }

  row(name, title, about, ...inputs) {
    const hint = element("small", {}, about);
    this.hints.set(name, [hint, about]);
    return element("div", { class: "bs-fine-field", "data-setting": name }, element("span", { class: "bs-fine-name", "aria-hidden": "true" }, title), element("div", { class: "bs-fine-inputs" }, ...inputs), hint);
  }

  /** The presets of a base, its own first; what a person wrote stays.
   *
   * hasOwnData: whether there is anything that β could weigh; recipe: plain fine-tuning has β 0.
   */
  take(base, recipe, hasOwnData) {
    if (this.base?.name !== base.name) {
      this.base = base;
      const known = [base.plan, base.paper].filter(Boolean);
      const names = [...new Set(known.map((one) => one.preset))];
      this.preset.replaceChildren(...names.map((name) => element("option", { value: name }, PRESETS[name] ?? name)));
      this.unit.value = base.plan.steps ? "steps" : "epochs";
      for (const [name, [hint, about]] of this.hints) hint.textContent = [about, this.papers(name)].filter(Boolean).join(" ");
    }
    [this.recipe, this.hasOwnData] = [recipe, hasOwnData];
    for (const node of this.node.querySelectorAll("[data-only]")) node.hidden = node.dataset.only !== recipe;
    for (const name of ["beta", "pretrain"]) this.inputs[name].disabled = !hasOwnData;
    this.say();
  }

  /** The chosen preset's values. */
  get own() {
    return [this.base.plan, this.base.paper].find((one) => one?.preset === this.preset.value) ?? this.base.plan;
  }

  /** The paper's value, out of the studio's own plan. */
  papers(name) {
    const { paper } = this.base;
    if (!paper || name in DRAWN) return "";
    if (name === "length") return `Paper: ${paper.steps ? `${paper.steps} steps` : `${paper.epochs} epochs`}.`;
    return `Paper: ${name === "rank" && paper.rank === null ? "all weights" : paper[name]}.`;
  }

  /** The preset's values, where nothing is written. */
  say() {
    const { own } = this;
    for (const [name, input] of Object.entries(this.inputs)) input.placeholder = input.disabled ? "0" : String(own[name] ?? DRAWN[name] ?? "");
    if (this.recipe !== "baton") this.inputs.beta.placeholder = "0";
    const isBySounds = this.recipe === "supervised" && this.unit.value === "steps" && own.steps;
    this.length.placeholder = isBySounds ? "by their number" : String(own[this.unit.value] ?? "");
    this.rank.placeholder = own.rank === null ? "all weights" : String(own.rank);
    this.rank.disabled = this.isWhole.checked;
  }

  /** Write a length in steps, and how often to listen. */
  fit({ steps, sample_every: every }) {
    this.unit.value = "steps";
    this.length.value = steps;
    this.inputs.sample_every.value = every;
    this.node.open = true; // what changed is seen
    this.say();
  }

  /** What is written, with the preset, as a request has it. */
  get values() {
    const told = { preset: this.preset.value };
    if (this.length.value !== "") told[this.unit.value] = Number(this.length.value);
    if (this.isWhole.checked) told.rank = null;
    else if (this.rank.value !== "") told.rank = Number(this.rank.value);
    for (const [name, input] of Object.entries(this.inputs)) if (!input.disabled && input.value !== "") told[name] = Number(input.value);
    if (!this.hasOwnData) told.beta = 0;
    return told;
  }
}

const field = (title, limits) => element("input", { type: "number", class: "bs-fine-input", "aria-label": title, inputmode: "decimal", ...limits });
