/** Questions to the studio's own addresses, and what goes wrong with them, in words. */

import { say } from "./element.js";

export const ROOT = new URL("..", import.meta.url); // <page>/studio/

export const address = (path) => new URL(path, ROOT).href;

/** The JSON at an address under /studio; throws an Error whose message can be shown. */
export async function ask(path, method = "GET") {
  let answer;
  try {
    answer = await fetch(address(path), { method });
  } catch {
    throw new Error("The studio does not answer; check that it still runs, then reload the page.");
  }
  const values = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    throw new Error(values.error ?? `The studio failed (${answer.status}); its log says more.`);
  }
  return values;
}

/** Do it, and show what went wrong where the person looks. */
export async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    say(error.message, "wrong");
    return undefined;
  }
}
