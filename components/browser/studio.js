/** Begins here: the page's own elements, its keys, its theme, and the state of the model. */

import { ask, element } from "./ask.js";
import { Deck } from "./deck.js";
import { History } from "./history.js";

customElements.define("baton-deck", Deck);
customElements.define("baton-history", History);

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

/** Ctrl + Enter generates, Escape stops: from anywhere on the page. */
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    document.querySelector("#generate-button")?.click();
  } else if (event.key === "Escape") {
    document.querySelector("baton-deck")?.stop();
  }
});
