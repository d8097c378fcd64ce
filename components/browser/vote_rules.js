/** What a voter is told: what is asked, how to listen, what is kept of them. */

import { element } from "./element.js";
import { plural } from "./words.js";

/** The rules of a campaign: lines, then each aspect with its question and its scale. */
export function rulesOf(campaign) {
  const { lines, aspects } = campaign.rules;
  return element(
    "div",
    { class: "bs-vote-rules" },
    element("ul", {}, ...lines.map((line) => element("li", {}, line))),
    ...Object.values(aspects).map((aspect) => aspectOf(aspect, campaign.task !== "pairwise")),
  );
}

function aspectOf({ title, question, scale }, hasScale) {
  const rows = scale.map(({ value, says }) => element("div", {}, element("dt", {}, value === null ? "?" : String(value)), element("dd", {}, says)));
  return element("section", {}, element("h4", {}, title), element("p", {}, question), hasScale ? element("dl", {}, ...rows) : null);
}

const KEPT = [
  "A random name in a cookie, so that you can go on after a reload. No address, no name of yours.",
  "Your answers, how long you listened and how long you took.",
  "Under “Data” you can delete all of it at any time.",
];
const WITH_ACCOUNT = "A code made from your Hugging Face account, so that each person votes once. Your account's name is not kept.";

/** The card before the first serving; onbegin is called with the passphrase, or null where none is asked. */
export function beginning(campaign, onbegin) {
  const phrase = campaign.needs === "passphrase" ? element("input", { type: "password", class: "bs-vote-phrase", "aria-label": "Passphrase", placeholder: "Passphrase", autocomplete: "off", required: true }) : null;
  const wrong = element("p", { class: "bs-vote-wrong", role: "alert" });
  const begin = element("button", { type: "submit", class: "bs-vote-choice bs-vote-submit" }, element("span", {}, "Begin"), phrase ? null : element("kbd", { "aria-hidden": "true" }, "Enter"));
  const form = element("form", { class: "bs-vote-begin", onsubmit: (event) => {
    event.preventDefault();
    wrong.textContent = "";
    begin.setAttribute("aria-busy", "true");
    onbegin(phrase ? phrase.value : null).catch((error) => (wrong.textContent = error.message)).finally(() => begin.removeAttribute("aria-busy"));
  } }, phrase, begin, wrong);
  const kept = campaign.who === "account" ? [WITH_ACCOUNT, ...KEPT.slice(1)] : KEPT;
  const count = campaign.progress.of;
  return element(
    "section",
    { class: "bs-vote-card bs-vote-before", "aria-label": "Before you begin" },
    element("h3", { tabindex: -1 }, "Before you begin"),
    element("p", { class: "bs-vote-lead" }, campaign.rules.heading),
    element("p", { class: "bs-status" }, `${plural(count, "round")} for you at most; stop whenever you like, all that you answered stays.`),
    rulesOf(campaign),
    element("h4", {}, "What is kept of you"),
    element("ul", {}, ...kept.map((line) => element("li", {}, line))),
    campaign.needs === "account" ? signIn() : form,
  );
}

function signIn() {
  const here = location.pathname + location.search;
  const isFramed = window.self !== window.top; // Hugging Face's own page does not open inside of another
  return element(
    "div",
    { class: "bs-vote-begin" },
    element("p", {}, "This campaign asks for a Hugging Face account."),
    element("a", { class: "bs-vote-choice bs-vote-submit", href: `login/huggingface?_target_url=${encodeURIComponent(here)}`, target: isFramed ? "_blank" : null, rel: "noopener" }, element("span", {}, "Sign in with Hugging Face")),
  );
}
