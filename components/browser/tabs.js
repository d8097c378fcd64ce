/** The tabs of the page: which one the address asks for, and a way to turn to one. */

const PATIENCE = 20_000; // ms for a tab to be drawn

const named = (name) => [...document.querySelectorAll('[role="tab"]')].find((one) => one.textContent.trim().toLowerCase() === name.toLowerCase());

/** The tab that `?tab=` names, small letters; null where the address names none. */
export const asked = () => new URLSearchParams(location.search).get("tab")?.toLowerCase() ?? null;

/** Open this tab, as soon as the tabs are there; a name that no tab has opens nothing. */
export function turnTo(name) {
  const tab = named(name);
  if (asked() !== name.toLowerCase()) forget(); // or a reload would open the tab that one came in by
  if (tab) tab.click();
  else if (!named("Generate")) setTimeout(() => turnTo(name), 50);
}

/** Open this tab and do something with an element of it, which is there only once the tab was opened. */
export function turnToThen(name, selector, work) {
  forget();
  turnTo(name);
  const begun = performance.now();
  const look = () => {
    const found = document.querySelector(selector);
    if (found) work(found);
    else if (performance.now() - begun < PATIENCE) setTimeout(look, 50);
  };
  look();
}

/** `?tab=` is for coming in: it goes as soon as one turns to another tab. */
function forget() {
  const here = new URL(location.href);
  if (!here.searchParams.has("tab")) return;
  here.searchParams.delete("tab");
  window.history.replaceState(window.history.state, "", here);
}

document.addEventListener("click", (event) => event.isTrusted && event.target.closest?.('[role="tab"]') && forget(), true);
