/** What captions are to be written from: task, count, split, labels, and who words them. */

import { ask, attempt } from "./ask.js";
import { element } from "./element.js";

const OWN = "own";

export class CaptionsForm {
  /** onmade(id): a list was begun. */
  constructor(choices, onmade) {
    this.onmade = onmade;
    const tasks = choices.tasks.map(({ name, about }, place) => this.radio(name, about, place === 0));
    this.count = element("input", { type: "number", min: 1, max: choices.most, value: 40, id: "captions-count", class: "bs-cap-field" });
    this.split = this.select("captions-split", choices.splits.map(({ name, about }) => [name, `${name}: ${about}`]));
    this.labels = this.select("captions-labels", [["embedded", `Embedded events (${choices.embedded})`], [OWN, "Your own labels (.txt, .csv)"]], () => this.turn());
    this.file = element("input", { type: "file", accept: ".txt,.csv", id: "captions-file", "aria-label": "A file of labels" });
    this.about = element("p", { class: "bs-status" }, "Up to 200 labels: one a line, or a CSV with the columns label, says (“a dog barks”) and saying (“a dog barking”); the last two may be left out.");
    this.writer = this.select("captions-writer", [["grammar", "Grammar"], ...(choices.model ? [["model", `Language model (${choices.model})`]] : [])]);
    this.seed = element("input", { type: "number", min: 0, placeholder: "drawn", id: "captions-seed", class: "bs-cap-field" });
    this.button = element("button", { type: "button", class: "bs-cap-go", id: "captions-write", onclick: () => this.write() }, "Write captions");
    this.node = element(
      "div",
      { class: "bs-cap-form" },
      element("p", {}, "Groups of labels are drawn and joined by the conjunctions of BATON's Tables 10 and 11. What a caption promises about order is known from them. You look the captions over before any sound is made."),
      element("fieldset", { class: "bs-cap-tasks" }, element("legend", {}, "What will be asked of the sounds"), ...tasks),
      row("Captions", this.count),
      row("Split", this.split),
      row("Labels", this.labels, this.file, this.about),
      row("Worded by", this.writer, choices.model ? null : element("p", { class: "bs-status" }, "A language model words them where BATON_LLM_MODEL is set.")),
      row("Seed", this.seed),
      this.button,
    );
    this.turn();
  }

  radio(name, about, isFirst) {
    const word = name === "integrity" ? "Integrity" : "Temporal";
    return element("label", {}, element("input", { type: "radio", name: "captions-task", value: name, checked: isFirst }), element("span", {}, element("strong", {}, word), ` ${about}`));
  }

  select(id, choices, onchange) {
    return element("select", { id, class: "bs-cap-field", onchange }, ...choices.map(([value, word]) => element("option", { value }, word)));
  }

  turn() {
    this.file.hidden = this.about.hidden = this.labels.value !== OWN;
  }

  async write() {
    this.button.disabled = true;
    const made = await attempt(async () => ask("prompts", "POST", await this.wishes()));
    this.button.disabled = false;
    if (made) this.onmade(made.id);
  }

  async wishes() {
    const chosen = this.node.querySelector("input[name=captions-task]:checked");
    const [file] = this.file.files;
    if (this.labels.value === OWN && !file) throw new Error("No file of labels is chosen; choose one, or take the embedded events.");
    return {
      task: chosen.value,
      count: this.count.value === "" ? null : Number(this.count.value),
      split: this.split.value,
      labels: this.labels.value === OWN ? { name: file.name, text: await file.text() } : null,
      writer: this.writer.value,
      seed: this.seed.value === "" ? null : Number(this.seed.value),
    };
  }
}

export function row(word, ...fields) {
  const [first, ...others] = fields.filter(Boolean);
  return element("div", { class: "bs-cap-row" }, element("label", { for: first.id }, word), element("div", {}, first, ...others));
}
