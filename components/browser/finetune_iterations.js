/** The iterations of a CRPO run: what each came to, each a model when it is kept, any against any in Compare. */

import { ask, attempt } from "./ask.js";
import { element, say } from "./element.js";
import { whole } from "./finetune_words.js";
import { plain, plural } from "./words.js";

const CLAP = "clap";
const BASE = "0"; // what the choices call it
const HEAD = ["Iteration", "Pairs", "Winners", "Losers", "Gap", "Accuracy", "Model"];
const TEXT = ["Iteration", "Model"]; // the other columns are numbers
const HINTS = { Winners: "mean reward of the best candidates", Losers: "mean reward of the worst", Accuracy: "implicit: of the last pairs, how many the model puts the right way round, more than the one that it started from" };

export class Iterations {
  /** hands: path(part) of the run's address, link(asked) of the page's, onchange() when a model was kept. */
  constructor(hands) {
    this.hands = hands;
    this.table = element("div", { class: "bs-res-table", tabindex: "0", role: "region", "aria-label": "Iterations" });
    this.sides = ["A", "B"].map((side) => element("select", { "aria-label": `Side ${side}`, onchange: (event) => (event.target.dataset.chosen = "") }));
    this.compare = element("button", { type: "submit", class: "bs-fine-go" }, "Compare");
    this.form = element("form", { class: "bs-fine-inputs bs-fine-versus", onsubmit: (event) => (event.preventDefault(), this.go()) }, this.sides[0], element("span", {}, "against"), this.sides[1], this.compare);
    this.reward = element("p", { class: "bs-status" });
    this.node = element("section", { class: "bs-fine-iterations", "aria-label": "Iterations of this run", hidden: true }, element("h3", {}, "Iterations"),
      element("p", { class: "bs-status" }, "Each stays as long as the run does; to go back to one, keep it as a model. What a reward says of itself is no proof: listen, compare, ask people."), this.table, this.form, this.reward);
  }

  show(run) {
    const found = run.iterations ?? [];
    this.node.hidden = !found.length;
    const key = JSON.stringify([found, run.title]);
    if (!found.length || this.shown === key) return;
    [this.shown, this.run] = [key, run];
    const isTyped = this.table.contains(document.activeElement) && document.activeElement.matches("input");
    if (!isTyped) this.table.replaceChildren(this.drawn(found));
    const done = found.filter((one) => one.is_done);
    this.form.hidden = !done.length;
    this.choices(done);
    this.reward.hidden = !done.length || !run.reward || run.reward === CLAP;
    const sides = `run:${run.id}:${done.at(-1)?.iteration}`;
    this.reward.replaceChildren("Rewards of the base and of an iteration, as a histogram: ", element("a", { class: "bs-act", href: this.hands.link({ tab: "reward", reward: run.reward, sides }) }, "Show in Reward"));
  }

  drawn(found) {
    const head = element("tr", {}, ...HEAD.map((word) => element("th", { scope: "col", title: HINTS[word], class: TEXT.includes(word) ? null : "bs-res-number" }, word)));
    const number = (value, digits = 3) => element("td", { class: "bs-res-number" }, typeof value === "number" ? plain(value, digits) : "–");
    const rows = found.map((one) => element("tr", {}, element("th", { scope: "row" }, String(one.iteration)),
      element("td", { class: "bs-res-number", title: lost(one) }, one.pairs === null ? "…" : whole(one.pairs)),
      ...["winners", "losers", "gap"].map((name) => number(one.rewards[name])),
      element("td", { class: "bs-res-number" }, typeof one.accuracy === "number" ? `${Math.round(100 * one.accuracy)} %` : "–"),
      element("td", {}, this.model(one))));
    return element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
  }

  /** Its model, or the way to make it one. */
  model(one) {
    if (!one.is_done) return element("span", {}, "under way");
    if (one.model) return element("span", {}, `“${one.model.title}”`);
    return element("button", { type: "button", class: "bs-act", "aria-label": `Keep iteration ${one.iteration} as a model`, onclick: () => this.keep(one.iteration, true) }, "Keep as a model");
  }

  choices(done) {
    const options = [[BASE, "the base"], ...done.map(({ iteration: number }) => [String(number), `iteration ${number}`])];
    for (const [place, select] of this.sides.entries()) {
      const wanted = "chosen" in select.dataset ? select.value : place ? options.at(-1)[0] : BASE; // the newest, until a person chose
      select.replaceChildren(...options.map(([value, word]) => element("option", { value, selected: value === wanted }, word)));
    }
  }

  /** The name of the model of an iteration, kept first where it is not; undefined where that failed. */
  async keep(number, isTold = false) {
    const title = `${this.run.title.slice(0, 60)}, iteration ${number}`;
    const found = await attempt(() => ask(this.hands.path("keep"), "POST", { title, iteration: number }));
    if (!found) return undefined;
    if (isTold) say(`Iteration ${number} is a model now: it can be chosen in Generate and Compare.`);
    this.hands.onchange();
    return found.iterations.find((one) => one.iteration === number)?.model?.name;
  }

  async go() {
    const chosen = this.sides.map((select) => select.value);
    if (chosen[0] === chosen[1]) return say("Choose two different ones to compare.", "wrong");
    this.compare.disabled = true;
    const names = [];
    for (const value of chosen) {
      const kept = this.run.iterations.find((one) => String(one.iteration) === value)?.model?.name;
      names.push(value === BASE ? this.run.base : kept ?? (await this.keep(Number(value))));
    }
    this.compare.disabled = false;
    if (names.every(Boolean)) location.href = this.hands.link({ tab: "compare", a: names[0], b: names[1] });
    return undefined;
  }
}

/** Why prompts gave no pair, and candidates are neither best nor worst. */
function lost({ left_out: prompts, faults }) {
  const told = (found, word) => Object.entries(found ?? {}).map(([why, count]) => `${plural(count, word)}: ${why}`);
  return [...told(prompts, "prompt"), ...told(faults, "candidate")].join("; ") || null;
}
