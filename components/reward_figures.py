"""Plotly figures of a reward model, as plain values; `meta` names a colour, which the page's theme has.

Each tells its height in pixels, and its words for those who do not see it, as `vote_figures` do.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pipelines.errors import StudioError

LABELS = (("1", "aligned", "a"), ("0", "not aligned", "accent"))
BINS = 20  # of rewards in [0, 1], as `pipelines.reward.metrics.histogram` has
Values = Mapping[str, Any]
LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"}


def reward_figure(name: str, view: Values) -> dict[str, Any]:
    """The figure of this name.

    Args:
        name: one of FIGURES.
        view: what the reward service says of a model.

    Raises:
        StudioError: there is no such figure, or nothing to draw in it yet.
    """
    if name not in FIGURES:
        raise StudioError(f"There is no figure {name[:40]!r}; choose from {', '.join(FIGURES)}.")
    found = FIGURES[name](view)
    if found is None:
        raise StudioError(NOTHING[name])
    return found


def curves_figure(view: Values) -> dict[str, Any] | None:
    """The loss on what is learned from and on what is held out, by epoch; a line where it was kept."""
    history = view.get("history") or []
    if not history:
        return None
    epochs = [one["number"] for one in history]
    named = (("learned from", "train_loss", "soft"), ("held out", "dev_loss", "accent"))
    traces = [
        _line(
            word, colour, epochs, [one[key] for one in history], f"{word}, epoch %{{x}}: %{{y:.3f}}"
        )
        for word, key, colour in named
        if any(one[key] is not None for one in history)
    ]
    losses = [y for trace in traces for y in trace["y"] if y is not None]
    kept = view.get("kept")
    if kept:
        ends = [min(losses), max(losses)]
        traces.append(_line("kept", "a", [kept, kept], ends, f"epoch {kept} was kept", dash="dot"))
    layout = {
        "xaxis": {"title": {"text": "epoch", "standoff": 6}, "automargin": True},
        "yaxis": {"title": {"text": "loss"}, "automargin": True, "showgrid": True},
        "height": 260,
        "showlegend": True,
        "legend": LEGEND,
    }
    return {"data": traces, "layout": layout, "said": _told_losses(history, kept)}


def histogram_figure(view: Values) -> dict[str, Any] | None:
    """Rewards by human label (papers/baton.txt, Figure 4), and CLAP's scores of the same sounds below."""
    found = view.get("histogram")
    if not found:
        return None
    rows = [(found["reward"], "reward")]
    if found.get("clap"):
        rows.append((found["clap"], "CLAP alone"))
    traces, layout, said = [], {"barmode": "overlay", "bargap": 0.04}, []
    for row, (counted, title) in enumerate(rows):
        mark = "" if row == 0 else str(row + 1)
        for label, word, colour in LABELS:
            trace = _bars(counted[label], word, colour)
            trace |= {"xaxis": f"x{mark}", "yaxis": f"y{mark}", "showlegend": row == 0}
            traces.append(trace | {"legendgroup": label})
            said.append(
                f"{title} of {sum(counted[label]['counts'])} sounds {word}: {_mean(counted[label]):.2f} in the mean"
            )
        edges = counted["1"]["edges"]
        room = 0.5 - 0.09 if len(rows) > 1 else 1.0
        bottom = 1.0 - room if row == 0 else 0.0
        layout[f"xaxis{mark}"] = {
            "title": {"text": title, "standoff": 4},
            "range": [edges[0], edges[-1]],
            "anchor": f"y{mark}",
        }
        layout[f"yaxis{mark}"] = {
            "title": {"text": "% of label"},
            "domain": [bottom, bottom + room],
            "anchor": f"x{mark}",
            "rangemode": "tozero",
            "automargin": True,
        }
    layout |= {"height": 210 + 170 * (len(rows) - 1), "showlegend": True, "legend": LEGEND}
    return {"data": traces, "layout": layout, "said": "; ".join(said) + "."}


def calibration_figure(view: Values) -> dict[str, Any] | None:
    """What was foretold and what people said, with intervals; on the diagonal they are equal."""
    bins = view.get("calibration")
    if not bins:
        return None
    shares = [one["aligned"] for one in bins]
    points = {
        "type": "scatter",
        "mode": "markers",
        "meta": "accent",
        "name": "sounds of like rewards",
        "x": [one["reward"] for one in bins],
        "y": [one["value"] for one in shares],
        "error_y": {
            "type": "data",
            "symmetric": False,
            "array": [one["high"] - one["value"] for one in shares],
            "arrayminus": [one["value"] - one["low"] for one in shares],
        },
        "customdata": [_told_bin(one) for one in bins],
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    ideal = _line("as foretold", "soft", [0, 1], [0, 1], "as foretold", dash="dot")
    layout = {
        "xaxis": {"title": {"text": "reward foretold", "standoff": 6}, "range": [-0.02, 1.02]},
        "yaxis": {
            "title": {"text": "share called aligned"},
            "range": [-0.04, 1.04],
            "showgrid": True,
            "automargin": True,
        },
        "height": 380 if (view.get("histogram") or {}).get("clap") else 300,  # as the histogram's
        "showlegend": True,
        "legend": LEGEND,
    }
    said = "; ".join(_told_bin(one) for one in bins) + "."
    return {"data": [ideal, points], "layout": layout, "said": said}


def sides_figure(found: Values) -> dict[str, Any]:
    """Rewards of the two sides of a comparison, such as a baseline and an aligned model.

    Args:
        found: {"a", "b": {"title", "rewards": in [0, 1]}, "change": {"value", "low", "high",
            "count"}, the mean change from a to b over prompts, or None; "simulated": bool}.

    Raises:
        StudioError: a side without sounds.
    """
    traces, means = [], []
    for side in "ab":
        rewards, title = found[side]["rewards"], found[side]["title"]
        if not rewards:
            raise StudioError(f"Side {side.upper()} has no sounds yet; let the comparison finish.")
        counts, edges = np.histogram(rewards, np.linspace(0, 1, BINS + 1))
        counted = {"edges": edges.tolist(), "counts": counts.tolist()}
        traces.append(_bars(counted, f"{side.upper()}: {title}", side))
        means.append(float(np.mean(rewards)))
    top = max(max(trace["y"]) for trace in traces)
    for side, mean in zip("ab", means, strict=True):
        told = f"mean of {side.upper()}: {mean:.2f}"
        line = _line(told, side, [mean, mean], [0, top], told, dash="dot")
        traces.append(line | {"showlegend": False})
    layout = {
        "barmode": "overlay",
        "bargap": 0.04,
        "xaxis": {"title": {"text": "reward", "standoff": 4}, "range": [0, 1]},
        "yaxis": {"title": {"text": "% of side"}, "rangemode": "tozero", "automargin": True},
        "height": 270,
        "showlegend": True,
        "legend": LEGEND,
    }
    return {"data": traces, "layout": layout, "said": _told_sides(found, means)}


def _line(
    name: str, colour: str, x: Sequence[float], y: Sequence[float | None], told: str, **line: Any
) -> dict[str, Any]:
    """A line; None leaves a gap."""
    return {
        "type": "scatter",
        "mode": "lines" if len(x) > 1 else "markers",
        "meta": colour,
        "name": name,
        "x": list(x),
        "y": list(y),
        "line": line,
        "hovertemplate": f"{told}<extra></extra>",
    }


def _bars(counted: Values, name: str, colour: str) -> dict[str, Any]:
    """Counts as hundredths of their sum, so that labels and sides of other sizes stand beside them."""
    edges, counts = np.asarray(counted["edges"]), np.asarray(counted["counts"])
    return {
        "type": "bar",
        "meta": colour,
        "name": name,
        "opacity": 0.62,
        "x": ((edges[:-1] + edges[1:]) / 2).tolist(),
        "y": (100 * counts / max(1, counts.sum())).tolist(),
        "width": np.diff(edges).tolist(),
        "customdata": counts.tolist(),
        "hovertemplate": "%{fullData.name}: %{customdata} sounds, %{y:.0f} %<extra></extra>",
    }


def _mean(counted: Values) -> float:
    """The mean that a histogram tells; 0 where it is empty."""
    edges, counts = np.asarray(counted["edges"]), np.asarray(counted["counts"])
    return float(((edges[:-1] + edges[1:]) / 2 * counts).sum() / max(1, counts.sum()))


def _told_losses(history: Sequence[Values], kept: int | None) -> str:
    last = history[-1]
    held = "" if last["dev_loss"] is None else f", {last['dev_loss']:.3f} on what is held out"
    said = f"Loss by epoch: {last['train_loss']:.3f}{held} after epoch {last['number']}"
    return said + (f"; epoch {kept} was kept." if kept else ".")


def _told_bin(one: Values) -> str:
    share = one["aligned"]
    return (
        f"{one['reward']:.2f} foretold, {share['value']:.2f} "
        f"[{share['low']:.2f}, {share['high']:.2f}] aligned of {share['count']}"
    )


def _told_sides(found: Values, means: Sequence[float]) -> str:
    titles = [found[side]["title"] for side in "ab"]
    said = f"Mean reward {means[0]:.3f} of {titles[0]} and {means[1]:.3f} of {titles[1]}"
    change = found.get("change")
    if change and change.get("value") is not None:
        ends = [change["value"], change.get("low"), change.get("high")]
        value, *interval = [f"{end:+.3f}".replace("-", "−") for end in ends if end is not None]
        within = f" [{', '.join(interval)}]" if interval else ""
        said += f": a change of {value}{within} over {change['count']} prompts"
    learned = "of simulated listeners" if found.get("simulated") else "of people"
    return f"{said}, by a reward model that learned from labels {learned}."


FIGURES: dict[str, Callable[[Values], dict[str, Any] | None]] = {
    "curves": curves_figure,
    "histogram": histogram_figure,
    "calibration": calibration_figure,
}
NOTHING = {
    "curves": "There is no epoch to draw yet; wait until the training has done one.",
    "histogram": "There are no rewards by label to draw: the model is not measured yet, or it learned from pairs alone.",
    "calibration": "There is no calibration to draw: the model is not measured yet, or it learned from pairs alone.",
}
