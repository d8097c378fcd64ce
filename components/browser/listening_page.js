/** A comparison on a page of its own, from the disk: sounds and pictures come in scripts beside it. */

import { Comparison } from "./compare.js";
import { element } from "./element.js";

const comparison = JSON.parse(document.getElementById("comparison").textContent);
const parts = new Map(); // place -> promise of {picture, sounds}
const arrivals = new Map(); // place -> how to keep that promise
window.batonPair = (place, part) => arrivals.get(place)?.(part);

/** Run a script that lies beside the page. */
function run(address) {
  return new Promise((done, failed) => {
    const script = element("script", { src: address, async: true });
    script.addEventListener("load", done);
    script.addEventListener("error", () => failed(new Error(`${address} is missing beside this page.`)));
    document.head.append(script);
  });
}

/** The pictures and sounds of a pair, brought once; a pair that did not come is tried again. */
function part(place) {
  if (!parts.has(place)) {
    const number = String(place + 1).padStart(3, "0");
    const arrival = new Promise((done) => arrivals.set(place, done));
    const brought = run(`page/pair-${number}.js`).then(() => arrival);
    brought.catch(() => parts.delete(place));
    parts.set(place, brought);
  }
  return parts.get(place);
}

let drawing = null;
const source = {
  comparison: async () => comparison,
  async record(adapter) {
    if (!comparison.adapters?.[adapter]) throw new Error("The record of this adapter was not there when the page was written.");
    return comparison.adapters[adapter];
  },
  picture: async (place) => (await part(place)).picture,
  plotly() {
    drawing ??= run("page/plotly.min.js").then(() => window.Plotly);
    drawing.catch(() => (drawing = null));
    return drawing;
  },
  async sound(made) {
    const pair = comparison.pairs.find(({ a, b }) => a === made || b === made);
    const { sounds } = await part(pair.place);
    const bytes = atob(sounds[pair.a === made ? "a" : "b"]);
    return Uint8Array.from(bytes, (letter) => letter.charCodeAt(0)).buffer;
  },
};

function setTheme(isDark) {
  document.body.classList.toggle("dark", isDark);
  document.documentElement.style.colorScheme = isDark ? "dark" : "light";
  window.dispatchEvent(new CustomEvent("baton-theme"));
}

function head() {
  const { a, b, seed, seconds } = comparison.request;
  const names = a.title === b.title ? `${a.title} at two settings` : `${a.title} against ${b.title}`;
  const count = `${comparison.pairs.length} ${comparison.pairs.length === 1 ? "pair" : "pairs"}`;
  const turn = () => setTheme(!document.body.classList.contains("dark"));
  return element(
    "header",
    { class: "bs-head-row" },
    element("h1", {}, names),
    element("p", {}, `${count} of ${seconds} s, from seed ${seed}, ${new Date(comparison.created_at).toLocaleDateString()}`),
    element("span", { class: "bs-gap" }),
    element("button", { type: "button", class: "bs-theme", "aria-label": "Light or dark", title: "Light or dark", onclick: turn }),
  );
}

/** The pair that the address names, so that a link into the page can point at one. */
function linked() {
  const found = /^#pair=(\d+)$/.exec(location.hash);
  return found ? Number(found[1]) : null;
}

setTheme(matchMedia("(prefers-color-scheme: dark)").matches);
const view = new Comparison(source, { onpair: (place) => window.history.replaceState(null, "", `#pair=${place}`) });
const notices = element("ul", { class: "bs-notices" }, ...comparison.notices.map((text) => element("li", { class: "bs-news" }, text)));
document.querySelector("main").replaceChildren(head(), notices, view.node);
view.show(comparison, linked());
