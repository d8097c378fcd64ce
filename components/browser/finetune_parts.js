/** Parts of the form of Finetune: titled fields, groups of them, choices with a line on each. */

import { element } from "./element.js";
import { whole } from "./finetune_words.js";
import { turnTo } from "./tabs.js";
import { plural } from "./words.js";

/** A word that turns to another tab. */
export const wayTo = (tab, word) => element("a", { href: `?tab=${tab.toLowerCase()}`, onclick: (event) => (event.preventDefault(), turnTo(tab)) }, word);

/** A titled part of the form, whose control has the title as its own name. */
export const part = (title, ...children) => element("div", { class: "bs-fine-part" }, element("span", { class: "bs-fine-name", "aria-hidden": "true" }, title), ...children);

/** A part with several controls, whose title names the group for those who do not see it. */
export function group(title, ...children) {
  const node = part(title, ...children);
  node.setAttribute("role", "group");
  node.setAttribute("aria-label", title);
  return node;
}

/** A tick or a mark with a title and a line about it. */
export function choice(type, group, value, title, about, isChosen, onchange) {
  const input = element("input", { type, name: group, value, checked: isChosen, onchange });
  return element("label", { class: "bs-fine-choice" }, input, element("span", {}, element("span", { class: "bs-fine-choice-top" }, element("b", {}, title)), element("small", {}, about)));
}

/** A campaign as something to learn from; one that cannot be is there with its reason. */
export function campaignChoice(group, one, isChosen, onchange) {
  const row = choice("checkbox", group, one.id, one.title, one.why_not ?? factsOf(one), isChosen && !one.why_not, onchange);
  row.querySelector("input").disabled = Boolean(one.why_not);
  if (one.simulated) row.querySelector("b").after(element("span", { class: "bs-badge bs-res-simulated" }, "simulated"));
  return row;
}

/** The ids that are ticked within. */
export const ticked = (node) => [...node.querySelectorAll("input:checked")].map((input) => input.value);

/** A number field with its name for those who do not see its title. */
export const field = (title, limits) => element("input", { type: "number", class: "bs-fine-input", "aria-label": title, inputmode: "decimal", ...limits });

/** Reward models to choose from: value and word of each. */
export const rewardOptions = (rewards) => rewards.map((one) => [one.id, `${one.title}${one.auc?.value ? ` · AUC ${one.auc.value.toFixed(2)}` : ""}${one.simulated ? " · simulated" : ""}`]);

function factsOf(one) {
  const facts = [];
  if (one.labels) facts.push(`${plural(one.labels, "label")}: ${whole(one.aligned ?? 0)} aligned, ${whole(one.not_aligned ?? 0)} not${one.uncertain ? `, ${whole(one.uncertain)} uncertain` : ""}`);
  if (one.pairs) facts.push(plural(one.pairs, "pair"));
  if (one.candidates) facts.push(plural(one.candidates, "sound"));
  if (one.prompts) facts.push(plural(one.prompts, "prompt"));
  return facts.join(" · ");
}
