"""Verdicts: does the sound hold every event that the caption names, in the order it states?"""

from dataclasses import dataclass

import numpy as np

from pipelines.soundworld.captions import read_caption

LEAST_ACTIVE_SECONDS = 0.4  # an event counts as present from this much activity on
ORDER_SHARE = 0.75  # "A before B" holds when this share of their moments is in that order


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A simulated listener's answer to a caption (the rules of BATON, papers/baton.txt D.1)."""

    integrity: bool  # every named event sounds
    order: bool | None  # and the stated order holds; None when the caption states no order
    asked: list[str]
    missing: list[str]
    order_pairs: list[tuple[str, str, bool]]  # (earlier, later, holds)
    score: float  # 0..1: how well, for ranking: mean over demands of how far each is met


def precedence(earlier: np.ndarray, later: np.ndarray) -> float:
    """The share of pairs of moments, one of each event, in which the first comes first.

    1 when all of `earlier` lies before all of `later`, 0.5 when they coincide; ties count half.
    0.5 when either never sounds.

    Args:
        earlier: activity of one event, bool [frames].
        later: activity of the other, bool [frames].
    """
    total = float(earlier.sum()) * float(later.sum())
    if total == 0:
        return 0.5
    before = np.cumsum(earlier) - earlier  # moments of `earlier` strictly before each frame
    return float((before * later).sum() + 0.5 * (earlier & later).sum()) / total


def judge_activity(
    active: np.ndarray, labels: tuple[str, ...], frame_rate: float, caption: str
) -> Verdict:
    """The verdict on who sounded when.

    Args:
        active: bool [frames, events].
        labels: the events, in the order of the columns.
        frame_rate: frames per second.
        caption: what was asked for.
    """
    reading = read_caption(caption)
    column = {label: active[:, i] for i, label in enumerate(labels)}
    seconds = {label: float(column[label].sum()) / frame_rate for label in set(reading.labels)}
    missing = [
        name for name in dict.fromkeys(reading.labels) if seconds[name] < LEAST_ACTIVE_SECONDS
    ]
    pairs, shares = [], []
    for i, j in reading.order:
        first, second = reading.labels[i], reading.labels[j]
        share = precedence(column[first], column[second])
        shares.append(share if first not in missing and second not in missing else 0.0)
        pairs.append((first, second, shares[-1] >= ORDER_SHARE))
    present = [min(1.0, seconds[name] / LEAST_ACTIVE_SECONDS) for name in reading.labels]
    integrity = bool(reading.labels) and not missing
    demands = present + shares
    return Verdict(
        integrity=integrity,
        order=(integrity and all(holds for *_, holds in pairs)) if pairs else None,
        asked=list(reading.labels),
        missing=missing,
        order_pairs=pairs,
        score=float(np.mean(demands)) if demands else 0.0,
    )
