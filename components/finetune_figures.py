"""Plotly figures of a fine-tuning run, as plain values; `meta` names a colour, which the page's theme has.

Each tells its height in pixels, and its words for those who do not see it, as `vote_figures` do.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipelines.errors import StudioError

# Eq. 7 of the paper and its two terms, with the words and the colour of each.
LOSSES = (
    ("loss", "in all", "ink"),
    ("data_loss", "on labelled sounds", "accent"),
    ("pretrain_loss", "on the base's own data", "a"),
)
# How near the held-out prompts the samples are, by judge.
JUDGES = (("clap", "CLAP", "accent"), ("reward", "reward model", "a"))
LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"}
HEIGHT = 280  # px
REACH = 0.1  # of a score's axis at least: a change in the fourth digit must not look like a cliff
Values = Mapping[str, Any]


def finetune_figure(name: str, view: Values) -> dict[str, Any]:
    """The figure of this name.

    Args:
        name: one of FIGURES.
        view: what the fine-tune service says of a run.

    Raises:
        StudioError: there is no such figure, or nothing to draw in it yet.
    """
    if name not in FIGURES:
        raise StudioError(f"There is no figure {name[:40]!r}; choose from {', '.join(FIGURES)}.")
    found = FIGURES[name](view)
    if found is None:
        raise StudioError(NOTHING[name])
    return found


def loss_figure(view: Values) -> dict[str, Any] | None:
    """The loss of Eq. 7 and its two terms, by step; epochs where one points."""
    found = view.get("losses") or {}
    steps = found.get("step") or []
    if not steps:
        return None
    epochs = found.get("epoch") or [None] * len(steps)
    named = LOSSES if _has_numbers(found.get("pretrain_loss")) else LOSSES[1:2]  # the sum of one
    traces = [
        _line(word, colour, steps, found[key], epochs)
        for key, word, colour in named
        if _has_numbers(found.get(key))
    ]
    if not traces:
        return None
    layout = _axes("step", "squared error")
    layout["xaxis"]["rangemode"] = "tozero"
    return {"data": traces, "layout": layout, "said": _told_losses(found, steps)}


def dev_figure(view: Values) -> dict[str, Any] | None:
    """How near samples of held-out prompts are to their words, by epoch, from the base on (Figure 8).

    CLAP's scores and the reward model's are on scales of their own, so each has an axis.
    """
    moments = view.get("dev") or []
    epochs = [one["epoch"] for one in moments]
    traces, layout = [], _axes("epoch", "")
    for key, word, colour in JUDGES:
        scores = [one.get(key) for one in moments]
        if not _has_numbers(scores):
            continue
        axis = "y" if not traces else "y2"
        trace = _line(word, colour, epochs, scores, [one["step"] for one in moments], mark="step")
        traces.append(trace | {"mode": "lines+markers", "yaxis": axis})
        base = _base(moments, key)
        if base is not None and len(moments) > 1:
            traces.append(_level(f"{word} of the base", colour, epochs, base) | {"yaxis": axis})
        title = {
            "title": {"text": word},
            "automargin": True,
            "showgrid": axis == "y",
            "range": _range(scores),
            "tickformat": ".2f",  # the right axis takes its ticks from the left one's lines
        }
        if axis == "y2":
            title |= {"overlaying": "y", "side": "right"}
        layout["yaxis" if axis == "y" else "yaxis2"] = title
    if not traces:
        return None
    layout["xaxis"]["rangemode"] = "tozero"
    return {"data": traces, "layout": layout, "said": _told_moments(moments)}


def _line(
    name: str,
    colour: str,
    x: Sequence[float],
    y: Sequence[float | None],
    beside: Sequence[float | None],
    mark: str = "epoch",
) -> dict[str, Any]:
    """A line that tells a second count where one points; None leaves a gap."""
    first, second = ("step", "epoch") if mark == "epoch" else ("epoch", "step")
    form = ".2f" if mark == "epoch" else ".0f"
    told = "" if all(one is None for one in beside) else f", {second} %{{customdata:{form}}}"
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


def _level(name: str, colour: str, x: Sequence[float], value: float) -> dict[str, Any]:
    """Where the base stands, from end to end."""
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


def _axes(across: str, up: str) -> dict[str, Any]:
    return {
        "xaxis": {"title": {"text": across, "standoff": 6}, "automargin": True},
        "yaxis": {"title": {"text": up}, "automargin": True, "showgrid": True},
        "height": HEIGHT,
        "showlegend": True,
        "legend": LEGEND,
    }


def _has_numbers(values: Sequence[float | None] | None) -> bool:
    return any(one is not None and math.isfinite(one) for one in values or [])


def _range(scores: Sequence[float | None]) -> list[float]:
    """The ends of an axis: what there is and a little more, at least REACH in all."""
    known = [one for one in scores if one is not None and math.isfinite(one)]
    middle = (min(known) + max(known)) / 2
    half = max(REACH / 2, 0.6 * (max(known) - min(known)))
    return [middle - half, middle + half]


def _base(moments: Sequence[Values], key: str) -> float | None:
    """The score before the first step; None where the base was not heard."""
    return next((one.get(key) for one in moments if one["step"] == 0), None)


def _told_losses(found: Values, steps: Sequence[int]) -> str:
    parts = []
    for key, word, _ in LOSSES if _has_numbers(found.get("pretrain_loss")) else LOSSES[1:2]:
        values = [one for one in found.get(key) or [] if one is not None and math.isfinite(one)]
        if values:
            parts.append(f"{word} {values[0]:.4f} at first, {values[-1]:.4f} now")
    smoothed = found.get("smoothed") or 1
    mean = f" (means of {smoothed} steps)" if smoothed > 1 else ""
    return f"Loss up to step {steps[-1]}{mean}: {'; '.join(parts)}."


def _told_moments(moments: Sequence[Values]) -> str:
    parts, last = [], moments[-1]
    for key, word, _ in JUDGES:
        if last.get(key) is None:
            continue
        base = _base(moments, key)
        before = "" if base is None or last["step"] == 0 else f", {_plain(base)} of the base"
        parts.append(f"{word} {_plain(last[key])}{before}")
    return f"Held-out prompts after epoch {last['epoch']:.3g}: {'; '.join(parts)}."


def _plain(value: float) -> str:
    """A score with the minus sign that is as wide as a plus."""
    return f"{value:.3f}".replace("-", "−")


FIGURES: dict[str, Callable[[Values], dict[str, Any] | None]] = {
    "loss": loss_figure,
    "dev": dev_figure,
}
NOTHING = {
    "loss": "There is no step to draw yet; wait until the training has done one.",
    "dev": "There is nothing to draw yet: no sample was scored, or none were asked for.",
}
