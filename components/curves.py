"""Curves of a run as plotly's plain values: lines with a gap where there is nothing, axes, levels."""

import math
from collections.abc import Sequence
from typing import Any

LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"}
HEIGHT = 280  # px
REACH = 0.1  # of a score's axis at least: a change in the fourth digit must not look like a cliff


def line(
    name: str,
    colour: str,
    x: Sequence[float],
    y: Sequence[float | None],
    beside: Sequence[float | None],
    mark: str = "epoch",
) -> dict[str, Any]:
    """A line that tells a second count where one points; None leaves a gap.

    Args:
        name: what it shows.
        colour: its name in the page's theme.
        x: where its points stand.
        y: how high.
        beside: what each point tells beside x, epochs beside steps or steps beside epochs.
        mark: what is told beside: "epoch" or "step"; or, where nothing is, what x counts.
    """
    first, second = ("step", "epoch") if mark == "epoch" else ("epoch", "step")
    form = ".2f" if mark == "epoch" else ".0f"
    told = f", {second} %{{customdata:{form}}}"
    if all(one is None for one in beside):
        first, told = first if mark == "epoch" else mark, ""
    return {
        "type": "scatter",
        "mode": "lines" if len(x) > 1 else "markers",
        "meta": colour,
        "name": name,
        "x": list(x),
        "y": [one if one is None or math.isfinite(one) else None for one in y],
        "customdata": list(beside),
        "line": {},
        "hovertemplate": f"{name}: %{{y:.4f}} ({first} %{{x:.4~g}}{told})<extra></extra>",
    }


def level(name: str, colour: str, x: Sequence[float], value: float) -> dict[str, Any]:
    """A dotted line at one height, from end to end."""
    return {
        "type": "scatter",
        "mode": "lines",
        "meta": colour,
        "name": name,
        "x": [min(x), max(x)],
        "y": [value, value],
        "line": {"dash": "dot"},
        "showlegend": False,
        "hovertemplate": f"{name}: {value:.3f}<extra></extra>",
    }


def axes(across: str, up: str) -> dict[str, Any]:
    """The layout of a figure whose axes have these titles."""
    return {
        "xaxis": {"title": {"text": across, "standoff": 6}, "automargin": True},
        "yaxis": {"title": {"text": up}, "automargin": True, "showgrid": True},
        "height": HEIGHT,
        "showlegend": True,
        "legend": LEGEND,
    }


def has_numbers(values: Sequence[float | None] | None) -> bool:
    """Whether there is anything to draw."""
    return any(one is not None and math.isfinite(one) for one in values or [])


def span_of(scores: Sequence[float | None]) -> list[float]:
    """The ends of an axis: what there is and a little more, at least REACH in all."""
    known = [one for one in scores if one is not None and math.isfinite(one)]
    middle = (min(known) + max(known)) / 2
    half = max(REACH / 2, 0.6 * (max(known) - min(known)))
    return [middle - half, middle + half]


def plain(value: float) -> str:
    """A score with the minus sign that is as wide as a plus."""
    return f"{value:.3f}".replace("-", "−")
