/** Rewards of the two sides of a comparison, such as the baseline and the aligned model. */

import { ask } from "./ask.js";
import { element } from "./element.js";
import { Figure } from "./results_figures.js";
import { turnToThen } from "./tabs.js";
import { titleOf } from "./words.js";

export class Sides {
  constructor(id) {
    this.id = id;
    this.figure = new Figure("Rewards of both sides");
    this.pick = element("select", { class: "bs-reward-field", "aria-label": "The comparison", onchange: () => this.choose(this.pick.value) });
    this.said = element("p", { class: "bs-reward-change", role: "status" });
    this.none = element("p", { class: "bs-status" }, "There is no comparison yet. ", element("button", { type: "button", class: "bs-act", onclick: () => turnToThen("Compare", "baton-bench", () => {}) }, "Make one in Compare"));
    this.node = element(
      "section",
      { "aria-label": "Baseline against aligned", hidden: true },
      element("h3", {}, "Baseline against aligned"),
      element("p", { class: "bs-status" }, "What this reward says of the two sides of a comparison. It is no proof for a model that was trained on this very reward: there only people, or a judge that it has not met, can tell."),
      this.none, this.pick, this.said, this.figure.node,
    );
    this.figure.node.hidden = true;
    this.figure.onfigure = ({ said }) => (this.said.textContent = said);
    this.again = () => this.show(!this.node.hidden);
    window.addEventListener("baton-comparisons", this.again);
  }

  async show(isThere) {
    this.node.hidden = !isThere;
    if (!isThere) return;
    const found = await ask("comparisons").catch(() => ({ comparisons: [] }));
    const trained = await ask("finetune").catch(() => ({ runs: [] }));
    const whole = found.comparisons.filter((one) => one.is_over !== false);
    const titles = [...whole.map((one) => [one.id, `${sidesOf(one.request)}: ${titleOf(one.request)}`]), ...trained.runs.flatMap(iterationsOf)];
    this.none.hidden = titles.length > 0;
    this.pick.hidden = !titles.length;
    this.pick.replaceChildren(...[["", "choose a comparison"], ...titles].map(([value, title]) => element("option", { value }, title)));
    const asked = new URLSearchParams(location.search).get("sides");
    if (titles.some(([id]) => id === asked)) {
      this.pick.value = asked;
      this.choose(asked);
    }
  }

  async choose(comparison) {
    this.chosen = comparison;
    const here = new URL(location.href);
    if (comparison) here.searchParams.set("sides", comparison);
    else here.searchParams.delete("sides");
    window.history.replaceState(window.history.state, "", here);
    this.figure.node.hidden = !comparison;
    this.said.textContent = "";
    if (!comparison) return;
    this.figure.tell("Every sound of both sides is being judged …");
    const [, run, iteration] = comparison.startsWith("run:") ? comparison.split(":") : [];
    const asked = run ? { run, iteration } : { comparison };
    const path = `reward/${this.id}/histogram?${new URLSearchParams(asked)}`;
    if (await this.judged(path, comparison)) this.figure.want(path, comparison);
  }

  /** Ask until every sound has its score: many take a while, and what is judged is kept. Whether all are. */
  async judged(path, comparison) {
    for (;;) {
      const found = await ask(path).catch((error) => error);
      if (this.chosen !== comparison) return false;
      if (found instanceof Error) {
        this.figure.tell(found.message);
        return false;
      }
      if (found.of === undefined) return true;
      this.figure.tell(`${found.judged} of ${found.of} sounds are judged …`);
    }
  }

  close() {
    this.chosen = null;
    window.removeEventListener("baton-comparisons", this.again);
    this.figure.close();
  }
}

/** The iterations of a run that can be set against its base, the newest first. */
const iterationsOf = ({ id, title, base_title: base, done }) =>
  Array.from({ length: done ?? 0 }, (_, n) => [`run:${id}:${done - n}`, `${base} against iteration ${done - n} of ${title}`]);

const sidesOf = ({ a, b }) => [a, b].map((side) => side.title ?? side.model).join(" against ");
