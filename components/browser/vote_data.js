/** What a campaign leaves: where its votes live, what can be taken away, the link to it, and how to be forgotten. */

import { address, ask, attempt } from "./ask.js";
import { element, say } from "./element.js";
import { plural } from "./words.js";

const FORMS = {
  csv: ["Votes", "every vote as a row of CSV"],
  studio: ["For a studio", "votes and sounds, to be taken in by another studio"],
  trl: ["Preferences", "prompt, chosen, rejected (TRL), with the sounds"],
  unpaired: ["Unpaired", "prompt, completion, label (TRL), with the sounds"],
  baton: ["BATON labels", "triplets, the uncertain kept"],
  tangoflux: ["TangoFlux", "captions, duration, chosen, reject"],
  datasets: ["Data set", "a folder for the datasets library, sounds inside, with a data card"],
  all: ["Everything", "all of it in one zip"],
};

// What its owner can do with a campaign, by its status.
const COURSES = {
  open: ["close", "Close the campaign"],
  building: ["close", "Stop the making"],
  closed: ["open", "Open it again"],
  failed: ["open", "Make the missing sounds"],
};

export class CampaignData {
  /** hands: onchange() when it was opened or closed, onremove() when it is gone, onforget() when votes were deleted. */
  constructor(hands) {
    this.hands = hands;
    this.backup = element("p", { class: "bs-vote-backup", role: "status" });
    this.node = element("div", { class: "bs-vote-data" });
  }

  show(campaign) {
    this.campaign = campaign;
    this.node.replaceChildren(...[
      this.card("Where the votes live", this.backup),
      campaign.is_mine ? this.invitation(campaign) : null,
      this.card("Take away", ...this.files(campaign)),
      campaign.is_mine ? this.course(campaign) : null,
      this.forgetting(),
    ].filter(Boolean));
    this.look();
  }

  card(title, ...children) {
    return element("section", { class: "bs-vote-card" }, element("h3", {}, title), ...children.filter(Boolean));
  }

  async look() {
    const state = await attempt(() => ask("backup"));
    if (state) this.showBackup(state);
  }

  /** state: {waiting, sentence}, as every stored vote brings it. */
  showBackup(state) {
    if (!state) return;
    this.backup.textContent = state.sentence;
    this.backup.classList.toggle("is-waiting", state.waiting > 0);
  }

  /** What there is to take away, as far as the campaign's task has it and the visitor may. */
  files({ id, is_mine: isMine, is_listed: isListed, status }) {
    if (!isMine && !(isListed && status === "closed")) {
      return [element("p", {}, "The votes of a public campaign can be taken away by everybody once it is closed; until then, and of any other, only by who made it.")];
    }
    const list = element("ul", { class: "bs-vote-files" });
    const show = (forms) => list.replaceChildren(...forms.filter((form) => form in FORMS).map((form) => fileOf(id, form)));
    show(["csv"]);
    if (isMine) ask(`results/${id}/forms`).then(({ forms }) => show([...forms, "all"])).catch((error) => say(error.message, "wrong"));
    return [list, element("p", { class: "bs-status" }, "Voters are numbered, never named. Ties, both-bad and disputed pairs are no training pairs; the data card says how many were left out.")];
  }

  invitation({ id, is_listed: isListed, who, status }) {
    const whole = `${location.origin}${location.pathname}?campaign=${id}`;
    const field = element("input", { type: "text", class: "bs-vote-address", readonly: true, value: whole, "aria-label": "The link to this campaign", onfocus: (event) => event.target.select() });
    const copy = element("button", { type: "button", class: "bs-act", onclick: () => this.copy(field) }, "Copy link");
    const asked = { anyone: "Anyone with the link may vote.", passphrase: "Whoever has the link and the passphrase may vote.", account: "Whoever has the link and a Hugging Face account may vote." }[who];
    const may = { closed: "It is closed: whoever follows the link reads so.", building: `Once its sounds are made: ${asked}`, failed: "It has no sounds to vote on yet." }[status] ?? asked;
    return this.card("Invite", element("div", { class: "bs-vote-link" }, field, copy), element("p", { class: "bs-status" }, `${may} ${isListed ? "It is listed, and its results are public." : "It is not listed; only you see its results."}`));
  }

  async copy(field) {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      say("The link is copied.");
    } catch {
      say("The browser does not let the page copy; the link is selected, copy it by hand.");
    }
  }

  course(campaign) {
    const [verb, word] = COURSES[campaign.status] ?? [];
    const names = (campaign.systems ?? []).map((system) => system.title || system.name).join(", ");
    const press = element("button", { type: "button", class: "bs-act", onclick: () => this.turn(verb) }, word);
    return this.card(
      "The campaign",
      ...(campaign.notices ?? []).map((notice) => element("p", { class: "bs-status" }, notice)),
      element("p", {}, `${plural(campaign.prompts, "prompt")}, ${plural(campaign.items, "item")} to judge, ${plural(campaign.votes_wanted, "vote")} wanted on each.`),
      element("details", { class: "bs-vote-fold" }, element("summary", {}, "What is judged (look at it after you voted yourself)"), element("p", {}, names)),
      verb ? element("div", { class: "bs-vote-link" }, press) : null,
      campaign.progress.votes ? null : twice({ word: "Remove the campaign", question: "Nobody has voted in it yet. Remove it?", yes: "Remove", no: "Keep it" }, () => this.remove()),
    );
  }

  async remove() {
    const done = await attempt(() => ask(`campaigns/${this.campaign.id}/remove`, "POST", {}));
    if (done) this.hands.onremove();
  }

  async turn(verb) {
    const changed = await attempt(() => ask(`campaigns/${this.campaign.id}/${verb}`, "POST", {}));
    if (changed) this.hands.onchange();
  }

  forgetting() {
    return this.card(
      "Your own votes",
      element("p", {}, "Everything that you answered in any campaign of this studio can be deleted, with the name in your cookie."),
      twice({ word: "Delete my votes", question: "Delete all your votes? They do not come back.", yes: "Delete", no: "Keep them" }, () => this.forget()),
    );
  }

  async forget() {
    const done = await attempt(() => ask("vote/forget", "POST", {}));
    if (!done) return;
    localStorage.removeItem("baton-vote-begun");
    say(done.sentence);
    this.hands.onforget();
  }
}

/** Two presses: what is gone does not come back. */
function twice({ word, question, yes: agreed, no: kept }, act) {
  const row = element("div", { class: "bs-vote-link" });
  const first = element("button", { type: "button", class: "bs-act", onclick: () => (row.replaceChildren(element("strong", {}, question), yes, no), no.focus()) }, word);
  const yes = element("button", { type: "button", class: "bs-stop", onclick: () => (row.replaceChildren(first), act()) }, agreed);
  const no = element("button", { type: "button", class: "bs-act", onclick: () => (row.replaceChildren(first), first.focus()) }, kept);
  row.append(first);
  return row;
}

function fileOf(campaign, form) {
  const [word, what] = FORMS[form];
  return element("li", {}, element("a", { class: "bs-act", href: address(`results/${campaign}/export?as=${form}`), download: "" }, word), element("span", {}, what));
}
