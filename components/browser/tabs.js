/** The tabs of the page: which one the address asks for, and a way to turn to one. */

const named = (name) => [...document.querySelectorAll('[role="tab"]')].find((one) => one.textContent.trim().toLowerCase() === name.toLowerCase());

/** The tab that `?tab=` names, small letters; null where the address names none. */
export const asked = () => new URLSearchParams(location.search).get("tab")?.toLowerCase() ?? null;

/** Open this tab, as soon as the tabs are there; a name that no tab has opens nothing. */
export function turnTo(name) {
  const tab = named(name);
  if (tab) tab.click();
  else if (!named("Generate")) setTimeout(() => turnTo(name), 50);
}

/** `?tab=` is for coming in: it goes at the first click of a person on a tab. */
document.addEventListener("click", (event) => {
  if (!event.isTrusted || !event.target.closest?.('[role="tab"]') || asked() === null) return;
  const here = new URL(location.href);
  here.searchParams.delete("tab");
  window.history.replaceState(window.history.state, "", here);
}, true);
