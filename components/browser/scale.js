/** The scale of a picture's colours: a strip with the level at each end, drawn anew with the theme. */

import { element } from "./element.js";
import { coloursOf } from "./painting.js";
import { plain } from "./words.js";

export class Scale {
  /** words: what stands after the strip. */
  constructor(words, { isDifference = false } = {}) {
    this.isDifference = isDifference;
    this.low = element("span", {});
    this.strip = element("i", { class: "bs-strip", "aria-hidden": "true" });
    this.high = element("span", {});
    this.node = element("span", { class: "bs-scale" }, this.low, this.strip, this.high, words);
  }

  /** The levels in dB at the two ends. */
  take(low, high) {
    this.low.textContent = plain(low, 0);
    this.high.textContent = this.isDifference ? `+${plain(high, 0)} dB` : `${plain(high, 0)} dBFS`;
  }

  paint() {
    this.strip.style.background = `linear-gradient(90deg, ${coloursOf(this.isDifference).join(", ")})`;
  }
}
