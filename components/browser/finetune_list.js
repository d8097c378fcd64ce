/** Earlier runs of fine-tuning: what each was trained by, how it stands, and a way into it. */

import { ask, attempt } from "./ask.js";
import { element } from "./element.js";
import { RECIPES, statusOf } from "./finetune_words.js";
import { ago } from "./words.js";

const PULSE = 3000; // ms between two looks while one is at work

export class Finetunes extends HTMLElement {
  connectedCallback() {
    if (this.list) return;
    this.list = element("ol", { class: "bs-runs" });
    this.append(element("div", { class: "bs-history-top" }, element("h2", {}, "Earlier runs")), this.list);
    window.addEventListener("baton-finetunes", (event) => {
      this.shown = event.detail?.shown ?? this.shown;
      this.load();
    });
    this.load();
  }

  async load() {
    clearTimeout(this.timer);
    const found = await attempt(() => ask("finetune"));
    if (!found) return;
    const focused = this.list.contains(document.activeElement) ? document.activeElement.closest("li")?.dataset.id : null;
    this.list.replaceChildren(...found.runs.map((run) => this.row(run)));
    if (focused) this.list.querySelector(`li[data-id="${CSS.escape(focused)}"] .bs-open`)?.focus();
    if (!found.runs.length) this.list.append(element("li", { class: "bs-empty" }, "Runs appear here, and stay after a restart."));
    if (found.runs.some((run) => !run.is_over)) this.timer = setTimeout(() => this.isConnected && this.load(), PULSE);
  }

  row(run) {
    const facts = [RECIPES[run.recipe] ?? run.recipe, run.base_title ?? run.base, statusOf(run), run.simulated ? "simulated listeners" : null];
    const open = element(
      "button",
      { type: "button", class: "bs-open", onclick: () => this.open(run.id) },
      element("span", { class: "bs-run-title" }, run.title),
      element("span", { class: "bs-run-facts" }, facts.filter(Boolean).join(" · ")),
    );
    return element("li", { class: "bs-run", "data-id": run.id, "aria-current": run.id === this.shown ? "true" : null }, open, element("time", { datetime: run.created_at, title: new Date(run.created_at).toLocaleString() }, ago(run.created_at)));
  }

  open(id) {
    window.dispatchEvent(new CustomEvent("baton-finetune", { detail: { run: id } }));
    document.querySelector("baton-finetune")?.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth", block: "start" });
  }
}
