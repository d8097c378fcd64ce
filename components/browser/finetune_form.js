/** What a run is to learn from and how: counted, and its time told, before it begins. */

import { ask, attempt } from "./ask.js";
import { element } from "./element.js";
import { Crpo } from "./finetune_crpo.js";
import { dataSummary } from "./finetune_data.js";
import { fitNode } from "./finetune_fit.js";
import { Folder } from "./finetune_folder.js";
import { campaignChoice, choice, group, part, rewardOptions, ticked, wayTo } from "./finetune_parts.js";
import { Settings } from "./finetune_settings.js";
import { span, whole } from "./finetune_words.js";
import { plural } from "./words.js";

const SOON = 400; // ms from a change until the studio is asked what it comes to
const LONG = 2500; // ms after which the answer is one that takes a measurement
const RECIPES = [
  ["baton", "BATON", "From labels: sounds that people called aligned count, by a reward model also those that nobody labelled."],
  ["supervised", "My own sounds", "Plain fine-tuning on a folder of sounds with their words, each counting in full."],
  ["crpo", "CRPO", "From itself: it makes several sounds of each prompt, a reward ranks them, and it learns to prefer its best to its worst, again and again."],
];
const CLAP = "clap";

export class FinetuneForm extends HTMLElement {
  connectedCallback() {
    if (this.parts) return;
    this.build();
    this.asked = new URLSearchParams(location.search).get("reward");
    document.addEventListener("click", (event) => event.target.closest?.('[role="tab"]')?.textContent.trim() === "Finetune" && this.load());
    window.addEventListener("baton-finetune-folders", () => this.load());
    const first = new IntersectionObserver(([entry]) => {
      if (!entry.isIntersecting) return;
      first.disconnect(); // nothing is asked for before a person opens the tab
      if (!this.sources) this.load();
    });
    first.observe(this);
  }

  build() {
    const changed = () => this.changed();
    this.recipe = "baton";
    this.folder = new Folder("Folder of sounds", changed);
    this.own = new Folder("Sounds like those that the base was trained on", changed);
    this.settings = new Settings(changed);
    this.crpo = new Crpo(changed);
    const p = (this.parts = {
      recipes: element("div", { class: "bs-fine-recipes" }, ...RECIPES.map(([name, title, about]) => choice("radio", "bs-fine-recipe", name, title, about, name === "baton", () => this.turn(name)))),
      base: element("select", { "aria-label": "Base", onchange: changed }),
      baseSaid: element("small", {}),
      labels: element("div", { class: "bs-fine-choices" }),
      reward: element("select", { "aria-label": "Reward", onchange: () => this.turnReward() }),
      rewardSaid: element("small", {}),
      further: element("input", { type: "number", min: 0, step: 1, class: "bs-fine-input", inputmode: "numeric", "aria-label": "Further sounds", placeholder: "as many", oninput: changed }),
      title: element("input", { type: "text", maxlength: 80, class: "bs-fine-input", "aria-label": "Title", placeholder: "What it will be called" }),
      estimate: element("section", { class: "bs-fine-estimate", "aria-label": "What it comes to" }),
      time: element("p", { class: "bs-fine-time", role: "status" }),
      fit: element("div", { class: "bs-fine-fits" }), // beside the time, which is always in view
      button: element("button", { type: "submit", id: "finetune-button", class: "bs-fine-start" }, "Finetune"),
      wrong: element("p", { class: "bs-fine-wrong", role: "alert" }),
    });
    this.further = part("Further sounds", p.further, element("small", {}, "Made by the base for other prompts, and scored by the reward; left empty: as many as are labelled."));
    this.byRecipe = {
      baton: [group("Labels", p.labels), part("Reward", p.reward, p.rewardSaid), this.further],
      supervised: [group("Sounds", this.folder.node)],
      crpo: this.crpo.nodes,
    };
    this.ownPart = group("Its own data", this.own.node, element("small", {}, "What this base was trained on is not here. Sounds like it keep what the base can do; without them β is 0."));
    this.node = element(
      "form",
      { class: "bs-fine-form", onsubmit: (event) => (event.preventDefault(), this.start()) },
      element("h2", { class: "bs-vote-h2" }, "Finetune a model"),
      group("Recipe", p.recipes),
      part("Base", p.base, p.baseSaid),
      ...Object.values(this.byRecipe).flat(),
      this.ownPart,
      this.settings.node,
      part("Title", p.title),
      p.estimate,
      element("div", { class: "bs-fine-foot" }, p.wrong, p.time, p.fit, p.button),
    );
    this.append(this.node);
    this.turn("baton", true);
  }

  /** What there is to learn from, fresh; what was chosen stays chosen. */
  async load() {
    const found = await attempt(() => ask("finetune/sources"));
    if (!found) return;
    const isFirst = !this.sources;
    this.sources = found;
    const p = this.parts;
    this.fillBases(found.bases);
    this.fillLabels(found.campaigns);
    this.fillRewards(found.rewards);
    this.crpo.take(found);
    const most = found.limits?.folder_mb ?? null;
    this.folder.take(found.folders, most);
    this.own.take(found.folders, most);
    if (isFirst && !found.campaigns.some((one) => !one.why_not) && found.folders.length) this.turn("supervised");
    window.dispatchEvent(new CustomEvent("baton-finetune-sources", { detail: found }));
    p.button.disabled = false;
    this.changed();
  }

  fillBases(bases) {
    const { base } = this.parts;
    const chosen = base.value;
    base.replaceChildren(...bases.map((one) => element("option", { value: one.name, disabled: !one.can_train, selected: one.name === chosen }, one.title)));
    if (!base.value) base.value = bases.find((one) => one.can_train)?.name ?? "";
    const reasons = new Map(); // models by why they cannot be trained
    for (const { can_train: can, title, why_not: why } of bases) if (!can && why) reasons.set(why, [...(reasons.get(why) ?? []), title]);
    this.parts.baseSaid.textContent = [...reasons].map(([why, titles]) => `${titles.join(", ")}: ${why}`).join(" ");
  }

  fillLabels(campaigns) {
    const chosen = new Set(this.campaigns);
    const usable = campaigns.filter((one) => !one.why_not);
    if (!this.hasLabels && usable.length) chosen.add(usable[0].id); // the newest, until a person chose
    this.hasLabels ||= usable.length > 0;
    const rows = campaigns.map((one) => campaignChoice("bs-fine-labels", one, chosen.has(one.id), () => this.changed()));
    const none = element("p", { class: "bs-fine-none" }, campaigns.length ? "None of them can be learned from yet. " : "Nobody has labelled anything yet. ", wayTo("Vote", "Label some sounds in Vote"), ", about 60 of them; CRPO needs none.");
    this.parts.labels.replaceChildren(...rows, ...(usable.length ? [] : [none]));
  }

  fillRewards(rewards) {
    const { reward } = this.parts;
    const own = rewards.filter((one) => one.id !== CLAP);
    const options = [...rewardOptions(own), [CLAP, "CLAP similarity"], ["", "None: labels alone"]];
    const isKnown = (value) => options.some(([id]) => id === value);
    const kept = reward.options.length ? reward.value : null;
    const wanted = [this.asked, kept, own[0]?.id, ""].find((value) => typeof value === "string" && isKnown(value));
    if (isKnown(this.asked)) this.asked = null;
    reward.replaceChildren(...options.map(([value, word]) => element("option", { value, selected: value === wanted }, word)));
    this.turnReward(true);
  }

  turnReward(isQuiet = false) {
    const { reward, rewardSaid } = this.parts;
    const hints = { "": "Only what was labelled counts.", [CLAP]: "How near sound and words are by CLAP, unlearned; a trained reward knows more." };
    rewardSaid.replaceChildren(hints[reward.value] ?? "Scores what nobody labelled; where there is a label, the label counts.");
    if (!this.sources?.rewards.some((one) => one.id !== CLAP)) rewardSaid.append(" ", wayTo("Reward", "Train one in Reward"), " from your labels.");
    this.further.hidden = this.recipe !== "baton" || reward.value === "";
    if (!isQuiet) this.changed();
  }

  turn(recipe, isQuiet = false) {
    this.recipe = recipe;
    for (const [name, parts] of Object.entries(this.byRecipe)) for (const one of parts) one.hidden = name !== recipe;
    for (const input of this.parts.recipes.querySelectorAll("input")) input.checked = input.value === recipe;
    this.turnReward(true);
    if (!isQuiet) this.changed();
  }

  get campaigns() {
    return ticked(this.parts.labels);
  }

  get isMixed() {
    const chosen = this.sources.campaigns.filter((one) => this.campaigns.includes(one.id));
    return new Set(chosen.map((one) => Boolean(one.simulated))).size > 1;
  }

  get request() {
    const isBaton = this.recipe === "baton";
    const { base, reward, further, title } = this.parts;
    const named = { recipe: this.recipe, base: base.value, title: title.value.trim() || undefined };
    if (this.recipe === "crpo") return { ...named, ...this.crpo.request };
    return {
      ...named,
      campaigns: isBaton ? this.campaigns : [],
      reward: (isBaton && reward.value) || null,
      unlabelled: isBaton && reward.value && further.value !== "" ? Number(further.value) : undefined,
      folder: isBaton ? null : this.folder.value,
      pretrain_folder: this.ownPart.hidden ? undefined : this.own.value,
      settings: this.settings.values,
    };
  }

  /** Why nothing can be begun or counted yet, or null. */
  get lack() {
    if (!this.parts.base.value) return "No model here can be trained.";
    if (this.recipe === "crpo") return this.crpo.lack;
    if (this.recipe === "baton" && !this.campaigns.length) return "Choose labels to learn from.";
    if (this.recipe === "baton" && this.isMixed) return "Simulated listeners' judgements and people's are never mixed: choose one kind.";
    if (this.recipe === "supervised" && !this.folder.value) return "Upload a zip of sounds to learn from.";
    return null;
  }

  /** Something was chosen: the settings follow the base, and the studio counts anew. */
  changed() {
    if (!this.sources) return;
    const base = this.sources.bases.find((one) => one.name === this.parts.base.value);
    const hasOwn = Boolean(this.sources.pretraining?.[this.parts.base.value]);
    const isCrpo = this.recipe === "crpo";
    this.ownPart.hidden = hasOwn || !base || isCrpo;
    this.settings.node.hidden = isCrpo;
    if (base) this.crpo.follow(base);
    if (base && isCrpo) this.crpo.turn();
    else if (base) this.settings.take(base, this.recipe, hasOwn || Boolean(this.own.value));
    this.parts.wrong.textContent = "";
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.count(), SOON);
  }

  async count() {
    const { estimate, time, fit } = this.parts;
    if (this.lack) return (time.replaceChildren(this.lack), fit.replaceChildren(), estimate.replaceChildren());
    if (this.isCounting) return (this.isStale = true); // one question at a time: the first is long
    [this.isCounting, this.isStale] = [true, false];
    if (!time.textContent) time.replaceChildren("Counting …");
    const long = setTimeout(() => time.replaceChildren("Measuring how fast this machine is, once …"), LONG);
    estimate.setAttribute("aria-busy", "true");
    let [said, told, fits] = [[], [], []];
    try {
      const found = await ask("finetune/estimate", "POST", this.request);
      said = [element("strong", {}, `About ${span(found.seconds)}`), ` for ${found.candidates ? `${plural(whole(found.candidates), "candidate")} and ` : ""}${plural(found.steps, "step")}.`];
      told = estimateNodes(found, this.recipe);
      fits = [fitNode(found, (sitting) => this.fit(sitting))].filter(Boolean);
    } catch (error) {
      said = [element("span", { class: "bs-fine-wrong" }, error.message)];
    }
    clearTimeout(long);
    this.isCounting = false;
    if (this.isStale) return this.count();
    estimate.removeAttribute("aria-busy");
    time.replaceChildren(...said);
    fit.replaceChildren(...fits);
    return estimate.replaceChildren(...told);
  }

  fit(sitting) {
    this.settings.fit(sitting);
    this.changed();
  }

  async start() {
    const { button, wrong, title, time } = this.parts;
    wrong.textContent = this.lack ?? "";
    if (this.lack || button.disabled) return;
    button.disabled = true;
    try {
      const { id } = await ask("finetune", "POST", this.request);
      title.value = "";
      window.dispatchEvent(new CustomEvent("baton-finetune", { detail: { run: id } }));
    } catch (error) {
      wrong.textContent = error.message;
      if (time.textContent === error.message) time.replaceChildren(); // once is enough
    }
    button.disabled = false;
  }
}

/** What it learns from, where the time goes, what to know. */
function estimateNodes(found, recipe) {
  const parts = (found.parts ?? []).filter((one) => one.seconds >= 1).map((one) => `${one.what} ${span(one.seconds)}`);
  const memory = found.memory_mb ? ` Up to ${found.memory_mb < 1000 ? `${whole(found.memory_mb)} MB` : `${(found.memory_mb / 1000).toFixed(1)} GB`} of memory.` : "";
  return [
    dataSummary(found.data, recipe),
    element("p", { class: "bs-status" }, `${parts.length ? `Time: ${parts.join(", ")}. Measured on this machine; other work on it makes it longer.` : ""}${memory}`),
    element("ul", { class: "bs-notices" }, ...(found.notices ?? []).map((text) => element("li", {}, text))),
  ];
}
