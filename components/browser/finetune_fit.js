/** A run that is longer than a sitting: how much of it fits, and one press that sets it so. */

import { element } from "./element.js";
import { span, whole } from "./finetune_words.js";

/** found: an estimate; onfit(sitting): take its length; null where the run fits as it is. */
export function fitNode({ sitting }, onfit) {
  if (!sitting) return null;
  const word = `Fit it into ${span(sitting.limit)}: ${whole(sitting.steps)} steps`;
  return element(
    "p",
    { class: "bs-fine-fit" },
    element("button", { type: "button", class: "bs-act", onclick: () => onfit(sitting) }, word),
    element("small", {}, "Heard at its beginning and at its end alone; it learns less than a longer run."),
  );
}
