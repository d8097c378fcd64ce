/** Both sides of a comparison put to a blind vote: one button, and the way to those that were made. */

import { element, say } from "./element.js";
import { ago, plural } from "./words.js";

const ABOUT = "The same sounds, in another order, equally loud, with nothing that tells the sides. Whoever votes had better not look at this page before.";

export class Battle {
  /** source: {battles(), battle()}; without them nothing is shown. */
  constructor(source) {
    this.source = source;
    this.button = element("button", { type: "button", class: "bs-act bs-battle-open", onclick: () => this.open() }, "Blind battle");
    this.list = element("ul", { class: "bs-notices" });
    this.node = element(
      "section",
      { class: "bs-battle", "aria-label": "Blind battle", hidden: true },
      element("h3", {}, "By ear, blind"),
      element("p", { class: "bs-status" }, ABOUT),
      this.button,
      this.list,
    );
  }

  /** Shown once the comparison is over and has two pairs; only its owner can make one. */
  show({ id, pairs, is_over: isOver, is_mine: isMine }) {
    this.node.hidden = !this.source.battles || !isOver || !isMine || pairs.length < 2;
    this.button.textContent = `Put ${plural(pairs.length, "pair")} to a blind vote`;
    if (this.node.hidden || this.id === id) return;
    this.id = id;
    this.look();
  }

  async look() {
    const found = await this.source.battles().catch((error) => say(error.message, "wrong"));
    if (found) this.list.replaceChildren(...found.battles.map(row));
  }

  async open() {
    this.button.disabled = true;
    try {
      await this.source.battle();
      say("The battle is being made fair; its link is below.");
      await this.look();
    } catch (error) {
      say(error.message, "wrong");
    } finally {
      this.button.disabled = false;
    }
  }
}

function row({ link, votes, wanted, status, created_at: made }) {
  return element(
    "li",
    { class: "bs-news" },
    element("a", { href: link, class: "bs-battle-vote" }, "Vote"),
    " · ",
    element("a", { href: `${link}&view=results` }, "Results"),
    ` · ${votes} of ${plural(wanted, "vote")} · ${status} · ${ago(made)}`,
  );
}
