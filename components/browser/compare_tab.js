/** The Compare tab: follows a comparison to its end, keeps the pair in the address, lists earlier ones. */

import { address, ask, attempt } from "./ask.js";
import { Comparison } from "./compare.js";
import { element, say } from "./element.js";
import { plotly } from "./picture.js";
import { ago, titleOf } from "./words.js";

const PULSE = 400; // ms between two looks
const HAS_SIDES = ["a", "b"].some((side) => new URLSearchParams(location.search).has(side)); // the form takes them out

/** What the studio serves of one comparison, for the view. */
const served = (id) => ({
  comparison: () => ask(`comparisons/${id}`),
  picture: (place) => ask(`comparisons/${id}/pairs/${place}/picture`),
  plotly,
  study: (recipe) => address(`models/studies/${recipe}.md`),
  record: (adapter) => ask(`models/${adapter}/record`),
  battles: () => ask(`comparisons/${id}/battles`),
  battle: () => ask(`comparisons/${id}/battle`, "POST"),
  async sound(side) {
    let answer;
    try {
      answer = await fetch(address(`candidates/${side.id}/sound.wav`));
    } catch {
      await ask("state"); // tells when it is the studio that is gone
      throw new Error("A sound could not be fetched.");
    }
    if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error ?? "A sound could not be read.");
    return answer.arrayBuffer();
  },
});

/** The comparison and the pair that the address names. */
export function linked() {
  const query = new URLSearchParams(location.search);
  const pair = query.get("pair");
  return { id: query.get("compare"), pair: pair !== null && /^\d+$/.test(pair) ? Number(pair) : null };
}

function remember(id, pair) {
  const here = new URL(location.href);
  if (id) here.searchParams.set("compare", id);
  else here.searchParams.delete("compare");
  if (id && pair !== null && pair !== undefined) here.searchParams.set("pair", pair);
  else here.searchParams.delete("pair");
  window.history.replaceState(window.history.state, "", here);
}

export class Bench extends HTMLElement {
  connectedCallback() {
    if (this.bar) return;
    this.bar = element("section", { class: "bs-bar", "aria-label": "This comparison" });
    this.live = element("p", { class: "bs-unseen", "aria-live": "polite" });
    this.body = element("div", { class: "bs-bench" });
    this.append(this.bar, this.live, this.body);
    window.addEventListener("baton-compare", (event) => {
      this.follow(event.detail.job, event.detail.pair ?? null);
      if (this.getBoundingClientRect().top > innerHeight * 0.7) this.scrollIntoView({ behavior: "smooth" });
    });
    document.addEventListener("click", (event) => this.moved(event.target.closest?.('[role="tab"]')));
    const { id, pair } = linked();
    this.isLinked = id !== null; // then it is what one came for: on a phone the form is scrolled past
    if (id) this.follow(id, pair);
    else if (HAS_SIDES) this.empty(); // one came to compare these two, not to look at the last ones
    else this.resume();
  }

  /** The address names the comparison while its tab is open, and no longer. */
  moved(tab) {
    if (!tab) return;
    if (tab.textContent.trim() === "Compare") remember(this.id ?? null, this.view?.place);
    else remember(null);
  }

  async resume() {
    this.empty();
    const found = await ask("comparisons").catch(() => null);
    const last = found?.comparisons?.[0];
    if (last && !this.id) this.follow(last.id, null);
  }

  empty() {
    this.bar.replaceChildren(element("h2", {}, "Side by side"), element("p", { class: "bs-status" }, "Two models, or one at two settings, from the same prompt and the same noise."));
    this.body.replaceChildren(
      element(
        "div",
        { class: "bs-empty" },
        element("strong", {}, "Nothing to compare yet."),
        element("span", {}, "Write a prompt or take a prompt set, choose A and B, and press Compare (Ctrl + Enter)."),
      ),
    );
  }

  async follow(id, pair) {
    if (this.id !== id) this.begin(id);
    let asked = pair;
    for (;;) {
      const found = await this.look(id);
      if (this.id !== id || !this.isConnected) return;
      if (!found) return;
      this.show(found, asked);
      if (asked !== null && found.pairs.some((one) => one.place === asked)) asked = null;
      if (found.is_over) break;
      await new Promise((done) => setTimeout(done, PULSE));
    }
    window.dispatchEvent(new CustomEvent("baton-comparisons"));
  }

  /** One look; a fault is told in the page's middle when nothing else is there. */
  async look(id) {
    try {
      return await ask(`comparisons/${id}`);
    } catch (error) {
      if (this.comparison?.id === id) say(error.message, "wrong");
      else {
        this.bar.replaceChildren(element("h2", {}, "Side by side"), element("p", { class: "bs-status" }, ""));
        this.body.replaceChildren(element("div", { class: "bs-empty", role: "alert" }, element("strong", {}, "This comparison cannot be shown."), element("span", {}, error.message)));
      }
      return null;
    }
  }

  begin(id) {
    this.view?.close();
    this.id = id;
    this.comparison = null;
    this.view = new Comparison(served(id), { onpair: (place) => this.offsetParent && remember(id, place) });
    this.waiting = element("div", { class: "bs-stand bs-stand-waiting", "aria-hidden": "true" }, element("div", { class: "bs-shimmer" }));
    this.view.node.hidden = true;
    this.body.replaceChildren(this.waiting, this.view.node);
    delete this.bar.dataset.id;
    if (this.offsetParent) remember(id, linked().id === id ? linked().pair : null);
    window.dispatchEvent(new CustomEvent("baton-comparisons"));
  }

  show(comparison, place) {
    this.comparison = comparison;
    if (this.bar.dataset.id !== comparison.id) this.buildBar(comparison);
    const { note, meter, stop, tools, notices } = this.parts;
    note.textContent = statusOf(comparison);
    meter.value = comparison.is_over ? 1 : comparison.progress;
    this.bar.classList.toggle("is-over", comparison.is_over);
    stop.hidden = comparison.is_over;
    tools.hidden = !comparison.pairs.length;
    const said = [...(comparison.error ? [["bs-wrong", comparison.error]] : []), ...comparison.notices.map((text) => ["bs-news", text])];
    if (notices.dataset.said !== JSON.stringify(said)) {
      notices.dataset.said = JSON.stringify(said);
      notices.replaceChildren(...said.map(([kind, text]) => element("li", { class: kind, role: kind === "bs-wrong" ? "alert" : null }, text)));
    }
    const word = comparison.is_over ? statusOf(comparison) : `${comparison.pairs.length} of ${comparison.wanted} pairs ready.`;
    if (this.live.textContent !== word) this.live.textContent = word;
    if (comparison.is_over && !comparison.pairs.length) {
      this.body.replaceChildren(element("div", { class: "bs-empty" }, element("strong", {}, "No pair was made."), element("span", {}, "Change the request and press Compare again.")));
      return;
    }
    this.waiting.hidden = comparison.pairs.length > 0;
    this.view.node.hidden = !this.waiting.hidden;
    this.view.show(comparison, place);
    if (this.isLinked && this.getBoundingClientRect().top > innerHeight * 0.7) this.scrollIntoView();
    this.isLinked = false;
  }

  buildBar(comparison) {
    this.bar.dataset.id = comparison.id;
    const { request, id } = comparison;
    const file = (name, word, title) => element("a", { class: "bs-act", href: address(`comparisons/${id}/${name}`), download: "", title }, word);
    this.parts = {
      note: element("p", { class: "bs-status" }),
      meter: element("progress", { max: 1, value: 0, "aria-label": "Progress of this comparison" }),
      stop: element("button", { type: "button", class: "bs-stop", title: "Stop between two steps", onclick: () => this.stop() }, "Stop"),
      tools: element(
        "div",
        { class: "bs-tools" },
        element("button", { type: "button", class: "bs-act", title: "The address of this pair, for anyone who can open this studio", onclick: () => this.copy() }, "Copy link"),
        element("button", { type: "button", class: "bs-act", title: "Put its prompts, seed and settings into the form", onclick: () => this.reuse() }, "Reuse"),
        file("report.json", "Report", "Everything as JSON"),
        file("pairs.csv", "Pairs", "The scores of every pair, as CSV"),
        file("measures.csv", "Measures", "What all pairs say, as CSV"),
        file("sounds.zip", "Sounds", "All sounds as a zip"),
      ),
      notices: element("ul", { class: "bs-notices" }),
    };
    const { note, meter, stop, tools, notices } = this.parts;
    this.bar.replaceChildren(
      element("div", { class: "bs-bar-row" }, element("h2", { title: versus(request) }, versus(request)), stop, tools),
      meter, note, notices,
    );
  }

  async copy() {
    const here = new URL(location.pathname, location.origin);
    here.searchParams.set("compare", this.id);
    if (this.view.place !== undefined) here.searchParams.set("pair", this.view.place);
    try {
      await navigator.clipboard.writeText(here.href);
      say("The link is copied.");
    } catch {
      window.prompt("The browser does not let the page copy; the link is:", here.href);
    }
  }

  reuse() {
    window.dispatchEvent(new CustomEvent("baton-anew", { detail: { id: this.id } }));
    say("The form now holds its prompts and settings.");
  }

  async stop() {
    if (this.comparison && !this.comparison.is_over) await attempt(() => ask(`comparisons/${this.id}/stop`, "POST"));
  }
}

export class Comparisons extends HTMLElement {
  connectedCallback() {
    if (this.list) return;
    this.list = element("ol", { class: "bs-runs" });
    this.append(element("div", { class: "bs-history-top" }, element("h2", {}, "Earlier comparisons")), this.list);
    window.addEventListener("baton-comparisons", () => this.load());
    this.load();
  }

  async load() {
    const found = await attempt(() => ask("comparisons"));
    if (!found) return;
    this.list.replaceChildren(...found.comparisons.map((one) => this.row(one)));
    if (!found.comparisons.length) this.list.append(element("li", { class: "bs-empty" }, "Comparisons appear here, and stay after a restart."));
  }

  row(one) {
    const facts = [versus(one.request), `${one.wanted} ${one.wanted === 1 ? "pair" : "pairs"}`, one.status === "done" ? null : one.status, `seed ${one.request.seed}`];
    const open = element(
      "button",
      { type: "button", class: "bs-open", onclick: () => this.open(one.id) },
      element("span", { class: "bs-run-title" }, titleOf(one.request)),
      element("span", { class: "bs-run-facts" }, facts.filter(Boolean).join(" · ")),
    );
    return element("li", { class: "bs-run" }, open, element("time", { datetime: one.created_at, title: new Date(one.created_at).toLocaleString() }, ago(one.created_at)));
  }

  open(id) {
    window.dispatchEvent(new CustomEvent("baton-compare", { detail: { job: id } }));
    document.querySelector("baton-bench")?.scrollIntoView({ behavior: "smooth", block: "start" });
  }
}

const versus = ({ a, b }) => {
  const [first, second] = [a, b].map((side) => side.title ?? side.model);
  return first === second ? `${first} at two settings` : `${first} against ${second}`;
};

function statusOf(comparison) {
  const made = `${comparison.pairs.length} of ${comparison.wanted} ${comparison.wanted === 1 ? "pair" : "pairs"}`;
  if (comparison.status === "done") return `${made}, made and scored.`;
  if (comparison.status === "stopped") return `Stopped, with ${made}.`;
  if (comparison.status === "failed") return `Not finished: ${made}.`;
  return `${made} · ${comparison.note || "at work"}`;
}
