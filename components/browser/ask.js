/** Questions to the studio's own addresses, and what goes wrong with them, in words. */

export const ROOT = new URL("..", import.meta.url); // <page>/studio/

export const address = (path) => new URL(path, ROOT).href;

/** The JSON at an address under /studio; throws an Error whose message can be shown. */
export async function ask(path, method = "GET") {
  let answer;
  try {
    answer = await fetch(address(path), { method });
  } catch {
    throw new Error("The studio does not answer; check that it still runs, then reload the page.");
  }
  const values = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    throw new Error(values.error ?? `The studio failed (${answer.status}); its log says more.`);
  }
  return values;
}

/** Do it, and show what went wrong where the person looks. */
export async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    say(error.message, "wrong");
    return undefined;
  }
}

/** A message at the foot of the window; read out by screen readers, gone after a while, never twice. */
export function say(text, kind = "news") {
  let tray = document.querySelector(".bs-tray");
  if (!tray) {
    tray = element("div", { class: "bs-tray", "aria-live": "polite" });
    document.body.append(tray);
  }
  if ([...tray.children].some((note) => note.textContent === text)) return;
  const note = element("p", { class: `bs-note bs-${kind}`, role: kind === "wrong" ? "alert" : "status" }, text);
  tray.append(note);
  setTimeout(() => note.remove(), kind === "wrong" ? 12000 : 5000);
}

/** An element with attributes and children; text is only ever text. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== null && value !== false) {
      made.setAttribute(name, value === true ? "" : value);
    }
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}
