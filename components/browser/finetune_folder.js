/** A creator's own sounds: choose a folder that is here, or send a zip of one. */

import { address, ask, attempt } from "./ask.js";
import { element, say } from "./element.js";
import { capital, span, whole } from "./finetune_words.js";
import { plural } from "./words.js";

// What a kind of folder is called, what its zip holds, and whether there may be none.
const KINDS = {
  sounds: { word: "folder", hint: "A zip of WAV, FLAC, OGG or MP3 files, each with its words: in a captions.csv with the columns file and caption, or in a .txt of the same name." },
  pairs: { word: "set", isOptional: true, hint: "A zip of a set of preferences: a JSON list with captions, duration, chosen and reject beside its sounds, as TangoFlux has it, or the parquet shards of Audio-Alpaca." },
};

export class Folder {
  /** name: of its field; onchange: called when another is chosen; kind: of KINDS. */
  constructor(name, onchange, kind = "sounds") {
    [this.onchange, this.kind] = [onchange, kind];
    this.choice = element("select", { "aria-label": name, onchange: () => (this.tell(), onchange()) });
    this.file = element("input", { type: "file", accept: ".zip", class: "bs-unseen", tabindex: -1, "aria-hidden": "true", onchange: () => this.send() });
    this.press = element("button", { type: "button", class: "bs-act", onclick: () => this.file.click() }, "Upload a zip");
    this.sure = element("button", { type: "button", class: "bs-stop", hidden: true, onclick: () => this.remove() }, "Remove for good");
    this.away = element("button", { type: "button", class: "bs-act", hidden: true, onclick: () => {
      [this.away.hidden, this.sure.hidden] = [true, false];
      this.sure.focus();
    } }, `Remove this ${KINDS[kind].word}`);
    this.sure.addEventListener("blur", () => ([this.sure.hidden, this.away.hidden] = [true, !this.value]));
    this.meter = element("progress", { max: 1, value: 0, hidden: true, "aria-label": "Upload" });
    this.said = element("p", { class: "bs-status", role: "status" });
    this.wrong = element("p", { class: "bs-fine-wrong", role: "alert", hidden: true });
    this.node = element("div", { class: "bs-fine-folder" }, this.choice, element("div", { class: "bs-fine-inputs" }, this.press, this.away, this.sure, this.file), this.meter, this.said, this.wrong,
      element("small", {}, KINDS[kind].hint));
    this.node.addEventListener("dragover", (event) => event.preventDefault());
    this.node.addEventListener("drop", (event) => {
      event.preventDefault();
      if (event.dataTransfer.files.length) this.send(event.dataTransfer.files[0]);
    });
  }

  get value() {
    return this.choice.value || null;
  }

  /** The folders that are here; most: MB of a zip, null where there is no bound. */
  take(folders, most = null) {
    const chosen = this.value;
    [this.folders, this.most] = [folders, most];
    const options = folders.map((one) => element("option", { value: one.id, selected: one.id === chosen }, `${one.title} (${countOf(one)})`));
    this.choice.replaceChildren(...(KINDS[this.kind].isOptional ? [element("option", { value: "" }, "None")] : []), ...options);
    this.choice.hidden = !folders.length;
    this.tell();
  }

  tell() {
    const one = this.folders?.find(({ id }) => id === this.value);
    this.away.hidden = !one;
    if (!one) this.said.textContent = "";
    else {
      const facts = this.kind === "pairs" ? [countOf(one), plural(one.prompts, "prompt")] : [countOf(one), plural(one.captions, "caption"), one.seconds ? span(one.seconds) : null];
      const lost = leftOut(one.left_out);
      this.said.textContent = `${facts.filter(Boolean).join(", ")}.${lost ? ` ${capital(lost)}.` : ""}`;
    }
  }

  async remove() {
    const { value } = this;
    if (!value || !(await attempt(() => ask(`finetune/folders/${encodeURIComponent(value)}/remove`, "POST", {})))) return;
    say(`The ${KINDS[this.kind].word} is removed; models that learned from it stay.`);
    this.take(this.folders.filter(({ id }) => id !== value), this.most);
    this.onchange();
  }

  /** Why a zip was not taken: it stays beside the button, as it may take a while to mend. */
  refused(why) {
    this.wrong.textContent = why;
    this.wrong.hidden = !why;
  }

  async send(file = this.file.files[0]) {
    if (!file) return;
    if (this.most && file.size > this.most * 1e6) return this.refused(`${file.name} has ${whole(file.size / 1e6)} MB; at most ${this.most} MB are taken. Leave out sounds, or make them mono or shorter.`);
    this.press.disabled = true;
    this.meter.hidden = false;
    this.refused("");
    let made;
    try {
      made = await sent(file, (share) => Object.assign(this.meter, { value: share }));
    } catch (error) {
      this.refused(error.message);
    }
    this.press.disabled = false;
    this.meter.hidden = true;
    this.file.value = "";
    if (!made) return;
    if ((made.kind ?? "sounds") !== this.kind) {
      window.dispatchEvent(new CustomEvent("baton-finetune-folders")); // it is taken in all the same, where it belongs
      return this.refused(made.kind === "pairs" ? "This zip holds pairs of sounds; it can be chosen with CRPO, under “Pairs mixed in”." : "This zip holds sounds with captions and no pairs; it can be chosen under “My own sounds”.");
    }
    this.take([made, ...(this.folders ?? []).filter(({ id }) => id !== made.id)], this.most);
    this.choice.value = made.id;
    this.tell();
    this.onchange();
  }
}

const countOf = (one) => (one.pairs ? plural(one.pairs, "pair") : plural(one.sounds, "sound"));

/** "3 without words" of {reason: count}; a plain number, or nothing. */
function leftOut(found) {
  if (!found) return "";
  if (typeof found === "number") return `${whole(found)} left out`;
  return Object.entries(found).filter(([, count]) => count).map(([reason, count]) => `${whole(count)} left out: ${reason}`).join("; ");
}

/** Send a file, and be told how much of it has gone; what the studio says of it. */
async function sent(file, onshare) {
  const title = file.name.replace(/\.zip$/i, "");
  const { status, answer } = await new Promise((done) => {
    const request = new XMLHttpRequest(); // fetch does not tell how much has gone
    request.open("POST", address(`finetune/folders?title=${encodeURIComponent(title)}`));
    request.setRequestHeader("content-type", "application/zip");
    request.upload.onprogress = (event) => event.lengthComputable && onshare(event.loaded / event.total);
    request.onloadend = () => done({ status: request.status, answer: request.responseText });
    request.send(file);
  });
  if (status === 0) await ask("state"); // tells when it is the studio that is gone
  let told = {};
  try {
    told = JSON.parse(answer);
  } catch {
    // what is no JSON is told by its status
  }
  if (status !== 200) throw new Error(told.error ?? `The zip was not taken (${status}); try again.`);
  return told;
}
