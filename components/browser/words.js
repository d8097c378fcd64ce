/** Numbers and moments as people read them. */

export const seconds = (value) => `${value.toFixed(1)} s`;

export const score = (value) => value.toFixed(3);

/** A number with the minus sign that is as wide as a plus. */
export const plain = (value, digits) => value.toFixed(digits).replace("-", "−");

/** "1 vote", "2 votes". */
export const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

/** CLAP scores that are nearer than this are called equal, as in the summary. */
export const ALIKE = 0.0005;

const STEPS = [
  [60, 1, "second"],
  [3600, 60, "minute"],
  [86400, 3600, "hour"],
  [604800, 86400, "day"],
];

/** "5 minutes ago", or the date when it is longer ago than a week. */
export function ago(moment) {
  const passed = (Date.now() - new Date(moment)) / 1000;
  for (const [below, unit, name] of STEPS) {
    if (passed < below) {
      const count = Math.max(0, Math.round(passed / unit));
      if (name === "second") return "just now";
      return `${plural(count, name)} ago`;
    }
  }
  return new Date(moment).toLocaleDateString();
}

/** What a run asked for, in a line. */
export function titleOf(request) {
  const [first, ...others] = request.prompts;
  return others.length ? `${first} (and ${others.length} more)` : first;
}

/** What the listener says of a candidate: [kind, short word, the whole sentence]. */
export function verdicts(hearing) {
  if (!hearing) return [];
  const said = [];
  if (hearing.integrity === true) {
    said.push(["good", "all there", `Integrity: every event asked for was heard (${hearing.asked.join(", ")}).`]);
  } else if (hearing.integrity === false) {
    const missing = hearing.missing.join(", ");
    said.push(["bad", `missing ${missing}`, `Integrity: not heard: ${missing}.`]);
  } else {
    said.push(["none", "no verdict", "The prompt names no event that the listener knows."]);
  }
  if (hearing.order === true) said.push(["good", "in order", "Order: the events came as the prompt says."]);
  if (hearing.order === false) said.push(["bad", "out of order", "Order: the events did not come as the prompt says."]);
  return said;
}
