/** Questions to the studio's own addresses, and what goes wrong with them, in words. */

import { say } from "./element.js";

export const ROOT = new URL("..", import.meta.url); // <page>/studio/

export const address = (path) => new URL(path, ROOT).href;

/** The JSON at an address under /studio; throws a Refusal. */
export async function ask(path, method = "GET", body = undefined) {
  const told = body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  let answer;
  try {
    answer = await fetch(address(path), { method, ...told });
  } catch {
    throw new Refusal("The studio does not answer; check that it still runs, then reload the page.", 0);
  }
  const values = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    throw new Refusal(values.error ?? `The studio failed (${answer.status}); its log says more.`, answer.status);
  }
  return values;
}

/** An Error whose message can be shown; its status is 0 where nothing answered. */
export class Refusal extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
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
