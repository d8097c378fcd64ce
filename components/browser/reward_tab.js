/** The Reward tab: follows a reward model to its end, keeps it in the address, lists earlier ones. */

import { ask, attempt } from "./ask.js";
import { element, say } from "./element.js";
import { gait } from "./reward_list.js";
import { RewardView } from "./reward_view.js";
import { asked } from "./tabs.js";

const PULSE = 500; // ms between two looks while it is trained
const PATIENCE = 3000; // and while the studio does not answer

/** The reward model that the address names, unless it names it for another tab. */
export function rewarded() {
  const tab = asked();
  return tab === null || tab === "reward" ? new URLSearchParams(location.search).get("reward") : null;
}

function remember(id) {
  const here = new URL(location.href);
  if (id) here.searchParams.set("reward", id);
  else for (const name of ["reward", "sides"]) here.searchParams.delete(name);
  window.history.replaceState(window.history.state, "", here);
}

export class RewardTab extends HTMLElement {
  connectedCallback() {
    if (this.bar) return;
    this.bar = element("section", { class: "bs-bar", "aria-label": "This reward model" });
    this.live = element("p", { class: "bs-unseen", "aria-live": "polite" });
    this.body = element("div", { class: "bs-reward-body" });
    this.append(this.bar, this.live, this.body);
    window.addEventListener("baton-reward", (event) => {
      this.follow(event.detail.id, true);
      if (this.getBoundingClientRect().top > innerHeight * 0.7) this.scrollIntoView({ behavior: gait() });
    });
    document.addEventListener("click", (event) => this.moved(event.target.closest?.('[role="tab"]')));
    this.isLinked = rewarded() !== null; // then it is what one came for: on a phone the form is scrolled past
    if (this.isLinked) this.follow(rewarded());
    else this.resume();
  }

  /** The address names the model while its tab is open, and no longer; a link to another tab keeps its own. */
  moved(tab) {
    if (!tab) return;
    if (tab.textContent.trim() === "Reward") remember(this.job ?? null);
    else if (asked() === null) remember(null);
  }

  async resume() {
    this.empty();
    const found = await ask("reward").catch(() => null);
    const last = found?.models?.[0];
    if (last && !this.job) this.follow(last.id);
  }

  empty() {
    this.view?.close();
    this.job = this.model = this.view = null;
    delete this.bar.dataset.id;
    this.bar.replaceChildren(element("h2", {}, "What would people say?"), element("p", { class: "bs-status" }, "A reward model learns from your labels and votes, and then judges sounds that nobody has heard."));
    this.body.replaceChildren(
      element(
        "div",
        { class: "bs-empty" },
        element("strong", {}, "No reward model yet."),
        element(
          "ol",
          { class: "bs-reward-way" },
          element("li", {}, "In Vote, write captions and have sounds of them made to label, or make a campaign of pairs."),
          element("li", {}, "Label its sounds, or send its link to others; some sixty labels are a beginning."),
          element("li", {}, "Tick it here and press Train. It takes about a minute."),
          element("li", {}, "Read how well it tells, then let Finetune use it to score what nobody labelled."),
        ),
      ),
    );
  }

  async follow(id, isAnew = false) {
    if (this.job === id && !isAnew) return;
    if (this.job !== id) this.begin(id);
    const round = (this.round = (this.round ?? 0) + 1); // an earlier look at the same one ends
    for (;;) {
      const found = await this.look(id);
      if (this.round !== round || this.job !== id || !this.isConnected || found === null) return;
      if (found) this.show(found);
      if (found?.is_over) break;
      await new Promise((done) => setTimeout(done, found ? PULSE : PATIENCE));
    }
    window.dispatchEvent(new CustomEvent("baton-rewards"));
  }

  /** One look; undefined while the studio is away, null where there is nothing to follow, and why is told. */
  async look(id) {
    try {
      return await ask(`reward/${encodeURIComponent(id)}`);
    } catch (error) {
      if (this.job !== id) return null;
      if (this.model?.id === id) {
        say(error.message, "wrong");
        return error.status === 0 ? undefined : null; // it goes on where it was once the studio is back
      }
      this.bar.replaceChildren(element("h2", {}, "What would people say?"), element("p", { class: "bs-status" }, ""));
      this.body.replaceChildren(element("div", { class: "bs-empty", role: "alert" }, element("strong", {}, "This reward model cannot be shown."), element("span", {}, error.message)));
      return null;
    }
  }

  begin(id) {
    this.view?.close();
    [this.job, this.model] = [id, null];
    delete this.bar.dataset.id;
    this.view = new RewardView(id);
    this.body.replaceChildren(this.view.node);
    if (this.offsetParent) remember(id);
    window.dispatchEvent(new CustomEvent("baton-rewards", { detail: { shown: id } }));
  }

  show(model) {
    this.model = model;
    if (this.bar.dataset.id !== model.id) this.buildBar(model);
    const { title, note, meter, stop, tools, notices } = this.parts;
    title.textContent = title.title = model.title;
    note.textContent = statusOf(model);
    meter.value = model.is_over ? 1 : model.progress;
    this.bar.classList.toggle("is-over", model.is_over);
    stop.hidden = model.is_over;
    tools.hidden = !model.is_over;
    const said = [...(model.error ? [["bs-wrong", model.error]] : []), ...model.notices.map((text) => ["bs-news", text])];
    if (notices.dataset.said !== JSON.stringify(said)) {
      notices.dataset.said = JSON.stringify(said);
      notices.replaceChildren(...said.map(([kind, text]) => element("li", { class: kind, role: kind === "bs-wrong" ? "alert" : null }, text)));
    }
    const word = model.is_over ? [statusOf(model), model.verdict?.[0]].filter(Boolean).join(" ") : model.note || "At work.";
    if (phaseOf(this.live.textContent) !== phaseOf(word)) this.live.textContent = word; // not every epoch is read out
    this.view.show(model);
    if (this.isLinked && this.getBoundingClientRect().top > innerHeight * 0.7) this.scrollIntoView();
    this.isLinked = false;
  }

  buildBar(model) {
    this.bar.dataset.id = model.id;
    this.parts = {
      title: element("h2", {}),
      note: element("p", { class: "bs-status" }),
      meter: element("progress", { max: 1, value: 0, "aria-label": "Progress of this training" }),
      stop: element("button", { type: "button", class: "bs-stop", title: "Stop between two steps", onclick: () => attempt(() => ask(`reward/${model.id}/stop`, "POST")) }, "Stop"),
      tools: element(
        "div",
        { class: "bs-tools" },
        element("button", { type: "button", class: "bs-act", title: "Put its campaigns, seed and settings into the form", onclick: () => this.reuse() }, "Reuse"),
        element("button", { type: "button", class: "bs-act", title: "The address of this reward model, for you", onclick: () => this.copy() }, "Copy link"),
        new Removal(model.id, () => this.removed()).node,
      ),
      notices: element("ul", { class: "bs-notices" }),
    };
    const { title, note, meter, stop, tools, notices } = this.parts;
    this.bar.replaceChildren(element("div", { class: "bs-bar-row" }, title, stop, tools), meter, note, notices);
  }

  async copy() {
    const here = new URL(location.pathname, location.origin);
    here.searchParams.set("reward", this.job);
    try {
      await navigator.clipboard.writeText(here.href);
      say("The link is copied.");
    } catch {
      window.prompt("The browser does not let the page copy; the link is:", here.href);
    }
  }

  reuse() {
    window.dispatchEvent(new CustomEvent("baton-reward-anew", { detail: this.model }));
    say("The form now holds its campaigns and settings.");
  }

  removed() {
    remember(null);
    this.round += 1;
    this.empty();
    this.resume();
    window.dispatchEvent(new CustomEvent("baton-rewards"));
  }
}

/** Remove, asked twice: what is gone cannot be brought back. */
export class Removal {
  constructor(id, onremoved) {
    const sure = element("button", { type: "button", class: "bs-act bs-reward-sure", hidden: true, onclick: () => this.remove(id, onremoved) }, "Remove for good");
    const first = element("button", { type: "button", class: "bs-act", onclick: () => {
      [first.hidden, sure.hidden] = [true, false];
      sure.focus();
    } }, "Remove");
    sure.addEventListener("blur", () => ([first.hidden, sure.hidden] = [false, true]));
    this.node = element("span", {}, first, sure);
  }

  async remove(id, onremoved) {
    if (!(await attempt(() => ask(`reward/${id}/remove`, "POST")))) return;
    say("The reward model is removed; its campaigns are as they were.");
    onremoved();
  }
}

const phaseOf = (text) => text.replace(/\d+/g, "");

function statusOf(model) {
  const whose = model.simulated ? "simulated listeners" : null;
  const known = ["Trained.", "Stopped.", "Not finished."][["done", "stopped", "failed"].indexOf(model.status)];
  return [known ?? (model.note || "at work"), whose].filter(Boolean).join(" · ");
}
