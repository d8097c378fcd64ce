/** Which of two is better: five buttons, and, for those who like, aspects and a reason. */

import { element } from "./element.js";

const OUTCOMES = [
  ["a", "1", "A better"],
  ["tie", "3", "Tie"],
  ["b", "2", "B better"],
  ["both_bad", "4", "Both bad"],
  ["skip", "0", "Skip"],
];
const ASIDE = [["a", "A"], ["tie", "Tie"], ["b", "B"]]; // answers to an aspect

export const worded = Object.fromEntries(OUTCOMES.map(([name, , word]) => [name, word]));

export class PairSheet {
  /** campaign: its view; hands: onanswer(outcome) when it is decided, onchange() when something was noted. */
  constructor(campaign, rack, hands) {
    [this.campaign, this.hands] = [campaign, hands];
    this.ready = "Both are heard: which is better?";
    this.keys = []; // they stand on the buttons
    this.aspects = {};
    this.choices = OUTCOMES.map(([name, key, word]) =>
      element("button", { type: "button", class: `bs-vote-choice bs-vote-${name}`, "data-outcome": name, onclick: () => hands.onanswer(name) }, element("span", {}, word), element("kbd", { "aria-hidden": "true" }, key)),
    );
    this.bar = element("div", { class: "bs-vote-choices", role: "group", "aria-label": "Your verdict" }, ...this.choices);
    this.reason = element("input", { type: "text", class: "bs-vote-reason", maxlength: 500, placeholder: "What decided it, in a few words", "aria-label": "Reason (optional)", oninput: () => hands.onchange() });
    this.node = element("details", { class: "bs-vote-more" }, element("summary", {}, campaign.aspects.length ? "Aspects and reason (optional)" : "Reason (optional)"), ...campaign.aspects.map((name) => this.aspect(name)), this.reason);
  }

  aspect(name) {
    const { title = name, question = "" } = this.campaign.rules.aspects[name] ?? {};
    const buttons = ASIDE.map(([value, word]) =>
      element("button", { type: "button", class: "bs-vote-small", "data-aspect": name, "data-value": value, "aria-pressed": "false", onclick: () => this.note(name, value) }, word),
    );
    return element("div", { class: "bs-vote-aspect", role: "group", "aria-label": title }, element("strong", {}, title), element("span", {}, question), element("div", { class: "bs-vote-switch" }, ...buttons));
  }

  note(name, value) {
    if (this.aspects[name] === value) delete this.aspects[name];
    else this.aspects[name] = value;
    this.mark();
    this.hands.onchange();
  }

  mark() {
    for (const button of this.node.querySelectorAll("[data-aspect]")) {
      button.setAttribute("aria-pressed", String(this.aspects[button.dataset.aspect] === button.dataset.value));
    }
  }

  /** Fill in what a draft or a vote holds. */
  take(answer) {
    this.aspects = { ...(answer?.aspects ?? {}) };
    this.reason.value = answer?.reason ?? "";
    this.node.open = Boolean(this.reason.value || Object.keys(this.aspects).length);
    this.mark();
  }

  /** Whether it may be answered, and why not; a skip always may. */
  wait(why) {
    for (const button of this.choices) {
      const waits = Boolean(why) && button.dataset.outcome !== "skip";
      button.setAttribute("aria-disabled", String(waits));
      button.title = waits ? why : "";
    }
  }

  lock(isLocked) {
    for (const control of this.node.querySelectorAll("button, input")) control.disabled = isLocked;
  }

  get lacking() {
    return "";
  }

  answer() {
    return { aspects: this.aspects, reason: this.reason.value.trim() || null, scores: [] };
  }

  told(vote) {
    return worded[vote.outcome];
  }

  pressed(key) {
    const found = OUTCOMES.find(([, known]) => known === key);
    if (found) this.hands.onanswer(found[0]);
    return Boolean(found);
  }
}
