"""Two sides on the same prompts: what parts each pair, and what all pairs say with an interval.

Everything here is B minus A, and B is better where a difference is above 0.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from typing import Any

import numpy as np

from pipelines.compare.significance import (
    detectable_mean,
    detectable_share,
    discordant,
    holm,
    mcnemar,
    sign_flips,
)
from pipelines.errors import StudioError
from pipelines.intervals import Interval, wilson

Scores = Mapping[str, Any]  # clap, integrity, order, events; None where nobody could say
MEASURES = {"clap": "CLAP score", "integrity": "Every event there", "order": "Order kept"}
SHARES = ("integrity", "order")  # yes or no for each pair
ALIKE = 5e-4  # CLAP scores nearer than this are called equal
LEAST = 2  # pairs that an interval needs
SEED = 0  # of the signs that are drawn for the test of the mean, beyond 16 pairs
EXPLORATORY = (
    "The intervals are each measure's own; p is corrected for looking at several (Holm). The "
    "listener is a simulated one, the annotator: take this as a hint of what to test, not as a "
    "proof."
)


def difference(a: Scores | None, b: Scores | None) -> dict[str, float | int | None]:
    """B minus A, measure by measure; None where one of the two was not judged.

    >>> difference({"clap": 0.25, "integrity": True}, {"clap": 0.5, "integrity": False})
    {'clap': 0.25, 'integrity': -1, 'order': None}
    """
    found: dict[str, float | int | None] = {}
    for name in MEASURES:
        one, other = (None if side is None else side.get(name) for side in (a, b))
        if one is None or other is None:
            found[name] = None
        else:
            found[name] = int(other) - int(one) if name in SHARES else float(other) - float(one)
    return found


def distance(a: Scores | None, b: Scores | None) -> float | None:
    """How far apart the two of a pair are, to listen first where it matters most; from 0 to 5.

    The sum of four parts: 1 where the verdicts on the events differ, 1 where those on their order
    do, the distance of the CLAP scores (0 to 2), and the share of the time in which only one of
    the two has an event that the other has not, `timeline_distance` (0 to 1). A part that nobody
    judged counts 0.

    Returns:
        None when nobody judged both.

    >>> heard = {"clap": 0.5, "integrity": True, "events": [["Dog", 0, 2]]}
    >>> round(distance(heard, {"clap": 0.25, "integrity": False, "events": [["Dog", 1, 3]]}), 3)
    1.917
    """
    if a is None or b is None:
        return None
    parts = [abs(part) for part in difference(a, b).values() if part is not None]
    if a.get("events") is not None and b.get("events") is not None:
        parts.append(timeline_distance(a["events"], b["events"]))
    return float(sum(parts)) if parts else None


def timeline_distance(a: Sequence[Sequence[Any]], b: Sequence[Sequence[Any]]) -> float:
    """One minus the overlap of two timelines: 0 when they agree, 1 when nothing does.

    Over all labels, the seconds in which a label sounds in exactly one of the two, divided by the
    seconds in which it sounds in either (the Jaccard distance). Two silences agree.

    Args:
        a: [label, onset, offset] of each event, seconds.
        b: the same.

    >>> timeline_distance([["Dog", 0, 2]], [["Dog", 1, 2]])  # apart 1 s of 2
    0.5
    """
    both = either = 0.0
    for label in {event[0] for event in [*a, *b]}:
        ones, others = ([event[1:] for event in side if event[0] == label] for side in (a, b))
        edges = sorted({edge for stretch in [*ones, *others] for edge in stretch})
        for start, stop in zip(edges[:-1], edges[1:], strict=True):
            heard = [
                any(on <= start and stop <= off for on, off in side) for side in (ones, others)
            ]
            both += (stop - start) * all(heard)
            either += (stop - start) * any(heard)
    return 1 - both / either if either else 0.0


def mean_interval(values: Sequence[float]) -> Interval:
    """The mean of independent values with Student's interval, 95 %.

    The bootstrap's interval is too narrow for the dozen prompts that a person compares; Student's
    holds from two values on where they are near normal, as differences of cosines are.

    >>> print(mean_interval([1.0, 2.0, 3.0]))  # 2 +- 4.303 * 1 / sqrt(3)
    2.000 [-0.484, 4.484], n = 3

    Raises:
        StudioError: fewer than two values, or values that are not numbers.
    """
    from scipy.special import stdtrit

    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or len(found) < LEAST or not np.isfinite(found).all():
        raise StudioError(
            f"An interval needs at least two finite values; got {list(found.shape)} of them."
        )
    n, mean = len(found), float(found.mean())
    reach = float(stdtrit(n - 1, 0.975)) * float(found.std(ddof=1)) / math.sqrt(n)
    return Interval(value=mean, low=mean - reach, high=mean + reach, count=n)


def share_difference(both: int, only_b: int, only_a: int, neither: int) -> Interval:
    """The difference of two shares on the same pairs, B minus A, with Newcombe's interval, 95 %.

    The square-and-add interval of Wilson's two, joined by the correlation phi of the pairs with
    its continuity correction (Newcombe 1998, Statistics in Medicine 17:2635, method 10). It does
    not shrink to nothing where all pairs agree, as a bootstrap would.

    Args:
        both: pairs in which both hold.
        only_b: pairs in which B alone holds.
        only_a: pairs in which A alone holds.
        neither: pairs in which none holds.

    Raises:
        StudioError: no pairs.
    """
    n = both + only_b + only_a + neither
    a, b = wilson(both + only_a, n), wilson(both + only_b, n)
    value, phi = (only_b - only_a) / n, _phi(both, only_b, only_a, neither)

    def reach(up: float, down: float) -> float:
        return math.sqrt(max(0.0, up * up - 2 * phi * up * down + down * down))

    return Interval(
        value=value,
        low=max(-1.0, value - reach(b.value - b.low, a.high - a.value)),
        high=min(1.0, value + reach(b.high - b.value, a.value - a.low)),
        count=n,
    )


def _phi(both: int, only_b: int, only_a: int, neither: int) -> float:
    """The correlation of two yes-or-no rows, drawn towards 0 by half a count where positive."""
    margins = (both + only_b) * (only_a + neither) * (both + only_a) * (only_b + neither)
    if margins == 0:
        return 0.0
    cross, half = both * neither - only_b * only_a, (both + only_b + only_a + neither) / 2
    return (max(0.0, cross - half) if cross >= 0 else cross) / math.sqrt(margins)


def summary(
    pairs: Sequence[tuple[Scores | None, Scores | None]], judges: Mapping[str, str]
) -> dict[str, Any] | None:
    """What all pairs say of the two sides.

    Args:
        pairs: the scores of A and of B, pair by pair.
        judges: who measured, by the name of the measure.

    Returns:
        `measures`, one sentence each in `said`, and what the whole may not be taken for; None
        while fewer than two pairs are scored by anyone. `detectable` of a measure is the smallest
        difference that so many pairs find in four comparisons of five, where they vary as these
        did; None where none is.
    """
    measures = []
    for name, title in MEASURES.items():
        rows = [(a[name], b[name]) for a, b in pairs if difference(a, b)[name] is not None]
        if len(rows) >= LEAST:
            found = measure_share(rows) if name in SHARES else measure_mean(rows)
            measures.append(
                {"name": name, "title": title, "judge": judges[name], "higher_is_better": True}
                | found
            )
    if not measures:
        return None
    corrected = holm({found["name"]: found["p"] for found in measures})
    for found in measures:
        found["p_holm"] = corrected[found["name"]]
    said = [sentence(found) for found in measures]
    return {"measures": measures, "said": said, "exploratory": EXPLORATORY}


def measure_mean(rows: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Means of a score on both sides and their paired difference."""
    a, b = np.asarray(rows, dtype=np.float64).T
    return {
        "a": asdict(mean_interval(a)),
        "b": asdict(mean_interval(b)),
        "difference": asdict(mean_interval(b - a)),
        "interval": "Student's t over pairs, 95 %",
        "p": mean_p(tuple((b - a).tolist())),
        "test": "signs of the differences turned",
        "detectable": detectable_mean(len(a), float((b - a).std(ddof=1))),
        **counted(b - a, ALIKE),
    }


def measure_share(rows: Sequence[tuple[bool, bool]]) -> dict[str, Any]:
    """Shares of yes on both sides and their paired difference."""
    a, b = np.asarray(rows, dtype=bool).T
    cells = [int(np.sum(cell)) for cell in (a & b, ~a & b, a & ~b, ~a & ~b)]
    worse = min(cells[1], cells[2]) / len(a)  # what turned against the rest, to be made up for
    return {
        "a": asdict(wilson(int(a.sum()), len(a))),
        "b": asdict(wilson(int(b.sum()), len(b))),
        "difference": asdict(share_difference(*cells)),
        "interval": "Wilson's, and Newcombe's for the difference, 95 %",
        "p": mcnemar(*discordant(b, a)),
        "test": "McNemar's, exact",
        "detectable": detectable_share(len(a), worse=worse),
        **counted(b.astype(float) - a, 0.5),
    }


@lru_cache(maxsize=16)
def mean_p(differences: tuple[float, ...]) -> float:
    """The p of a mean of differences; kept, since a page asks for the same again and again."""
    return sign_flips(np.asarray(differences), seed=SEED)


def counted(differences: np.ndarray, alike: float) -> dict[str, int]:
    """In how many pairs B is better, worse, or equal up to `alike`."""
    better, worse = int((differences > alike).sum()), int((differences < -alike).sum())
    return {"better": better, "worse": worse, "equal": len(differences) - better - worse}


def sentence(measure: Mapping[str, Any]) -> str:
    """Which side is higher, by how much, and whether that may be chance; for people."""
    found, is_share = Interval(**measure["difference"]), measure["name"] in SHARES
    by = f"{100 * abs(found.value):.0f} points of 100" if is_share else f"{abs(found.value):.3f}"
    low, high = (
        f"{100 * end:+.0f}" if is_share else f"{end:+.3f}" for end in (found.low, found.high)
    )
    ends = f"{low} to {high}".replace("-", "\N{MINUS SIGN}")
    p = f"p = {measure['p_holm']:.2g}" if measure["p_holm"] >= 0.001 else "p < 0.001"
    span = f"95 % interval of B minus A {ends}, {found.count} pairs, {p} by Holm"
    if found.value == 0:
        return f"{measure['title']}: A and B are equal ({span})."
    if not is_share and abs(found.value) < ALIKE:
        return f"{measure['title']}: A and B differ by less than 0.001 ({span})."
    higher = "B" if found.value > 0 else "A"
    if found.holds_zero:
        verdict = "it holds 0: this may be chance"
    elif measure["p_holm"] > 0.05:
        verdict = "it does not hold 0, but among several measures this may be chance"
    else:
        verdict = "it does not hold 0"
    return f"{measure['title']}: {higher} is higher by {by} ({span}); {verdict}."
