/** What a run learns from: a bar of who said so, and the same in sentences. */

import { element } from "./element.js";
import { dataSentences, whole } from "./finetune_words.js";

/** data: as the studio counts it; recipe: baton or supervised. */
export function dataSummary(data, recipe) {
  const own = recipe === "supervised" ? "of your folder" : data.simulated ? "labelled, simulated" : "labelled by people";
  const parts = [["human", own, data.human], ["reward", "scored by the reward", data.reward], ["pretrain", "the base's own data", data.pretrain]].filter(([, , count]) => count);
  const bar = element("div", { class: "bs-fine-bar", "aria-hidden": "true" }, ...parts.map(([kind, , count]) => element("i", { class: `is-${kind}`, style: `flex-grow:${count}` })));
  const legend = element("ul", { class: "bs-fine-legend" }, ...parts.map(([kind, word, count]) => element("li", { class: `is-${kind}` }, `${whole(count)} ${word}`)));
  const badge = data.simulated ? element("span", { class: "bs-badge bs-res-simulated" }, "simulated listeners, not people") : null;
  return element("div", { class: "bs-fine-data" }, badge, parts.length ? bar : null, legend, ...dataSentences(data, recipe).map((text) => element("p", {}, text)));
}
