/** The sounds of a serving on one clock: one is heard, the others run along, and each counts what was heard. */

import { address, ask } from "./ask.js";
import { element, say } from "./element.js";
import { Ear } from "./heard.js";
import { Listening } from "./listening.js";
import { MOVES } from "./transport.js";
import { levelsOf, Strip } from "./vote_strip.js";

const KEPT = "baton-vote-place"; // whether changing over keeps the place: it does where two are compared, not where each is judged by itself

/** The bytes of a sound, under the token that this serving gave it. */
const source = {
  async sound({ token }) {
    let answer;
    try {
      answer = await fetch(address(`vote/sounds/${token}.wav`));
    } catch {
      await ask("state"); // tells when it is the studio that is gone
      throw new Error("A sound could not be fetched.");
    }
    if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error ?? "A sound could not be read.");
    return answer.arrayBuffer();
  },
};

export class Rack {
  /** sides: the letters, small; onheard: called whenever more was heard; onturn: with the place that is heard;
   * isCompared: whether the sounds are judged against each other. */
  constructor(sides, { onheard = () => {}, onturn = () => {}, isCompared = true } = {}) {
    [this.sides, this.onheard, this.onturn] = [sides, onheard, onturn];
    this.listening = new Listening(source, () => this.changed(), sides);
    this.ear = new Ear((side, from, to) => this.hear(side, from, to));
    this.kept = isCompared ? KEPT : `${KEPT}-alone`;
    this.keepsPlace = (localStorage.getItem(this.kept) ?? (isCompared ? "yes" : "no")) === "yes";
    const hands = (side) => ({
      seek: (share) => this.go(side, share * this.seconds),
      loop: (from, to, isDone) => this.dragged(from * this.seconds, to * this.seconds, isDone),
      hear: (one) => this.hearOne(one),
    });
    this.strips = sides.map((side) => new Strip(side, hands(side)));
    this.strips.forEach((strip, i) => strip.mark(i === 0));
    this.node = element("div", { class: `bs-vote-rack bs-vote-of-${sides.length === 2 ? "two" : "many"}` }, this.controls(), ...this.strips.map((strip) => strip.node));
  }

  controls() {
    this.button = element("button", { type: "button", class: "bs-play", "aria-label": "Play", title: "Play or pause (space)", onclick: () => this.toggle() });
    this.slider = element("input", { type: "range", class: "bs-vote-seek", min: 0, max: 1, step: 0.01, value: 0, "aria-label": "Position in seconds", oninput: (event) => this.do((t) => t.seek(Number(event.target.value))) });
    this.clock = element("span", { class: "bs-vote-clock" });
    this.looping = element("button", { type: "button", class: "bs-act bs-loop", "aria-pressed": "false", title: "Loop on or off (L); drag on a waveform to draw one", onclick: () => this.do(MOVES.get("l")) }, "Loop");
    this.placing = element("button", { type: "button", class: "bs-act bs-loop", "aria-pressed": String(this.keepsPlace), title: "Changing over goes on at the same place, or from the beginning", onclick: () => this.turnPlacing() }, "Keep place");
    return element("div", { class: "bs-vote-transport", role: "group", "aria-label": "Player of all sounds" }, this.button, this.slider, this.clock, this.placing, this.looping);
  }

  /** The sounds to hear next; kept: what was heard of each before a reload. */
  take(serving, kept = []) {
    this.rest();
    this.serving = serving;
    this.first = null; // the place of the first sound that was heard
    this.seconds = Math.max(...serving.sounds.map((sound) => sound.seconds));
    this.slider.max = this.seconds;
    this.strips.forEach((strip, i) => strip.take(serving.sounds[i], serving.needs_ms[i], kept[i]));
    this.listening.take(Object.fromEntries(this.sides.map((side, i) => [side, { ...serving.sounds[i], gain_db: 0 }])));
    this.draw(serving);
    this.changed();
  }

  pause() {
    this.listening.transport?.pause();
  }

  /** What keys do here, for the legend. */
  get keys() {
    const last = this.sides.at(-1).toUpperCase();
    const turning = this.sides.length === 2 ? [["A B", "hear it"], ["X", "change over"]] : [[`A … ${last}`, "hear it"], ["↑ ↓", "the sound before, the next"]];
    return [["Space", "play or pause"], ...turning, ["← →", "half a second back or on"], ["L [ ]", "loop"]];
  }

  /** To the beginning of the first sound, and silent: what was heard until now is counted. */
  rest() {
    const { transport } = this.listening;
    this.pause();
    transport?.clearLoop();
    transport?.seek(0);
    this.listening.turn(this.sides[0]);
  }

  /** Waveforms, as soon as the sounds are there; without them the strips stay plain. */
  async draw(serving) {
    try {
      const files = await this.listening.fetch();
      const levels = await Promise.all(files.map((file, i) => levelsOf(file, serving.sounds[i].sample_rate)));
      if (this.serving !== serving) return;
      const most = Math.max(1e-3, ...levels.flatMap((one) => [...one]));
      this.strips.forEach((strip, i) => strip.show(levels[i], most));
    } catch (error) {
      if (this.serving === serving) say(`${error.message} Press play to try again.`, "wrong");
    }
  }

  get side() {
    return this.listening.side ?? this.sides[0];
  }

  /** Milliseconds heard, by place. */
  get heard() {
    return this.strips.map((strip) => strip.heard.msOf(strip.seconds));
  }

  /** What there is still to hear, in words; empty when all was heard. */
  get lacking() {
    const short = this.strips.filter((strip) => strip.missing > 0);
    if (!short.length) return "";
    const [one] = short;
    if (short.length === this.strips.length && this.strips.every((strip) => !strip.heard.spans.length)) return "Listen first: each sound has to be heard before you vote.";
    const rest = `${(Math.ceil(one.missing / 100) / 10).toFixed(1)} s more`;
    return short.length === 1 ? `Hear the rest of ${one.letter} first (${rest}).` : `Hear the rest of ${short.map((strip) => strip.letter).join(", ").replace(/, (\w)$/, " and $1")} first.`;
  }

  hear(side, from, to) {
    if (!(to > from)) return;
    const place = this.sides.indexOf(side);
    this.first ??= place;
    this.strips[place].hear(from, to);
    this.onheard();
  }

  async tell(work) {
    try {
      await work();
    } catch (error) {
      const why = error.name === "EncodingError" ? "The browser cannot read this sound." : error.message;
      say(`${why} Press play to try again.`, "wrong");
      if (this.serving) this.draw(this.serving);
    }
  }

  toggle() {
    return this.tell(() => this.listening.toggle());
  }

  do(work) {
    return this.tell(() => this.listening.change(work));
  }

  turn(side) {
    const isOther = side !== this.side;
    this.listening.turn(side);
    if (isOther && !this.keepsPlace && this.listening.transport?.sounds) this.do((t) => t.seek(0));
    this.onturn(this.sides.indexOf(side));
  }

  /** Hear this one; pressed again while it sounds, it pauses. */
  hearOne(side) {
    if (side === this.side && this.listening.isPlaying) return this.toggle();
    this.turn(side);
    return this.listening.isPlaying ? undefined : this.tell(() => this.listening.play());
  }

  go(side, seconds) {
    this.listening.turn(side);
    this.onturn(this.sides.indexOf(side));
    return this.do((t) => t.seek(seconds));
  }

  step(by) {
    const place = this.sides.indexOf(this.side);
    this.turn(this.sides[(place + by + this.sides.length) % this.sides.length]);
    this.strips[this.sides.indexOf(this.side)].node.scrollIntoView({ block: "nearest" });
  }

  turnPlacing() {
    this.keepsPlace = !this.keepsPlace;
    localStorage.setItem(this.kept, this.keepsPlace ? "yes" : "no");
    this.placing.setAttribute("aria-pressed", String(this.keepsPlace));
  }

  dragged(from, to, isDone) {
    if (isDone) this.do((t) => t.setLoop(from, to));
    else this.showLoop({ start: Math.min(from, to), end: Math.max(from, to) }, true);
  }

  /** What a key does here; whether it did something. */
  pressed(key) {
    const transport = this.listening.transport;
    if (key === " ") this.toggle();
    else if (this.sides.includes(key)) this.hearOne(key);
    else if (key === "x" || key === "j" || key === "ArrowDown") this.step(1);
    else if (key === "k" || key === "ArrowUp") this.step(-1);
    else if (MOVES.has(key)) this.do(MOVES.get(key));
    else if (key === "Escape" && transport?.loop) transport.clearLoop();
    else return false;
    return true;
  }

  /** The systems' titles, once the studio has told them. */
  reveal(systems) {
    this.strips.forEach((strip, i) => (strip.name.textContent = systems[i].title || systems[i].name));
  }

  changed() {
    const { transport, isPlaying } = this.listening;
    if (transport) this.ear.look(transport);
    this.button.classList.toggle("is-playing", isPlaying);
    this.button.setAttribute("aria-label", isPlaying ? "Pause" : "Play");
    for (const strip of this.strips) strip.mark(strip.side === this.side);
    this.looping.setAttribute("aria-pressed", String(Boolean(transport?.isLooping)));
    this.showLoop(transport?.loop ?? null, Boolean(transport?.isLooping));
    this.place();
    if (isPlaying && !this.ticking) this.tick();
  }

  tick() {
    this.ticking = this.listening.isPlaying;
    if (!this.ticking) return;
    this.ear.look(this.listening.transport);
    this.place();
    requestAnimationFrame(() => this.tick());
  }

  place() {
    if (!this.seconds) return;
    const { transport, isPlaying } = this.listening;
    const position = transport?.position ?? 0;
    this.slider.value = position;
    this.slider.setAttribute("aria-valuetext", `${position.toFixed(1)} of ${this.seconds.toFixed(1)} seconds`);
    this.slider.style.setProperty("--at", `${(100 * position) / this.seconds}%`);
    this.clock.textContent = `${position.toFixed(1)} / ${this.seconds.toFixed(1)} s`;
    for (const strip of this.strips) strip.overlay.place(position / this.seconds, isPlaying || position > 0);
  }

  showLoop(loop, isOn) {
    const region = loop && { start: loop.start / this.seconds, end: loop.end / this.seconds };
    for (const strip of this.strips) strip.overlay.draw(region, isOn);
  }

  close() {
    this.listening.close();
    for (const strip of this.strips) strip.close();
  }
}
