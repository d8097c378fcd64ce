/** Which presses of a key are meant for the page, and not for what has the focus. */

import { element } from "./element.js";

const WRITING = 'input:not([type="range"], [type="checkbox"], [type="radio"]), textarea, select, [contenteditable="true"], [role="combobox"], [role="listbox"], [role="menu"], [role="dialog"], [role="tab"]';
const PRESSED = 'button, a, summary, [role="button"]'; // space and enter are theirs
const TICKED = '[type="checkbox"], [type="radio"]'; // and space alone is theirs
const MOVED = '[type="range"], [type="radio"], [role="slider"]'; // and these have the arrows

/** The key, letters small; null where one writes, or where the control in focus means it. */
export function keyOf(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return null;
  const at = event.target instanceof Element ? event.target : document.body;
  if (at.closest(WRITING)) return null;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if ((key === " " || key === "Enter") && at.closest(PRESSED)) return null;
  if (key === " " && at.closest(TICKED)) return null;
  if (at.closest(MOVED) && (key.startsWith("Arrow") || key === "Home")) return null;
  return key;
}

/** A list of keys and what they do: [["A B", "hear A or B"], …]. */
export const keyRows = (keys) =>
  keys.map(([names, what]) => element("div", {}, element("dt", {}, ...names.split(" ").map((name) => element("kbd", {}, name))), element("dd", {}, what)));
