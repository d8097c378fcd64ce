/** Only one thing on the page sounds at a time. */

/** Whoever begins to sound says so. */
export const claim = (who) => window.dispatchEvent(new CustomEvent("baton-sounding", { detail: who }));

/** Fall silent when another begins; returns how to stop listening for that. */
export function yielding(who, silence) {
  const hushed = (event) => event.detail !== who && silence();
  window.addEventListener("baton-sounding", hushed);
  return () => window.removeEventListener("baton-sounding", hushed);
}
