/** What a reward model learns from: one's own campaigns, and how it is trained; what cannot teach says why. */

import { ask, attempt } from "./ask.js";
import { element } from "./element.js";
import { Settings } from "./reward_settings.js";
import { turnToThen } from "./tabs.js";
import { taskWord } from "./vote_words.js";
import { plural } from "./words.js";

const KEPT = "baton-reward-form"; // what was ticked and written, until the window is closed
const MIXED = "Simulated listeners' judgements and people's are never mixed: tick one kind.";

export class RewardForm extends HTMLElement {
  connectedCallback() {
    if (this.list) return;
    this.kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
    this.list = element("ul", { class: "bs-reward-sources" });
    this.sum = element("p", { class: "bs-status", role: "status" });
    this.settings = new Settings(this.kept.settings ?? {}, () => this.keep());
    this.name = element("input", { type: "text", class: "bs-reward-field", maxlength: 120, placeholder: "named after its campaigns", value: this.kept.title ?? "", oninput: () => this.keep() });
    this.wrong = element("p", { class: "bs-wrong", role: "alert" });
    this.button = element("button", { type: "button", id: "reward-button", class: "bs-reward-train", disabled: true, onclick: () => this.train() }, "Train");
    const sources = element("fieldset", {}, element("legend", {}, "What it learns from"), this.list, this.sum);
    const title = element("label", { class: "bs-reward-row" }, element("span", {}, "Title"), this.name);
    this.append(sources, title, this.settings.node, this.wrong, this.button);
    document.addEventListener("click", (event) => event.target.closest?.('[role="tab"]')?.textContent.trim() === "Reward" && this.load());
    window.addEventListener("baton-reward-anew", ({ detail }) => this.reuse(detail));
    this.load();
  }

  /** The form that could have asked for this reward model. */
  reuse({ campaigns, settings, seed }) {
    this.settings.fill({ ...settings, seed });
    this.kept.campaigns = campaigns;
    this.keep();
    this.load();
  }

  async load() {
    const found = await attempt(() => ask("reward/sources"));
    if (!found) return;
    this.sources = found.sources;
    this.settings.take(found.presets ?? {});
    if (!found.sources.length) {
      this.list.replaceChildren(element("li", { class: "bs-empty" }, element("strong", {}, "Nothing has been judged yet."), element("span", {}, "A reward model learns from your own campaigns: BATON labels, or votes on pairs. There, choose a kind “BATON labels”."), this.way("Make a BATON campaign in Vote", null)));
      return this.tell();
    }
    const ticked = this.kept.campaigns ?? found.sources.filter((one) => !one.why_not).slice(0, 1).map((one) => one.id);
    this.list.replaceChildren(...found.sources.map((one) => this.row(one, ticked.includes(one.id))));
    return this.tell();
  }

  row(source, isTicked) {
    const { id, title, why_not: why, simulated } = source;
    const box = element("input", { type: "checkbox", value: id, disabled: Boolean(why), checked: isTicked && !why, onchange: () => this.ticked() });
    const words = element(
      "span",
      { class: "bs-reward-source" },
      element("span", { class: "bs-run-title" }, title),
      element("span", { class: "bs-run-facts" }, factsOf(source)),
      simulated ? element("span", { class: "bs-badge bs-res-simulated" }, "simulated listeners") : null,
    );
    const row = element("li", { "data-id": id, class: why ? "is-blocked" : "" }, element("label", {}, box, words));
    if (why) row.append(element("p", { class: "bs-reward-why" }, why), this.way("Open it in Vote", id));
    return row;
  }

  /** The way to what mends it: the campaign, or the form for a new one. */
  way(word, campaign) {
    return element("button", { type: "button", class: "bs-act", onclick: () => {
      if (campaign) turnToThen("Vote", "baton-vote > header", () => window.dispatchEvent(new CustomEvent("baton-campaign", { detail: { campaign } })));
      else turnToThen("Vote", "#campaign-form > button", (fold) => fold.classList.contains("open") || fold.click());
    } }, word);
  }

  get chosen() {
    return (this.sources ?? []).filter(({ id }) => this.list.querySelector(`input[value="${CSS.escape(id)}"]`)?.checked);
  }

  ticked() {
    this.wrong.textContent = "";
    this.kept.campaigns = this.chosen.map(({ id }) => id);
    this.keep();
    this.tell();
  }

  /** What is ticked in all, or why it cannot be trained on. */
  tell() {
    const { chosen } = this;
    const add = (name) => chosen.reduce((sum, one) => sum + one[name], 0);
    const isMixed = new Set(chosen.map((one) => Boolean(one.simulated))).size > 1;
    const parts = [add("labels") ? plural(add("labels"), "label") : null, add("pairs") ? plural(add("pairs"), "pair") : null].filter(Boolean);
    const some = (this.sources ?? []).some((one) => !one.why_not);
    this.sum.textContent = isMixed ? MIXED : chosen.length ? `Together ${parts.join(" and ")}.` : some ? "Tick a campaign." : "";
    this.sum.classList.toggle("is-wrong", isMixed);
    this.button.disabled = isMixed || !chosen.length;
  }

  keep() {
    this.kept = { ...this.kept, title: this.name.value, settings: this.settings.written };
    sessionStorage.setItem(KEPT, JSON.stringify(this.kept));
  }

  async train() {
    this.wrong.textContent = "";
    this.button.disabled = true;
    const title = this.name.value.trim();
    try {
      const wish = { campaigns: this.chosen.map(({ id }) => id), settings: this.settings.values, ...(title ? { title } : {}) };
      const { id } = await ask("reward", "POST", wish);
      this.name.value = "";
      this.keep();
      window.dispatchEvent(new CustomEvent("baton-reward", { detail: { id } }));
    } catch (error) {
      this.wrong.textContent = error.message;
    }
    this.tell();
  }
}

function factsOf(source) {
  const { task, rubric, labels, aligned, not_aligned: not, uncertain, pairs, prompts } = source;
  const kinds = labels ? [`${aligned} aligned`, `${not} not`, uncertain ? `${uncertain} uncertain` : null].filter(Boolean).join(", ") : null;
  return [taskWord(rubric ?? task), labels ? `${plural(labels, "label")}: ${kinds}` : null, pairs ? plural(pairs, "pair") : null, plural(prompts, "prompt")].filter(Boolean).join(" · ");
}
