/** Voting in one campaign: what comes before, one serving after the other, and what is done when all are done. */

import { ask } from "./ask.js";
import { element, say } from "./element.js";
import { keyOf } from "./keys.js";
import { Outbox } from "./vote_outbox.js";
import { beginning } from "./vote_rules.js";
import { Stage } from "./vote_stage.js";

const BEGUN = "baton-vote-begun"; // campaigns whose first card was read
const SHUT = {
  building: ["The sounds are being made.", "Voting opens by itself when they are ready."],
  failed: ["This campaign could not be made.", ""],
  closed: ["This campaign is closed.", "No more votes are taken; its results stay."],
};

export class Voting {
  /** hands: onprogress(progress) and onbackup(state) after each vote, onresults() to look at results,
   * onstale() when the campaign may have changed, onagain() to make the sounds that are missing. */
  constructor(hands) {
    this.hands = hands;
    this.node = element("div", { class: "bs-voting" });
    this.outbox = new Outbox((refusal, seconds) => this.waits(refusal, seconds));
    document.addEventListener("keydown", (event) => this.pressed(event));
  }

  /** Take in a campaign as it stands; what is in view of it already stays. */
  async open(campaign) {
    const isKnown = this.campaign?.id === campaign.id && this.campaign.status === campaign.status;
    this.campaign = campaign;
    if (isKnown && campaign.status === "building") this.told.textContent = campaign.said;
    if (isKnown) return;
    this.clear();
    if (campaign.status !== "open" || campaign.voters === "simulated") return this.shut();
    await this.flush();
    if (this.campaign.id !== campaign.id) return;
    if (begun().includes(campaign.id) && !campaign.needs) await this.next();
    else this.before();
  }

  /** Votes that an earlier page could not send. */
  async flush() {
    if (!this.outbox.waiting) return;
    this.card("A vote is waiting.", "It was kept in this browser, and is being sent now.");
    const { stored, refusals } = await this.outbox.flush();
    if (stored) say(stored === 1 ? "The vote that was waiting is stored now." : `${stored} votes that were waiting are stored now.`);
    for (const refusal of refusals) say(`A vote that was waiting was not stored: ${refusal.message}`, "wrong");
  }

  shut() {
    const { id, status, said, is_mine: isMine } = this.campaign;
    const results = ["Results", () => this.hands.onresults()];
    if (status === "open") return this.card("Simulated listeners vote here.", `A demonstration: their votes are never mixed with people's. They vote when its owner says: python -m studio.cli vote simulate ${id}`, results);
    const [title, usual] = SHUT[status] ?? [status, ""];
    const again = isMine && status === "failed" ? ["Try again", () => this.hands.onagain()] : null;
    return this.card(title, said || usual, status === "closed" ? results : again);
  }

  before() {
    this.node.replaceChildren(beginning(this.campaign, (phrase) => this.begin(phrase)));
    this.node.querySelector("h3").focus({ preventScroll: true });
  }

  async begin(phrase) {
    const found = await ask(`vote/${this.campaign.id}/join`, "POST", phrase === null ? {} : { passphrase: phrase });
    localStorage.setItem(BEGUN, JSON.stringify([...new Set([...begun(), this.campaign.id])].slice(-50)));
    this.campaign.needs = null;
    this.hands.onprogress(found.progress);
    await this.next(true);
  }

  /** The serving that is open, or a new one, or the end. */
  async next(hasJoined = false) {
    const { campaign } = this;
    try {
      const found = await ask(`vote/${campaign.id}/next`, "POST", {});
      if (this.campaign !== campaign) return;
      this.hands.onprogress(found.progress);
      if (found.serving) this.show(found.serving);
      else this.finish(found.done);
    } catch (error) {
      if (this.campaign !== campaign) return;
      if (error.status === 403 && hasJoined) throw new Error(`${error.message} If this comes again, the browser keeps no cookies for this page; open it in a tab of its own.`);
      if (error.status === 409) this.hands.onstale();
      if (error.status === 403) this.before();
      else this.card("The next sounds did not come.", error.message, ["Try again", () => this.next()]);
    }
  }

  /** The serving that was voted on last, to take it back or to learn what it was. */
  async last() {
    try {
      this.show((await ask(`vote/${this.campaign.id}/last`, "POST", {})).serving);
    } catch (error) {
      say(error.message, error.status === 404 ? "news" : "wrong");
    }
  }

  show(serving) {
    if (this.stage?.count !== serving.sounds.length) {
      this.clear();
      this.stage = new Stage(this.campaign, serving.sounds.length, this.outbox, {
        onstored: ({ progress, backup }) => (this.hands.onprogress(progress), this.hands.onbackup(backup)),
        onnext: () => this.next(),
        onlast: () => this.last(),
      });
    }
    if (!this.stage.node.isConnected) this.node.replaceChildren(this.stage.node);
    this.stage.show(serving);
  }

  finish(sentence) {
    this.clear();
    this.card("That was all. Thank you.", sentence, ["Results", () => this.hands.onresults()], ["Back to the last", () => this.last()]);
  }

  /** A vote could not be sent yet. */
  waits(refusal, seconds) {
    if (this.stage) this.stage.waits(refusal, seconds);
    else if (this.told) this.told.textContent = `${refusal.message} It is kept in this browser; the next try is in ${seconds} s.`;
  }

  pressed(event) {
    if (!this.node.offsetParent) return;
    if (this.stage?.pressed(event)) event.preventDefault();
    else if (!this.stage && keyOf(event) === "Enter") this.node.querySelector(".bs-vote-submit")?.click();
  }

  /** A card with a title, a sentence and buttons: [word, what it does]. */
  card(title, sentence, ...actions) {
    const buttons = actions.filter(Boolean).map(([word, work], i) => element("button", { type: "button", class: `bs-vote-choice ${i ? "" : "bs-vote-submit"}`, onclick: work }, element("span", {}, word)));
    this.told = element("p", { role: "status" }, sentence ?? "");
    this.node.replaceChildren(element("section", { class: "bs-vote-card bs-vote-notice" }, element("h3", {}, title), this.told, buttons.length ? element("div", { class: "bs-vote-choices" }, ...buttons) : ""));
  }

  /** Silent while another view is open; the serving stays as it is. */
  rest() {
    this.stage?.rack.pause();
  }

  clear() {
    this.stage?.close();
    this.stage = null;
    this.told = null;
    this.node.replaceChildren();
  }
}

function begun() {
  try {
    return JSON.parse(localStorage.getItem(BEGUN) ?? "[]");
  } catch {
    return [];
  }
}
