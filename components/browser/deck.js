/** The run in view: how far it is, what it says, and its candidates, the best first. */

import { address, ask, attempt } from "./ask.js";
import { Card, placeholder } from "./card.js";
import { element } from "./element.js";
import { plain, titleOf } from "./words.js";

const QUICK = 120; // ms between two looks while sounds are made
const CALM = 450; // while the judges listen
const BY_CLAP = { by: "CLAP" }; // what ranks cards that are of no one run

export class Deck extends HTMLElement {
  connectedCallback() {
    if (this.body) return;
    this.cards = new Map();
    this.bar = element("section", { class: "bs-bar", "aria-label": "This run" });
    this.live = element("p", { class: "bs-unseen", "aria-live": "polite" });
    this.body = element("div", { class: "bs-groups" });
    this.append(this.bar, this.live, this.body);
    this.sort = "best";
    this.empty();
    window.addEventListener("baton-run", (event) => {
      this.follow(event.detail.job);
      if (this.getBoundingClientRect().top > innerHeight * 0.7) this.scrollIntoView({ behavior: "smooth" });
    });
    window.addEventListener("baton-cards", (event) => this.showCards(event.detail.title, event.detail.cards));
    this.resume();
  }

  /** After a reload: the run that is still under way, or the last one. */
  async resume() {
    const found = await ask("history").catch(() => null);
    const last = found?.runs?.[0];
    if (!last || this.job) return;
    if (last.is_over) this.show(last);
    else this.follow(last.id);
  }

  empty() {
    this.bar.replaceChildren(element("h2", {}, "Your sounds"), element("p", { class: "bs-status" }, "They appear here, the best first."));
    this.body.replaceChildren(
      element(
        "div",
        { class: "bs-empty" },
        element("strong", {}, "Nothing to hear yet."),
        element("span", {}, "Describe a sound, or take an example, and press Generate (Ctrl + Enter)."),
      ),
    );
  }

  async follow(job) {
    this.job = job;
    window.dispatchEvent(new CustomEvent("baton-history"));
    for (;;) {
      const run = await attempt(() => ask(`jobs/${job}`));
      if (!run || this.job !== job) return;
      this.show(run);
      if (run.is_over) break;
      await new Promise((done) => setTimeout(done, run.phase === 0 ? QUICK : CALM));
    }
    window.dispatchEvent(new CustomEvent("baton-history"));
  }

  show(run) {
    if (this.run?.id !== run.id) this.clear();
    this.job = run.id;
    this.run = run;
    this.showBar(run);
    this.announce(run);
    const wanted = run.is_over || run.request.same_as ? run.cards.length : run.wanted;
    this.lay(run.cards, wanted, run.request.prompts);
  }

  showCards(title, cards) {
    this.job = null;
    this.run = null;
    this.clear();
    this.bar.replaceChildren(element("h2", {}, title), element("p", { class: "bs-status" }, `${cards.length} kept`));
    if (!cards.length) {
      this.body.replaceChildren(
        element("div", { class: "bs-empty" }, element("strong", {}, "No favourites yet."), element("span", {}, "Press the heart on a card, or F, to keep it here.")),
      );
      return;
    }
    this.lay(cards, cards.length, [...new Set(cards.map((card) => card.prompt))]);
  }

  showBar(run) {
    if (this.bar.dataset.run !== run.id) this.buildBar(run);
    const [note, meter, stop, tools, notices, ranked] = this.parts;
    note.textContent = statusOf(run);
    ranked.textContent = rankedBy(run);
    meter.value = run.is_over ? 1 : run.progress;
    this.bar.classList.toggle("is-over", run.is_over);
    stop.hidden = run.is_over;
    stop.disabled = run.note.startsWith("stopping");
    tools.hidden = run.cards.length === 0;
    const said = [...(run.error ? [["bs-wrong", run.error]] : []), ...run.notices.map((text) => ["bs-news", text])];
    if (notices.dataset.said !== JSON.stringify(said)) {
      notices.dataset.said = JSON.stringify(said);
      notices.replaceChildren(...said.map(([kind, text]) => element("li", { class: kind, role: kind === "bs-wrong" ? "alert" : null }, text)));
    }
  }

  buildBar(run) {
    this.bar.dataset.run = run.id;
    const note = element("p", { class: "bs-status" });
    const meter = element("progress", { max: 1, value: 0, "aria-label": "Progress of this run" });
    const stop = element("button", { type: "button", class: "bs-stop", title: "Stop between two steps (Esc)", onclick: () => this.stop() }, "Stop");
    const sort = element(
      "select",
      { "aria-label": "Order of the cards", onchange: (event) => this.sorted(event.target.value) },
      ...[["best", "best first"], ["made", "by seed"]].map(([value, word]) => element("option", { value, selected: value === this.sort }, word)),
    );
    const zip = (kind) => element("a", { class: "bs-act", href: address(`jobs/${run.id}/all.${kind}.zip`), download: "" }, `All as ${kind.toUpperCase()}`);
    const tools = element("div", { class: "bs-tools" }, sort, zip("wav"), zip("flac"));
    const notices = element("ul", { class: "bs-notices" });
    const ranked = element("p", { class: "bs-status bs-ranked" });
    this.parts = [note, meter, stop, tools, notices, ranked];
    this.bar.replaceChildren(
      element("div", { class: "bs-bar-row" }, element("h2", { title: titleOf(run.request) }, titleOf(run.request)), stop, tools),
      meter,
      note,
      ranked,
      notices,
    );
  }

  announce(run) {
    const word = run.is_over ? `${run.cards.length} sounds, ${run.status}.` : `${run.cards.length} of ${run.wanted} sounds ready.`;
    if (this.live.textContent !== word) this.live.textContent = word;
  }

  /** Cards under their prompts; places not yet filled keep their room. */
  lay(cards, wanted, prompts) {
    const groups = prompts.map((text) => [text, cards.filter((card) => card.prompt === text)]);
    const each = Math.max(1, Math.round(wanted / prompts.length));
    const settled = !this.run || this.run.is_over;
    const before = new Map([...this.cards].map(([id, card]) => [id, card.node.isConnected && card.node.getBoundingClientRect()]));
    const sections = groups.map(([text, found]) => {
      const section = this.section(text, prompts.length > 1);
      const ordered = settled && this.sort === "best" ? byPlace(found) : bySeed(found);
      const nodes = ordered.map((data) => this.card(data, found.length > 1).node);
      const waiting = settled ? 0 : Math.max(0, each - found.length);
      setChildren(section.querySelector(".bs-grid"), nodes, waiting);
      return section;
    });
    const kept = sections.filter((section) => section.querySelector(".bs-card"));
    if (kept.length || !settled) {
      if (kept.some((section, i) => this.body.children[i] !== section) || this.body.children.length !== kept.length) {
        this.body.replaceChildren(...kept);
      }
    } else {
      this.body.replaceChildren(element("div", { class: "bs-empty" }, element("strong", {}, "No sound was made."), element("span", {}, "Change the request and press Generate again.")));
    }
    for (const [id, card] of this.cards) {
      if (!card.node.isConnected) continue;
      glide(card.node, before.get(id));
      card.show();
    }
  }

  section(text, isTitled) {
    this.sections ??= new Map();
    if (!this.sections.has(text)) {
      const title = isTitled ? element("h3", {}, text) : null;
      this.sections.set(text, element("section", { class: "bs-group" }, title, element("div", { class: "bs-grid" })));
    }
    return this.sections.get(text);
  }

  /** isOneOfMany: whether its place says anything. */
  card(data, isOneOfMany) {
    if (!this.cards.has(data.id)) this.cards.set(data.id, new Card(data, (job) => this.follow(job), this.run?.id));
    const card = this.cards.get(data.id);
    card.update(data, isOneOfMany ? (this.run?.ranking ?? BY_CLAP) : null);
    return card;
  }

  sorted(way) {
    this.sort = way;
    if (this.run) this.show(this.run);
  }

  async stop() {
    if (this.run && !this.run.is_over) await attempt(() => ask(`jobs/${this.run.id}/stop`, "POST"));
  }

  clear() {
    for (const card of this.cards.values()) card.close();
    this.cards.clear();
    this.sections = new Map();
    this.body.replaceChildren();
    delete this.bar.dataset.run;
  }
}

/** The best first; what has no place comes last. */
const byPlace = (cards) => bySeed(cards).sort((a, b) => (a.ranking?.place ?? 1e9) - (b.ranking?.place ?? 1e9));

const bySeed = (cards) => [...cards].sort((a, b) => a.settings.seed - b.settings.seed);

/** Exactly these children, then so many placeholders; what is right already is not touched. */
function setChildren(grid, nodes, waiting) {
  nodes.forEach((node, i) => {
    const there = grid.children[i];
    if (there === node) return;
    if (there?.classList.contains("bs-waiting") && !node.isConnected) there.replaceWith(node);
    else grid.insertBefore(node, there ?? null);
  });
  while (grid.children.length > nodes.length + waiting) grid.lastElementChild.remove();
  while (grid.children.length < nodes.length + waiting) grid.append(placeholder());
}

/** A card that changed its place moves there, for those who like things to move. */
function glide(node, from) {
  if (!from || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const to = node.getBoundingClientRect();
  const [across, down] = [from.left - to.left, from.top - to.top];
  if (across || down) node.animate([{ transform: `translate(${across}px, ${down}px)` }, { transform: "none" }], { duration: 320, easing: "ease-in-out" });
}

/** Which reward put the cards in order, and whom it learned from; nothing where CLAP alone did. */
function rankedBy(run) {
  const { ranking } = run;
  if (!ranking?.reward) return "";
  const share = ranking.weight < 1 ? ` at ${plain(ranking.weight, 2)}, with CLAP at ${plain(1 - ranking.weight, 2)}` : "";
  return `Ranked by the reward model “${ranking.title}”${share}. Learned from: ${ranking.learned_from}.`;
}

function statusOf(run) {
  const made = `${run.cards.length} of ${run.wanted} ${run.wanted === 1 ? "sound" : "sounds"}`;
  if (run.status === "done") return `${made}, made and scored.`;
  if (run.status === "stopped") return `Stopped, with ${made}.`;
  if (run.status === "failed") return `Not finished: ${made}.`;
  return `${made} · ${run.note || "at work"}`;
}
