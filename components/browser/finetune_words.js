/** A fine-tuning run in words: how long, how far, made of what. */

import { plural } from "./words.js";

/** "40 s", "6 min", "1 h 20 min": as exact as a forecast can be. */
export function span(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const rest = Math.round((minutes % 60) / 10) * 10;
  const hours = Math.floor(minutes / 60) + (rest === 60 ? 1 : 0);
  return rest % 60 ? `${hours} h ${rest} min` : `${hours} h`;
}

/** "2,500": whole numbers as people read them. */
export const whole = (count) => Math.round(count).toLocaleString("en");

/** "1.2 MB" of a number of bytes. */
export function size(bytes) {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** How far a run is, in a line. */
export function statusOf(run) {
  const made = run.steps ? `step ${whole(run.step ?? 0)} of ${whole(run.steps)}` : "";
  const left = run.seconds_left ? `about ${span(run.seconds_left)} left` : "";
  const words = {
    waiting: ["waiting for its turn", run.note],
    running: [run.note || "at work", run.step && !/step|iteration/.test(run.note ?? "") ? made : "", left],
    done: [`trained, ${plural(run.steps ?? 0, "step")}`],
    stopped: ["stopped", made, run.can_resume ? kept(run, "what was learned is kept") : ""],
    failed: ["not finished", made, run.can_resume ? kept(run, "what was learned until then is kept") : ""],
  }[run.status] ?? [run.status];
  return capital(words.filter(Boolean).join(" · "));
}

const kept = (run, words) => (run.step ? words : `${run.recipe === "crpo" ? "what it made so far is kept" : "nothing is learned yet"}; Resume goes on`);

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

export const RECIPES = { baton: "BATON", supervised: "own sounds", crpo: "CRPO" };

/** What a CRPO run learns from, a sentence each. */
export function crpoSentences(data) {
  const said = [];
  if (data.candidates) said.push(`${whole(data.candidates)} candidates in all, for ${plural(data.drawn, "prompt")} in each iteration, drawn from ${whole(data.prompts)}${data.is_world ? " of its own world that the base tends to fail" : ""}; the best and the worst of a prompt${data.ranked_by ? `, as ranked by ${data.ranked_by},` : ""} make a pair.`);
  if (data.pairs) {
    const kinds = [[data.votes, "of votes"], [data.labels, "of labels"], [data.given, `of ${data.folder ? `“${data.folder}”` : "a set"}`]].filter(([count]) => count);
    said.push(`${plural(data.pairs, "pair")} beside them: ${kinds.map(([count, word]) => `${whole(count)} ${word}`).join(", ")}.`);
  }
  for (const [reason, count] of Object.entries(data.left_out ?? {})) if (count) said.push(`Left out: ${whole(count)} ${reason}.`);
  return said;
}

/** What it learns from, a sentence each. */
export function dataSentences(data, recipe) {
  const said = [];
  if (recipe === "supervised") {
    said.push(`${whole(data.human)} ${data.human === 1 ? "sound" : "sounds"} of your folder, ${plural(data.captions, "caption")}, each counting in full.`);
  } else {
    const judges = data.simulated ? "simulated listeners" : "people";
    const parts = [];
    if (data.human) parts.push(`${whole(data.human)} labelled by ${judges}`);
    if (data.reward) parts.push(`${whole(data.reward)} scored by the reward`);
    const all = data.human + data.reward;
    const toCome = data.reward && !data.split; // further sounds have prompts of their own, which are not drawn yet
    said.push(`${whole(all)} ${all === 1 ? "sound" : "sounds"} ${toCome ? "in all" : `of ${plural(data.captions, "prompt")}`}: ${parts.join(", ")}.`);
    if (data.aligned !== undefined && data.human) said.push(`Of the labelled, ${whole(data.aligned)} ${data.aligned === 1 ? "is" : "are"} called aligned.`);
    if (data.zero) said.push(`${whole(data.zero)} ${data.zero === 1 ? "counts" : "count"} nothing: what is not aligned is not learned from.`);
    if (data.uncertain) said.push(`${plural(data.uncertain, "uncertain label")} left out.`);
  }
  if (data.pretrain) said.push(`${whole(data.pretrain)} ${data.pretrain === 1 ? "sound" : "sounds"} of the base's own training keep what it can do already.`);
  for (const [reason, count] of Object.entries(data.left_out ?? {})) if (count) said.push(`Left out: ${whole(count)} ${reason}.`);
  if (data.split?.dev) said.push(`${plural(data.split.dev, "prompt")} held out, to measure on.`);
  return said;
}
