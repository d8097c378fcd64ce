/** Campaigns in words: what is asked, how they stand. */

const TASKS = {
  pairwise: "which of two is better",
  integrity: "is everything there",
  temporal: "is everything there, in order",
  mos: "scores from 1 to 5",
  ovl_rel: "scores from 0 to 100",
};

export const taskWord = (task) => TASKS[task] ?? task;

/** "open", or what the studio says of a campaign that is not. */
export function statusWord({ status, said }) {
  return status === "building" && said ? said : status === "building" ? "being made" : status === "failed" ? "could not be made" : status;
}

/** "12 of 200 votes · 3 of 20 by you". */
export function progressWord({ mine, of, votes, wanted }) {
  return [`${votes} of ${wanted} votes`, mine ? `${mine} of ${of} by you` : null].filter(Boolean).join(" · ");
}
