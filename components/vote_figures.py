"""Plotly figures of what votes say, as plain values; `meta` names a colour, which the page's theme has.

Every figure tells its height in pixels, for it grows with the systems, and its words for those who
do not see it.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pipelines.errors import StudioError

ROW, FOOT = 34, 64  # px for each system, and for the axis under them
SHARES = (("aligned", "aligned", "a"), ("not_aligned", "not aligned", "accent"),
          ("uncertain", "uncertain", "soft"))  # fmt: skip
Values = Mapping[str, Any]


def results_figure(name: str, view: Values, scale: str = "") -> dict[str, Any]:
    """The figure of this name.

    Args:
        name: one of FIGURES.
        view: what `results.view` says; for "agreement" and "time" what these say.
        scale: which aspect's table, where there are several; empty for the first.

    Raises:
        StudioError: there is no such figure, or nothing to draw in it yet.
    """
    if name not in FIGURES:
        raise StudioError(f"There is no figure {name[:40]!r}; choose from {', '.join(FIGURES)}.")
    found = FIGURES[name](view, scale)
    if found is None:
        raise StudioError(
            f"There is nothing to draw in the figure {name!r} yet; votes are missing."
        )
    return found


def board_figure(view: Values, scale: str) -> dict[str, Any] | None:
    """Each system's points with its interval, the best on top."""
    if view.get("board") is None:
        return None
    rows = [row for row in view["board"]["systems"] if row["points"] is not None]
    ends = [(row["points"], row["low"], row["high"]) for row in rows]
    return forest(_titles(view, rows), [("points", "accent", ends)], "points", digits=0)


def elo_figure(view: Values, scale: str) -> dict[str, Any] | None:
    """Each system's Elo, and how much the order of the votes alone moves it."""
    if view.get("board") is None:
        return None
    rows = [row for row in view["board"]["systems"] if row["elo"] is not None]
    ends = [
        (row["elo"], row["elo"] - row["elo_spread"], row["elo"] + row["elo_spread"]) for row in rows
    ]
    return forest(
        _titles(view, rows), [("Elo", "a", ends)], "Elo, ± one deviation over orders", digits=0
    )


def wins_figure(view: Values, scale: str) -> dict[str, Any] | None:
    """How often the row beat the column, a tie as a half; in systems' order on the board."""
    board = view.get("board")
    if board is None:
        return None
    order = [board["order"].index(row["system"]) for row in board["systems"]]
    names = [view["titles"].get(board["order"][i], board["order"][i]) for i in order]
    share = [[None if i == j else board["win_shares"][i][j] for j in order] for i in order]
    told = [
        [
            f"{board['wins'][i][j]:.0f} wins, {board['wins'][j][i]:.0f} losses, "
            f"{board['tied'][i][j]:.0f} ties"
            for j in order
        ]
        for i in order
    ]
    heat = {
        "type": "heatmap",
        "meta": "diverging",
        "x": names,
        "y": names,
        "z": share,
        "customdata": told,
        "zmin": 0,
        "zmax": 1,
        "texttemplate": "%{z:.0%}" if len(names) <= 12 else "",
        "hovertemplate": "%{y} against %{x}: %{z:.0%}; %{customdata}<extra></extra>",
        "showscale": False,
        "hoverongaps": False,
        "xgap": 2,
        "ygap": 2,
    }
    layout = {
        "xaxis": {"side": "bottom", "type": "category", "tickangle": -30, "automargin": True},
        "yaxis": {"autorange": "reversed", "type": "category", "automargin": True},
        "height": max(220, ROW * len(names) + 110),
    }
    return {"data": [heat], "layout": layout, "said": "Shares of wins, row against column."}


def controlled_figure(view: Values, scale: str) -> dict[str, Any] | None:
    """Points as heard beside points with everything else held equal."""
    found = (view.get("controlled") or {}).get("result")
    if not found:
        return None
    rows = sorted(found["systems"], key=lambda row: -row["heard"]["points"])
    series = [
        (name, colour, [tuple(row[part][n] for n in ("points", "low", "high")) for row in rows])
        for name, part, colour in (
            ("as heard", "heard", "a"),
            ("controlled", "controlled", "accent"),
        )
    ]
    return forest(_titles(view, rows), series, "points", digits=0)


def scores_figure(view: Values, scale: str) -> dict[str, Any] | None:
    """Each system's mean with its interval, of one scale."""
    table = _table(view, scale)
    if table is None or "mean" not in table["systems"][0]:
        return None
    rows = table["systems"]
    ends = [tuple(row["mean"][n] for n in ("value", "low", "high")) for row in rows]
    return forest(_titles(view, rows), [("mean", "accent", ends)], f"mean {table['scale']}")


def z_figure(view: Values, scale: str) -> dict[str, Any] | None:
    """Each system's mean z-score with its interval, of one scale."""
    table = _table(view, scale)
    if table is None or "z" not in table["systems"][0]:
        return None
    rows = table["systems"]
    ends = [tuple(row["z"][n] for n in ("value", "low", "high")) for row in rows]
    return forest(_titles(view, rows), [("z-score", "a", ends)], f"z-score, {table['scale']}")


def spread_figure(view: Values, scale: str) -> dict[str, Any] | None:
    """How the scores of each system spread: a box from quarter to three quarters."""
    table = _table(view, scale)
    if table is None or "spread" not in table["systems"][0]:
        return None
    rows = table["systems"]
    box = {
        "type": "box",
        "meta": "accent",
        "orientation": "h",
        "y": _titles(view, rows),
        **{
            key: [row["spread"][part] for row in rows]
            for key, part in (
                ("lowerfence", "low"),
                ("q1", "q1"),
                ("median", "median"),
                ("q3", "q3"),
                ("upperfence", "high"),
            )  # fmt: skip
        },
        "hoverinfo": "x",
    }
    return _standing([box], len(rows), table["scale"], f"Spread of {table['scale']}.")


def labels_figure(view: Values, scale: str) -> dict[str, Any] | None:
    """Shares of aligned, not aligned and uncertain: over all, then each system."""
    table = _table(view, scale)
    if table is None or "whole" not in table:
        return None
    rows = [{"system": "all systems", **table["whole"]}, *table["systems"]]
    names = _titles(view, rows)
    bars = [
        {
            "type": "bar",
            "orientation": "h",
            "meta": colour,
            "name": word,
            "y": names,
            "x": [100 * (row[part]["value"] or 0) for row in rows],
            "hovertemplate": "%{y}: %{x:.1f} % " + word + "<extra></extra>",
        }
        for part, word, colour in SHARES
    ]
    figure = _standing(bars, len(rows), "per cent of labels", "Shares of labels by system.")
    figure["layout"] |= {
        "barmode": "stack",
        "bargap": 0.35,
        "showlegend": True,
        "legend": {"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
    }
    figure["layout"]["height"] += 30
    return figure


def agreement_figure(view: Values, scale: str) -> dict[str, Any] | None:
    """Krippendorff's alpha of each question with its interval; 0 is chance, 1 full agreement."""
    rows = [one for one in view["questions"] if one["value"] is not None]
    if not rows:
        return None
    ends = [(one["value"], one["low"], one["high"]) for one in rows]
    figure = forest(
        [one["question"] for one in rows], [("alpha", "a", ends)], "alpha: 0 chance, 1 full"
    )
    lowest = min(0.0, *(low for _, low, _ in ends))
    figure["layout"]["xaxis"]["range"] = [lowest - 0.05, 1.02]
    return figure


def time_figure(view: Values, scale: str) -> dict[str, Any] | None:
    """How many votes came in each hour."""
    hours = view["hours"]
    if not hours:
        return None
    bars = {
        "type": "bar",
        "meta": "accent",
        "x": [f"{hour}:30:00" for hour, _ in hours],
        "y": [count for _, count in hours],
        "width": 3_400_000,  # ms: nearly an hour
        "hovertemplate": "%{y} votes, %{x|%d %b %H:00} UTC<extra></extra>",
    }
    layout = {
        "xaxis": {"type": "date", "automargin": True, **_around(hours)},
        "yaxis": {"title": {"text": "votes an hour"}, "rangemode": "tozero", "automargin": True},
        "height": 240,
    }
    total = sum(count for _, count in hours)
    return {"data": [bars], "layout": layout, "said": f"{total} votes by hour."}


def forest(
    names: Sequence[str],
    series: Sequence[tuple[str, str, Sequence[tuple[float | None, ...]]]],
    title: str,
    digits: int = 2,
) -> dict[str, Any]:
    """Points with intervals, a row for each name, the first on top.

    Args:
        names: of the rows.
        series: what it is called, its colour, and value, low and high of each row; low and high
            None where there is no interval.
        title: of the axis.
        digits: after the point.
    """
    traces, many = [], len(series) > 1
    for at, (name, colour, ends) in enumerate(series):
        above = [0 if high is None else high - value for value, _, high in ends]
        below = [0 if low is None else value - low for value, low, _ in ends]
        step = 0.16 * (at - (len(series) - 1) / 2) * 2
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "meta": colour,
                "name": name,
                "x": [value for value, _, _ in ends],
                "y": [row + step for row in range(len(ends))],
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": above,
                    "arrayminus": below,
                },
                "customdata": [_words(n, end, digits) for n, end in zip(names, ends, strict=True)],
                "hovertemplate": "%{customdata}<extra></extra>",
            }
        )
    said = f"{title}: " + "; ".join(traces[-1]["customdata"])
    figure = _standing(traces, len(names), title, said)
    figure["layout"]["yaxis"] |= {
        "type": "linear",
        "tickvals": list(range(len(names))),
        "ticktext": list(names),
        "range": [len(names) - 0.4, -0.6],
    }
    figure["layout"]["yaxis"].pop("autorange")
    if many:
        figure["layout"] |= {"showlegend": True, "height": figure["layout"]["height"] + 30}
    return figure


def _standing(traces: list[dict], rows: int, title: str, said: str) -> dict[str, Any]:
    """A figure with a row for each system and one axis below."""
    layout = {
        "xaxis": {"title": {"text": title, "standoff": 6}, "showgrid": True, "zeroline": True},
        "yaxis": {"automargin": True, "autorange": "reversed", "type": "category"},
        "height": max(130, ROW * rows + FOOT),
    }
    return {"data": traces, "layout": layout, "said": said}


def _around(hours: Sequence[tuple[str, int]]) -> dict[str, Any]:
    """Six hours around a single one, so that a lone bar is a bar and no wall."""
    moment = datetime.fromisoformat(f"{hours[0][0]}:30:00")
    if len(hours) > 1:
        return {}
    return {"range": [str(moment + timedelta(hours=step)) for step in (-3, 3)]}


def _titles(view: Values, rows: Sequence[Values]) -> list[str]:
    return [view["titles"].get(row["system"], row["system"]) for row in rows]


def _table(view: Values, scale: str) -> dict[str, Any] | None:
    """The table of this scale, or the first; None while nothing is scored."""
    tables = {table["scale"]: table for table in view.get("tables", [])}
    if scale and scale not in tables:
        return None
    return tables.get(scale) or next(iter(tables.values()), None)


def _words(name: str, ends: tuple[float | None, ...], digits: int) -> str:
    value, low, high = ends
    interval = "" if low is None else f" [{low:.{digits}f}, {high:.{digits}f}]"
    return f"{name}: {value:.{digits}f}{interval}".replace("-", "−")


FIGURES: dict[str, Callable[[Values, str], dict[str, Any] | None]] = {
    "board": board_figure,
    "wins": wins_figure,
    "elo": elo_figure,
    "controlled": controlled_figure,
    "scores": scores_figure,
    "z": z_figure,
    "spread": spread_figure,
    "labels": labels_figure,
    "agreement": agreement_figure,
    "time": time_figure,
}
