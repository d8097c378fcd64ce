/** One sound: a play button, a waveform to click, a playhead; only one sounds at a time. */

import { address, ask, attempt } from "./ask.js";
import { element, say } from "./element.js";
import { claim, yielding } from "./sounding.js";

export class Player {
  constructor(card) {
    this.seconds = card.seconds;
    this.peaks = card.peaks ? Uint8Array.from(atob(card.peaks), (c) => c.charCodeAt(0)) : null;
    this.audio = new Audio();
    this.audio.preload = "auto";
    this.audio.src = address(card.sound ?? `candidates/${card.id}/sound.wav`);
    this.heads = []; // elements that show where we are: left is set in px
    this.button = element("button", {
      type: "button",
      class: "bs-play",
      "aria-label": "Play",
      onclick: () => this.toggle(),
    });
    this.canvas = element("canvas", { class: "bs-wave", "aria-hidden": "true" });
    this.slider = element("input", {
      type: "range",
      class: "bs-seek",
      min: 0,
      max: card.seconds,
      step: 0.01,
      value: 0,
      "aria-label": "Position in seconds",
      oninput: (event) => this.seek(Number(event.target.value)),
    });
    this.clock = element("span", { class: "bs-clock" });
    this.head = element("i", { class: "bs-head" });
    this.heads.push(this.head);
    const lane = element("div", { class: "bs-lane" }, this.canvas, this.slider, this.head, this.clock);
    this.node = element("div", { class: "bs-player" }, this.button, lane);
    this.audio.addEventListener("play", () => this.changed());
    this.audio.addEventListener("pause", () => this.changed());
    this.audio.addEventListener("ended", () => this.seek(0));
    this.audio.addEventListener("error", () => this.lost());
    this.deaf = yielding(this, () => this.audio.pause());
    this.watcher = new ResizeObserver(() => this.draw());
    this.watcher.observe(lane);
    this.changed();
  }

  get isPlaying() {
    return !this.audio.paused && !this.audio.ended;
  }

  toggle() {
    if (this.isPlaying) return this.audio.pause();
    if (this.audio.error) this.audio.load(); // it did not come the last time; it may now
    claim(this);
    return this.audio.play().catch(() => {});
  }

  seek(moment) {
    this.audio.currentTime = Math.min(Math.max(moment, 0), this.seconds);
    this.place();
  }

  /** The sound did not come: because the studio is gone, which `ask` says, or the sound is. */
  lost() {
    attempt(async () => {
      await ask("state");
      say("A sound could not be read; it may have been deleted from the data folder. Press play to try again.", "wrong");
    });
  }

  changed() {
    this.button.classList.toggle("is-playing", this.isPlaying);
    this.button.setAttribute("aria-label", this.isPlaying ? "Pause" : "Play");
    this.place();
    if (this.isPlaying) requestAnimationFrame(() => this.run());
  }

  run() {
    this.place();
    if (this.isPlaying) requestAnimationFrame(() => this.run());
  }

  place() {
    const share = Math.min(this.audio.currentTime / this.seconds, 1) || 0;
    this.slider.value = this.audio.currentTime;
    this.slider.setAttribute("aria-valuetext", `${this.audio.currentTime.toFixed(1)} of ${this.seconds.toFixed(1)} seconds`);
    this.clock.textContent = `${this.audio.currentTime.toFixed(1)} / ${this.seconds.toFixed(1)} s`;
    for (const head of this.heads) {
      head.style.setProperty("--at", share);
      head.hidden = share === 0 && !this.isPlaying;
    }
    this.draw(share);
  }

  draw(share = Math.min(this.audio.currentTime / this.seconds, 1) || 0) {
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    if (!width || !this.peaks) return;
    const ratio = window.devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(width * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const style = getComputedStyle(this.canvas);
    const [played, ahead] = [style.getPropertyValue("--played"), style.getPropertyValue("--ahead")];
    const count = Math.min(this.peaks.length, Math.floor(width / 3));
    for (let bar = 0; bar < count; bar += 1) {
      const from = Math.floor((bar * this.peaks.length) / count);
      const to = Math.max(from + 1, Math.floor(((bar + 1) * this.peaks.length) / count));
      const level = Math.max(...this.peaks.subarray(from, to)) / 255;
      const tall = Math.max(1.5, level * (height - 4));
      pen.fillStyle = bar / count < share ? played : ahead;
      pen.fillRect((bar * width) / count, (height - tall) / 2, Math.max(1, width / count - 1), tall);
    }
  }

  close() {
    this.audio.pause();
    this.deaf();
    this.audio.removeAttribute("src");
    this.watcher.disconnect();
  }
}
