/** The Vote tab: the campaign in view, as its voters, its results or its data; the address keeps both. */

import { ask } from "./ask.js";
import { element } from "./element.js";
import { Voting } from "./vote.js";
import { CampaignData } from "./vote_data.js";
import { statusWord, taskWord } from "./vote_words.js";

const VIEWS = [["vote", "Vote"], ["results", "Results"], ["data", "Data"]];
const PULSE = 1500; // ms between two looks at a campaign that is being made
const HOME = "baton-vote-home"; // set once a person has looked at the list: then the form stays in sight

/** The campaign and the view that the address names. */
export function invited() {
  const query = new URLSearchParams(location.search);
  const view = query.get("view");
  return { campaign: query.get("campaign"), view: VIEWS.some(([name]) => name === view) ? view : "vote" };
}

function remember(campaign, view) {
  const here = new URL(location.href);
  if (campaign) here.searchParams.set("campaign", campaign);
  else here.searchParams.delete("campaign");
  if (campaign && view !== "vote") here.searchParams.set("view", view);
  else here.searchParams.delete("view");
  window.history.replaceState(window.history.state, "", here);
}

export class VoteTab extends HTMLElement {
  connectedCallback() {
    if (this.head) return;
    this.view = invited().view;
    this.head = element("header", { class: "bs-vote-head" });
    this.body = element("div", { class: "bs-vote-view" });
    this.append(this.head, this.body);
    this.voting = new Voting({
      onprogress: (progress) => this.progressed(progress),
      onbackup: (state) => this.data.showBackup(state),
      onresults: () => this.turn("results"),
      onstale: () => this.open(this.shown, true),
      onagain: () => this.data.turn("open"),
    });
    this.data = new CampaignData({ onchange: () => this.open(this.shown, true), onremove: () => this.removed(), onforget: () => this.forgotten() });
    window.addEventListener("baton-campaign", (event) => {
      this.goHome();
      this.view = "vote";
      this.open(event.detail.campaign, true);
      if (this.getBoundingClientRect().top > innerHeight * 0.3) this.scrollIntoView({ behavior: "smooth" });
    });
    document.addEventListener("click", (event) => this.moved(event.target.closest?.('[role="tab"]')));
    const { campaign } = invited();
    this.closest("#vote")?.classList.toggle("is-invited", Boolean(campaign) && !sessionStorage.getItem(HOME));
    if (campaign) this.open(campaign);
    else this.empty();
  }

  /** The address names the campaign while its tab is open, and no longer. */
  moved(tab) {
    if (!tab || !tab.closest("#tabs > .tab-wrapper")) return undefined;
    if (tab.textContent.trim() === "Vote") return remember(this.shown ?? null, this.view);
    this.voting.rest();
    return remember(null);
  }

  goHome() {
    sessionStorage.setItem(HOME, "yes");
    this.closest("#vote")?.classList.remove("is-invited");
  }

  empty() {
    this.head.replaceChildren(element("h2", {}, "Listen, and say which is better"));
    this.body.replaceChildren(
      element("div", { class: "bs-empty" }, element("strong", {}, "No campaign is in view."), element("span", {}, "Choose one from the list, or make one from prompts and models."), element("span", {}, "To teach a model what you hear, press “Write captions”: twelve, with five sounds each, give 60 sounds to label.")),
    );
  }

  /** Follow a campaign; while it is being made, look again and again. */
  async open(id, isAnew = false) {
    if (this.shown === id && !isAnew) return;
    this.shown = id;
    window.dispatchEvent(new CustomEvent("baton-shown", { detail: { id } }));
    const round = (this.round = (this.round ?? 0) + 1); // an earlier look at the same one ends
    if (this.offsetParent) remember(id, this.view);
    for (;;) {
      let campaign;
      try {
        campaign = await ask(`campaigns/${encodeURIComponent(id)}`);
      } catch (error) {
        if (this.round === round) this.fail(error.message);
        return;
      }
      if (this.round !== round || !this.isConnected) return;
      this.show(campaign);
      if (campaign.status !== "building") return;
      await new Promise((done) => setTimeout(done, PULSE));
    }
  }

  fail(sentence) {
    this.campaign = null;
    this.head.replaceChildren(element("h2", {}, "Listen, and say which is better"), this.wayHome());
    this.body.replaceChildren(
      element("div", { class: "bs-empty", role: "alert" }, element("strong", {}, "This campaign cannot be shown."), element("span", {}, sentence), element("button", { type: "button", class: "bs-act", onclick: () => this.open(this.shown, true) }, "Try again")),
    );
  }

  show(campaign) {
    const isNew = this.campaign?.id !== campaign.id;
    this.campaign = campaign;
    this.data.campaign = campaign;
    if (isNew || !this.parts) this.buildHead();
    this.parts.title.textContent = campaign.title;
    this.parts.facts.textContent = [taskWord(campaign.task), statusWord(campaign), campaign.voters === "simulated" ? "votes of simulated listeners" : null].filter(Boolean).join(" · ");
    this.progressed(campaign.progress);
    if (isNew) this.turn(this.view);
    else this.refresh();
    window.dispatchEvent(new CustomEvent("baton-campaigns"));
  }

  buildHead() {
    this.parts = {
      title: element("h2", {}),
      facts: element("p", { class: "bs-status" }),
      votes: element("p", { class: "bs-vote-sum" }),
      tabs: VIEWS.map(([name, word]) => element("button", { type: "button", class: "bs-vote-tab", "aria-pressed": "false", "data-view": name, onclick: () => this.turn(name) }, word)),
    };
    this.head.replaceChildren(
      element("div", { class: "bs-vote-title" }, this.parts.title, this.parts.facts),
      element("div", { class: "bs-vote-tabs", role: "group", "aria-label": "What to see of this campaign" }, ...this.parts.tabs),
      this.wayHome(),
    );
  }

  wayHome() {
    return element("button", { type: "button", class: "bs-act bs-vote-all", onclick: () => this.goHome() }, "All campaigns");
  }

  progressed(progress) {
    if (!progress || !this.campaign) return;
    this.campaign.progress = progress;
    window.dispatchEvent(new CustomEvent("baton-progress", { detail: { id: this.campaign.id, progress } }));
  }

  /** The voter is nobody now: the first card comes again. */
  removed() {
    this.round += 1;
    this.shown = this.campaign = null;
    remember(null);
    this.goHome();
    this.empty();
    window.dispatchEvent(new CustomEvent("baton-campaigns"));
  }

  async forgotten() {
    await this.open(this.shown, true);
    this.voting.campaign = null;
  }

  /** Vote, Results or Data; the address keeps which. */
  turn(view) {
    this.view = view;
    if (this.offsetParent) remember(this.campaign.id, view);
    for (const tab of this.parts.tabs) tab.setAttribute("aria-pressed", String(tab.dataset.view === view));
    const nodes = { vote: () => this.voting.node, data: () => this.data.node, results: () => this.results() };
    this.body.replaceChildren(nodes[view]());
    this.refresh();
  }

  refresh() {
    if (this.view === "vote") this.voting.open(this.campaign);
    else this.voting.rest();
    if (this.view === "data") this.data.show(this.campaign);
  }

  results() {
    return element("baton-results", { campaign: this.campaign.id });
  }
}
