"""What the battles of a campaign say: the board, agreement of the sides, and the verdict in words."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from pipelines.intervals import wilson
from pipelines.vote import board, scores
from pipelines.vote.battles import TIE, A, Votes
from studio.services.results.counted import Ballots, battles, percent, plural

BOARD = "overall"  # the aspect's name of the vote itself
NARROW = 200  # points from end to end of an interval that says: these two are close


def board_of(
    ballots: Ballots, *, intervals: str, outcome: np.ndarray | None = None
) -> dict[str, Any] | None:
    """The board of the battles between different systems; None before the first that judges.

    Args:
        ballots: of a pairwise campaign.
        intervals: see `board.evaluate`.
        outcome: [votes] of an aspect; None for the vote itself.
    """
    votes = battles(ballots, "ab", outcome=outcome)
    if not votes.judged.any():
        return None
    found = board.evaluate(votes, seed=ballots.seed, intervals=intervals, titles=ballots.titles)
    return {**found, "sides": sides(battles(ballots, "ab", "same_system", outcome=outcome))}


def sides(votes: Votes) -> dict[str, Any]:
    """Of the decided votes, the share that side A won, with its interval over voters.

    Sides are drawn by a coin, so that the share is a half where they do not matter.
    """
    decided = votes.outcome < TIE
    won = (votes.outcome == A).astype(np.float64)
    return scores.estimated(won, votes.voter, None, decided)


def sides_said(found: Mapping[str, Any]) -> list[str]:
    """That the side sways the votes, where it does so beyond doubt.

    The interval over voters is too narrow for a handful who agree, so the one that takes all votes
    for independent must leave the half out too.
    """
    if found["low"] is None or found["low"] <= 0.5 <= found["high"]:
        return []
    alone = wilson(round(found["value"] * found["count"]), found["count"])
    if alone.low <= 0.5 <= alone.high:
        return []
    value, low, high = (percent(found[name]) for name in ("value", "low", "high"))
    return [
        f"Side A won {value} [{low}, {high}] of {found['count']} decided votes: the side sways them."
        " Sides are drawn by a coin, so the board stays fair; the controlled board takes it out."
    ]


def counts(ballots: Ballots) -> dict[str, int]:
    """How many votes were read, by kind; gold and same-system battles enter no rating."""
    columns, found = ballots.columns, Counter()
    often = np.bincount(columns.way[ballots.counts], minlength=len(columns.ways))
    for way, count in zip(columns.ways, often.tolist(), strict=True):
        found[way.kind] += count
    return {kind: count for kind, count in found.items() if count}


def verdict(
    found: Mapping[str, Any] | None, titles: Mapping[str, str], who: str = "voter"
) -> list[str]:
    """The board in a sentence or two: who leads, by how much, or how much is still missing."""
    if found is None:
        return ["No vote says yet which of two systems is better."]
    rated = [row for row in found["systems"] if row["points"] is not None and row["group"] == 0]
    count = f"{plural(found['voters'], who)}, {plural(found['votes'], 'vote')}"
    if len(rated) < 2:
        return [f"No two systems have met yet; {count}."]
    first, second = rated[:2]
    said = [f"{_lead(found, first, second, titles)}; {count}."]
    apart = [gap["apart"] for gap in found["gaps"]]
    if len(rated) > 2 and None not in apart:
        said.append(f"{sum(apart)} of {len(apart)} pairs of systems are told apart.")
    return said


def _lead(
    found: Mapping[str, Any], first: dict[str, Any], second: dict[str, Any], titles: Any
) -> str:
    """The gap of the two best in words."""
    gap = next(
        row for row in found["gaps"] if {row["first"], row["second"]} == {first["system"], second["system"]}
    )  # fmt: skip
    sign = 1 if gap["first"] == first["system"] else -1
    a, b = (titles.get(row["system"], row["system"]) for row in (first, second))
    points = sign * gap["points"]
    if gap["low"] is None:
        return f"{a} stands {plural(round(points), 'point')} above {b}, with no interval yet"
    low, high = sorted((sign * gap["low"], sign * gap["high"]))
    interval = f"[{low:+.0f}, {high:+.0f}]".replace("-", "−")
    if gap["apart"]:
        return f"{a} leads {b} by {plural(round(points), 'point')} {interval}"
    more = gap["votes_needed"]
    if more is None or more > 20 * max(found["votes"], 50):
        needed = (
            "so close that votes alone will hardly tell them apart"
            if high - low < NARROW
            else "too few votes to say how many more it takes"
        )
    else:
        needed = (
            f"about {plural(roughly(more), 'more vote')} would tell them apart if the gap is real"
        )
    return f"{a} and {b} are not yet apart: {plural(round(points), 'point')} {interval}; {needed}"


def roughly(count: int) -> int:
    """An estimate with two digits; more would say more than is known.

    >>> roughly(1348), roughly(97)
    (1300, 97)
    """
    return int(float(f"{count:.1e}"))


def beside(found: dict[str, Any], whole: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Each system's points as the board has them and as they are with what is excluded."""
    other = {} if whole is None else {row["system"]: row for row in whole["systems"]}
    return [
        {
            "system": row["system"],
            **{name: row[name] for name in ("points", "rank")},
            **{f"{name}_with": other.get(row["system"], {}).get(name) for name in ("points", "rank")},
        }
        for row in found["systems"]
    ]  # fmt: skip
