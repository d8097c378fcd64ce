/** What CRPO is asked: prompts, a reward, how many candidates and iterations, pairs of people beside them. */

import { element } from "./element.js";
import { Folder } from "./finetune_folder.js";
import { campaignChoice, field, group, part, rewardOptions, ticked, wayTo } from "./finetune_parts.js";
import { whole } from "./finetune_words.js";

const CLAP = "clap";
const LINES = "lines"; // what the choice of prompts says of one's own
// Each: its name in a request, its title, what it does, and what the field allows.
const FIRST = [
  ["iterations", "Iterations", "Each from the model that the one before made; any of them can be kept.", { min: 1, max: 50, step: 1 }],
  ["prompts", "Prompts each", "Drawn for an iteration from those above.", { min: 1, step: 1 }],
  ["candidates", "Candidates (N)", "Sounds of each prompt; the best and the worst of them make a pair.", { min: 2, max: 64, step: 1 }],
  ["beta", "β", "How near it stays to the model that it started from; larger is nearer.", { min: 0, step: "any" }],
];
const FOLDED = [
  ["learning_rate", "Learning rate", "How far each step goes. Too far shows as both losses climbing.", { min: 0, step: "any" }],
  ["pairs", "Pairs in a step", "More are steadier, and slower.", { min: 1, max: 256, step: 1 }],
  ["rank", "Rank of the adapter", "Of one iteration; those of all add up, to 256 at most.", { min: 1, max: 256, step: 1 }],
  ["margin", "Least gap", "Pairs whose rewards differ by less are left out.", { min: 0, max: 1, step: "any" }],
  ["guidance", "Guidance of candidates", "Guided sounds teach the guidance, which is then applied twice; at 1 it is off.", { min: 0, max: 20, step: "any" }],
  ["seed", "Seed", "Equal seeds, prompts and settings give equal models.", { min: 0, step: 1 }],
];
const LOSSES = [["crpo", "CRPO: preference, and the winner's own loss (Eq. 3)"], ["dpo", "Preference alone (Eq. 2)"], ["group", "Group-relative, over all candidates (A.11)"]];
const PRESETS = { embedded: "For the embedded model", paper: "As in the paper" };
const UNITS = ["steps", "epochs"];

export class Crpo {
  /** onchange: called when a person changed something. */
  constructor(onchange) {
    this.onchange = onchange;
    this.source = element("select", { "aria-label": "Prompts", onchange: () => (this.turn(), onchange()) });
    this.lines = element("textarea", { class: "bs-fine-input bs-fine-lines", rows: 5, "aria-label": "Prompts, one per line", placeholder: "a dog barks followed by rain falling", oninput: onchange });
    this.sourceSaid = element("small", {});
    this.reward = element("select", { "aria-label": "Reward of candidates", onchange: () => (this.turn(), onchange()) });
    this.rewardSaid = element("small", {});
    this.weight = field("Weight of the reward model", { min: 0, max: 1, step: "any", placeholder: "1", oninput: onchange });
    this.weightPart = part("Weight of the reward model", this.weight, element("small", {}, "From 0 to 1; the rest is CLAP's."));
    this.labels = element("div", { class: "bs-fine-choices" });
    this.set = new Folder("Set of pairs", onchange, "pairs");
    this.share = field("Share of these pairs", { min: 0, max: 1, step: "any", placeholder: "0.5", oninput: onchange });
    this.sharePart = part("Share of these pairs", this.share, element("small", {}, "Of each step; at 1 no candidates are made, and it learns from these pairs alone."));
    this.inputs = {};
    const rows = (list) => list.map(([name, title, about, limits]) => this.row(title, about, (this.inputs[name] = field(title, { ...limits, oninput: onchange }))));
    const pairs = element("details", { class: "bs-fine-fold" }, element("summary", {}, "Pairs mixed in: labels, votes, sets"), element("div", { class: "bs-fine-fields" },
      group("Labels and votes", this.labels), group("Set of pairs", this.set.node), this.sharePart));
    this.nodes = [
      group("Prompts", this.source, this.lines, this.sourceSaid),
      part("Reward", this.reward, this.rewardSaid),
      this.weightPart,
      element("div", { class: "bs-fine-fields bs-fine-twos" }, ...rows(FIRST)),
      pairs,
      this.fold(rows(FOLDED)),
    ];
  }

  fold(rows) {
    const { onchange } = this;
    this.preset = element("select", { "aria-label": "Settings of CRPO", onchange: () => (this.say(), onchange()) });
    this.loss = element("select", { "aria-label": "Loss", onchange }, ...LOSSES.map(([value, word]) => element("option", { value }, word)));
    this.length = field("Length of an iteration", { min: 0, step: "any", oninput: onchange });
    this.unit = element("select", { "aria-label": "Unit of the length of an iteration", onchange: () => (this.say(), onchange()) }, ...UNITS.map((unit) => element("option", { value: unit }, unit)));
    this.isOffline = element("input", { type: "checkbox", onchange });
    const offline = element("label", { class: "bs-fine-tick" }, this.isOffline, "candidates of the first iteration only");
    return element("details", { class: "bs-fine-fold" }, element("summary", {}, "How it is optimised"), element("div", { class: "bs-fine-fields" },
      this.row("Settings", "What is left empty is as these have it.", this.preset),
      this.row("Length of an iteration", "An epoch is one pass through its pairs.", this.length, this.unit),
      this.row("Loss", "Without the winner's own loss both losses rise (Figure 4).", this.loss),
      ...rows,
      this.row("Offline", "Learning on from sounds that the model no longer makes; the paper finds it worse (Figure 2).", offline)));
  }

  row(title, about, ...inputs) {
    return element("div", { class: "bs-fine-field" }, element("span", { class: "bs-fine-name", "aria-hidden": "true" }, title), element("div", { class: "bs-fine-inputs" }, ...inputs), element("small", {}, about));
  }

  /** What there is to choose from; what was chosen stays chosen. */
  take(sources) {
    const rewards = sources.rewards.filter((one) => one.id !== CLAP);
    this.rewards = rewards;
    fill(this.reward, [...rewardOptions(rewards), [CLAP, "CLAP similarity"]]);
    const chosen = new Set(ticked(this.labels));
    const rows = sources.campaigns.map((one) => campaignChoice("bs-crpo-labels", one, chosen.has(one.id), () => (this.turn(), this.onchange())));
    this.labels.replaceChildren(...rows, ...(rows.length ? [] : [element("p", { class: "bs-fine-none" }, "Nobody has judged anything yet. ", wayTo("Vote", "Vote"), " is where that is done.")]));
    this.set.take(sources.pair_sets ?? [], sources.limits?.folder_mb ?? null);
    this.sets = sources.prompt_sets ?? [];
    this.campaigns = sources.campaigns;
    this.turn();
  }

  /** The settings follow the base; a base of our own world can draw prompts from it. */
  follow(base) {
    if (!base.crpo || this.base?.name === base.name) return;
    this.base = base;
    const presets = [...new Set([base.crpo.plan, base.crpo.paper].map((one) => one.preset))];
    fill(this.preset, presets.map((name) => [name, PRESETS[name] ?? name]));
    const world = presets[0] === "embedded" ? [["", "Its own world, where it fails"]] : [];
    fill(this.source, [...world, [LINES, "My own, one per line"], ...this.sets.map((one) => [one.name, `${one.title} (${whole(one.count)})`])]);
    this.unit.value = this.own.steps ? "steps" : "epochs";
    this.turn();
  }

  get own() {
    return [this.base.crpo.plan, this.base.crpo.paper].find((one) => one.preset === this.preset.value) ?? this.base.crpo.plan;
  }

  /** What the rest of the form says of what is chosen. */
  turn() {
    this.lines.hidden = this.source.value !== LINES;
    const known = this.rewards?.some((one) => one.id === this.reward.value);
    this.weightPart.hidden = !known;
    this.rewardSaid.replaceChildren(known ? "Ranks the candidates of every prompt." : "How near sound and words are by CLAP. What it cannot hear, such as order, it cannot teach.");
    if (!this.rewards?.length) this.rewardSaid.append(" ", wayTo("Reward", "Train one in Reward"), " that can.");
    this.sourceSaid.textContent = { "": "Captions of the kinds that the base gets wrong most: two sounds of which one is easily lost, three sounds in order. Others in every iteration; Compare measures by none of them.", [LINES]: "Each is sampled N times; the held-out prompts to listen to are others." }[this.source.value] ?? "A model that learned from a set cannot be measured by it.";
    this.sharePart.hidden = !this.hasGiven;
    if (this.base) this.say();
  }

  say() {
    const { own } = this;
    for (const [name, input] of Object.entries(this.inputs)) input.placeholder = name === "seed" ? "drawn" : String(own[name] ?? (name === "rank" ? "all weights" : name === "guidance" ? "the model's own" : ""));
    this.length.placeholder = String(own[this.unit.value] ?? "");
  }

  get hasGiven() {
    return ticked(this.labels).length > 0 || this.set.value !== null;
  }

  get isMixed() {
    const chosen = this.campaigns.filter((one) => ticked(this.labels).includes(one.id));
    return new Set(chosen.map((one) => Boolean(one.simulated))).size > 1;
  }

  /** Why nothing can be begun or counted yet, or null. */
  get lack() {
    if (this.source.value === LINES && !this.lines.value.trim()) return "Write prompts, one per line.";
    if (this.isMixed) return "Simulated listeners' judgements and people's are never mixed: choose one kind.";
    return null;
  }

  get request() {
    const { value } = this.source;
    return {
      prompts: value === LINES ? this.lines.value : undefined,
      prompt_set: value && value !== LINES ? value : undefined,
      reward: this.reward.value,
      campaigns: ticked(this.labels),
      folder: this.set.value,
      settings: this.values,
    };
  }

  get values() {
    const told = { preset: this.preset.value, loss: this.loss.value, online: !this.isOffline.checked };
    for (const [name, input] of Object.entries(this.inputs)) if (input.value !== "") told[name] = Number(input.value);
    if (this.length.value !== "") told[this.unit.value] = Number(this.length.value);
    if (!this.weightPart.hidden && this.weight.value !== "") told.reward_weight = Number(this.weight.value);
    if (this.hasGiven && this.share.value !== "") told.given_share = Number(this.share.value);
    return told;
  }
}

/** Options of a choice; what was chosen stays chosen where it is still there. */
function fill(select, options) {
  const kept = select.options.length ? select.value : null;
  const wanted = options.some(([value]) => value === kept) ? kept : options[0]?.[0];
  select.replaceChildren(...options.map(([value, word]) => element("option", { value, selected: value === wanted }, word)));
}
