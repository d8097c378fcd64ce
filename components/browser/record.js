/** How an aligned model came to be: the record of its adapter, in a window of its own. */

import { element, say } from "./element.js";

/** A button that shows the record of an adapter. record: hash -> promise of the record. */
export function recordButton(adapter, record) {
  const show = async () => {
    try {
      open(await record(adapter));
    } catch (error) {
      say(error.message, "wrong");
    }
  };
  return element("button", { type: "button", class: "bs-act bs-record-open", title: "How this adapter was trained", onclick: show }, "Record");
}

function open(found) {
  const close = element("button", { type: "button", class: "bs-act", onclick: () => dialog.close() }, "Close");
  const judged = found.simulated ? "a simulated listener's judgements" : "people's judgements";
  const facts = [
    ["adapter", found.hash],
    ["base", found.base],
    ["recipe", found.recipe],
    ["learnt from", found.recipe === "supervised" ? "sounds with captions" : judged],
    ["made", found.made_at ? new Date(found.made_at).toLocaleString() : "with the studio"],
  ];
  const text = JSON.stringify(found.card, null, 1);
  const file = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const dialog = element(
    "dialog",
    { class: "bs-record", "aria-label": `Record of ${found.title}` },
    element("header", {}, element("h3", {}, found.title), close),
    element("dl", { class: "bs-facts" }, ...facts.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, String(value))))),
    element("pre", { tabindex: 0, "aria-label": "The whole record as JSON" }, text),
    element("a", { class: "bs-act", href: file, download: `adapter-${found.hash}.json` }, "Take it away"),
  );
  dialog.addEventListener("close", () => {
    URL.revokeObjectURL(file);
    dialog.remove();
  });
  document.body.append(dialog);
  dialog.showModal();
}
