/** An answer saved as one goes: the newest is sent, one at a time, and the page says how that stands. */

import { ask } from "./ask.js";

const PAUSE = 600; // ms of quiet before a change is sent
const AGAIN = 4000; // ms before a draft that was not taken is sent again

export class Draft {
  /** ontold: called with "saving", "saved" or "unsaved", and the refusal where there is one. */
  constructor(serving, ontold) {
    [this.serving, this.ontold] = [serving, ontold];
    this.newest = null; // what is still to be sent
    this.isSending = false;
  }

  /** Keep this answer, soon. */
  keep(answer) {
    if (this.isClosed) return;
    this.newest = answer;
    this.ontold("saving");
    this.later(PAUSE);
  }

  later(pause) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), pause);
  }

  async send() {
    if (this.isSending || this.newest === null || this.isClosed) return;
    const answer = this.newest;
    this.newest = null;
    this.isSending = true;
    try {
      await ask(`vote/servings/${this.serving}/draft`, "POST", { answer });
      if (this.newest === null) this.tell("saved");
    } catch (refusal) {
      this.tell("unsaved", refusal);
      this.newest ??= answer;
      if (refusal.status !== 0 && refusal.status < 429) return; // it will not be taken the next time either
      this.later(AGAIN);
    } finally {
      this.isSending = false;
    }
    if (this.newest !== null && !this.isClosed) this.later(PAUSE);
  }

  tell(...news) {
    if (!this.isClosed) this.ontold(...news);
  }

  close() {
    this.isClosed = true;
    clearTimeout(this.timer);
  }
}
