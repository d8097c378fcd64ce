/** Earlier reward models, the newest first: how well each tells, and a way into it. */

import { ask, attempt } from "./ask.js";
import { element } from "./element.js";
import { figure } from "./results_tables.js";
import { ago, plural } from "./words.js";

const PULSE = 2000; // ms between two looks while one is trained

/** How one is brought to what was opened: at once, for those who like no movement. */
export const gait = () => (matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth");

export class Rewards extends HTMLElement {
  connectedCallback() {
    if (this.list) return;
    this.list = element("ol", { class: "bs-runs" });
    this.append(element("div", { class: "bs-history-top" }, element("h2", {}, "Reward models")), this.list);
    window.addEventListener("baton-rewards", (event) => {
      this.shown = event.detail?.shown ?? this.shown;
      this.load();
    });
    this.load();
  }

  async load() {
    clearTimeout(this.timer);
    const found = await attempt(() => ask("reward"));
    if (!found) return;
    this.list.replaceChildren(...found.models.map((one) => this.row(one)));
    if (!found.models.length) this.list.append(element("li", { class: "bs-empty" }, "Reward models appear here, and stay after a restart."));
    if (found.models.some((one) => !one.is_over)) this.timer = setTimeout(() => this.isConnected && this.load(), PULSE);
  }

  row(one) {
    const told = one.auc && one.auc.value !== null ? `tells ${figure(one.auc, 0, 100, " %")}` : null;
    const facts = [told, one.labels ? plural(one.labels, "label") : null, one.pairs ? plural(one.pairs, "pair") : null, plural(one.prompts, "prompt"), one.status === "done" ? null : one.status, one.simulated ? "simulated listeners" : null];
    const open = element(
      "button",
      { type: "button", class: "bs-open", onclick: () => this.open(one.id) },
      element("span", { class: "bs-run-title" }, one.title),
      element("span", { class: "bs-run-facts" }, facts.filter(Boolean).join(" · ")),
    );
    const row = element("li", { class: "bs-run", "data-id": one.id, "aria-current": one.id === this.shown ? "true" : null }, open);
    row.append(element("time", { datetime: one.created_at, title: new Date(one.created_at).toLocaleString() }, ago(one.created_at)));
    return row;
  }

  open(id) {
    window.dispatchEvent(new CustomEvent("baton-reward", { detail: { id } }));
    document.querySelector("baton-reward")?.scrollIntoView({ behavior: gait(), block: "start" });
  }
}
