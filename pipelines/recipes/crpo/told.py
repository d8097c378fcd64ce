"""What a run says while it works, and its table of iterations."""

import json
import sys
import time
from pathlib import Path
from typing import Any

from pipelines.recipes.crpo.iteration import DONE, Progress, place_of
from pipelines.recipes.crpo.listening import Heard, moments

EVERY = 10.0  # seconds between two lines of one phase


class Teller:
    """Lines for a terminal; only the first of a crew speaks."""

    def __init__(self, *, is_silent: bool) -> None:
        self._is_silent, self._last, self._phase = is_silent, 0.0, ("", 0)

    def say(self, line: str) -> None:
        """One line, now."""
        if not self._is_silent:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()

    def progress(self, at: Progress) -> None:
        """A line where a phase begins or ends, and now and then between."""
        phase, now = (at.phase, at.iteration), time.monotonic()
        if phase == self._phase and now - self._last < EVERY and at.done < at.of:
            return
        self._phase, self._last = phase, now
        line = f"iteration {at.iteration}, {at.phase}: {at.done} of {at.of}"
        if at.told is not None:
            terms = at.told.terms
            names = ("loss", "preference_loss", "winning_loss", "losing_loss", "accuracy")
            line += "".join(f", {name} {terms[name]:.4f}" for name in names if name in terms)
        self.say(line)

    def heard(self, moment: Heard) -> None:
        """The means of a moment."""
        means = ", ".join(f"{name} {value:.4f}" for name, value in moment.means.items())
        self.say(f"heard after iteration {moment.iteration}: {means}")


def table(root: Path, iterations: int) -> str:
    """Rewards, margins and what was heard, iteration by iteration, as Markdown.

    Margins and losses are means over the last tenth of an iteration's steps.
    """
    heard = {moment.iteration: moment for moment in moments(root)}
    names = sorted({name for moment in heard.values() for name in moment.means})
    head = ["iteration", "pairs", "reward of winners", "of losers", "gap", "winning loss",
            "losing loss", "implicit accuracy", *(f"heard: {name}" for name in names)]  # fmt: skip
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for number in range(iterations + 1):
        path = place_of(root, number) / DONE
        if number in heard or path.exists():
            told = json.loads(path.read_text()) if path.exists() else {}
            lines.append("| " + " | ".join(_cells(number, told, heard.get(number), names)) + " |")
    return "\n".join(lines) + "\n"


def _cells(number: int, told: dict[str, Any], heard: Heard | None, names: list[str]) -> list[str]:
    rewards, last = told.get("rewards") or {}, told.get("last") or {}
    values = [*(rewards.get(name) for name in ("winners", "losers", "gap")),
              *(last.get(name) for name in ("winning_loss", "losing_loss", "accuracy")),
              *((heard.means.get(name) if heard else None) for name in names)]  # fmt: skip
    rows = told.get("summary", {}).get("rows")
    first = [str(number), "—" if rows is None else str(rows)]
    return first + ["—" if value is None else f"{value:.4f}" for value in values]
