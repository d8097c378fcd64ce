"""Plotly figures of a CRPO run, as plain values: rewards, losses, margins, by iteration and by step."""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any

from components.curves import axes, has_numbers, level, line, plain

POINTS = 60  # of a curve, at most: a step's loss hangs on its noise levels, which a mean evens out
# Figure 4 of TangoFlux: each loss, that of the iteration's start, the words and the colour.
TERMS = (
    ("winning_loss", "reference_winning_loss", "winners", "accent"),
    ("losing_loss", "reference_losing_loss", "losers", "a"),
)
SIDES = (("winners", "winners", "accent"), ("losers", "losers", "a"))
Values = Mapping[str, Any]


def rewards_figure(view: Values) -> dict[str, Any] | None:
    """The mean reward of winners and of losers, by iteration."""
    found = [one for one in view.get("iterations") or [] if one["rewards"]["winners"] is not None]
    if not found:
        return None
    numbers = [one["iteration"] for one in found]
    nothing = [None] * len(found)
    traces = [
        line(word, colour, numbers, [one["rewards"][key] for one in found], nothing, "iteration")
        | {"mode": "lines+markers"}
        for key, word, colour in SIDES
    ]
    means = [one.get("mean") for one in found]
    if has_numbers(means):
        trace = line("all candidates", "soft", numbers, means, nothing, "iteration")
        traces.append(trace | {"line": {"dash": "dot"}})
    layout = axes("iteration", "reward")
    layout["xaxis"] |= {"dtick": max(1, len(found) // 10), "range": [0.5, max(numbers) + 0.5]}
    last = found[-1]["rewards"]
    said = (
        f"Rewards in iteration {numbers[-1]}: winners {plain(last['winners'])}, losers "
        f"{plain(last['losers'])}, between them {plain(last['gap'])} on average."
    )
    return {"data": traces, "layout": layout, "said": said}


def terms_figure(view: Values) -> dict[str, Any] | None:
    """How the loss on winners and on losers has changed since the iteration's start, by step.

    Both are of the same noise, which alone moves a loss more than the training does: their difference
    shows what was learned.
    """
    found = view.get("losses") or {}
    steps = found.get("step") or []
    traces, told, x = [], [], []
    for key, reference, word, colour in TERMS:
        if not has_numbers(found.get(key)) or not has_numbers(found.get(reference)):
            continue
        changes = [
            None if own is None or start is None else own - start
            for own, start in zip(found[key], found[reference], strict=True)
        ]
        x, y = evened(steps, changes)
        traces.append(line(word, colour, x, y, [None] * len(x), "step"))
        _, losses = evened(steps, found[key])
        told.append(f"{word} {losses[-1]:.4f}, {y[-1]:+.4f} from the start".replace("-", "−"))
    if not traces:
        return None
    traces.append(level("the iteration's start", "soft", x, 0.0))
    layout = axes("step", "change of squared error")
    layout["xaxis"]["rangemode"] = "tozero"
    said = f"Losses up to step {steps[-1]}: {'; '.join(told)}."
    return {"data": traces, "layout": layout, "said": said}


def margin_figure(view: Values) -> dict[str, Any] | None:
    """How much nearer winners have come than losers, and the share of pairs where they have, by step."""
    found = view.get("losses") or {}
    steps = found.get("step") or []
    if not steps or not has_numbers(found.get("margin")):
        return None
    x, margins = evened(steps, found["margin"])
    _, shares = evened(steps, found["accuracy"])
    nothing = [None] * len(x)
    half = level("half of the pairs", "a", x, 0.5) | {"yaxis": "y2"}
    traces = [
        line("margin", "accent", x, margins, nothing, "step"),
        line("implicit accuracy", "a", x, shares, nothing, "step") | {"yaxis": "y2"},
        half,
    ]
    layout = axes("step", "margin")
    layout["xaxis"]["rangemode"] = "tozero"
    layout["yaxis2"] = {
        "title": {"text": "accuracy"}, "overlaying": "y", "side": "right", "range": [0, 1.03],
        "tickmode": "array", "tickvals": [0, 0.25, 0.5, 0.75, 1], "tickformat": ".0%", "automargin": True, "showgrid": False,
    }  # fmt: skip
    said = (
        f"At step {steps[-1]} the margin is {margins[-1]:.2g} and the winner has come nearer than the "
        f"loser in {shares[-1]:.0%} of the pairs."
    ).replace("-", "−")
    return {"data": traces, "layout": layout, "said": said}


def spread_figure(view: Values) -> dict[str, Any] | None:
    """How rewards of candidates are spread: of the base's, and of the newest iteration's."""
    found = [one for one in view.get("iterations") or [] if one.get("spread")]
    if not found:
        return None
    both = [(found[0], "made by the base", "a")]
    if len(found) > 1:
        made_by = found[-1]["iteration"] - 1
        both.append((found[-1], f"made after iteration {made_by}", "accent"))
    bins = len(found[0]["spread"])
    traces = [
        {
            "type": "bar",
            "meta": colour,
            "name": name,
            "opacity": 0.62,
            "x": [(n + 0.5) / bins for n in range(bins)],
            "y": [100 * count / sum(one["spread"]) for count in one["spread"]],
            "width": [1 / bins] * bins,
            "customdata": one["spread"],
            "hovertemplate": "%{fullData.name}: %{customdata} sounds, %{y:.0f} %<extra></extra>",
        }
        for one, name, colour in both
    ]
    layout = axes("reward", "% of candidates") | {"barmode": "overlay", "bargap": 0.04}
    layout["xaxis"]["range"] = [0, 1]
    means = " and ".join(f"{plain(one['mean'])} for those {name}" for one, name, _ in both)
    return {"data": traces, "layout": layout, "said": f"Mean reward of candidates: {means}."}


def evened(
    steps: Sequence[int], values: Sequence[float | None]
) -> tuple[list[int], list[float | None]]:
    """At most POINTS points, each the mean of as many steps; a part without numbers is a gap."""
    width = max(1, -(-len(steps) // POINTS))
    x, y = [], []
    for start in range(0, len(steps), width):
        known = [one for one in values[start : start + width] if one is not None]
        x.append(steps[min(start + width, len(steps)) - 1])
        y.append(fmean(known) if known else None)
    return x, y


CRPO_FIGURES: dict[str, Callable[[Values], dict[str, Any] | None]] = {
    "rewards": rewards_figure,
    "terms": terms_figure,
    "margin": margin_figure,
    "spread": spread_figure,
}
CRPO_NOTHING = {
    "rewards": "There are no rewards to draw yet; wait until some candidates are ranked.",
    "terms": "There is no step to draw yet; wait until the training has done one.",
    "margin": "There is no margin to draw yet, or this loss has none.",
    "spread": "There are no rewards to draw yet; wait until the candidates are ranked.",
}
