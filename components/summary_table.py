"""The summary of a comparison as a Markdown table, to be put into a paper, an issue or a README."""

from collections.abc import Mapping
from typing import Any

SHARES = {"integrity", "order"}


def summary_table(summary: Mapping[str, Any], a: str, b: str) -> str:
    """One row a measure: both sides and their difference, each with its 95 % interval.

    Args:
        summary: `measures`, each with its title, judge, sides, difference and corrected p.
        a: what side A is called.
        b: what side B is called.
    """
    head = ["measure", "judge", f"A: {a}", f"B: {b}", "B minus A", "pairs", "p (Holm)"]
    rows = [
        [
            measure["title"],
            measure["judge"],
            *(cell(measure[part], measure["name"]) for part in ("a", "b", "difference")),
            str(measure["difference"]["count"]),
            f"{measure['p_holm']:.2g}",
        ]
        for measure in summary["measures"]
    ]
    return table(head, rows)


def distance_table(distances: Mapping[str, Any], a: str, b: str) -> str:
    """One row a distance: both heights, the change with its 95 % interval, and how it was found.

    Args:
        distances: `measures`, as `pipelines.compare.sides` tells them.
        a: what side A is called.
        b: what side B is called.
    """
    head = ["measure", "judge", f"A: {a}", f"B: {b}", "B minus A", "pairs", "better is", "interval"]
    better = {True: "more", False: "less", None: "neither"}
    rows = [
        [
            measure["title"],
            measure["judge"],
            *(f"{measure[side]:.3f}" for side in ("a", "b")),
            cell(measure["difference"], measure["name"]),
            str(measure["difference"]["count"]),
            better[measure["higher_is_better"]],
            measure["interval"],
        ]
        for measure in distances["measures"]
    ]
    return table(head, rows)


def table(head: list[str], rows: list[list[str]]) -> str:
    """Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def cell(found: Mapping[str, float], name: str) -> str:
    """A figure with its interval: shares in per cent.

    >>> cell({"value": 0.5, "low": 0.25, "high": 0.75}, "order")
    '50 % [25, 75]'
    """
    value, low, high = (found[part] for part in ("value", "low", "high"))
    if name in SHARES:
        return f"{100 * value:.0f} % [{100 * low:.0f}, {100 * high:.0f}]"
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"
