/** The sounds on which reward and people are furthest apart, to listen to. */

import { element } from "./element.js";
import { Player } from "./player.js";
import { plural } from "./words.js";

const FIRST = 6; // shown at once; the others on request

export class Disagreements {
  constructor() {
    this.players = [];
    this.list = element("ol", { class: "bs-reward-sounds" });
    this.about = element("p", { class: "bs-status" });
    this.more = element("button", { type: "button", class: "bs-act", onclick: () => this.lay(this.sounds.length) }, "Show all");
    this.node = element("section", { "aria-label": "Where they disagree", hidden: true }, element("h3", {}, "Where they disagree most"), this.about, this.list, this.more);
  }

  show(sounds, isSimulated) {
    [this.sounds, this.whose] = [sounds, isSimulated ? "simulated listeners" : "people"];
    this.node.hidden = !sounds.length;
    this.about.textContent = `Held-out sounds on which the reward and ${this.whose} are furthest apart. Listen: a label may be wrong, or there is something that the model has yet to learn.`;
    this.lay(FIRST);
  }

  lay(count) {
    this.close();
    this.list.replaceChildren(...this.sounds.slice(0, count).map((sound) => this.row(sound)));
    this.more.hidden = this.sounds.length <= count;
    for (const player of this.players) player.draw();
  }

  row(sound) {
    const player = new Player(sound);
    this.players.push(player);
    const said = sound.label >= 0.5 ? "aligned" : "not aligned";
    const raters = sound.raters > 1 ? `, ${Math.round(100 * sound.label)} % aligned of ${plural(sound.raters, "rater")}` : "";
    const fact = (name, value, title) => element("div", { title }, element("dt", {}, name), element("dd", {}, value));
    return element(
      "li",
      { class: "bs-reward-sound" },
      element("p", { class: "bs-prompt" }, sound.prompt),
      player.node,
      element(
        "dl",
        { class: "bs-facts" },
        fact(this.whose, `${said}${raters}`),
        fact("reward", sound.reward.toFixed(2), "0 not aligned, 1 aligned"),
        sound.clap === null || sound.clap === undefined ? null : fact("CLAP", sound.clap.toFixed(2), "how near sound and prompt are, by CLAP alone"),
      ),
    );
  }

  close() {
    for (const player of this.players) player.close();
    this.players = [];
  }
}
