"""A comparison in sentences: what is better, what is worse, what so many pairs cannot tell."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.compare.pairs import SHARES
from pipelines.compare.significance import LEVEL, detectable_share
from pipelines.intervals import Interval

NEEDED = 6  # pairs that an exact test in pairs needs before any difference can be found
MINUS = "\N{MINUS SIGN}"
ONE_IN = 0.1  # share of pairs that turn for the worse, where nothing is known yet
Measure = Mapping[str, Any]


def verdict(
    summary: Mapping[str, Any] | None, distances: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """What the measures of a comparison say together.

    A score or a share counts as different where its p after Holm's correction is at most 0.05; a
    distance, of which there is no p, where its 95 % interval does not hold 0.

    Args:
        summary: of `pipelines.compare.pairs.summary`; None before there is one.
        distances: with `measures` of `pipelines.compare.sides.evaluate`; None before there are any.

    Returns:
        `better`, `worse`, `unclear`, `neither` (names of measures), and the sentences in `said`;
        None while nothing is measured.
    """
    measures = [*(summary or {}).get("measures", []), *(distances or {}).get("measures", [])]
    if not measures:
        return None
    sorts: dict[str, list[Measure]] = {"better": [], "worse": [], "neither": [], "unclear": []}
    for measure in measures:
        sorts[sort_of(measure)].append(measure)
    said = []
    for sort, words in (("better", "B is better"), ("worse", "B is worse")):
        if sorts[sort]:
            said.append(f"{words}: {listed(sorts[sort])}.")
    if sorts["neither"]:
        said.append(
            f"Different, and neither better nor worse by itself: {listed(sorts['neither'])}."
        )
    if sorts["unclear"]:
        count = max(measure["difference"]["count"] for measure in measures)
        said.append(f"What these {count} pairs cannot tell: {listed(sorts['unclear'])}.")
    if not sorts["better"] and not sorts["worse"]:
        said.insert(0, "By these pairs, neither side is better.")
    found = [exploratory_said(distances), detectable_said(summary)]
    names = {sort: [measure["name"] for measure in rows] for sort, rows in sorts.items()}
    return {**names, "said": [*said, *filter(None, found)]}


def sort_of(measure: Measure) -> str:
    """better, worse, neither (different, but no end is good), or unclear."""
    difference = Interval(**measure["difference"])
    p = measure.get("p_holm")
    is_different = not difference.holds_zero if p is None else p <= LEVEL
    if not is_different or difference.value == 0:
        return "unclear"
    if measure["higher_is_better"] is None:
        return "neither"
    return "better" if (difference.value > 0) == measure["higher_is_better"] else "worse"


def listed(measures: Sequence[Measure]) -> str:
    """Each measure with its change: "CLAP score +0.040 [+0.010, +0.070], FD −0.02 […]"."""
    return ", ".join(f"{measure['title']} {change(measure)}" for measure in measures)


def change(measure: Measure) -> str:
    """B minus A with its interval; shares in points of 100."""
    found = measure["difference"]
    if measure["name"] in SHARES:
        value, low, high = (f"{100 * found[part]:+.0f}" for part in ("value", "low", "high"))
        told = f"{value} points of 100 [{low}, {high}]"
    else:
        value, low, high = (f"{found[part]:+.3f}" for part in ("value", "low", "high"))
        told = f"{value} [{low}, {high}]"
    return told.replace("-", MINUS)


def sentence(measure: Measure) -> str:
    """A distance for people: both heights, the change, and whether it may be chance."""
    change_found = Interval(**measure["difference"])
    both = f"A {measure['a']:.3f}, B {measure['b']:.3f}".replace("-", MINUS)
    is_open = "it holds 0: this may be chance" if change_found.holds_zero else "it does not hold 0"
    told = (
        f"{measure['title']}: {both}; 95 % interval of the change "
        f"{change(measure).partition('[')[2].rstrip(']').replace(', ', ' to ')}, "
        f"{change_found.count} pairs; {is_open}."
    )
    return f"{told} {measure['caution']}" if measure.get("caution") else told


def exploratory_said(distances: Mapping[str, Any] | None) -> str | None:
    """That several distances are no test: their intervals stand uncorrected beside each other."""
    titles = [measure["title"] for measure in (distances or {}).get("measures", [])]
    if len(titles) < 2:
        return None
    return (
        f"The {len(titles)} distances ({', '.join(titles)}) are exploratory: each interval stands by "
        "itself, not corrected for their number, and of twenty such one leaves out 0 by chance. Only "
        "scores and shares are corrected (Holm)."
    )


def detectable_said(summary: Mapping[str, Any] | None) -> str | None:
    """The smallest differences that the pairs of a summary find in four comparisons of five."""
    told = []
    for measure in (summary or {}).get("measures", []):
        found = measure.get("detectable")
        if found is None:
            continue
        size = f"{math.ceil(100 * found)} points of 100" if measure["name"] in SHARES else None
        told.append(f"{size or f'{found:.3f}'} for {measure['title']}")
    if not told:
        return None
    return (
        "The smallest difference that so many pairs find in four comparisons of five, where they "
        f"vary as these did: {', '.join(told)}."
    )


def beforehand(pairs: int) -> str:
    """What so many pairs will be able to find of a share, before any is made.

    >>> print(beforehand(5))
    5 pairs cannot show that a share differs: an exact test in pairs needs 6.
    """
    counted = f"{pairs} {'pair' if pairs == 1 else 'pairs'}"
    if pairs < NEEDED:
        return f"{counted} cannot show that a share differs: an exact test in pairs needs {NEEDED}."
    best, usual = detectable_share(pairs), detectable_share(pairs, worse=ONE_IN)
    told = (
        f"{counted} find a gain of {math.ceil(100 * (best or 1))} points of 100 in four comparisons of "
        "five, if no pair turns for the worse"
    )
    if usual is None:
        return f"{told}; if one in ten does, no gain is sure to be found."
    return f"{told}; of {math.ceil(100 * usual)} points, if one in ten does."
