/** Captions from label groups: written, looked over one by one, then put before listeners; the address keeps which. */

import { address, ask, attempt } from "./ask.js";
import { CaptionsForm, row } from "./captions_form.js";
import { CaptionRow } from "./captions_row.js";
import { element, say } from "./element.js";
import { turnTo } from "./tabs.js";
import { ago, plural } from "./words.js";

const PULSE = 800; // ms between two looks while a language model is at it
const NEW = "new";

/** The list of captions that the address names. */
export const reviewed = () => new URLSearchParams(location.search).get("captions");

function remember(id) {
  const here = new URL(location.href);
  if (id) here.searchParams.set("captions", id);
  else here.searchParams.delete("captions");
  if (id) for (const name of ["campaign", "view"]) here.searchParams.delete(name);
  window.history.replaceState(window.history.state, "", here);
}

export class Captions extends HTMLElement {
  connectedCallback() {
    if (this.head) return;
    this.head = element("header", { class: "bs-vote-head" });
    this.body = element("div", {});
    this.append(this.head, this.body);
    window.addEventListener("baton-captions", (event) => this.open(event.detail.id ?? NEW, true));
    window.addEventListener("baton-campaign", () => this.leave());
    document.addEventListener("click", (event) => this.moved(event.target.closest?.('#tabs > .tab-wrapper [role="tab"]')));
    if (reviewed()) this.open(reviewed());
    else this.leave();
  }

  /** The address names the list while its tab is open, and no longer. */
  moved(tab) {
    if (tab && this.shown) remember(tab.textContent.trim() === "Vote" ? this.shown : null);
  }

  /** Out of sight: the campaign in view is seen again. */
  leave() {
    if (this.shown) remember(null);
    this.round = (this.round ?? 0) + 1;
    this.shown = null;
    delete document.documentElement.dataset.captions;
  }

  async open(id, isAsked = false) {
    const round = (this.round = (this.round ?? 0) + 1);
    const isAnew = this.shown !== id;
    this.shown = id;
    remember(id);
    document.documentElement.dataset.captions = "open"; // not on Gradio's elements, which set their classes anew
    this.closest("#vote")?.classList.remove("is-invited");
    if (!this.choices || id === NEW) this.choices = await attempt(() => ask("prompts"));
    if (!this.choices || this.round !== round) return;
    if (id === NEW) this.begin();
    else await this.follow(id, round, isAnew);
    if (isAsked && this.getBoundingClientRect().top > innerHeight * 0.3) this.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  }

  begin() {
    this.head.replaceChildren(element("h2", {}, "Captions from label groups"), this.wayOut("Close"));
    this.body.replaceChildren(new CaptionsForm(this.choices, (id) => this.made(id)).node);
  }

  made(id) {
    this.open(id);
    window.dispatchEvent(new CustomEvent("baton-captions-changed"));
  }

  wayOut(word) {
    return element("button", { type: "button", class: "bs-act", onclick: () => this.leave() }, word);
  }

  /** Show the list; while the language model is at it, again and again. */
  async follow(id, round, isAnew) {
    if (isAnew) this.parts = null;
    for (;;) {
      let found;
      try {
        found = await ask(`prompts/${encodeURIComponent(id)}`);
      } catch (error) {
        if (this.round === round) this.fail(error.message);
        return;
      }
      if (this.round !== round || !this.isConnected) return;
      this.show(found);
      if (!found.is_writing) return;
      await new Promise((done) => setTimeout(done, PULSE));
    }
  }

  fail(sentence) {
    this.head.replaceChildren(element("h2", {}, "Captions from label groups"), this.wayOut("Close"));
    this.body.replaceChildren(element("div", { class: "bs-empty", role: "alert" }, element("strong", {}, "This list cannot be shown."), element("span", {}, sentence), element("button", { type: "button", class: "bs-act", onclick: () => this.open(NEW) }, "Begin a new one")));
  }

  build() {
    this.parts = {
      facts: element("p", { class: "bs-status" }),
      news: element("div", { class: "bs-cap-news", "aria-live": "polite" }),
      rows: new Map(),
      list: element("ol", { class: "bs-cap-list" }),
      title: element("h2", {}),
      next: element("section", { class: "bs-vote-card bs-cap-next" }),
    };
    const { facts, news, list, title, next } = this.parts;
    const more = element("button", { type: "button", class: "bs-act", onclick: () => this.add() }, "Add one more");
    const table = element("a", { class: "bs-act", href: address(`prompts/${this.list.id}/captions.csv`), download: "" }, "Take away as CSV");
    const away = element("button", { type: "button", class: "bs-act", onclick: () => this.remove() }, "Remove the list");
    this.head.replaceChildren(element("div", { class: "bs-vote-title" }, title, facts), this.wayOut("Close"));
    this.body.replaceChildren(news, list, element("div", { class: "bs-vote-link" }, more, table, away), next);
    next.append(...(this.list.split === "train" ? this.labelling() : this.comparing()));
  }

  show(found) {
    this.list = found;
    if (!this.parts) this.build();
    const { facts, news, rows, list, title } = this.parts;
    const dropped = found.captions.length - found.count;
    title.textContent = found.title;
    facts.textContent = [plural(found.count, "caption"), dropped ? `${dropped} dropped` : null, `${found.split}: ${this.choices.splits.find(({ name }) => name === found.split)?.about}`, found.label_set, `seed ${found.seed}`].filter(Boolean).join(" · ");
    for (const caption of found.captions) {
      const there = rows.get(caption.number);
      if (there) there.show(caption);
      else {
        const made = new CaptionRow(caption, this.choices.orders, (number, what, body) => this.act(number, what, body));
        rows.set(caption.number, made);
        list.append(made.node);
      }
    }
    news.replaceChildren(...this.news(found).filter(Boolean));
    this.tellNext();
  }

  news(found) {
    const press = (word, act) => element("button", { type: "button", class: "bs-act", onclick: act }, word);
    const here = `prompts/${found.id}`;
    if (found.is_writing) {
      const meter = element("progress", { max: 1, value: found.progress, "aria-label": "Captions worded" });
      return [element("p", { class: "bs-status" }, found.note || "waiting for its turn"), meter, press("Stop", () => attempt(() => ask(`${here}/stop`, "POST", {})))];
    }
    const again = () => attempt(() => ask(`${here}/model`, "POST", {})).then((done) => done && this.open(found.id));
    return [
      found.error ? element("p", { class: "bs-cap-mark", role: "alert" }, found.error) : null,
      found.awaiting ? element("p", { class: "bs-status" }, `${plural(found.awaiting, "caption")} of the grammar ${found.awaiting === 1 ? "waits" : "wait"} for the language model.`) : null,
      found.awaiting ? press("Ask the language model", again) : null,
      found.to_order ? element("p", { class: "bs-cap-mark" }, `The order of ${plural(found.to_order, "caption")} is not known, so nobody could label ${found.to_order === 1 ? "it" : "them"}: say it, or drop ${found.to_order === 1 ? "it" : "them"}.`) : null,
    ];
  }

  /** The sounds to label: whose, how many, how long. */
  labelling() {
    const options = this.choices.models.map(({ title, name }) => element("option", { value: name, selected: name === this.choices.usual }, title));
    this.asked = {
      model: element("select", { id: "captions-model", class: "bs-cap-field" }, ...options),
      takes: element("input", { type: "number", id: "captions-takes", class: "bs-cap-field", min: 1, value: this.choices.takes, oninput: () => this.tellNext() }),
      seconds: element("input", { type: "number", id: "captions-seconds", class: "bs-cap-field", min: 1, step: 0.5, value: 10 }),
      voters: element("select", { id: "captions-voters", class: "bs-cap-field" }, element("option", { value: "people" }, "People"), element("option", { value: "simulated" }, "Simulated listeners, as a demonstration")),
    };
    this.go = element("button", { type: "button", class: "bs-cap-go", id: "captions-campaign", onclick: () => this.makeCampaign() });
    return [
      element("h3", {}, "Next: sounds to label"),
      row("Sounds of", this.asked.model),
      row("Sounds of each caption", this.asked.takes),
      row("Seconds", this.asked.seconds),
      row("Who labels", this.asked.voters),
      this.go,
    ];
  }

  /** Held out: for Compare, and to be labelled by nobody. */
  comparing() {
    this.go = element("button", { type: "button", class: "bs-cap-go", onclick: () => this.takeToCompare() });
    return [element("h3", {}, "Next: compare models on them"), element("p", {}, "These groups are held out: no caption of the train split has the same events, so models that learn from its labels meet them here for the first time."), this.go];
  }

  tellNext() {
    const { count, split } = this.list;
    const sounds = count * Number(this.asked?.takes.value ?? 0);
    this.go.textContent = split === "train" ? `Make ${plural(sounds, "sound")} to label` : `Compare on ${plural(count, "caption")}`;
    this.go.disabled = !count;
  }

  async makeCampaign() {
    const { model, takes, seconds, voters } = this.asked;
    this.go.disabled = true;
    const wishes = { model: model.value, takes: Number(takes.value), seconds: Number(seconds.value), voters: voters.value };
    const made = await attempt(() => ask(`prompts/${this.list.id}/campaign`, "POST", wishes));
    this.go.disabled = false;
    if (made) window.dispatchEvent(new CustomEvent("baton-campaign", { detail: { campaign: made.campaign } }));
  }

  takeToCompare() {
    const here = new URL(location.href);
    here.searchParams.delete("tab"); // it named this one
    window.history.replaceState(window.history.state, "", here);
    turnTo("Compare");
    fill("#compare-prompts textarea", this.list.captions.filter((one) => !one.is_dropped).map((one) => one.text).join("\n"));
  }

  async act(number, what, body = {}) {
    const found = await attempt(() => ask(`prompts/${this.list.id}/captions/${number}/${what}`, "POST", body));
    if (found && this.list.id === found.id) this.changed(found);
    return Boolean(found);
  }

  async add() {
    const found = await attempt(() => ask(`prompts/${this.list.id}/captions`, "POST", {}));
    if (!found) return;
    this.changed(found);
    this.parts.rows.get(found.captions.at(-1).number).text.focus();
  }

  changed(found) {
    this.show(found);
    window.dispatchEvent(new CustomEvent("baton-captions-changed"));
  }

  async remove() {
    if (!confirm(`Remove “${this.list.title}” with its ${plural(this.list.count, "caption")}? Campaigns made of it stay.`)) return;
    const done = await attempt(() => ask(`prompts/${this.list.id}/remove`, "POST", {}));
    if (!done) return;
    this.leave();
    window.dispatchEvent(new CustomEvent("baton-captions-changed"));
    say("The list is removed.");
  }
}

/** Put words into a field of Gradio's as if a person had typed them, as soon as the field is there. */
function fill(where, words) {
  const field = document.querySelector(where);
  if (!field) return setTimeout(() => fill(where, words), 50);
  field.value = words;
  return field.dispatchEvent(new Event("input", { bubbles: true }));
}

/** One's own lists, beside the campaigns, and the way to a new one. */
export class CaptionLists extends HTMLElement {
  connectedCallback() {
    if (this.list) return;
    this.list = element("ol", { class: "bs-vote-list" });
    const begin = element("button", { type: "button", class: "bs-act", id: "captions-new", onclick: () => window.dispatchEvent(new CustomEvent("baton-captions", { detail: {} })) }, "Write captions");
    this.append(element("div", { class: "bs-cap-top" }, element("h2", { class: "bs-vote-h2" }, "Captions"), begin), this.list);
    window.addEventListener("baton-captions-changed", () => this.load());
    this.load();
  }

  async load() {
    const found = await attempt(() => ask("prompts"));
    if (found) this.list.replaceChildren(...found.lists.map((one) => this.row(one)));
  }

  row({ id, title, count, split, created_at: moment }) {
    const open = element("button", { type: "button", class: "bs-open", onclick: () => window.dispatchEvent(new CustomEvent("baton-captions", { detail: { id } })) }, element("span", { class: "bs-run-title" }, title), element("span", { class: "bs-run-facts" }, `${plural(count, "caption")} · ${split} · ${ago(moment)}`));
    return element("li", { "data-id": id }, open);
  }
}
