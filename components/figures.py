"""Plotly figures as plain values; colours are the page's own, set in the browser with the theme."""

import base64
from dataclasses import dataclass
from importlib.resources import files
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from components.spectrogram import band_centres, mel_of_hz, mel_spectrogram

TICKS_HZ = (100, 250, 500, 1000, 2000, 4000, 8000, 16000)
RANGE_DB = 70  # from the loudest point down; one scale for every card would hide quiet sounds
LEAST_REACH_DB = 12  # of the difference; less would make a storm of what nobody hears
Event = tuple[str, float, float]  # label, onset and offset in seconds


def plotly_script() -> Path:
    """plotly.js out of the installed Python package: nothing comes from another host."""
    return Path(str(files("plotly") / "package_data" / "plotly.min.js"))


def packed(values: np.ndarray) -> dict[str, str]:
    """An array as plotly.js reads it without digits: base64, dtype and shape."""
    kinds = {"int8": "i1", "float32": "f4", "float64": "f8"}
    return {
        "bdata": base64.b64encode(np.ascontiguousarray(values).tobytes()).decode(),
        "dtype": kinds[values.dtype.name],
        "shape": ", ".join(map(str, values.shape)),
    }


def candidate_figure(
    audio: np.ndarray, sample_rate: int, events: list[Event] | None
) -> dict[str, Any]:
    """The spectrogram, and under it, on the same time axis, what a listener heard.

    Args:
        audio: float32 [channels, samples].
        sample_rate: Hz.
        events: what was heard; None when nobody has listened yet.
    """
    seconds = audio.shape[1] / sample_rate
    decibels, times = mel_spectrogram(audio, sample_rate)
    rows = None if events is None else list(dict.fromkeys(label for label, _, _ in events))
    heat = heat_trace(decibels, times, band_centres(sample_rate), scale_of(decibels))
    return timed_figure(heat, seconds, sample_rate / 2, rows, events or [])


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One side of a pair as it is played."""

    audio: np.ndarray  # float32 [channels, samples]
    sample_rate: int  # Hz
    gain_db: float = 0.0
    events: list[Event] | None = None  # None when nobody has listened yet


def pair_figures(a: Heard, b: Heard) -> dict[str, Any]:
    """Both spectrograms on one scale of colours and their difference, on one pair of axes.

    As they are heard: with their gains. The shorter is silent at its end. The timelines have the
    labels of both in one order, so that a label has one lane and one colour; they come when both
    were listened to. The difference is B minus A in dB; what lies below the scale of the pictures
    counts as its lowest level, so that silences do not differ; it ends where the lower of the two
    sample rates has nothing to show.
    """
    sides = {"a": a, "b": b}
    seconds = max(side.audio.shape[1] / side.sample_rate for side in sides.values())
    rates = [side.sample_rate for side in sides.values()]
    top_hz, centres = max(rates) / 2, band_centres(max(rates))
    levels = {}
    for name, side in sides.items():
        heard = side.audio * 10 ** (side.gain_db / 20)
        levels[name], times = mel_spectrogram(
            heard, side.sample_rate, seconds=seconds, top_hz=top_hz
        )
    scale = scale_of(np.stack(list(levels.values())))
    rows = None
    if a.events is not None and b.events is not None:
        by_onset = sorted([*a.events, *b.events], key=itemgetter(1))
        rows = list(dict.fromkeys(label for label, _, _ in by_onset))
    figures = {
        name: timed_figure(
            heat_trace(levels[name], times, centres, scale),
            seconds,
            top_hz,
            rows,
            side.events or [],
        )
        for name, side in sides.items()
    }
    low, high = (np.clip(levels[name].astype(int), *scale) for name in sides)
    shared = centres <= min(rates) / 2
    apart = (high - low)[shared].astype(np.int8)
    reach = max(LEAST_REACH_DB, int(np.percentile(np.abs(apart), 99)))
    heat = heat_trace(apart, times, centres[shared], (-reach, reach), name="B minus A")
    difference = timed_figure(heat, seconds, top_hz, None, [])
    return {
        **figures,
        "difference": difference,
        "scale": {"zmin": scale[0], "zmax": scale[1], "reach": reach},
    }


def scale_of(decibels: np.ndarray) -> tuple[int, int]:
    """The levels at the two ends of the colours."""
    top = int(decibels.max())
    return max(top - RANGE_DB, -100), top


def timed_figure(
    heat: dict[str, Any],
    seconds: float,
    top_hz: float,
    rows: list[str] | None,
    events: list[Event],
) -> dict[str, Any]:
    """A picture, and under it, on the same time axis, the timeline of `rows` if there are any.

    Args:
        heat: the picture's trace.
        seconds: length of the time axis.
        top_hz: end of the frequency axis.
        rows: labels with a lane each; None: no timeline.
        events: what was heard.
    """
    share = 0.0 if rows is None else lane_share(len(rows))
    layout = {
        "xaxis": {
            "range": [0, seconds],
            "title": {"text": "seconds", "standoff": 6},
            "anchor": "y2" if share else "y",
            "dtick": tick_step(seconds),
        },
        "yaxis": {**frequency_axis(top_hz), "domain": [share and share + 0.04, 1]},
    }
    if not share:
        return {"data": [heat], "layout": layout}
    layout["yaxis2"] = {
        "domain": [0, share],
        "range": [max(len(rows), 1) - 0.5, -0.5],
        "tickvals": list(range(len(rows))),
        "ticktext": rows,
        "showticklabels": False,
    }
    return {"data": [heat, *lane_traces(rows, events)], "layout": layout}


def lane_share(lanes: int) -> float:
    """The part of the height that the timeline takes."""
    return min(0.1 + 0.07 * max(lanes, 1), 0.5)


def tick_step(seconds: float) -> float:
    """Seconds between two ticks: five to ten of them."""
    return next(
        step for step in (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120) if seconds <= step * 10.5
    )


def heat_trace(
    decibels: np.ndarray,
    times: np.ndarray,
    centres: np.ndarray,
    scale: tuple[int, int],
    name: str = "mel spectrogram",
) -> dict[str, Any]:
    """The heat map: y counts in mel, and the pointer reads decibels.

    Args:
        decibels: int8 [bands, columns].
        times: of the columns, seconds.
        centres: of the bands, Hz.
        scale: decibels at the two ends of the colours.
        name: what it is called.
    """
    return {
        "type": "heatmap",
        "name": name,
        "x": packed(times.astype(np.float32)),
        "y": packed(mel_of_hz(centres).astype(np.float32)),
        "z": packed(decibels),
        "zmin": scale[0],
        "zmax": scale[1],
        "zsmooth": "fast",
        "showscale": False,
        "hovertemplate": "%{x:.2f} s, %{z} dB<extra></extra>",
    }


def frequency_axis(top_hz: float) -> dict[str, Any]:
    """The mel axis, labelled in Hz."""
    ticks = [hz for hz in TICKS_HZ if hz <= top_hz]
    return {
        "range": [float(mel_of_hz(0.0)), float(mel_of_hz(top_hz))],
        "tickvals": [float(mel_of_hz(hz)) for hz in ticks],
        "ticktext": [f"{hz // 1000}k" if hz >= 1000 else str(hz) for hz in ticks],
        "title": {"text": "Hz", "standoff": 4},
    }


def lane_traces(rows: list[str], events: list[Event]) -> list[dict[str, Any]]:
    """One bar for each event, one lane and one colour for each label."""
    traces = []
    for lane, label in enumerate(rows):
        heard = [(onset, offset) for name, onset, offset in events if name == label]
        traces.append(
            {
                "type": "bar",
                "name": label,
                "orientation": "h",
                "base": [onset for onset, _ in heard],
                "x": [offset - onset for onset, offset in heard],
                "y": [lane] * len(heard),
                "width": 0.78,
                "xaxis": "x",
                "yaxis": "y2",
                "text": [label] * len(heard),
                "textposition": "inside",
                "insidetextanchor": "start",
                "hovertemplate": "%{fullData.name}: %{base:.2f} to %{customdata:.2f} s<extra></extra>",
                "customdata": [offset for _, offset in heard],
                "showlegend": False,
            }
        )
    return traces
