/** What a run learns from: a bar of who said so, and the same in sentences. */

import { element } from "./element.js";
import { crpoSentences, dataSentences, whole } from "./finetune_words.js";

/** data: as the studio counts it; recipe: baton, supervised or crpo. */
export function dataSummary(data, recipe) {
  if (recipe === "crpo") return crpoSummary(data);
  const own = recipe === "supervised" ? "of your folder" : data.simulated ? "labelled, simulated" : "labelled by people";
  const parts = [["human", own, data.human], ["reward", "scored by the reward", data.reward], ["pretrain", "the base's own data", data.pretrain]].filter(([, , count]) => count);
  const bar = element("div", { class: "bs-fine-bar", "aria-hidden": "true" }, ...parts.map(([kind, , count]) => element("i", { class: `is-${kind}`, style: `flex-grow:${count}` })));
  const legend = element("ul", { class: "bs-fine-legend" }, ...parts.map(([kind, word, count]) => element("li", { class: `is-${kind}` }, `${whole(count)} ${word}`)));
  const badge = data.simulated ? element("span", { class: "bs-badge bs-res-simulated" }, "simulated listeners, not people") : null;
  return element("div", { class: "bs-fine-data" }, badge, parts.length ? bar : null, legend, ...dataSentences(data, recipe).map((text) => element("p", {}, text)));
}

/** Of CRPO: what each step sees, by whose preference. */
function crpoSummary(data) {
  const ranked = data.candidates ? 1 - data.share : 0;
  const judges = data.simulated ? "simulated listeners" : "people";
  const parts = [["human", `pairs of ${data.given && !(data.votes + data.labels) ? "the set" : judges}`, data.share], ["reward", "ranked candidates", ranked]].filter(([, , share]) => share);
  const bar = element("div", { class: "bs-fine-bar", "aria-hidden": "true" }, ...parts.map(([kind, , share]) => element("i", { class: `is-${kind}`, style: `flex-grow:${share}` })));
  const legend = element("ul", { class: "bs-fine-legend" }, ...parts.map(([kind, word, share]) => element("li", { class: `is-${kind}` }, `${Math.round(100 * share)} % ${word}`)));
  const badge = data.simulated ? element("span", { class: "bs-badge bs-res-simulated" }, "simulated listeners, not people") : null;
  return element("div", { class: "bs-fine-data" }, badge, parts.length > 1 ? bar : null, parts.length > 1 ? legend : null, ...crpoSentences(data).map((text) => element("p", {}, text)));
}
