/** One serving in view: its sounds, the judgement, and what can be done once that is stored. */

import { ask } from "./ask.js";
import { element, say } from "./element.js";
import { keyOf, keyRows } from "./keys.js";
import { Draft } from "./vote_draft.js";
import { newName } from "./vote_outbox.js";
import { PairSheet } from "./vote_pair.js";
import { Rack } from "./vote_rack.js";
import { rulesOf } from "./vote_rules.js";
import { SetSheet } from "./vote_set.js";

const INTERFACE = "page 1"; // told with every vote: which page took it
const KEPT = "baton-keys"; // whether keys act, here and in Compare
const NOTHING = { outcome: null, aspects: {}, reason: null, scores: [] };

export class Stage {
  /** campaign: its view; outbox: through which votes go; hands: onstored(answer), onnext(), onlast(). */
  constructor(campaign, count, outbox, hands) {
    Object.assign(this, { campaign, count, outbox, hands });
    const sides = [..."abcdefghijklmnopqrstuvwxyz"].slice(0, count);
    this.rack = new Rack(sides, { onheard: () => this.heard(), onturn: (place) => this.sheet?.turned?.(place), isCompared: campaign.task === "pairwise" });
    this.live = element("p", { class: "bs-unseen", "aria-live": "polite" });
    this.place = element("span", { class: "bs-vote-count" });
    this.state = element("span", { class: "bs-vote-saved" });
    this.back = element("button", { type: "button", class: "bs-act", title: "The vote before this one", onclick: () => hands.onlast() }, "Last vote");
    this.meter = element("progress", { max: 1, value: 0, "aria-label": "Your progress in this campaign" });
    this.prompt = element("h3", { class: "bs-vote-prompt", tabindex: -1 });
    this.more = element("div", {});
    this.why = element("p", { class: "bs-vote-why" });
    this.bar = element("div", { class: "bs-vote-verdict" });
    this.keys = element("dl", {});
    this.hasKeys = localStorage.getItem(KEPT) !== "off";
    const toggle = element("input", { type: "checkbox", checked: this.hasKeys, onchange: (event) => this.turnKeys(event.target.checked) });
    this.node = element(
      "section",
      { class: `bs-vote-card bs-vote-stage bs-vote-is-${campaign.task}`, "aria-label": "The sounds to judge" },
      this.live,
      element("header", { class: "bs-vote-top" }, this.place, this.state, element("span", { class: "bs-gap" }), this.back),
      this.meter,
      element("p", { class: "bs-vote-question" }, campaign.rules.heading),
      this.prompt,
      this.rack.node,
      this.more,
      element("div", { class: "bs-vote-foot" }, this.why, this.bar),
      element("div", { class: "bs-keys bs-vote-keys" }, element("label", {}, toggle, " Keys"), this.keys),
      element("details", { class: "bs-vote-fold" }, element("summary", {}, "Rules"), rulesOf(campaign)),
    );
  }

  /** Bring a serving into view, with its draft, or with the vote that it got. */
  show(serving) {
    this.draft?.close();
    this.serving = serving;
    this.vote = serving.vote;
    this.shownAt = performance.now() - (serving.draft?.spent ?? 0);
    this.rack.take(serving, serving.draft?.heard);
    this.rack.first = serving.draft?.first ?? null;
    const hands = { onanswer: (outcome) => this.decide(outcome), onchange: () => this.noted() };
    this.sheet = this.campaign.task === "pairwise" ? new PairSheet(this.campaign, this.rack, hands) : new SetSheet(this.campaign, this.rack, hands);
    this.sheet.take(serving.vote ?? serving.draft);
    this.sheet.turned?.(0);
    this.more.replaceChildren(this.sheet.node);
    this.prompt.textContent = `“${serving.prompt}”`;
    this.keys.replaceChildren(...keyRows([...this.rack.keys, ...this.sheet.keys]));
    this.live.textContent = `${serving.position} of ${serving.of}: ${serving.prompt}`;
    this.begin();
    this.saved(serving.draft && !serving.vote ? "saved" : "");
    if (this.node.getBoundingClientRect().top < 0) this.node.scrollIntoView({ block: "start" });
    if (this.vote?.is_revealed) this.name();
    if (!this.vote) this.prompt.focus({ preventScroll: true });
  }

  /** The foot of the stage: the verdict to give, or what can be done with the one that was given. */
  begin() {
    const { position, of } = this.serving;
    this.place.textContent = `${position} of ${of}`;
    this.meter.value = of ? (position - (this.vote ? 0 : 1)) / of : 0;
    this.back.hidden = position < 2 || Boolean(this.vote);
    this.sheet.lock(Boolean(this.vote));
    this.node.classList.toggle("is-voted", Boolean(this.vote));
    this.why.classList.remove("is-wrong");
    if (this.vote) return this.afterwards();
    this.draft = new Draft(this.serving.id, (...news) => this.saved(...news));
    this.bar.replaceChildren(this.sheet.bar);
    return this.gate();
  }

  afterwards() {
    const { vote, hands } = this;
    const press = (key, word, work, kind = "") => element("button", { type: "button", class: `bs-vote-choice ${kind}`, onclick: work }, element("span", {}, word), element("kbd", { "aria-hidden": "true" }, key));
    this.why.textContent = "";
    this.bar.replaceChildren(
      element("p", { class: "bs-vote-stored" }, `Stored: ${this.sheet.told(vote)}${vote.is_revealed ? ", and revealed, so it stays" : ""}.`),
      element("div", { class: "bs-vote-choices bs-vote-after" }, ...[
        vote.is_revealed ? null : press("U", "Undo", () => this.undo()),
        this.mayReveal ? press("R", "Reveal", () => this.reveal()) : null,
        press("Enter", "Next", () => hands.onnext(), "bs-vote-submit"),
      ].filter(Boolean)),
    );
    if (this.node.isConnected) this.bar.querySelector(".bs-vote-submit").focus({ preventScroll: true });
  }

  get mayReveal() {
    return Boolean(this.vote) && !this.vote.is_revealed && this.campaign.reveals !== "never";
  }

  /** More was heard: the verdict may open, and what was heard is kept with the draft. */
  heard() {
    if (this.vote || this.isBusy) return;
    this.gate();
    this.keep(true);
  }

  noted() {
    if (this.vote || this.isBusy) return;
    this.gate();
    this.keep();
  }

  keep(isHeardOnly = false) {
    const { scores, aspects, reason } = this.sheet.answer();
    const heard = this.rack.strips.map((strip) => strip.heard.plain());
    this.draft.keep({ scores, aspects, reason, heard, first: this.rack.first, spent: this.spent }, isHeardOnly);
  }

  get spent() {
    return Math.round(performance.now() - this.shownAt); // ms
  }

  saved(state, refusal) {
    const words = { saving: "saving …", saved: "saved ✓", unsaved: `not saved: ${refusal?.message ?? ""}` };
    this.state.textContent = words[state] ?? "";
    this.state.classList.toggle("is-wrong", state === "unsaved");
  }

  get lacking() {
    return this.rack.lacking || this.sheet.lacking;
  }

  /** Why the vote still waits, told beside the buttons. */
  gate() {
    const lacking = this.lacking;
    const why = lacking || this.sheet.ready;
    this.sheet.wait(lacking);
    if (this.why.textContent !== why) this.why.textContent = why;
  }

  /** A verdict was given; too early, it is told what is lacking. */
  decide(outcome) {
    if (this.isBusy || this.vote) return undefined;
    const isSkip = outcome === "skip";
    if (!isSkip && this.lacking) return this.nudge(this.lacking);
    const judged = isSkip ? { ...NOTHING, reason: this.sheet.answer().reason } : this.sheet.answer();
    return this.send({ ...judged, action: "cast", outcome, decision_ms: this.spent });
  }

  undo() {
    return this.vote && !this.vote.is_revealed ? this.send({ ...NOTHING, action: "undo", decision_ms: null }) : undefined;
  }

  /** A vote goes out, and stays in the browser until the studio says that it is stored. */
  async send(said) {
    const { serving } = this;
    const vote = { id: newName(), serving: serving.id, nonce: serving.nonce, interface: INTERFACE, heard: this.rack.heard, first_played: this.rack.first, ...said };
    this.isBusy = true;
    this.draft.close();
    this.rack.pause();
    this.bar.setAttribute("aria-busy", "true");
    this.why.classList.remove("is-wrong");
    this.why.textContent = "Storing …";
    try {
      const answer = await this.outbox.post(vote);
      this.isBusy = false;
      this.hands.onstored(answer);
      if (this.serving === serving) this.stored(vote, answer);
    } catch (refusal) {
      this.isBusy = false;
      if (this.serving === serving) this.refused(refusal);
    } finally {
      this.bar.removeAttribute("aria-busy");
    }
  }

  stored(vote, answer) {
    this.vote = vote.action === "cast" ? { ...vote, id: answer.vote, is_revealed: false } : null;
    this.begin();
    this.saved(this.vote ? "" : "saved");
    this.live.textContent = this.vote ? `Stored: ${this.sheet.told(this.vote)}.` : "Taken back. Judge again.";
    if (this.vote) return;
    this.keep();
    this.prompt.focus({ preventScroll: true });
  }

  refused(refusal) {
    this.begin();
    const why = `This was not stored: ${refusal.message}`;
    const on = element("button", { type: "button", class: "bs-act", onclick: () => this.hands.onnext() }, "Go on");
    this.why.replaceChildren(why, " ", on);
    this.why.classList.add("is-wrong");
    this.live.textContent = why;
  }

  /** A vote that could not be sent yet: told where the buttons are, with a way to try at once. */
  waits(refusal, seconds) {
    const why = `Not stored yet: ${refusal.message} It is kept in this browser; the next try is in ${seconds} s.`;
    this.why.replaceChildren(why, " ", element("button", { type: "button", class: "bs-act", onclick: () => this.outbox.hurry() }, "Try now"));
    this.why.classList.add("is-wrong");
    this.live.textContent = why;
  }

  async reveal() {
    if (this.isBusy || !this.mayReveal) return;
    this.isBusy = true;
    if (await this.name()) {
      this.vote.is_revealed = true;
      this.begin();
      this.rack.node.scrollIntoView({ block: "nearest" });
    }
    this.isBusy = false;
  }

  /** Write beside each sound what made it; whether the studio told. */
  async name() {
    const { serving } = this;
    try {
      const { systems } = await ask(`vote/servings/${serving.id}/reveal`, "POST", {});
      if (this.serving !== serving) return false;
      this.rack.reveal(systems);
      this.live.textContent = systems.map((one, i) => `${this.rack.strips[i].letter} was ${one.title || one.name}`).join(", ");
      return true;
    } catch (error) {
      say(error.message, "wrong");
      return false;
    }
  }

  nudge(why) {
    this.why.textContent = why;
    this.live.textContent = why;
    this.why.classList.remove("bs-vote-nudge");
    void this.why.offsetWidth; // begins the movement anew
    this.why.classList.add("bs-vote-nudge");
  }

  turnKeys(isOn) {
    this.hasKeys = isOn;
    localStorage.setItem(KEPT, isOn ? "on" : "off");
  }

  /** What a press of a key does here; whether it did something. */
  pressed(event) {
    if (this.isBusy || !this.hasKeys) return false;
    const isField = event.target.matches?.(".bs-vote-number");
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) return this.vote ? this.act("Enter") : Boolean(this.sheet.submit) && (this.decide(null), true);
    const key = isField ? keyInField(event) : keyOf(event);
    return key !== null && this.act(key);
  }

  act(key) {
    if (this.vote && key === "u") this.undo();
    else if (this.vote && key === "r") this.reveal();
    else if (this.vote && key === "Enter") this.hands.onnext();
    else return (!this.vote && this.sheet.pressed(key)) || this.rack.pressed(key);
    return true;
  }

  close() {
    this.draft?.close();
    this.rack.close();
  }
}

/** In a score's own field, digits and what moves in it stay there; the rest is for the stage. */
function keyInField({ key, shiftKey, ctrlKey, metaKey, altKey }) {
  if (shiftKey || ctrlKey || metaKey || altKey || /^[\d.,-]$|^(Arrow|Back|Del|Tab|Home|End)/.test(key)) return null;
  return key.length === 1 ? key.toLowerCase() : key;
}
