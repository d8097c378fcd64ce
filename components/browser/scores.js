/** What the judges say of a pair, as a table: who said it, A, B, and the difference. */

import { element } from "./element.js";
import { ALIKE, plain } from "./words.js";

const signed = (value, digits) => (Number(value.toFixed(digits)) === 0 ? `±${(0).toFixed(digits)}` : `${value > 0 ? "+" : ""}${plain(value, digits)}`);

/** Rows of [measure, who says so, A, B, difference, its sign (1: better in B)]. */
function rowsOf(pair, judges) {
  const [a, b] = [pair.a.scores, pair.b.scores];
  const { difference } = pair;
  const verdict = (scores, name, yes, no) => {
    const said = scores?.[name];
    return said === null || said === undefined ? "–" : said ? yes : name === "integrity" && scores.missing?.length ? `misses ${scores.missing.join(", ")}` : no;
  };
  const change = (value) => (value === null || value === undefined ? ["–", 0] : [["B worse", "same", "B better"][value + 1], value]);
  const clap = (scores) => (scores?.clap === null || scores?.clap === undefined ? "–" : plain(scores.clap, 3));
  const apart = difference?.clap;
  const ahead = Math.abs(apart ?? 0) < ALIKE ? 0 : Math.sign(apart);
  const loud = (side) => (side.lufs === null || side.lufs === undefined ? "–" : `${plain(side.lufs, 1)} LUFS`);
  const both = pair.a.lufs !== null && pair.b.lufs !== null;
  return [
    ["CLAP score", `how near sound and words are, to 1; by ${judges.clap}`, clap(a), clap(b), apart === null || apart === undefined ? "–" : signed(apart, 3), ahead],
    ["Every event there", judges.listener, verdict(a, "integrity", "yes", "no"), verdict(b, "integrity", "yes", "no"), ...change(difference?.integrity)],
    ["Order kept", judges.listener, verdict(a, "order", "yes", "no"), verdict(b, "order", "yes", "no"), ...change(difference?.order)],
    ["Loudness as made", "ITU-R BS.1770", loud(pair.a), loud(pair.b), both ? `${signed(pair.b.lufs - pair.a.lufs, 1)} LU` : "–", 0],
  ];
}

/** judges: {clap, listener}, their names as the comparison tells them. */
export function scoreTable(pair, judges) {
  const head = ["Measure", "A", "B", "B against A"].map((name) => element("th", { scope: "col" }, name));
  const rows = rowsOf(pair, judges).map(([measure, judge, a, b, apart, sign]) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, measure, element("span", { class: "bs-judge" }, judge)),
      element("td", {}, a),
      element("td", {}, b),
      element("td", { class: sign > 0 ? "bs-b" : sign < 0 ? "bs-a" : null }, apart),
    ),
  );
  return element(
    "table",
    { class: "bs-scores" },
    element("caption", { class: "bs-unseen" }, "Scores of this pair"),
    element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...rows),
  );
}

/** In words, what a simulated listener heard on one side. */
export function heardIn(side) {
  if (!side.scores?.events) return "Not listened to yet.";
  if (!side.scores.events.length) return "Simulated listener: nothing that it knows.";
  return `Simulated listener: ${side.scores.events.map(([label, on, off]) => `${label} ${on.toFixed(1)}–${off.toFixed(1)} s`).join(" · ")}`;
}
