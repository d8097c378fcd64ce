/** What the owner of a campaign may do with its results: leave out and let in, control, look at disputes. */

import { ask, attempt } from "./ask.js";
import { element, say } from "./element.js";
import { Figure } from "./results_figures.js";
import { controlledTables, stacked, table } from "./results_tables.js";

const share = (found) => (found?.count ? stacked(found, 0, 100, " %") : "–");

/** A fold that fetches what is in it when it is opened. */
function fold(title, about, fill) {
  const body = element("div", { class: "bs-res-fold" });
  const node = element("details", { class: "bs-res-owner" }, element("summary", {}, title), element("p", { class: "bs-status" }, about), body);
  node.addEventListener("toggle", () => node.open && attempt(() => fill(body)));
  return { node, body };
}

export class Owner {
  constructor(campaign, onchange) {
    this.campaign = campaign;
    this.onchange = onchange;
    this.voters = fold("Voters", "How far each can be relied on. Leaving someone out deletes nothing, is recorded with its reason, and can be lifted.", () => this.showVoters());
    this.disputes = fold("Disputed items", "What people differ on most. Whoever reads it should not vote here any more: it would spoil their own votes.", () => this.askDisputes());
    this.control = element("details", { class: "bs-res-owner", hidden: true }, element("summary", {}, "As heard, and controlled"));
    this.figure = new Figure("Points as heard and controlled");
    this.controlBody = element("div", { class: "bs-res-fold" });
    this.figure.node.hidden = true;
    this.control.append(element("p", { class: "bs-status" }, "Ratings with loudness, length, silence, side and what was played first held equal."), this.controlBody, this.figure.node);
    this.node = element("section", { class: "bs-res-tools", "aria-label": "For the owner" }, element("h3", {}, "For you, the owner"), this.control, this.voters.node, this.disputes.node);
  }

  /** The owner's part of what the studio said; other people see the controlled board when it is there. */
  show(view, path) {
    this.view = view;
    this.node.querySelector("h3").hidden = !view.is_mine;
    this.voters.node.hidden = this.disputes.node.hidden = !view.is_mine;
    this.control.hidden = view.task !== "pairwise" || (!view.is_mine && !view.controlled?.result);
    this.node.hidden = !view.is_mine && this.control.hidden;
    this.showControlled(path);
    if (this.voters.node.open && !this.voters.body.contains(document.activeElement)) attempt(() => this.showVoters());
  }

  showControlled(path) {
    const found = this.view.controlled;
    const key = JSON.stringify([found, this.view.is_mine]);
    if (this.shown === key) return;
    this.shown = key;
    const isBusy = found && ["waiting", "running"].includes(found.status);
    const again = element("button", { type: "button", class: "bs-act", disabled: isBusy, onclick: () => this.askControlled() }, isBusy ? `${found.note || "being made"} …` : found?.result ? "Make it again" : "Make it");
    const wrong = found?.error ? element("p", { class: "bs-wrong", role: "alert" }, found.error) : null;
    const said = (found?.said ?? []).map((text) => element("li", {}, text));
    const parts = found?.result ? [element("ul", { class: "bs-notices" }, ...said), ...controlledTables(found, this.view.titles)] : [];
    this.controlBody.replaceChildren(...[wrong, ...parts, this.view.is_mine ? again : null].filter(Boolean));
    this.figure.node.hidden = !found?.result;
    if (found?.result) this.figure.want(path("figure/controlled"), key);
  }

  async askControlled() {
    await attempt(() => ask(`results/${this.campaign}/controlled`, "POST"));
    this.onchange();
  }

  async showVoters() {
    const found = await ask(`results/${this.campaign}/voters`);
    const key = JSON.stringify(found);
    if (this.votersShown === key && this.voters.body.firstChild) return;
    this.votersShown = key;
    if (!found.voters.length) {
      this.voters.body.replaceChildren(element("p", { class: "bs-status" }, "Nobody has voted yet."));
      return;
    }
    const proposed = found.voters.filter((row) => row.proposed.length && !row.excluded);
    const sentences = proposed.flatMap((row) => row.proposed.map((said) => element("li", {}, `${row.name}: ${said}`)));
    const isPairwise = this.view.task === "pairwise";
    const head = [
      ["Voter", "bs-res-name"],
      ["Votes", "bs-res-number"],
      ...(isPairwise ? [["Gold right", "bs-res-number", "of battles with a spoiled sound"], ["Ties on equals", "bs-res-number bs-res-wide"], ["Side A", "bs-res-number bs-res-wide"]] : []),
      ["Too soon", "bs-res-number", "votes sooner than the sounds last"],
      ["Median", "bs-res-number bs-res-wide"],
      ["", ""],
    ];
    const rows = found.voters.map((row) => [
      row.excluded ? element("s", { title: row.excluded.reason }, row.name) : row.name,
      String(row.votes),
      ...(isPairwise ? [share(row.gold), share(row.ties), share(row.side_a_anywhere)] : []),
      share(row.hasty),
      row.median_seconds === null ? "–" : `${row.median_seconds.toFixed(1)} s`,
      this.act(row),
    ]);
    const single = found.single.map((one) => element("li", {}, `Vote ${one.vote}: ${one.reason} `, this.button("Let it count again", (reason) => this.order("lift", { vote: one.vote, reason }))));
    this.voters.body.replaceChildren(
      element("ul", { class: "bs-notices" }, ...(sentences.length ? sentences : [element("li", {}, "Nobody stands out so far that leaving them out is proposed.")]), ...found.notes.map((text) => element("li", {}, text))),
      table("Voters", head, rows),
      single.length ? element("ul", { class: "bs-notices" }, ...single) : "",
      this.oneVote(),
    );
  }

  /** Leave out, or let in again, in the row of a voter. */
  act(row) {
    if (row.excluded) return this.button("Let in again", (reason) => this.order("lift", { voter: row.key, reason }), `why ${row.name} counts again`);
    return this.button("Leave out", (reason) => this.order("exclude", { voter: row.key, reason }), `why ${row.name} is left out`, row.proposed.join(" "));
  }

  /** A button that asks for the reason first. */
  button(word, act, label = "why", reason = "") {
    const field = element("input", { type: "text", class: "bs-res-reason", placeholder: "because …", "aria-label": label, maxlength: 300 });
    field.value = reason.slice(0, 300);
    const go = element("form", { class: "bs-res-why", hidden: true, onsubmit: (event) => { event.preventDefault(); act(field.value); } }, field, element("button", { type: "submit", class: "bs-act" }, word));
    const first = element("button", { type: "button", class: "bs-act", onclick: () => { first.hidden = true; go.hidden = false; field.focus(); } }, word);
    return element("span", {}, first, go);
  }

  /** A single vote is left out by its id, which the CSV of votes has. */
  oneVote() {
    const id = element("input", { type: "text", placeholder: "id of a vote, from the CSV", "aria-label": "id of a vote", class: "bs-res-reason" });
    const reason = element("input", { type: "text", placeholder: "because …", "aria-label": "why this vote is left out", class: "bs-res-reason" });
    return element(
      "form",
      { class: "bs-res-why", onsubmit: (event) => { event.preventDefault(); this.order("exclude", { vote: id.value.trim(), reason: reason.value }); } },
      id, reason, element("button", { type: "submit", class: "bs-act" }, "Leave out this vote"),
    );
  }

  async order(what, body) {
    const done = await attempt(() => ask(`results/${this.campaign}/${what}`, "POST", body));
    if (!done) return;
    say(what === "lift" ? "It counts again; the record stays." : "It is left out from now on, and recorded.");
    this.votersShown = null;
    await attempt(() => this.showVoters());
    this.onchange();
  }

  askDisputes() {
    if (this.disputes.body.firstChild) return;
    this.disputes.body.replaceChildren(element("button", { type: "button", class: "bs-act", onclick: () => attempt(() => this.showDisputes()) }, "I shall not vote here; show them"));
  }

  async showDisputes() {
    const { items } = await ask(`results/${this.campaign}/disputed`);
    if (!items.length) {
      this.disputes.body.replaceChildren(element("p", { class: "bs-status" }, "People agree on every item that two or more of them judged."));
      return;
    }
    const answers = (row) => Object.entries(row.answers).map(([name, count]) => `${count} × ${name}`).join(", ");
    const head = [["Prompt", "bs-res-name"], ["Sounds", "bs-res-wide"], ["Answers", ""]];
    this.disputes.body.replaceChildren(table("Disputed items", head, items.map((row) => [row.prompt, `${row.question}: ${row.sounds.join(", ")}`, answers(row)])));
  }

  close() {
    this.figure.close();
  }
}
