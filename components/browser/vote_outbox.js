/** Votes on their way: kept in the browser until the studio says that they are stored, sent until it does. */

import { ask } from "./ask.js";

const KEPT = "baton-votes-waiting";
const PAUSES = [1, 2, 4, 8, 15]; // s between two tries
const AGAIN = new Set([0, 408, 429, 500, 502, 503, 504]); // no answer, too fast, or a fault that passes

export class Outbox {
  /** onwait: called with the refusal and the seconds until the next try, each time a vote must wait. */
  constructor(onwait = () => {}) {
    this.onwait = onwait;
    this.votes = read();
    this.wake = () => {};
    window.addEventListener("online", () => this.wake());
  }

  get waiting() {
    return this.votes.length;
  }

  /** Keep a vote, then send it; its answer once it is stored. Throws the Refusal of a studio that will not have it. */
  async post(vote) {
    this.votes.push(vote);
    write([...read(), vote]);
    return this.send(vote);
  }

  /** Send what an earlier page left behind; how many were stored, and the refusals of the rest. */
  async flush() {
    let stored = 0;
    const refusals = [];
    for (const vote of [...this.votes]) {
      try {
        await this.send(vote);
        stored += 1;
      } catch (refusal) {
        refusals.push(refusal);
      }
    }
    return { stored, refusals };
  }

  async send(vote) {
    for (let tries = 0; ; tries += 1) {
      try {
        const answer = await ask("vote/votes", "POST", vote);
        this.drop(vote);
        return answer;
      } catch (refusal) {
        if (!AGAIN.has(refusal.status)) {
          this.drop(vote);
          throw refusal;
        }
        const pause = PAUSES[Math.min(tries, PAUSES.length - 1)];
        this.onwait(refusal, pause);
        await this.pause(pause);
      }
    }
  }

  pause(seconds) {
    return new Promise((done) => {
      const timer = setTimeout(done, seconds * 1000);
      this.wake = () => (clearTimeout(timer), done());
    });
  }

  /** Try at once. */
  hurry() {
    this.wake();
  }

  drop(vote) {
    this.votes = this.votes.filter((one) => one.id !== vote.id);
    write(read().filter((one) => one.id !== vote.id)); // another tab may have left its own
  }
}

/** A name for a vote: the same vote sent twice is one. */
export function newName() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // pages without https have no randomUUID
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function read() {
  try {
    const found = JSON.parse(localStorage.getItem(KEPT) ?? "[]");
    return Array.isArray(found) ? found.filter((vote) => vote && typeof vote.id === "string") : [];
  } catch {
    return [];
  }
}

function write(votes) {
  try {
    localStorage.setItem(KEPT, JSON.stringify(votes));
  } catch {
    // A full or forbidden store: the vote lives on in this page, which says so until it is stored.
  }
}
