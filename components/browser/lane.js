/** The lane under the transport: A's waveform upwards, B's downwards, the place, the loop and its ends. */

import { element } from "./element.js";
import { SIDES } from "./transport.js";

const GRASP = 5; // px of travel that make a click a drag

/** What lies over anything with a time axis: the playhead, the loop, and the pointer that sets both. */
export class Overlay {
  /** node: what is drawn on; inset: [left, right] px outside its time axis. */
  constructor(node, inset, { seek, loop }) {
    [this.node, this.inset, this.seek, this.loop] = [node, inset, seek, loop];
    this.head = element("i", { class: "bs-head", hidden: true });
    this.region = element("i", { class: "bs-region", hidden: true });
    this.axis = element("div", { class: "bs-axis", style: `left:${inset[0]}px;right:${inset[1]}px` }, this.region, this.head);
    node.append(this.axis);
    this.axis.addEventListener("pointerdown", (event) => this.grasp(event));
  }

  share(event) {
    const box = this.axis.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
  }

  /** A click seeks; a drag draws a loop; a drag that begins at an end of the loop moves that end. */
  grasp(event) {
    if (event.button !== 0) return;
    const [from, left] = [this.share(event), event.clientX];
    const held = event.target.closest(".bs-end")?.dataset.end;
    const fixed = held === "start" ? this.drawn.end : held === "end" ? this.drawn.start : from;
    let drags = Boolean(held);
    this.axis.setPointerCapture(event.pointerId);
    const moved = (next) => {
      drags ||= Math.abs(next.clientX - left) > GRASP;
      if (drags) this.loop(fixed, this.share(next), false);
    };
    const done = (last) => {
      this.axis.removeEventListener("pointermove", moved);
      for (const name of ["pointerup", "pointercancel"]) this.axis.removeEventListener(name, done);
      if (drags) this.loop(fixed, this.share(last), true);
      else if (last.type === "pointerup") this.seek(this.share(last));
    };
    this.axis.addEventListener("pointermove", moved);
    for (const name of ["pointerup", "pointercancel"]) this.axis.addEventListener(name, done);
  }

  /** at: share of the length; region: {start, end} in shares or null. */
  place(at, isShown) {
    this.head.style.left = `${at * 100}%`;
    this.head.hidden = !isShown;
  }

  draw(region, isOn) {
    this.drawn = region;
    this.region.hidden = region === null;
    if (region === null) return;
    this.region.style.left = `${region.start * 100}%`;
    this.region.style.right = `${(1 - region.end) * 100}%`;
    this.region.classList.toggle("is-on", isOn);
  }
}

export class Lane {
  /** hands: seek(share), loop(share, share, isDone), nudge("start" | "end", seconds). */
  constructor(hands) {
    this.canvas = element("canvas", { class: "bs-wave", "aria-hidden": "true" });
    this.slider = element("input", {
      type: "range", class: "bs-seek", min: 0, max: 1, step: 0.01, value: 0, "aria-label": "Position in seconds",
      oninput: (event) => hands.seek(Number(event.target.value) / this.seconds),
    });
    this.clock = element("span", { class: "bs-clock" });
    this.node = element("div", { class: "bs-lane bs-ab-lane" }, this.canvas, this.slider, this.clock);
    this.overlay = new Overlay(this.node, [0, 0], hands);
    this.ends = Object.fromEntries(
      ["start", "end"].map((end) => [
        end,
        element("span", {
          class: "bs-end", role: "slider", tabindex: 0, "data-end": end, "aria-label": `Loop ${end} in seconds`, "aria-valuemin": 0,
          onkeydown: (event) => {
            const by = { ArrowLeft: -0.1, ArrowDown: -0.1, ArrowRight: 0.1, ArrowUp: 0.1, PageDown: -1, PageUp: 1 }[event.key];
            if (!by) return;
            event.preventDefault();
            hands.nudge(end, by);
          },
        }),
      ]),
    );
    this.overlay.region.append(this.ends.start, this.ends.end);
    new ResizeObserver(() => this.draw()).observe(this.node);
    window.addEventListener("baton-theme", () => this.draw());
    this.take(1, null);
  }

  /** The length in seconds, and the peaks of each side, from `peaksOf`. */
  take(seconds, peaks) {
    [this.seconds, this.peaks] = [seconds, peaks];
    this.slider.max = seconds;
    this.draw();
  }

  /** side: who is heard. */
  place(position, isShown, side) {
    const share = Math.min(position / this.seconds, 1) || 0;
    this.slider.value = position;
    this.slider.setAttribute("aria-valuetext", `${position.toFixed(1)} of ${this.seconds.toFixed(1)} seconds`);
    this.clock.textContent = `${position.toFixed(1)} / ${this.seconds.toFixed(1)} s`;
    this.overlay.place(share, isShown);
    if (this.side !== side) {
      this.side = side;
      this.draw();
    }
  }

  showLoop(loop, isOn) {
    this.overlay.draw(loop && { start: loop.start / this.seconds, end: loop.end / this.seconds }, isOn);
    for (const end of loop ? ["start", "end"] : []) {
      this.ends[end].setAttribute("aria-valuenow", loop[end].toFixed(2));
      this.ends[end].setAttribute("aria-valuemax", this.seconds.toFixed(2));
      this.ends[end].setAttribute("aria-valuetext", `${loop[end].toFixed(1)} seconds`);
    }
  }

  draw() {
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    if (!width || !this.peaks) return;
    const ratio = window.devicePixelRatio || 1;
    [this.canvas.width, this.canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const style = getComputedStyle(this.canvas);
    const most = Math.max(...SIDES.map((side) => this.peaks[side].most), 1e-3); // one scale for both
    for (const side of SIDES) {
      const { levels, seconds } = this.peaks[side];
      pen.fillStyle = style.getPropertyValue(side === this.side ? `--heard-${side}` : "--unheard");
      const count = Math.max(1, Math.floor((width * seconds) / this.seconds / 3));
      for (let bar = 0; bar < count; bar += 1) {
        const from = Math.floor((bar * levels.length) / count);
        const to = Math.max(from + 1, Math.floor(((bar + 1) * levels.length) / count));
        const tall = Math.max(1, (Math.max(...levels.subarray(from, to)) / most) * (height / 2 - 2));
        pen.fillRect(bar * 3, side === "a" ? height / 2 - tall : height / 2 + 1, 2, tall);
      }
    }
  }
}

/** The levels of one side as it is heard, its gain applied. */
export function peaksOf(side) {
  const bytes = side.peaks ? Uint8Array.from(atob(side.peaks), (c) => c.charCodeAt(0)) : new Uint8Array(1);
  const levels = Float32Array.from(bytes, (byte) => (byte / 255) * 10 ** (side.gain_db / 20));
  return { levels, most: Math.max(...levels), seconds: side.seconds };
}
