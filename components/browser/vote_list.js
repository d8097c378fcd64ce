/** The campaigns that a visitor may see: title, how far each is, and a way into it. */

import { ask, attempt } from "./ask.js";
import { element } from "./element.js";
import { progressWord, statusWord, taskWord } from "./vote_words.js";

const PULSE = 2000; // ms between two looks while one is being made

export class Campaigns extends HTMLElement {
  connectedCallback() {
    if (this.list) return;
    this.list = element("ol", { class: "bs-vote-list" });
    this.append(element("h2", { class: "bs-vote-h2" }, "Campaigns"), this.list);
    this.rows = new Map();
    window.addEventListener("baton-campaigns", () => this.load());
    window.addEventListener("baton-progress", (event) => this.progressed(event.detail));
    window.addEventListener("baton-shown", (event) => this.mark(event.detail.id));
    this.load();
  }

  /** The one in view stands out. */
  mark(id = this.shown) {
    this.shown = id;
    for (const [one, { node }] of this.rows) {
      if (one === id) node.setAttribute("aria-current", "true");
      else node.removeAttribute("aria-current");
    }
  }

  async load() {
    clearTimeout(this.timer);
    const found = await attempt(() => ask("campaigns"));
    if (!found) return;
    this.rows = new Map(found.campaigns.map((campaign) => [campaign.id, this.row(campaign)]));
    this.list.replaceChildren(...[...this.rows.values()].map(({ node }) => node));
    this.mark();
    if (!found.campaigns.length) this.list.append(element("li", { class: "bs-empty" }, "Campaigns appear here, and stay after a restart."));
    if (found.campaigns.some((one) => one.status === "building")) this.timer = setTimeout(() => this.isConnected && this.load(), PULSE);
  }

  row(campaign) {
    const { id, title, status, task, progress, voters } = campaign;
    const facts = element("span", { class: "bs-run-facts" });
    const meter = element("progress", { max: 1, value: 0, "aria-label": `Votes of ${title}` });
    const open = element(
      "button",
      { type: "button", class: "bs-open", onclick: () => window.dispatchEvent(new CustomEvent("baton-campaign", { detail: { campaign: id } })) },
      element("span", { class: "bs-vote-row-top" }, element("span", { class: "bs-run-title" }, title), element("span", { class: `bs-vote-state is-${status}` }, voters === "simulated" ? `${status}, simulated` : status)),
      element("span", { class: "bs-run-facts" }, status === "building" || status === "failed" ? statusWord(campaign) : taskWord(task)),
      facts,
      meter,
    );
    const row = { node: element("li", { "data-id": id }, open), facts, meter };
    tell(row, progress);
    if (status === "building") Object.assign(meter, { value: campaign.share_made ?? 0, ariaLabel: `Making of ${title}` });
    return row;
  }

  progressed({ id, progress }) {
    const row = this.rows.get(id);
    if (row) tell(row, progress);
  }
}

function tell({ facts, meter }, progress) {
  facts.textContent = progressWord(progress);
  meter.value = progress.wanted ? progress.votes / progress.wanted : 0;
}
