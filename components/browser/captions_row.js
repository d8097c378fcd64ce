/** One caption under review: its labels, its words, what they promise about order, and what can be done. */

import { element } from "./element.js";

const BY = { grammar: "by grammar", model: "by the language model", person: "in your words" };
const LETTERS = ["A", "B", "C"];

/** "A before B" with the names of the caption's own labels. */
export const filled = (words, names) => words.replace(/\b[ABC]\b/g, (letter) => names[LETTERS.indexOf(letter)] ?? letter);

export class CaptionRow {
  /** act(number, what, body) changes the caption and gives true once it is kept; orders: by count of labels. */
  constructor(caption, orders, act) {
    this.orders = orders;
    this.act = (what, body) => act(this.caption.number, what, body);
    this.labels = element("p", { class: "bs-cap-labels" });
    this.promise = element("p", { class: "bs-cap-promise" });
    this.text = element("textarea", { class: "bs-cap-text", rows: 2, onchange: () => this.reword(), onkeydown: (event) => this.key(event) });
    this.facts = element("p", { class: "bs-cap-facts" });
    this.mark = element("p", { class: "bs-cap-mark" });
    this.order = element("select", { class: "bs-cap-order", onpointerdown: () => this.spread(), onfocus: () => this.spread(), onchange: () => this.setOrder() });
    this.again = element("button", { type: "button", class: "bs-act", onclick: () => this.act("redraw") }, "Draw another");
    this.drop = element("button", { type: "button", class: "bs-act", onclick: () => this.act(this.caption.is_dropped ? "restore" : "drop") });
    this.node = element(
      "li",
      { class: "bs-cap" },
      element("div", { class: "bs-cap-words" }, this.text, this.facts, this.mark),
      element("div", { class: "bs-cap-truth" }, this.labels, this.promise, this.order),
      element("div", { class: "bs-cap-acts" }, this.again, this.drop),
    );
    this.show(caption);
  }

  show(caption) {
    const { number, names, labels, text, mark, is_dropped: isDropped, written_by: by, needs_order: isOpen } = caption;
    this.caption = caption;
    this.node.dataset.number = number;
    this.node.classList.toggle("is-dropped", isDropped);
    this.labels.replaceChildren(...names.map((name, place) => element("span", { class: "bs-badge", title: labels[place] }, name)));
    if (document.activeElement !== this.text) this.text.value = text;
    Object.assign(this.text, { ariaLabel: `Caption ${number}`, disabled: isDropped });
    this.facts.textContent = [`${number}`, BY[by] ?? by, caption.awaits_model && !isDropped ? "waits for the language model" : null, isDropped ? "dropped" : null].filter(Boolean).join(" · ");
    this.mark.textContent = mark ?? "";
    this.mark.hidden = !mark || isDropped;
    this.promise.textContent = caption.order_words ?? "Its order is not known.";
    this.promise.classList.toggle("is-open", isOpen);
    Object.assign(this.order, { ariaLabel: `Order that caption ${number} promises: ${this.promise.textContent}`, disabled: isDropped });
    this.order.classList.toggle("is-open", isOpen);
    this.fold();
    this.again.disabled = isDropped;
    this.again.ariaLabel = `Draw another group for caption ${number}`;
    this.drop.textContent = isDropped ? "Bring back" : "Drop";
    this.drop.ariaLabel = `${this.drop.textContent}: caption ${number}`;
  }

  asked() {
    return element("option", { value: "", selected: true }, this.caption.order === null ? "Say its order" : "Say another order");
  }

  /** No orders, until somebody looks for others: 200 rows of 19 would be slow. */
  fold() {
    this.order.replaceChildren(this.asked());
    this.isSpread = false;
  }

  spread() {
    if (this.isSpread) return;
    this.isSpread = true;
    const { names } = this.caption;
    const choices = this.orders[names.length].map((words, place) => element("option", { value: place }, filled(words, names)));
    this.order.replaceChildren(this.asked(), ...choices);
  }

  key(event) {
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.text.blur();
    } else if (event.key === "Escape") {
      event.stopPropagation();
      this.text.value = this.caption.text;
      this.text.blur();
    }
  }

  async reword() {
    const text = this.text.value.trim();
    if (!text) this.text.value = this.caption.text;
    else if (text !== this.caption.text) await this.act("reword", { text });
  }

  async setOrder() {
    if (this.order.value === "") return;
    if (!(await this.act("order", { order: Number(this.order.value) }))) this.fold();
  }
}
