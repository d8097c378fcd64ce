"""Tables and figures with their intervals as a page shows them, in Markdown."""

from collections.abc import Iterable, Sequence
from typing import Any

Plain = dict[str, Any]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def figure(found: Plain | None, *, percent: bool = False, sign: bool = False) -> str:
    """A value with its interval."""
    if found is None or found["value"] is None:
        return "–"
    by, kind = (100, ".1f") if percent else (1, ".4f")
    form = f"{'+' if sign else ''}{kind}"
    unit = " %" if percent else ""
    value = f"{by * found['value']:{form}}{unit}"
    if found["low"] is None:
        return f"{value} [no interval]"
    return f"{value} [{by * found['low']:{form}}, {by * found['high']:{form}}]"
