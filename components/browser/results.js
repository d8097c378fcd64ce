/** `<baton-results campaign="…">`: what a campaign's votes say, kept up while they come in. */

import { address, ask } from "./ask.js";
import { element } from "./element.js";
import { Figure } from "./results_figures.js";
import { Owner } from "./results_owner.js";
import { boardTable, labelTable, opinionTable, pairsTable, scoreTable } from "./results_tables.js";
import { plural } from "./words.js";

const PULSE = 4000; // ms between two looks while votes may come
const FIGURES = {
  pairwise: [["board", "Points", "95 % intervals over voters"], ["wins", "Shares of wins", "row against column, a tie as a half"], ["elo", "Elo", "± how much the order of the votes alone moves it"]],
  mos: [["scores", "Means", "95 % intervals over people and prompts"], ["spread", "Spread of the scores", "least, quarter, middle, three quarters, greatest"]],
  ovl_rel: [["z", "z-scores", "95 % intervals over people and prompts"], ["spread", "Spread of the scores", "least, quarter, middle, three quarters, greatest"]],
  integrity: [["labels", "Shares of labels"]],
  temporal: [["labels", "Shares of labels"]],
};
const INTERVALS = { jackknife: "over voters (jackknife)", bootstrap: "over voters (bootstrap)", "two-way": "over voters and prompts" };
const TABLES = { ovl_rel: scoreTable, mos: opinionTable, integrity: labelTable, temporal: labelTable };

export class Results extends HTMLElement {
  static observedAttributes = ["campaign"];

  connectedCallback() {
    this.classList.add("bs-res");
    if (this.getAttribute("campaign")) this.show(this.getAttribute("campaign"));
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
    this.closeParts();
    this.id_ = null;
  }

  attributeChangedCallback(_, before, now) {
    if (this.isConnected && before !== now && now) this.show(now);
  }

  /** Show the results of this campaign from now on. */
  show(campaign) {
    if (this.id_ === campaign) return;
    clearTimeout(this.timer);
    this.closeParts();
    [this.id_, this.seen, this.built] = [campaign, null, null];
    this.asked = new URLSearchParams();
    this.replaceChildren(element("div", { class: "bs-empty" }, element("span", {}, "Counting the votes …")));
    this.follow(campaign);
  }

  closeParts() {
    this.watcher?.disconnect();
    for (const part of [...(this.figures ?? []), this.owner].filter(Boolean)) part.close();
    [this.figures, this.owner] = [[], null];
  }

  path = (part, extra = {}) => {
    const query = new URLSearchParams(this.asked);
    for (const [name, value] of Object.entries(extra)) query.set(name, value);
    return `results/${this.id_}${part ? `/${part}` : ""}${[...query].length ? `?${query}` : ""}`;
  };

  async follow(campaign) {
    clearTimeout(this.timer);
    if (!document.hidden) await this.look(campaign);
    if (this.id_ === campaign && this.isConnected) this.timer = setTimeout(() => this.follow(campaign), PULSE);
  }

  /** One look; what is there stays when a look fails. */
  async look(campaign = this.id_) {
    const asked = String(this.asked);
    let view;
    try {
      view = await ask(this.path(""));
    } catch (error) {
      if (this.id_ !== campaign) return;
      if (this.built) this.parts.trouble.textContent = error.message;
      else this.replaceChildren(element("div", { class: "bs-empty", role: "alert" }, element("strong", {}, "These results cannot be shown."), element("span", {}, error.message)));
      return;
    }
    if (this.id_ !== campaign || asked !== String(this.asked)) return;
    const key = JSON.stringify(view);
    if (this.seen === key) return;
    this.seen = key;
    if (this.built !== campaign) this.build(view);
    this.fill(view, key);
  }

  /** Everything that stays while votes come in. */
  build(view) {
    this.built = this.id_;
    const p = (this.parts = {
      facts: element("p", { class: "bs-status", "aria-live": "polite" }),
      trouble: element("p", { class: "bs-wrong", role: "alert" }),
      verdict: element("div", { class: "bs-res-verdict" }),
      notes: element("ul", { class: "bs-notices" }),
      tables: element("div", { class: "bs-res-tables" }),
      agreement: element("ul", { class: "bs-notices bs-res-agree" }),
      method: element("dl", { class: "bs-facts bs-res-method" }),
      pairs: element("details", { class: "bs-res-owner", hidden: true }, element("summary", {}, "Every pair of systems"), element("div", {})),
    });
    const drawn = FIGURES[view.task].flatMap((one) => this.figureOf(view, one));
    this.figures = drawn.map(([figure]) => figure);
    this.wanted = drawn;
    const time = new Figure("Votes over time", "each hour, UTC");
    this.alike = new Figure("Agreement", "Krippendorff's alpha, 95 % intervals over items");
    this.alike.node.hidden = true; // until two people have judged the same
    this.figures.push(time, this.alike);
    this.wanted.push([time, "time", {}]);
    this.owner = new Owner(this.id_, () => this.look());
    const agreement = element("section", { "aria-label": "Agreement" }, p.agreement);
    this.watchAgreement(agreement);
    this.replaceChildren(
      element("header", { class: "bs-res-head" }, this.choices(view), p.facts, p.trouble),
      element("section", { class: "bs-res-first", "aria-label": "In short" }, p.verdict, p.notes),
      p.tables,
      p.pairs,
      element("div", { class: "bs-res-grid" }, ...this.figures.map((figure) => figure.node)),
      agreement,
      this.owner.node,
      element("details", { class: "bs-res-owner" }, element("summary", {}, "Method and counts"), p.method),
      this.away(view),
    );
  }

  /** A figure for each scale, where a task has several. */
  figureOf(view, [name, title, about]) {
    const scales = { mos: ["alignment", "quality"], ovl_rel: ["OVL", "REL"] }[view.task];
    if (!scales) return [[new Figure(title, about), name, {}]];
    return scales.map((scale) => [new Figure(`${title}: ${scale}`, about), name, { scale }]);
  }

  /** What may be asked for: aspect, prompts, intervals, with or without those left out. */
  choices(view) {
    const { aspects, intervals, groups } = view.choices;
    const pick = (name, label, options) =>
      options.length < 2
        ? null
        : element("label", {}, element("span", {}, label), element("select", { onchange: (event) => this.ask(name, event.target.value) }, ...options.map(([value, title]) => element("option", { value }, title))));
    this.everything = element("label", { class: "bs-res-check", hidden: true }, element("input", { type: "checkbox", onchange: (event) => this.ask("everything", event.target.checked ? "1" : "") }), "with those who are left out");
    return element(
      "div",
      { class: "bs-res-choices" },
      pick("aspect", "Question", [["", "which is better"], ...aspects.map((name) => [name, name])]),
      pick("tag", "Prompts", [["", "all"], ...groups.map((one) => [one.name, one.title])]),
      pick("intervals", "Intervals", intervals.map((name) => [name === "jackknife" ? "" : name, INTERVALS[name] ?? name])),
      this.everything,
    );
  }

  ask(name, value) {
    if (value) this.asked.set(name, value);
    else this.asked.delete(name);
    this.look();
  }

  /** Everything that votes change. */
  fill(view, key) {
    const p = this.parts;
    p.trouble.textContent = "";
    p.facts.textContent = factsOf(view);
    this.everything.hidden = !view.counts.excluded;
    const badge = (text, name) => element("span", { class: `bs-badge ${name}` }, text);
    const badges = [
      view.voters_are === "simulated" ? badge("simulated listeners, not people", "bs-res-simulated") : null,
      view.imported_as ? badge(`imported votes (${view.imported_as})`, "bs-res-simulated") : null,
    ].filter(Boolean);
    p.verdict.classList.toggle("has-board", Boolean(view.board));
    same(p.verdict, [...badges, ...view.verdict.map((text) => element("p", {}, text))]);
    same(p.notes, [...view.notes, ...leftOut(view)].map((text) => element("li", {}, text)));
    same(p.tables, tablesOf(view));
    p.pairs.hidden = !(view.board?.gaps.length > 1);
    if (!p.pairs.hidden) same(p.pairs.lastChild, [pairsTable(view)]);
    same(p.method, methodOf(view).flatMap(([name, value]) => [element("div", {}, element("dt", {}, name), element("dd", {}, value))]));
    const isEmpty = !view.board && !view.tables?.length;
    for (const [figure, name, extra] of this.wanted) {
      figure.node.hidden = isEmpty;
      if (!isEmpty) figure.want(this.path(`figure/${name}`, extra), JSON.stringify([view.counts, String(this.asked)]));
    }
    this.version = key;
    if (this.seesAgreement) this.tellAgreement();
    this.owner.show(view, this.path);
  }

  /** Agreement costs more than the board: it is asked for when one looks. */
  watchAgreement(node) {
    this.watcher = new IntersectionObserver(([entry]) => {
      this.seesAgreement = entry.isIntersecting;
      if (entry.isIntersecting) this.tellAgreement();
    }, { rootMargin: "160px" });
    this.watcher.observe(node);
  }

  async tellAgreement() {
    if (this.agreed === this.version) return;
    this.agreed = this.version;
    const found = await ask(this.path("agreement")).catch((error) => ({ said: [error.message] }));
    const isThere = (found.questions ?? []).some((one) => one.value !== null);
    this.alike.node.hidden = !isThere;
    if (isThere) this.alike.want(this.path("figure/agreement"), this.agreed);
    same(this.parts.agreement, found.said.map((text) => element("li", {}, text)));
  }

  /** Files to take away; what is refused is told by the studio. */
  away(view) {
    const link = (word, href) => element("a", { class: "bs-act", href: address(href), download: "" }, word);
    return element(
      "nav",
      { class: "bs-res-away", "aria-label": "Take away" },
      link("Votes as CSV", `results/${this.id_}/export?as=csv`),
      view.is_mine ? link("All as a zip", `results/${this.id_}/export?as=all`) : null,
      view.comparison ? element("a", { class: "bs-act", href: `?compare=${view.comparison}`, title: "The comparison whose sides these are; it names them" }, "The comparison") : null,
    );
  }
}

/** Replace children only where what they say is another; nothing flickers, focus stays. */
function same(node, children) {
  const fresh = document.createElement(node.tagName);
  fresh.append(...children);
  if (fresh.innerHTML !== node.innerHTML) node.replaceChildren(...fresh.childNodes);
}

function tablesOf(view) {
  if (view.board) return [boardTable(view)];
  return (view.tables ?? []).flatMap((found) => [element("h3", {}, found.scale), TABLES[view.task](found, view.titles)]);
}

function factsOf({ counts, status, task, voters_are: whose }) {
  const kinds = { same_system: "of one system twice", gold: "with a spoiled sound" };
  const apart = Object.entries(kinds).filter(([kind]) => counts.by_kind[kind]).map(([kind, said]) => `${counts.by_kind[kind]} ${said}`);
  const checks = task === "pairwise" && apart.length ? `, of these ${apart.join(" and ")}` : "";
  return `${plural(counts.votes, "vote")}${checks} · ${plural(counts.voters, whose === "simulated" ? "simulated voter" : "voter")} · ${status}`;
}

/** What is not read, in sentences. */
function leftOut({ counts }) {
  const said = Object.entries(counts.left_out).filter(([reason]) => reason.startsWith("of excluded") || reason.startsWith("excluded"));
  return said.map(([reason, count]) => `Left out by the owner: ${plural(count, "vote")} ${reason}.`);
}

function methodOf({ board, counts, method, seed, tables }) {
  const facts = [["Method", method], ["Seed", String(seed)]];
  if (board) {
    const sides = board.sides.value === null ? "–" : `${Math.round(100 * board.sides.value)} %${board.sides.low === null ? "" : ` [${Math.round(100 * board.sides.low)}, ${Math.round(100 * board.sides.high)}]`} of ${board.sides.count} decided votes`;
    facts.push(["Intervals", board.intervals ?? "none: one voter"], ["Votes in the rating", String(board.votes)], ["Ties", String(board.ties)], ["Both bad", String(board.both_bad)], ["Skipped", String(board.skipped)], ["Ridge", String(board.ridge)], ["Side A won", sides], ["Equals called equal", `${Math.round(100 * board.tie_share)} %`], ["Elo", `K ${board.elo.k}, ${board.elo.orders} orders of ${board.elo.votes_per_order} votes, ${board.elo.rankings} rankings`]);
  }
  for (const found of tables ?? []) {
    facts.push([found.scale, `${plural(found.scores, "score")}, ${plural(found.raters, "voter")}, ${plural(found.items, "item")}`]);
    if (found.flat_raters?.length) facts.push([`${found.scale}: one score for all`, found.flat_raters.join(", ")]);
  }
  for (const [reason, count] of Object.entries(counts.left_out)) facts.push([`Not read: ${reason}`, String(count)]);
  return facts;
}
