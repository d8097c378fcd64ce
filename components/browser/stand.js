/** One pair, side by side: one transport for both, both pictures and their difference, the scores. */

import { element, say } from "./element.js";
import { Lane, Overlay, peaksOf } from "./lane.js";
import { Listening } from "./listening.js";
import { GUTTER, MARGIN, paint } from "./painting.js";
import { recordButton } from "./record.js";
import { Scale } from "./scale.js";
import { heardIn, scoreTable } from "./scores.js";
import { MOVES, other, SIDES } from "./transport.js";

export class Stand {
  /** source: {picture(place), sound(side), plotly(), record(adapter)}. */
  constructor(source) {
    this.source = source;
    this.side = "a";
    this.listening = new Listening(source, () => this.changed());
    this.hands = {
      seek: (share) => this.do((transport) => transport.seek(share * this.seconds)),
      loop: (from, to, isDone) => this.dragged(from * this.seconds, to * this.seconds, isDone),
      nudge: (end, by) => this.do((transport) => nudge(transport, end, by)),
    };
    this.title = element("h3", { class: "bs-prompt" });
    this.facts = element("p", { class: "bs-status" });
    this.live = element("p", { class: "bs-unseen", "aria-live": "polite" });
    this.lane = new Lane(this.hands);
    this.sides = { a: new SideView("a", this.hands, source), b: new SideView("b", this.hands, source) };
    this.difference = new PictureView("Difference of the two spectrograms, B minus A in dB: blue where A is louder, red where B is", this.hands);
    this.scales = { levels: new Scale("for A and B alike"), apart: new Scale("", { isDifference: true }) };
    this.apart = element(
      "details",
      { class: "bs-apart", open: !matchMedia("(max-width: 560px)").matches },
      element("summary", {}, "Difference: ", element("b", { class: "bs-a" }, "A louder"), " · ", element("b", { class: "bs-b" }, "B louder"), " ", this.scales.apart.node),
      this.difference.node,
    );
    this.apart.addEventListener("toggle", () => this.paint());
    this.table = element("div", { class: "bs-table" });
    this.node = element(
      "section",
      { class: "bs-stand", "aria-label": "The pair in view" },
      this.title, this.facts, this.controls(), this.live,
      element("div", { class: "bs-sides" }, this.sides.a.node, this.sides.b.node),
      element("p", { class: "bs-legend" }, "Level: ", this.scales.levels.node),
      this.apart, this.table,
    );
    this.watcher = new ResizeObserver(() => this.paint());
    this.watcher.observe(this.node);
    this.themed = () => this.paint();
    window.addEventListener("baton-theme", this.themed);
  }

  controls() {
    this.button = element("button", { type: "button", class: "bs-play", "aria-label": "Play", title: "Play or pause (space)", onclick: () => this.toggle() });
    const press = (side) =>
      element("button", { type: "button", class: `bs-side bs-side-${side}`, "aria-pressed": "false", title: `Hear ${side.toUpperCase()} (${side.toUpperCase()}; X changes over)`, onclick: () => this.turn(side) }, side.toUpperCase());
    this.buttons = { a: press("a"), b: press("b") };
    this.looping = element("button", { type: "button", class: "bs-act bs-loop", "aria-pressed": "false", title: "Loop on or off (L); drag on a picture to draw one", onclick: () => this.do(MOVES.get("l")) }, "Loop");
    return element(
      "div",
      { class: "bs-transport", role: "group", "aria-label": "Player of both sounds" },
      this.button,
      element("div", { class: "bs-switch", role: "group", "aria-label": "Which is heard" }, this.buttons.a, this.buttons.b),
      this.lane.node,
      this.looping,
    );
  }

  /** Show a pair of a comparison; the same pair again only brings its newer scores. */
  show(comparison, pair, judges) {
    const isNew = this.pair?.a.id !== pair.a.id || this.pair?.b.id !== pair.b.id || this.pair.place !== pair.place;
    this.pair = pair;
    this.seconds = Math.max(pair.a.seconds, pair.b.seconds);
    this.title.textContent = pair.prompt;
    const loudness = pair.is_matched ? quieter(pair) : pair.unmatched;
    this.facts.textContent = `${comparison.shares_noise ? "same starting noise, " : ""}seed ${pair.seed} · ${loudness}`;
    const hasAdapter = SIDES.some((side) => comparison.request[side].adapter);
    for (const side of SIDES) this.sides[side].show(comparison.request[side], pair[side], hasAdapter);
    this.table.replaceChildren(scoreTable(pair, judges));
    const heard = SIDES.map((side) => JSON.stringify(pair[side].scores?.events ?? null)).join();
    if (isNew || heard !== this.heard) this.draw(pair.place);
    this.heard = heard;
    if (!isNew) return;
    this.lane.take(this.seconds, { a: peaksOf(pair.a), b: peaksOf(pair.b) });
    this.listening.take(pair);
    this.changed();
  }

  async draw(place) {
    const views = [this.sides.a.picture, this.sides.b.picture, this.difference];
    try {
      const [figures, plotly] = await Promise.all([this.source.picture(place), this.source.plotly()]);
      if (this.pair.place !== place) return;
      this.plotly = plotly;
      this.sides.a.picture.take(figures.a);
      this.sides.b.picture.take(figures.b);
      this.difference.take(figures.difference);
      const { zmin, zmax, reach } = figures.scale;
      this.scales.levels.take(zmin, zmax);
      this.scales.apart.take(-reach, reach);
      this.paint();
    } catch (error) {
      for (const view of views) view.fail(error.message);
    }
  }

  paint() {
    if (!this.plotly || !this.node.isConnected) return;
    for (const side of SIDES) this.sides[side].picture.paint(this.plotly);
    for (const scale of Object.values(this.scales)) scale.paint();
    if (this.apart.open) this.difference.paint(this.plotly, true);
  }

  /** Play or pause; a sound that does not come is told, and tried again the next time. */
  async toggle() {
    await this.tell(() => this.listening.toggle());
  }

  do(work) {
    return this.tell(() => this.listening.change(work));
  }

  async tell(work) {
    try {
      await work();
    } catch (error) {
      const why = error.name === "EncodingError" ? "The browser cannot read this sound." : error.message;
      say(`${why} Press play to try again.`, "wrong");
    }
  }

  turn(side) {
    this.side = side;
    this.listening.turn(side);
    this.live.textContent = `${side.toUpperCase()} is heard: ${this.sides[side].name.textContent}`;
  }

  dragged(from, to, isDone) {
    if (isDone) this.do((transport) => transport.setLoop(from, to));
    else this.showLoop({ start: Math.min(from, to), end: Math.max(from, to) }, true);
  }

  /** What a key does here; whether it did something. */
  pressed(key) {
    const transport = this.listening.transport;
    if (key === " ") this.toggle();
    else if (key === "a" || key === "b") this.turn(key);
    else if (key === "x") this.turn(other(this.side));
    else if (MOVES.has(key)) this.do(MOVES.get(key));
    else if (key === "Escape" && transport?.loop) transport.clearLoop();
    else return false;
    return true;
  }

  changed() {
    const { transport, isPlaying } = this.listening;
    this.button.classList.toggle("is-playing", isPlaying);
    this.button.setAttribute("aria-label", isPlaying ? "Pause" : "Play");
    for (const side of SIDES) {
      this.buttons[side].setAttribute("aria-pressed", String(side === this.side));
      this.sides[side].node.classList.toggle("is-heard", side === this.side);
    }
    this.looping.setAttribute("aria-pressed", String(Boolean(transport?.isLooping)));
    this.showLoop(transport?.loop ?? null, Boolean(transport?.isLooping));
    this.place();
    if (isPlaying && !this.ticking) this.tick();
  }

  tick() {
    this.ticking = this.listening.isPlaying;
    this.place();
    if (this.ticking) requestAnimationFrame(() => this.tick());
  }

  get overlays() {
    return [this.sides.a.picture, this.sides.b.picture, this.difference].map((view) => view.overlay);
  }

  place() {
    const { transport, isPlaying } = this.listening;
    const position = transport?.position ?? 0;
    const isShown = isPlaying || position > 0;
    this.lane.place(position, isShown, this.side);
    for (const overlay of this.overlays) overlay.place(position / this.seconds || 0, isShown);
  }

  showLoop(loop, isOn) {
    this.lane.showLoop(loop, isOn);
    const region = loop && { start: loop.start / this.seconds, end: loop.end / this.seconds };
    for (const overlay of this.overlays) overlay.draw(region, isOn);
  }

  close() {
    this.watcher.disconnect();
    window.removeEventListener("baton-theme", this.themed);
    this.listening.close();
  }
}

/** One side: its letter, its model, how it was made, its picture. */
class SideView {
  constructor(side, hands, source) {
    this.source = source;
    this.letter = side.toUpperCase();
    this.name = element("strong", {});
    this.made = element("p", { class: "bs-status" });
    this.aligned = element("p", { class: "bs-aligned", hidden: true });
    this.picture = new PictureView("", hands);
    this.heard = element("p", { class: "bs-heard" });
    this.node = element(
      "section",
      { class: `bs-half bs-half-${side}`, "aria-label": `Side ${this.letter}` },
      element("header", {}, element("b", { class: `bs-letter bs-letter-${side}`, "aria-hidden": "true" }, this.letter), this.name),
      this.made,
      this.aligned,
      this.picture.node,
      this.heard,
    );
  }

  /** hasAdapter: whether either side has one; then both keep a line for it, so that the pictures stand level. */
  show(settings, made, hasAdapter) {
    this.name.textContent = settings.title ?? settings.model;
    const steps = settings.steps ? `${settings.steps} steps` : "its own steps";
    this.made.textContent = [steps, settings.guidance === null ? "its own guidance" : `guidance ${settings.guidance}`, settings.sampler].filter(Boolean).join(" · ");
    this.aligned.hidden = !hasAdapter;
    if (hasAdapter) this.showAdapter(settings);
    this.heard.textContent = heardIn(made);
    this.heard.title = this.heard.textContent;
    this.picture.node.setAttribute("aria-label", `Mel spectrogram of ${this.letter}: seconds across, Hz upwards. ${this.heard.textContent}`);
  }

  /** An aligned model says from what, and by which adapter. */
  showAdapter({ adapter, base }) {
    if (this.adapter === adapter) return;
    this.adapter = adapter;
    const told = adapter ? `aligned from ${base} · adapter ${adapter.slice(0, 8)}` : "no adapter";
    this.aligned.replaceChildren(element("span", { title: told }, told), ...(adapter ? [recordButton(adapter, this.source.record)] : []));
  }
}

/** A picture with its overlay; it keeps its room before anything is drawn. */
class PictureView {
  constructor(label, hands) {
    this.plot = element("div", { class: "bs-plot" });
    this.node = element("div", { class: "bs-picture", role: "img", "aria-label": label }, this.plot);
    this.overlay = new Overlay(this.node, [GUTTER, MARGIN], hands);
    this.overlay.region.append(element("span", { class: "bs-end", "data-end": "start" }), element("span", { class: "bs-end", "data-end": "end" }));
  }

  take(figure) {
    this.figure = figure;
    delete this.node.dataset.problem;
  }

  fail(why) {
    this.node.dataset.problem = why;
  }

  paint(plotly, isDifference = false) {
    if (!this.figure || !this.node.clientWidth) return;
    paint(plotly, this.plot, this.figure, { isDifference });
    this.node.classList.add("is-drawn");
  }
}

/** Move one end of the loop. */
function nudge(transport, end, by) {
  const { start, end: last } = transport.loop;
  if (end === "start") transport.setLoop(Math.min(start + by, last - 0.05), last);
  else transport.setLoop(start, Math.max(last + by, start + 0.05));
}

function quieter(pair) {
  const [side, gain] = pair.a.gain_db < pair.b.gain_db ? ["A", pair.a.gain_db] : ["B", pair.b.gain_db];
  return Math.abs(gain) < 0.05 ? "equally loud as made" : `heard equally loud: ${side} turned down by ${Math.abs(gain).toFixed(1)} dB`;
}
