/** One reward model: curves while it learns; then the verdict, tables, figures, and what to listen to. */

import { element } from "./element.js";
import { Figure } from "./results_figures.js";
import { figuresTables } from "./reward_tables.js";
import { Sides } from "./reward_sides.js";
import { Disagreements } from "./reward_sounds.js";
import { plural, seconds } from "./words.js";

const WITHIN = "Within one prompt: the same among sounds of one and the same prompt. A model that only knows which prompts are hard stands at 50 % there, whatever it comes to over all; choosing the best of several sounds, and fine-tuning, need it to be more.";
const GUESS = 0.5; // what a coin comes to
const FOLDS = "Measured by folds: each prompt was judged by a model that had not met it; the model that is kept learned from all of them.";

export class RewardView {
  constructor(id) {
    this.id = id;
    this.curves = new Figure("Losses by epoch", "on what it learns from, and on prompts held out");
    this.histogram = new Figure("Rewards by what was said", "of held-out sounds; the two heaps apart is what one wants (BATON, Figure 4)");
    this.calibration = new Figure("Calibration", "on the diagonal a reward of 0.8 means that 80 % are aligned");
    this.figures = [this.histogram, this.calibration, this.curves];
    this.verdict = element("section", { class: "bs-res-first", "aria-label": "In short", hidden: true });
    this.tables = element("section", { class: "bs-res-tables", "aria-label": "How well it tells", hidden: true });
    this.grid = element("div", { class: "bs-res-grid bs-reward-grid" }, ...this.figures.map((one) => one.node));
    this.sounds = new Disagreements();
    this.sides = new Sides(id);
    this.method = element("details", { class: "bs-res-owner", hidden: true });
    this.waiting = element("div", { class: "bs-reward-waiting", "aria-hidden": "true" }, element("div", { class: "bs-shimmer" }));
    this.node = element("div", { class: "bs-res bs-reward-view" }, this.verdict, this.waiting, this.tables, this.grid, this.sounds.node, this.sides.node, this.method);
    for (const { node } of this.figures) node.hidden = true;
  }

  path = (part) => `reward/${this.id}/${part}`;

  show(model) {
    const isDone = model.status === "done";
    const epochs = model.history?.length ?? 0;
    this.waiting.hidden = model.is_over || epochs > 0;
    this.curves.node.hidden = !epochs;
    if (epochs) this.curves.want(this.path("figures/curves"), `${epochs} ${model.status}`);
    this.want(this.histogram, "histogram", isDone && model.histogram);
    this.want(this.calibration, "calibration", isDone && model.calibration?.length);
    if (model.is_over && this.shown !== model.status) this.finish(model);
    this.shown = model.is_over ? model.status : null;
  }

  want(figure, name, isThere) {
    figure.node.hidden = !isThere;
    if (isThere) figure.want(this.path(`figures/${name}`), "done");
  }

  /** All that is there once the training is over. */
  finish(model) {
    const isDone = model.status === "done" && model.figures;
    this.method.hidden = !isDone;
    this.verdict.hidden = this.tables.hidden = !isDone;
    this.sounds.show(isDone ? (model.disagreements ?? []) : [], model.simulated);
    this.sides.show(isDone);
    if (!isDone) {
      if (!model.history?.length) this.grid.replaceChildren(element("div", { class: "bs-empty" }, element("strong", {}, "Nothing was learned."), element("span", {}, "Change what it learns from, or how, and press Train again.")));
      return;
    }
    const simulated = model.simulated ? element("span", { class: "bs-badge bs-res-simulated" }, "simulated listeners, not people") : null;
    const told = model.figures.reward?.auc ?? model.figures.reward?.pairs;
    const go = element("a", { class: told?.low > GUESS ? "bs-reward-go" : "bs-act", href: `?tab=finetune&reward=${encodeURIComponent(this.id)}` }, "Fine-tune with it");
    this.verdict.replaceChildren(
      element("div", { class: "bs-res-verdict has-board" }, ...[simulated].filter(Boolean), ...(model.verdict ?? []).map((text) => element("p", {}, text))),
      element("div", { class: "bs-reward-next" }, go),
    );
    const how = model.measured_on?.includes("folds") ? FOLDS : `Measured on ${model.measured_on}.`;
    this.tables.replaceChildren(element("h3", {}, "How well it tells"), ...figuresTables(model), element("p", { class: "bs-status" }, `${how} 95 % intervals over prompts; n counts sounds, or votes.`), element("p", { class: "bs-reward-within" }, WITHIN));
    this.method.replaceChildren(element("summary", {}, "Method and counts"), element("dl", { class: "bs-facts bs-res-method" }, ...methodOf(model).map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value)))));
  }

  close() {
    for (const one of [...this.figures, this.sounds, this.sides]) one.close();
  }
}

/** A value as it is read: lists with commas, nothing as a dash. */
function told(value) {
  if (value === null || value === undefined) return "–";
  if (Array.isArray(value)) return value.join(", ");
  if (typeof value === "object") return Object.entries(value).map(([name, one]) => `${name} ${told(one)}`).join(", ");
  return String(value);
}

function methodOf({ data, settings, seed, versions, kept, took, measured_on: on }) {
  const splits = data.splits ? Object.entries(data.splits).map(([name, count]) => `${name} ${count}`).join(", ") : "–";
  return [
    ["Measured on", told(on)],
    ["Learned from", [data.labels ? plural(data.labels, "label") : null, data.pairs ? plural(data.pairs, "pair") : null, plural(data.prompts, "prompt"), data.groups ? plural(data.groups, "label group") : null].filter(Boolean).join(", ")],
    ["Split by label group", splits],
    ...Object.entries(data.left_out ?? {}).map(([reason, count]) => [`Left out: ${reason}`, String(count)]),
    ["Epoch kept", told(kept)],
    ["Seed", told(seed)],
    ...Object.entries(settings ?? {}).filter(([name]) => name !== "seed").map(([name, value]) => [name.replaceAll("_", " "), told(value)]),
    ...Object.entries(versions ?? {}).map(([name, value]) => [name, told(value)]),
    ...Object.entries(took ?? {}).map(([phase, passed]) => [`Took: ${phase}`, seconds(passed)]),
  ];
}
