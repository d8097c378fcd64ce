/** Results as tables: the board, every pair, scores, opinions, labels. Text only ever as text. */

import { element } from "./element.js";
import { plain } from "./words.js";

const DASH = "–";

/** "12.3 [4.5, 20.1]"; a dash where there is no value, no brackets where there is no interval. */
export function figure(found, digits = 2, factor = 1, unit = "") {
  if (!found || found.value === null || found.value === undefined) return DASH;
  const value = `${plain(factor * found.value, digits)}${unit}`;
  if (found.low === null || found.low === undefined) return value;
  return `${value} [${plain(factor * found.low, digits)}, ${plain(factor * found.high, digits)}]`;
}

/** A value over its interval, so that a narrow column holds it. */
export function stacked(found, digits, factor, unit) {
  const [value, interval] = figure(found, digits, factor, unit).split(/ (?=\[)/);
  return element("span", { class: "bs-res-value" }, element("b", {}, value), interval ? element("span", {}, interval) : null);
}

/** head: [title, class] each; rows: cells, nodes or texts; the first of a row names it. */
export function table(caption, head, rows) {
  const cell = (kind, content, name) => element(kind, { class: name, scope: kind === "th" ? "row" : null }, content);
  return element(
    "div",
    { class: "bs-table bs-res-table", tabindex: "0", role: "region", "aria-label": caption },
    element(
      "table",
      {},
      element("caption", { class: "bs-unseen" }, caption),
      element("thead", {}, element("tr", {}, ...head.map(([title, name, hint]) => element("th", { scope: "col", class: name, title: hint }, title)))),
      element("tbody", {}, ...rows.map((cells) => element("tr", {}, ...cells.map((content, at) => cell(at === 0 ? "th" : "td", content, head[at][1]))))),
    ),
  );
}

/** The board: rank, system, points with interval; what it stands on. */
export function boardTable(view) {
  const { board, titles, beside } = view;
  const before = new Map((beside ?? []).map((row) => [row.system, row.points_with]));
  const groups = new Set(board.systems.filter((row) => row.points !== null).map((row) => row.group)).size;
  const head = [
    ["System", "bs-res-name"],
    ["Rank", "bs-res-number", "1 + the number of systems that are above beyond doubt"],
    ["Points [95 %]", "bs-res-number", "400 points more are odds of 10 to 1; the mean is 1000"],
    ...(before.size ? [["With all", "bs-res-number", "points if nobody were left out"]] : []),
    ["Battles", "bs-res-number bs-res-wide"],
    ["Both bad", "bs-res-number bs-res-wide", "kept apart: they say nothing of which is better"],
    ["Elo", "bs-res-number bs-res-wide", "mean over vote orders, ± how much the order alone moves it"],
  ];
  const rows = board.systems.map((row) => [
    `${titles[row.system] ?? row.system}${row.bounded ? "" : " *"}${groups > 1 && row.points !== null ? ` (group ${row.group + 1})` : ""}`,
    row.rank === null ? DASH : String(row.rank),
    stacked({ value: row.points, low: row.low, high: row.high }, 0),
    ...(before.size ? [figure({ value: before.get(row.system), low: null }, 0)] : []),
    plain(row.battles, 0),
    plain(row.both_bad, 0),
    row.elo === null ? DASH : `${plain(row.elo, 0)} ± ${plain(row.elo_spread, 0)}`,
  ]);
  return table("The board", head, rows);
}

/** Every pair: by how much, whether told apart, and how many votes are missing. */
export function pairsTable({ board, titles }) {
  const name = (system) => titles[system] ?? system;
  const head = [["Pair", "bs-res-name"], ["Points [95 %]", "bs-res-number"], ["Told apart", ""]];
  const rows = board.gaps.map((gap) => {
    const told = gap.apart === null ? "no interval" : gap.apart ? "yes" : gap.votes_needed === null || gap.votes_needed > 20 * Math.max(board.votes, 50) ? "no; very close" : `no; about ${Number(gap.votes_needed.toPrecision(2))} more votes`;
    return [`${name(gap.first)} over ${name(gap.second)}`, stacked({ value: gap.points, low: gap.low, high: gap.high }, 0), told];
  });
  return table("Every pair of systems", head, rows);
}

/** TangoFlux's table of one scale. */
export function scoreTable(found, titles) {
  const head = [
    ["System", "bs-res-name"],
    ["z [95 %]", "bs-res-number", "mean of each person's z-scores"],
    ["Mean", "bs-res-number bs-res-wide"],
    ["Rank", "bs-res-number", "mean rank among the systems of a set"],
    ["Mode", "bs-res-number bs-res-wide", "the rank given most often"],
    ["Elo", "bs-res-number bs-res-wide", "of every two scores of a set; mean over orders ± its spread"],
  ];
  const rows = found.systems.map((row) => [titles[row.system] ?? row.system, stacked(row.z, 3), figure(row.mean, 1), stacked(row.rank, 2), row.modes.join(", "), `${plain(row.elo, 0)} ± ${plain(row.elo_spread, 0)}`]);
  return table(`Scores of ${found.scale}`, head, rows);
}

/** Mean opinions, with the interval that BATON's Table 4 states beside the usual one. */
export function opinionTable(found, titles) {
  const head = [["System", "bs-res-name"], ["Mean [95 %]", "bs-res-number"], ["± at 96 %", "bs-res-number", "as BATON's Table 4 gives it"], ["Scores", "bs-res-number bs-res-wide"]];
  const rows = found.systems.map((row) => [
    titles[row.system] ?? row.system,
    stacked(row.mean, 2),
    row.paper.low === null ? DASH : plain((row.paper.high - row.paper.low) / 2, 2),
    String(row.mean.count),
  ]);
  return table(`Opinions of ${found.scale}`, head, rows);
}

/** Shares of labels: over all, each system, each group of prompts. */
export function labelTable(found, titles) {
  const head = [["", "bs-res-name"], ["Aligned", "bs-res-number"], ["Not aligned", "bs-res-number"], ["Uncertain", "bs-res-number bs-res-wide"], ["Labels", "bs-res-number bs-res-wide"]];
  const shares = (row) => ["aligned", "not_aligned", "uncertain"].map((part) => stacked(row[part], 0, 100, " %"));
  const line = (name, row) => [name, ...shares(row), String(row.labels)];
  const rows = [
    line("All", found.whole),
    ...found.systems.map((row) => line(titles[row.system] ?? row.system, row)),
    ...found.groups.map((row) => line(`Prompts: ${row.group}`, row)),
  ];
  return table(`Labels of ${found.scale}`, head, rows);
}

/** What sways votes, and points as heard and controlled. */
export function controlledTables({ result }, titles) {
  const pulls = table("What sways votes", [["With all else equal", "bs-res-name"], ["Points [95 %]", "bs-res-number"]], result.pulls.map((pull) => [`${pull.name}: ${pull.unit}`, stacked(pull, 1)]));
  const points = (one) => stacked({ value: one.points, low: one.low, high: one.high }, 0);
  const boards = table("As heard and controlled", [["System", "bs-res-name"], ["As heard", "bs-res-number"], ["Controlled", "bs-res-number"]], result.systems.map((row) => [titles[row.system] ?? row.system, points(row.heard), points(row.controlled)]));
  return [pulls, boards];
}
