/** The Finetune tab: follows a run to its end, keeps it in the address, and says what to do when there is none. */

import { ask, attempt } from "./ask.js";
import { element, say } from "./element.js";
import { FinetuneView } from "./finetune_view.js";
import { nameOf } from "./finetune_samples.js";
import { capital, statusOf } from "./finetune_words.js";
import { turnTo } from "./tabs.js";
import { plural } from "./words.js";

const PULSE = 1000; // ms between two looks while it trains
const AGAIN = 4000; // ms until the next look when the studio did not answer

/** The run that the address names. */
export const trained = () => new URLSearchParams(location.search).get("run");

function remember(id) {
  const here = new URL(location.href);
  if (id) here.searchParams.set("run", id);
  else here.searchParams.delete("run");
  window.history.replaceState(window.history.state, "", here);
}

export class FinetuneTab extends HTMLElement {
  connectedCallback() {
    if (this.bar) return;
    this.bar = element("section", { class: "bs-bar", "aria-label": "This run" });
    this.live = element("p", { class: "bs-unseen", "aria-live": "polite" });
    this.body = element("div", { class: "bs-fine-body" });
    this.append(this.bar, this.live, this.body);
    window.addEventListener("baton-finetune", (event) => {
      this.follow(event.detail.run, true);
      if (this.getBoundingClientRect().top > innerHeight * 0.7) this.scrollIntoView();
    });
    window.addEventListener("baton-finetune-sources", (event) => this.teach(event.detail));
    document.addEventListener("click", (event) => this.moved(event.target.closest?.('[role="tab"]')));
    this.isLinked = trained() !== null; // then it is what one came for: on a phone the form is scrolled past
    if (this.isLinked) this.follow(trained());
    else this.resume();
  }

  /** The address names the run while its tab is open, and no longer. */
  moved(tab) {
    if (!tab || !tab.closest("#tabs > .tab-wrapper")) return;
    if (tab.textContent.trim() === "Finetune") remember(this.followed ?? null);
    else if (new URLSearchParams(location.search).get("tab") === null) remember(null);
  }

  async resume() {
    this.empty();
    const found = await ask("finetune").catch(() => null);
    const last = found?.runs?.[0];
    if (last && !this.followed) this.follow(last.id);
  }

  empty() {
    this.view?.close();
    this.followed = this.run = this.view = null; // `id` is the element's own name, and always a text
    delete this.bar.dataset.id;
    this.bar.replaceChildren(element("h2", {}, "A model that keeps more of its promises"), element("p", { class: "bs-status" }, "It learns from the sounds that people called aligned, and is heard beside its base while it does."));
    this.steps = element("ol", { class: "bs-fine-steps" });
    this.body.replaceChildren(element("div", { class: "bs-empty bs-fine-teach" }, element("strong", {}, "No run yet."), this.steps));
    this.teach(this.sources);
  }

  /** The loop up to here, and how far the person is with it. */
  teach(sources) {
    this.sources = sources ?? this.sources;
    if (!this.steps?.isConnected && this.followed) return;
    const judged = (this.sources?.campaigns ?? []).filter((one) => !one.why_not);
    const labels = judged.reduce((sum, one) => sum + (one.labels || one.pairs || 0), 0);
    const rewards = (this.sources?.rewards ?? []).filter((one) => one.id !== "clap").length;
    const step = (tab, title, about, done) => element("li", { class: done ? "is-done" : "" }, element("button", { type: "button", class: "bs-act", onclick: () => turnTo(tab) }, title), element("span", {}, done || about));
    this.steps?.replaceChildren(
      step("Vote", "Vote", "Label some 60 sounds: is all there that was asked for?", labels ? `${plural(labels, "judgement")} of yours ${labels === 1 ? "is" : "are"} here.` : ""),
      step("Reward", "Reward", "Train a reward model on them; it then scores sounds that nobody labelled.", rewards ? `${plural(rewards, "reward model")} of yours ${rewards === 1 ? "is" : "are"} here.` : ""),
      element("li", { class: "is-here" }, element("strong", {}, "Finetune"), element("span", {}, "Choose both in the form and press Finetune; or let it rank sounds of its own (CRPO); or upload yours.")),
    );
  }

  async follow(id, isAnew = false) {
    if (this.followed === id && !isAnew) return;
    if (this.followed !== id) this.begin(id);
    const round = (this.round = (this.round ?? 0) + 1); // an earlier look at the same one ends
    let wasOver = null;
    for (;;) {
      const found = await this.look(id);
      if (this.round !== round || this.followed !== id || !this.isConnected) return;
      if (found === null) return;
      if (found) this.show(found);
      if (found?.is_over) {
        if (wasOver === false || isAnew) window.dispatchEvent(new CustomEvent("baton-finetunes", { detail: { shown: id } }));
        return;
      }
      if (found) wasOver = false;
      await new Promise((done) => setTimeout(done, found ? PULSE : AGAIN));
    }
  }

  /** One look; undefined where the studio did not answer, null where it refused. */
  async look(id) {
    try {
      return await ask(`finetune/${encodeURIComponent(id)}`);
    } catch (error) {
      if (this.followed !== id) return null;
      if (error.status === 0 && this.run?.id === id) {
        this.parts.note.textContent = "The studio does not answer; a run goes on as soon as it is there again.";
        return undefined;
      }
      if (this.run?.id === id) say(error.message, "wrong");
      else {
        this.bar.replaceChildren(element("h2", {}, "A model that keeps more of its promises"), element("p", { class: "bs-status" }, ""));
        this.body.replaceChildren(element("div", { class: "bs-empty", role: "alert" }, element("strong", {}, "This run cannot be shown."), element("span", {}, error.message), element("button", { type: "button", class: "bs-act", onclick: () => (this.begin(id), this.follow(id, true)) }, "Try again")));
      }
      return null;
    }
  }

  begin(id) {
    this.view?.close();
    [this.followed, this.run] = [id, null];
    delete this.bar.dataset.id;
    this.view = new FinetuneView(id, { onchange: () => this.follow(id, true), onremove: () => this.removed() });
    this.body.replaceChildren(this.view.node);
    if (this.offsetParent) remember(id);
    window.dispatchEvent(new CustomEvent("baton-finetunes", { detail: { shown: id } }));
  }

  show(run) {
    this.run = run;
    if (this.bar.dataset.id !== run.id) this.buildBar(run);
    const { title, badge, note, meter, stop, resume, notices } = this.parts;
    title.textContent = title.title = run.title;
    badge.hidden = !run.simulated;
    note.textContent = statusOf(run);
    meter.value = run.status === "done" ? 1 : run.progress;
    this.bar.classList.toggle("is-over", run.is_over);
    stop.hidden = run.is_over || run.is_mine === false;
    resume.hidden = !run.can_resume || run.is_mine === false;
    const said = [...(run.error ? [["bs-wrong", run.error]] : []), ...(run.notices ?? []).map((text) => ["bs-news", text])];
    if (notices.dataset.said !== JSON.stringify(said)) {
      notices.dataset.said = JSON.stringify(said);
      notices.replaceChildren(...said.map(([kind, text]) => element("li", { class: kind, role: kind === "bs-wrong" ? "alert" : null }, text)));
    }
    this.tell(run);
    this.view.show(run);
    if (this.isLinked && this.getBoundingClientRect().top > innerHeight * 0.7) this.scrollIntoView();
    this.isLinked = false;
  }

  /** Read out: its state, and each moment to listen to; never every step. */
  tell(run) {
    const heard = run.samples?.at(-1);
    const word = run.is_over || !heard ? (run.is_over ? statusOf(run) : run.status === "waiting" ? "Waiting for its turn." : "At work.") : `${capital(heard.step ? nameOf(heard) : "the base")} can be heard.`;
    if (this.live.textContent !== word) this.live.textContent = word;
  }

  buildBar(run) {
    this.bar.dataset.id = run.id;
    const order = (verb) => attempt(() => ask(`finetune/${run.id}/${verb}`, "POST", {}));
    this.parts = {
      title: element("h2", {}),
      badge: element("span", { class: "bs-badge bs-res-simulated" }, "simulated listeners, not people"),
      note: element("p", { class: "bs-status" }),
      meter: element("progress", { max: 1, value: 0, "aria-label": "Progress of this run" }),
      stop: element("button", { type: "button", class: "bs-stop", title: "Saves what was learned, then stops", onclick: () => order("stop") }, "Stop"),
      resume: element("button", { type: "button", class: "bs-fine-go", onclick: async () => (await order("resume")) && this.follow(run.id, true) }, "Resume"),
      notices: element("ul", { class: "bs-notices" }),
    };
    const { title, badge, note, meter, stop, resume, notices } = this.parts;
    this.bar.replaceChildren(element("div", { class: "bs-bar-row" }, title, badge, resume, stop), meter, note, notices);
  }

  removed() {
    remember(null);
    this.round += 1;
    this.resume();
    window.dispatchEvent(new CustomEvent("baton-finetunes"));
  }
}
