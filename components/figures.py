"""Plotly figures as plain values; colours are the page's own, set in the browser with the theme."""

import base64
from typing import Any

import numpy as np

from components.spectrogram import band_centres, mel_of_hz, mel_spectrogram

TICKS_HZ = (100, 250, 500, 1000, 2000, 4000, 8000, 16000)
RANGE_DB = 70  # from the loudest point down; one scale for every card would hide quiet sounds
Event = tuple[str, float, float]  # label, onset and offset in seconds


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
    rows = list(dict.fromkeys(label for label, _, _ in events or []))
    share = lane_share(len(rows)) if events is not None else 0.0
    layout = {
        "xaxis": {
            "range": [0, seconds],
            "title": {"text": "seconds", "standoff": 6},
            "anchor": "y2" if share else "y",
            "dtick": tick_step(seconds),
        },
        "yaxis": {**frequency_axis(sample_rate), "domain": [share and share + 0.04, 1]},
    }
    traces = [spectrogram_trace(audio, sample_rate)]
    if share:
        layout["yaxis2"] = {
            "domain": [0, share],
            "range": [max(len(rows), 1) - 0.5, -0.5],
            "tickvals": list(range(len(rows))),
            "ticktext": rows,
            "showticklabels": False,
        }
        traces += lane_traces(rows, events or [])
    return {"data": traces, "layout": layout}


def lane_share(lanes: int) -> float:
    """The part of the height that the timeline takes."""
    return min(0.1 + 0.07 * max(lanes, 1), 0.5)


def tick_step(seconds: float) -> float:
    """Seconds between two ticks: five to ten of them."""
    return next(
        step for step in (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120) if seconds <= step * 10.5
    )


def spectrogram_trace(audio: np.ndarray, sample_rate: int) -> dict[str, Any]:
    """The heat map: y counts in mel, and the pointer reads Hz."""
    decibels, times = mel_spectrogram(audio, sample_rate)
    top = int(decibels.max())
    return {
        "type": "heatmap",
        "name": "mel spectrogram",
        "x": packed(times.astype(np.float32)),
        "y": packed(mel_of_hz(band_centres(sample_rate)).astype(np.float32)),
        "z": packed(decibels),
        "zmin": max(top - RANGE_DB, -100),
        "zmax": top,
        "zsmooth": "fast",
        "showscale": False,
        "hovertemplate": "%{x:.2f} s, %{z} dB<extra></extra>",
    }


def frequency_axis(sample_rate: int) -> dict[str, Any]:
    """The mel axis, labelled in Hz."""
    ticks = [hz for hz in TICKS_HZ if hz <= sample_rate / 2]
    return {
        "range": [float(mel_of_hz(0.0)), float(mel_of_hz(sample_rate / 2))],
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
