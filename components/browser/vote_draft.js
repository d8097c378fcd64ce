/** An answer saved as one goes: the newest is sent, one at a time, and the page says how that stands. */

import { address, ask } from "./ask.js";

const SOON = 500; // ms from a change of the answer until it is sent
const LATER = 3000; // ms from something heard until it is; it comes many times a second
const AGAIN = 4000; // ms before a draft that was not taken is sent again

export class Draft {
  /** ontold: called with "saving", "saved" or "unsaved", and the refusal where there is one. */
  constructor(serving, ontold) {
    [this.serving, this.ontold] = [serving, ontold];
    this.newest = null; // what is still to be sent
    this.due = Infinity; // when
    this.onhide = () => this.leave();
    window.addEventListener("pagehide", this.onhide);
  }

  /** Keep this answer; what was only heard can wait a little. */
  keep(answer, isHeardOnly = false) {
    if (this.isClosed) return;
    this.newest = answer;
    if (!isHeardOnly) this.tell("saving");
    this.later(isHeardOnly ? LATER : SOON);
  }

  later(pause) {
    const due = performance.now() + pause;
    if (this.due <= due) return;
    this.due = due;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), pause);
  }

  async send() {
    this.due = Infinity;
    if (this.newest === null || this.isClosed) return;
    if (this.isSending) return this.later(SOON);
    const answer = this.newest;
    this.newest = null;
    this.isSending = true;
    try {
      await ask(this.path, "POST", { answer });
      if (this.newest === null) this.tell("saved");
    } catch (refusal) {
      this.newest ??= answer;
      this.tell("unsaved", refusal);
      if (refusal.status === 0 || refusal.status >= 429) this.later(AGAIN); // any other will not be taken either
    } finally {
      this.isSending = false;
    }
  }

  get path() {
    return `vote/servings/${this.serving}/draft`;
  }

  /** The page goes away: what is not yet sent goes with it. */
  leave() {
    if (this.newest === null || this.isClosed) return;
    fetch(address(this.path), { method: "POST", keepalive: true, body: JSON.stringify({ answer: this.newest }), headers: { "content-type": "application/json" } }).catch(() => {});
    this.newest = null;
  }

  tell(...news) {
    if (!this.isClosed) this.ontold(...news);
  }

  close() {
    this.isClosed = true;
    clearTimeout(this.timer);
    window.removeEventListener("pagehide", this.onhide);
  }
}
