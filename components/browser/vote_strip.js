/** One sound of a serving: its letter, its waveform, which fills as it is heard, and room for a judgement. */

import { element } from "./element.js";
import { Heard } from "./heard.js";
import { Overlay } from "./lane.js";

const BAR = 3; // px from one bar of the waveform to the next

export class Strip {
  /** side: "a", "b", …; hands: seek(share), loop(share, share, isDone), hear(side). */
  constructor(side, hands) {
    this.side = side;
    this.letter = side.toUpperCase();
    this.heard = new Heard();
    this.button = element("button", { type: "button", class: "bs-vote-letter", "aria-pressed": "false", "aria-label": `Hear ${this.letter}`, title: `Hear ${this.letter} (${this.letter})`, onclick: () => hands.hear(side) }, this.letter);
    this.name = element("strong", { class: "bs-vote-name" });
    this.state = element("span", { class: "bs-vote-heard" });
    this.canvas = element("canvas", { class: "bs-wave", "aria-hidden": "true" });
    const lane = element("div", { class: "bs-vote-lane" }, this.canvas);
    this.overlay = new Overlay(lane, [0, 0], hands);
    this.slot = element("div", { class: "bs-vote-slot" });
    this.node = element(
      "section",
      { class: "bs-vote-strip", "data-side": side, "aria-label": `Sound ${this.letter}` },
      element("header", {}, this.button, this.name, this.state),
      lane,
      this.slot,
    );
    this.watcher = new ResizeObserver(() => this.draw());
    this.watcher.observe(lane);
    this.themed = () => this.draw();
    window.addEventListener("baton-theme", this.themed);
  }

  /** A new sound: its length, what must be heard of it, what was heard of it before a reload. */
  take(sound, needed, spans) {
    this.seconds = sound.seconds;
    this.needed = needed;
    this.heard = new Heard(spans);
    this.peaks = null;
    this.name.textContent = "";
    this.slot.replaceChildren();
    this.tell();
    this.draw();
  }

  /** levels: the waveform, from `levelsOf`; most: the loudest of all sounds of the serving. */
  show(levels, most) {
    this.peaks = { levels, most };
    this.draw();
  }

  get missing() {
    return Math.max(0, this.needed - this.heard.msOf(this.seconds)); // ms
  }

  hear(from, to) {
    this.heard.add(from, to);
    this.tell();
    this.draw();
  }

  tell() {
    const share = Math.round((100 * this.heard.msOf(this.seconds)) / (this.seconds * 1000));
    const isDone = this.missing === 0;
    this.state.textContent = isDone && this.needed > 0 ? "heard ✓" : share ? `${share} % heard` : "not heard yet";
    this.state.classList.toggle("is-done", isDone);
  }

  /** isHeard: this is the one that sounds. */
  mark(isHeard) {
    if (this.isHeard === isHeard) return;
    this.isHeard = isHeard;
    this.node.classList.toggle("is-heard", isHeard);
    this.button.setAttribute("aria-pressed", String(isHeard));
    this.draw();
  }

  draw() {
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    if (!width || !this.seconds) return;
    const ratio = window.devicePixelRatio || 1;
    [this.canvas.width, this.canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const style = getComputedStyle(this.canvas);
    const [done, ahead] = ["--done", "--ahead"].map((name) => style.getPropertyValue(name));
    const count = Math.floor(width / BAR);
    for (let bar = 0; bar < count; bar += 1) {
      const tall = Math.max(1.5, this.levelAt(bar / count, (bar + 1) / count) * (height - 6));
      pen.fillStyle = this.heard.holds(((bar + 0.5) / count) * this.seconds) ? done : ahead;
      pen.fillRect(bar * BAR, (height - tall) / 2, BAR - 1, tall);
    }
  }

  /** The level between two shares of the length, as a share of the loudest. */
  levelAt(from, to) {
    if (!this.peaks) return 0;
    const { levels, most } = this.peaks;
    const start = Math.floor(from * levels.length);
    return Math.max(...levels.subarray(start, Math.max(start + 1, Math.floor(to * levels.length)))) / most;
  }

  close() {
    this.watcher.disconnect();
    window.removeEventListener("baton-theme", this.themed);
  }
}

/** The waveform of a file as 400 levels, drawn from nothing but its samples. */
export async function levelsOf(file, rate) {
  const sound = await new OfflineAudioContext(1, 1, rate).decodeAudioData(file.slice(0));
  const samples = sound.getChannelData(0);
  const each = samples.length / 400;
  return Float32Array.from({ length: 400 }, (_, i) => {
    let most = 0;
    for (let n = Math.floor(i * each); n < Math.floor((i + 1) * each); n += 1) most = Math.max(most, Math.abs(samples[n]));
    return most;
  });
}
