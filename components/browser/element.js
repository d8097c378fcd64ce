/** Elements of the page, and messages at its foot: what needs no studio behind it. */

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
