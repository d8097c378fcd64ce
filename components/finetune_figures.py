"""Plotly figures of a fine-tuning run, as plain values; `meta` names a colour, which the page's theme has.

Each tells its height in pixels, and its words for those who do not see it, as `vote_figures` do.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from components.crpo_figures import CRPO_FIGURES, CRPO_NOTHING
from components.curves import axes, has_numbers, level, line, plain, span_of
from pipelines.errors import StudioError

# Eq. 7 of the paper and its two terms, with the words and the colour of each.
LOSSES = (
    ("loss", "in all", "ink"),
    ("data_loss", "on labelled sounds", "accent"),
    ("pretrain_loss", "on the base's own data", "a"),
)
# How near the held-out prompts the samples are, by judge.
JUDGES = (("clap", "CLAP", "accent"), ("reward", "reward model", "a"))
Values = Mapping[str, Any]


def finetune_figure(name: str, view: Values) -> dict[str, Any]:
    """The figure of this name.

    Args:
        name: one of FIGURES, or of CRPO_FIGURES or dev for a run in iterations.
        view: what the fine-tune service says of a run.

    Raises:
        StudioError: there is no such figure, or nothing to draw in it yet.
    """
    known = FIGURES
    if view.get("recipe") == "crpo":
        known = {**CRPO_FIGURES, "dev": dev_figure}
    if name not in known:
        raise StudioError(f"There is no figure {name[:40]!r}; choose from {', '.join(known)}.")
    found = known[name](view)
    if found is None:
        raise StudioError({**NOTHING, **CRPO_NOTHING}[name])
    return found


def loss_figure(view: Values) -> dict[str, Any] | None:
    """The loss of Eq. 7 and its two terms, by step; epochs where one points."""
    found = view.get("losses") or {}
    steps = found.get("step") or []
    if not steps:
        return None
    epochs = found.get("epoch") or [None] * len(steps)
    named = LOSSES if has_numbers(found.get("pretrain_loss")) else LOSSES[1:2]  # the sum of one
    traces = [
        line(word, colour, steps, found[key], epochs)
        for key, word, colour in named
        if has_numbers(found.get(key))
    ]
    if not traces:
        return None
    layout = axes("step", "squared error")
    layout["xaxis"]["rangemode"] = "tozero"
    return {"data": traces, "layout": layout, "said": _told_losses(found, steps)}


def dev_figure(view: Values) -> dict[str, Any] | None:
    """How near samples of held-out prompts are to their words, by epoch, from the base on (Figure 8).

    CLAP's scores and the reward model's are on scales of their own, so each has an axis. Of a run in
    iterations these stand in place of epochs.
    """
    moments = view.get("dev") or []
    across = "iteration" if moments and "iteration" in moments[0] else "epoch"
    epochs = [one[across] for one in moments]
    traces, layout = [], axes(across, "")
    for key, word, colour in JUDGES:
        scores = [one.get(key) for one in moments]
        if not has_numbers(scores):
            continue
        axis = "y" if not traces else "y2"
        beside = [one["step"] if across == "epoch" else None for one in moments]
        mark = "step" if across == "epoch" else across
        trace = line(word, colour, epochs, scores, beside, mark)
        traces.append(trace | {"mode": "lines+markers", "yaxis": axis})
        base = _base(moments, key)
        if base is not None and len(moments) > 1:
            traces.append(level(f"{word} of the base", colour, epochs, base) | {"yaxis": axis})
        title = {
            "title": {"text": word},
            "automargin": True,
            "showgrid": axis == "y",
            "range": span_of(scores),
            "tickformat": ".2f",  # the right axis takes its ticks from the left one's lines
        }
        if axis == "y2":
            title |= {"overlaying": "y", "side": "right"}
        layout["yaxis" if axis == "y" else "yaxis2"] = title
    if not traces:
        return None
    layout["xaxis"]["rangemode"] = "tozero"
    if across == "iteration":
        layout["xaxis"]["dtick"] = max(1, len(moments) // 10)
    return {"data": traces, "layout": layout, "said": _told_moments(moments)}


def _base(moments: Sequence[Values], key: str) -> float | None:
    """The score before the first step; None where the base was not heard."""
    return next((one.get(key) for one in moments if one["step"] == 0), None)


def _told_losses(found: Values, steps: Sequence[int]) -> str:
    parts = []
    for key, word, _ in LOSSES if has_numbers(found.get("pretrain_loss")) else LOSSES[1:2]:
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
        before = "" if base is None or last["step"] == 0 else f", {plain(base)} of the base"
        parts.append(f"{word} {plain(last[key])}{before}")
    across = "iteration" if "iteration" in last else "epoch"
    return f"Held-out prompts after {across} {last[across]:.3g}: {'; '.join(parts)}."


FIGURES: dict[str, Callable[[Values], dict[str, Any] | None]] = {
    "loss": loss_figure,
    "dev": dev_figure,
}
NOTHING = {
    "loss": "There is no step to draw yet; wait until the training has done one.",
    "dev": "There is nothing to draw yet: no sample was scored, or none were asked for.",
}
