/** One run: what to do with its model, what it learned from, its curves, its sounds, its whole record. */

import { address, ask, attempt } from "./ask.js";
import { element, say } from "./element.js";
import { dataSummary } from "./finetune_data.js";
import { Iterations } from "./finetune_iterations.js";
import { Samples } from "./finetune_samples.js";
import { size, span } from "./finetune_words.js";
import { Figure } from "./results_figures.js";

const SELDOM = 4000; // ms between two drawings of a curve that grows
// Of a run in iterations: name, title, what it tells.
const CRPO = [
  ["rewards", "Rewards of winners and losers", "by iteration, of all pairs that were ranked; the dotted line is the mean of all candidates"],
  ["terms", "Winning and losing loss", "how far what it predicts is from the better and the worse sounds, less what it was at the start of the iteration under the same noise; below 0 it has come nearer (TangoFlux, Figure 4)"],
  ["margin", "Margin and implicit accuracy", "how much nearer the better sounds have come than the worse ones, and for how many pairs"],
  ["spread", "Rewards of all candidates", "those that the base made, and those of the newest iteration"],
];

export class FinetuneView {
  /** hands: onchange() when the run goes on or is called otherwise, onremove() when it is gone. */
  constructor(id, hands) {
    [this.id, this.hands] = [id, hands];
    this.dev = new Figure("Held-out prompts", "how near the samples are to their words, from the base on; the dotted lines are the base (BATON, Figure 8)");
    this.loss = new Figure("Loss", "how far what it predicts is from the sounds that it learns from: sounds that people or a reward judged count by that (BATON, Eq. 7)");
    this.crpo = CRPO.map(([name, title, about]) => [name, new Figure(title, about)]);
    this.figures = [this.dev, this.loss, ...this.crpo.map(([, figure]) => figure)];
    this.iterations = new Iterations({ path: this.path, link: linkTo, onchange: () => hands.onchange() });
    for (const { node } of this.figures) node.hidden = true;
    this.done = element("section", { class: "bs-res-first bs-fine-done", "aria-label": "What was made", hidden: true });
    this.data = element("section", { "aria-label": "What it learns from" }, element("h3", {}, "What it learns from"), element("div", {}));
    this.samples = new Samples();
    this.record = element("details", { class: "bs-res-owner" }, element("summary", {}, "The whole record"), element("div", { class: "bs-res-fold" }));
    this.waiting = element("div", { class: "bs-fine-waiting", "aria-hidden": "true" }, element("div", { class: "bs-shimmer" }));
    this.node = element("div", { class: "bs-res bs-fine-view" }, this.done, this.waiting, this.iterations.node, this.samples.node, element("div", { class: "bs-res-grid" }, ...this.crpo.map(([, { node }]) => node), this.dev.node, this.loss.node), this.data, this.record);
    for (const one of [this.data, this.record]) one.hidden = true;
  }

  path = (part) => `finetune/${encodeURIComponent(this.id)}/${part}`;

  show(run) {
    this.samples.show(run.samples ?? []);
    const steps = run.losses?.step ?? [];
    const isCrpo = run.recipe === "crpo";
    this.want(this.loss, "loss", steps.length > 0 && !isCrpo, `${steps.at(-1)}`, run.is_over);
    if (isCrpo) this.showIterations(run);
    const scored = (run.dev ?? []).filter((one) => typeof one.clap === "number" || typeof one.reward === "number");
    this.want(this.dev, "dev", scored.length > 0, `${scored.length}`, run.is_over);
    this.waiting.hidden = run.is_over || steps.length > 0 || Boolean(run.samples?.length);
    this.data.hidden = (isCrpo ? run.data?.candidates : run.data?.human) === undefined; // it is counted first
    if (!this.data.hidden) same(this.data.lastChild, [dataSummary({ simulated: run.simulated, ...run.data }, run.recipe)]);
    this.record.hidden = false;
    same(this.record.lastChild, recordOf(run, this.path));
    if (run.is_mine !== false) this.showRemoval(run);
    this.showDone(run);
  }

  showIterations(run) {
    this.iterations.show(run);
    const found = run.iterations ?? [];
    const ranked = JSON.stringify(found.map((one) => one.rewards));
    const hasRewards = found.some((one) => typeof one.rewards.winners === "number");
    const steps = run.losses?.step ?? [];
    const told = { rewards: [hasRewards, ranked], spread: [found.some((one) => one.spread), ranked] };
    for (const name of ["terms", "margin"]) told[name] = [steps.length > 0 && (name === "terms" || Boolean(run.losses.margin?.some((one) => one !== null))), `${steps.at(-1)}`];
    for (const [name, figure] of this.crpo) this.want(figure, name, ...told[name], run.is_over);
  }

  /** A curve is drawn anew when there is more of it, and not more often than one can look. */
  want(figure, name, isThere, version, isOver) {
    figure.node.hidden = !isThere;
    if (!isThere || figure.told === version) return;
    const passed = performance.now() - (figure.asked ?? -SELDOM);
    if (passed < SELDOM && !isOver) return;
    [figure.asked, figure.told] = [performance.now(), version];
    figure.want(this.path(`figures/${name}`), version);
  }

  showDone(run) {
    this.done.hidden = run.status !== "done";
    const key = JSON.stringify([run.status, run.model]);
    if (this.done.hidden || this.made === key) return;
    this.made = key;
    if (!run.model) {
      this.done.replaceChildren(element("div", { class: "bs-res-verdict" }, element("p", {}, "Its model was removed; what was learned is still here.")), this.naming(run.title, "Keep it again"));
      return;
    }
    const { name, title, hash, size_bytes: bytes } = run.model;
    const go = (word, about, kind) => element("a", { class: kind, href: linkTo(about) }, word);
    const first = run.dev?.[0], last = run.dev?.at(-1);
    const isBetter = first && last && first.step === 0 && last.step > 0 && typeof last.clap === "number" && typeof first.clap === "number";
    const heard = isBetter ? `On held-out prompts its samples stand at CLAP ${last.clap.toFixed(2)}, the base's at ${first.clap.toFixed(2)}; Compare tells how sure that is.` : "Compare tells whether it is better, and how sure that is.";
    const seconds = Object.values(run.took ?? {}).reduce((sum, one) => sum + one, 0);
    this.done.replaceChildren(
      element("div", { class: "bs-res-verdict has-board" }, element("p", {}, `“${title}” is made and kept: it can be chosen in Generate and Compare.`), element("p", {}, heard), ...(seconds ? [element("p", {}, `It took ${span(seconds)}.`)] : [])),
      element("div", { class: "bs-fine-next" }, go("Compare with the base", { tab: "compare", a: run.base, b: name }, "bs-fine-go"), go("Try it in Generate", { tab: "generate", model: name }, "bs-fine-go is-second"), element("a", { class: "bs-act", href: address(this.path("adapter.zip")), download: "" }, bytes ? `Download (${size(bytes)})` : "Download"), element("a", { class: "bs-act", href: address(this.path("record.json")), download: "" }, "Record")),
      this.naming(title, "Rename"),
      element("p", { class: "bs-status" }, `Its name is ${name}${hash ? `, its hash ${hash}` : ""}.`),
    );
  }

  /** A field for the model's title, and what it does. */
  naming(title, word) {
    const field = element("input", { type: "text", class: "bs-fine-input", maxlength: 80, value: title, "aria-label": "Title of the model" });
    return element("form", { class: "bs-fine-inputs", onsubmit: (event) => (event.preventDefault(), this.rename(field.value.trim())) }, field, element("button", { type: "submit", class: "bs-act" }, word));
  }

  async rename(title) {
    if (!title) return;
    if (!(await attempt(() => ask(this.path("keep"), "POST", { title })))) return;
    say(`It is kept as “${title}”.`);
    this.hands.onchange();
  }

  /** Twice asked: what is gone does not come back. */
  showRemoval(run) {
    this.removal ??= element("div", { class: "bs-fine-removal" });
    if (!this.removal.isConnected) this.node.append(this.removal);
    this.removal.hidden = !run.is_over;
    if (this.removal.firstChild) return;
    const question = element("span", {}, "Remove the run, its samples and its model? Sounds that it made elsewhere stay.");
    const yes = element("button", { type: "button", class: "bs-stop", onclick: () => this.remove() }, "Remove for good");
    const no = element("button", { type: "button", class: "bs-act", onclick: () => (this.removal.replaceChildren(first), first.focus()) }, "Keep it");
    const first = element("button", { type: "button", class: "bs-act", onclick: () => (this.removal.replaceChildren(question, yes, no), no.focus()) }, "Remove this run");
    this.removal.append(first);
  }

  async remove() {
    if (!(await attempt(() => ask(this.path("remove"), "POST", {})))) return;
    say("The run is removed.");
    this.hands.onremove();
  }

  close() {
    for (const one of [...this.figures, this.samples]) one.close();
  }
}

/** An address of this page, as if one had just come. */
function linkTo(asked) {
  const theme = new URLSearchParams(location.search).get("__theme");
  return `?${new URLSearchParams({ ...(theme ? { __theme: theme } : {}), ...asked })}`;
}

/** Replace children only where what they say is another; nothing flickers, focus stays. */
function same(node, children) {
  const fresh = document.createElement(node.tagName);
  fresh.append(...children);
  if (fresh.innerHTML !== node.innerHTML) node.replaceChildren(...fresh.childNodes);
}

/** A value as it is read. */
function told(value) {
  if (value === null || value === undefined) return "–";
  if (Array.isArray(value)) return value.map(told).join(", ");
  if (typeof value === "object") return Object.entries(value).map(([name, one]) => `${name} ${told(one)}`).join(", ");
  return String(value);
}

function recordOf(run, path) {
  const row = (name, value) => element("div", {}, element("dt", {}, name), element("dd", {}, value));
  const list = (values) => Object.entries(values ?? {}).map(([name, value]) => row(name.replaceAll("_", " "), told(value)));
  const part = (title, rows) => (rows.length ? [element("h4", {}, title), element("dl", { class: "bs-facts bs-res-method" }, ...rows)] : []);
  const took = Object.entries(run.took ?? {}).map(([phase, seconds]) => row(phase, span(seconds)));
  const last = Object.entries(run.losses ?? {}).filter(([, values]) => Array.isArray(values) && values.length).map(([name, values]) => row(name.replaceAll("_", " "), lastOf(values)));
  return [
    ...part("Settings", [row("recipe", run.recipe), row("base", run.base), row("seed", told(run.seed)), ...list(withoutSeed(run.settings))]),
    ...part("Took", took),
    ...part("Last step", last),
    ...part("Made with", list(run.versions)),
    ...(run.checkpoints?.length ? [element("p", { class: "bs-status" }, `Checkpoints of steps ${run.checkpoints.join(", ")}.`)] : []),
    ...(run.log?.length ? [element("pre", { class: "bs-fine-log", tabindex: "0", role: "region", "aria-label": "Last lines of its log" }, run.log.join("\n"))] : []),
    ...(run.status === "done" ? [element("a", { class: "bs-act", href: address(path("record.json")), download: "" }, "Record as JSON")] : []),
  ];
}

function lastOf(values) {
  const value = values.at(-1);
  return typeof value === "number" ? String(Number(value.toPrecision(4))) : told(value);
}

/** The settings to list: the seed stands above; of steps and epochs the one that counts. */
const withoutSeed = (settings) => Object.fromEntries(Object.entries(settings ?? {}).filter(([name]) => name !== "seed" && !(name === "steps" && settings.steps === null) && !(name === "epochs" && settings.steps)));
