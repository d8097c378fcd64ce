/** The figures of a reward model as tables, CLAP alone beside each; what each figure means stands with it. */

import { element } from "./element.js";
import { stacked, table } from "./results_tables.js";
import { plain } from "./words.js";

// name, title, meaning, factor, unit, digits
const ROWS = [
  ["auc", "Aligned before not aligned", "of two such sounds, how often the aligned one gets more (AUC); a guess: 50 %", 100, " %", 0],
  ["order_within_prompts", "The same, within one prompt", "of two such sounds of one prompt; a guess: 50 %", 100, " %", 0],
  ["pairs", "Votes foretold", "how often the chosen sound gets more; a guess: 50 %", 100, " %", 0],
  ["accuracy", "On the right side of one half", "a reward of 0.5 or more taken for aligned", 100, " %", 0],
  ["accuracy_of_the_commoner_label", "By always saying the commoner label", "what the line above has to beat", 100, " %", 0],
  ["calibration_error", "Calibration error", "how far rewards lie from the shares that they foretell; 0 is none", 1, "", 3],
  ["brier", "Brier score", "squared distance of reward and label; a coin: 0.25", 1, "", 3],
];
const TASKS = { integrity: "Integrity: is everything there", temporal: "Order: is everything there, in order" };
const isThere = (found) => found && found.value !== null && found.value !== undefined;

/** A difference, of which the sign says which is better: "+12 [+3, +20]". */
function signed(found, digits, factor) {
  if (!isThere(found)) return "–";
  const told = (value) => `${value > 0 ? "+" : ""}${plain(factor * value, digits)}`;
  const interval = isThere({ value: found.low }) ? element("span", {}, `[${told(found.low)}, ${told(found.high)}]`) : null;
  return element("span", { class: "bs-res-value" }, element("b", {}, told(found.value)), interval);
}

/** A table over all, and one for each task where there are several. */
export function figuresTables({ figures }) {
  const tasks = Object.entries(figures.by_task ?? {});
  return [
    figuresTable("How well it tells", figures),
    ...tasks.flatMap(([task, found]) => [element("h4", {}, TASKS[task] ?? task), figuresTable(TASKS[task] ?? task, found)]),
  ];
}

function figuresTable(caption, { reward = {}, clap = {}, difference = {} }) {
  const head = [
    ["", "bs-res-name"],
    ["This model [95 %]", "bs-res-number"],
    ["CLAP alone", "bs-res-number"],
    ["Difference", "bs-res-number bs-res-wide", "this model less CLAP, over the same prompts"],
    ["n", "bs-res-number bs-res-wide"],
  ];
  const rows = ROWS.filter(([name]) => isThere(reward?.[name])).map(([name, title, meaning, factor, unit, digits]) => {
    const value = (found) => (isThere(found) ? stacked(found, digits, factor, unit) : "–");
    const label = element("span", { class: "bs-reward-measure" }, title, element("small", {}, meaning));
    return [label, value(reward[name]), value(clap?.[name]), signed(difference?.[name], digits, factor), String(reward[name].count)];
  });
  return table(caption, head, rows);
}
