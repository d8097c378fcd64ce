/** Begins here: the page's own elements, its keys, its theme, and the state of the model. */

import { ask } from "./ask.js";
import { CaptionLists, Captions, reviewed } from "./captions.js";
import { Bench, Comparisons, linked } from "./compare_tab.js";
import { Deck } from "./deck.js";
import { element } from "./element.js";
import { FinetuneForm } from "./finetune_form.js";
import { Finetunes } from "./finetune_list.js";
import { FinetuneTab, trained } from "./finetune_tab.js";
import { History } from "./history.js";
import { Results } from "./results.js";
import { RewardForm } from "./reward_form.js";
import { Rewards } from "./reward_list.js";
import { rewarded, RewardTab } from "./reward_tab.js";
import { asked, turnTo } from "./tabs.js";
import { Campaigns } from "./vote_list.js";
import { invited, VoteTab } from "./vote_tab.js";

customElements.define("baton-deck", Deck);
customElements.define("baton-history", History);
customElements.define("baton-bench", Bench);
customElements.define("baton-comparisons", Comparisons);
customElements.define("baton-vote", VoteTab);
customElements.define("baton-campaigns", Campaigns);
customElements.define("baton-captions", Captions);
customElements.define("baton-caption-lists", CaptionLists);
customElements.define("baton-results", Results);
customElements.define("baton-reward", RewardTab);
customElements.define("baton-rewards", Rewards);
customElements.define("baton-reward-form", RewardForm);
customElements.define("baton-finetune", FinetuneTab);
customElements.define("baton-finetunes", Finetunes);
customElements.define("baton-finetune-form", FinetuneForm);

const KEY = "baton-theme";

function setTheme(name) {
  document.body.classList.toggle("dark", name === "dark");
  document.documentElement.style.colorScheme = name;
  window.dispatchEvent(new CustomEvent("baton-theme"));
}

class ThemeSwitch extends HTMLElement {
  connectedCallback() {
    if (this.firstChild) return;
    const asked = new URLSearchParams(location.search).get("__theme");
    const kept = asked ?? localStorage.getItem(KEY);
    if (kept) setTheme(kept);
    else setTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    this.append(
      element("button", { type: "button", class: "bs-theme", "aria-label": "Light or dark", title: "Light or dark", onclick: () => this.turn() }),
    );
  }

  turn() {
    const name = document.body.classList.contains("dark") ? "light" : "dark";
    localStorage.setItem(KEY, name);
    setTheme(name);
  }
}
customElements.define("baton-theme", ThemeSwitch);

class ModelState extends HTMLElement {
  connectedCallback() {
    this.setAttribute("role", "status");
    this.look();
  }

  async look() {
    const state = await ask("state").catch(() => null);
    const [kind, word] = !state
      ? ["bad", "no answer"]
      : state.problem
        ? ["bad", "model missing"]
        : state.is_ready
          ? ["good", "model ready"]
          : ["none", "model loading"];
    this.className = `bs-badge bs-${kind}`;
    this.textContent = word;
    this.title = state?.problem ?? "";
    if (kind !== "good" && this.isConnected) setTimeout(() => this.look(), kind === "none" ? 700 : 10000);
  }
}
customElements.define("baton-model", ModelState);

const isShown = (node) => Boolean(node?.offsetParent);

/** Ctrl + Enter begins what the open tab is for, Escape stops a run of sounds. */
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    [...document.querySelectorAll("#generate-button, #reward-button, #finetune-button, #compare-button")].find(isShown)?.click();
  } else if (event.key === "Escape") {
    const deck = document.querySelector("baton-deck");
    if (isShown(deck)) deck.stop();
  }
});

/** A link to a tab, a comparison, a campaign or a reward model opens its tab. */
if (asked()) turnTo(asked());
else if (linked().id) turnTo("Compare");
else if (invited().campaign || reviewed()) turnTo("Vote");
else if (trained()) turnTo("Finetune");
else if (rewarded()) turnTo("Reward");
