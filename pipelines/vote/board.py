"""The whole board as plain values: ratings, intervals, ranks, Elo, wins, and what cannot be said."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from pipelines.errors import StudioError
from pipelines.vote import elo as elo_orders
from pipelines.vote.battles import BOTH_BAD, SKIP, TIE, Tally, Votes, by_cluster, tally
from pipelines.vote.davidson import RIDGE
from pipelines.vote.intervals import (
    BLOCKS,
    Intervals,
    by_bootstrap,
    by_jackknife,
    by_two_ways,
    ranks,
    system_contrasts,
    votes_needed,
)
from pipelines.vote.ratings import (
    POINTS,
    Ratings,
    pair_design,
    points,
    rate,
    tie_share,
    win_shares,
)

METHOD = "davidson-1"  # a board names it; boards of different methods are never mixed
INTERVALS = ("jackknife", "bootstrap", "two-way")


def validate(votes: Votes, *, intervals: str = "jackknife") -> Votes:
    """The votes, or a StudioError when no board can be made of them."""
    if intervals not in INTERVALS:
        raise StudioError(f"Intervals by {intervals!r} are none; use {' or '.join(INTERVALS)}.")
    if intervals == "two-way" and (
        votes.prompt is None or len(np.unique(votes.prompt[votes.judged])) < 2
    ):
        raise StudioError("Intervals over prompts need votes on at least two known prompts.")
    if not votes.judged.any():
        raise StudioError("No vote says which of two systems is better yet; collect votes first.")
    return votes


def evaluate(
    votes: Votes,
    *,
    seed: int,
    intervals: str = "jackknife",
    weights: np.ndarray | None = None,
    titles: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The board with all that is needed to read it; cost grows with counting alone.

    Args:
        votes: at least one that says which is better.
        seed: names the orders of Elo, the blocks of voters and the draws of a bootstrap.
        intervals: "jackknife" or "bootstrap" over voters, or "two-way" over voters and prompts; see
            `pipelines.vote.intervals`.
        weights: [votes] from `reliability.vote_weights`; None, the default, counts all alike. Elo
            never reads them.
        titles: how the notes call the systems; by their names if left out.

    Returns:
        plain values, ready for JSON: method, seed, counts, systems (best first within a group),
        gaps of every pair, win matrix, notes in sentences. An interval is null with one voter.
    """
    validate(votes, intervals=intervals)
    counted = tally(votes, weights=weights)
    ratings = rate(counted)
    voters = int(np.count_nonzero(np.bincount(votes.voter[votes.judged])))
    games = by_cluster(votes, votes.voter, most=BLOCKS, seed=seed, weights=weights)
    prompts = None
    if intervals == "two-way":
        prompts = by_cluster(votes, votes.prompt, most=BLOCKS, seed=seed, weights=weights)
    sure = _intervals(games, prompts, intervals, seed) if len(games) > 1 else None
    orders = elo_orders.elo(votes, seed=seed)
    return {
        "method": METHOD if weights is None else f"{METHOD}, weighted",
        "ridge": RIDGE,
        "seed": seed,
        "intervals": None if sure is None else sure.method,
        "votes": int(votes.judged.sum()),
        "ties": int((votes.outcome[votes.judged] == TIE).sum()),
        "both_bad": int((votes.outcome == BOTH_BAD)[votes.a != votes.b].sum()),
        "skipped": int((votes.outcome == SKIP)[votes.a != votes.b].sum()),
        "voters": voters,
        "voter_blocks": len(games),
        "tie_share": tie_share(ratings),
        "systems": _systems(counted, ratings, sure, orders),
        "gaps": _gaps(int(votes.judged.sum()), ratings, sure),
        "wins": counted.wins.tolist(),
        "tied": counted.ties.tolist(),
        "win_shares": _plain(win_shares(counted)),
        "order": list(votes.systems),
        "elo": {"k": orders.k, "orders": orders.orders, "votes_per_order": orders.votes_per_order}
        | {"rankings": orders.rankings},
        "notes": notes(counted, ratings, voters, titles or {}),
    }


def notes(counted: Tally, ratings: Ratings, voters: int, titles: Mapping[str, str]) -> list[str]:
    """What the reader must know before believing the board, in sentences."""
    said, called = [], [titles.get(system, system) for system in ratings.systems]
    judged = _battles(counted) > 0
    if unjudged := [s for s, met in zip(called, judged, strict=True) if not met]:
        said.append(f"No vote judges {', '.join(unjudged)} yet; there is no rating.")
    if (groups := len(np.unique(ratings.group[judged]))) > 1:
        said.append(
            f"The systems fall into {groups} groups that never met; ranks hold within a group only."
        )
    if loose := [s for s, held in zip(called, ratings.bounded, strict=True) if not held]:
        said.append(
            f"Among {'; '.join(loose)}, some lost every vote to the rest or won every one: how far "
            "apart they stand is not told by the votes yet."
        )
    if voters == 1:
        said.append("One person voted; there is no interval, and nothing is said about others.")
    elif voters < 5:
        said.append(f"Only {voters} people voted; the intervals are wide for that reason.")
    return said


def _intervals(games: np.ndarray, prompts: np.ndarray | None, method: str, seed: int) -> Intervals:
    """Intervals of every strength, then of every pair's gap; none where one voter judged alone."""
    systems = round((1 + np.sqrt(1 + 8 * games.shape[1])) / 2)  # of s (s - 1) / 2 pairs
    design = pair_design(systems)
    gaps = np.hstack([design, np.zeros((len(design), 1))])
    contrasts = np.vstack([system_contrasts(systems), gaps])
    if prompts is not None:
        sure = by_two_ways(design, games, prompts, contrasts)
    elif method == "bootstrap":
        sure = by_bootstrap(design, games, contrasts, seed=seed)
    else:
        sure = by_jackknife(design, games, contrasts)
    judged_by = ((games.sum(axis=-1) > 0) @ np.abs(design) > 0).sum(axis=0)  # [systems] voters
    unknown = np.abs(contrasts[:, :-1]) @ (judged_by < 2) > 0  # one voter's taste is not people's
    low, high = np.where(unknown, np.nan, [sure.low, sure.high])
    return replace(sure, low=low, high=high)


def _systems(
    counted: Tally, ratings: Ratings, sure: Intervals | None, orders: elo_orders.Elo
) -> list[dict[str, Any]]:
    """One row per system, best first, groups one after the other; unjudged ones have no rating."""
    battles = _battles(counted)
    bad = counted.both_bad.sum(axis=0) + counted.both_bad.sum(axis=1)
    place = None
    if sure is not None:
        count = len(ratings.systems)
        place = ranks(sure.low[:count], sure.high[:count], ratings.group)
    rows = []
    for i in np.lexsort((-ratings.strength, ratings.group)):
        low, high = _ends(sure, i)
        judged = battles[i] > 0
        rows.append(
            {
                "system": ratings.systems[i],
                "group": int(ratings.group[i]),
                "rank": None if low is None else int(place[i]),
                "points": float(ratings.points[i]) if judged else None,
                "low": None if low is None else points(low),
                "high": None if high is None else points(high),
                "bounded": bool(ratings.bounded[i]),
                "battles": float(battles[i]),
                "both_bad": float(bad[i]),
                "elo": float(orders.mean[i]) if judged else None,
                "elo_spread": float(orders.spread[i]) if judged else None,
            }
        )
    return rows


def _gaps(votes: int, ratings: Ratings, sure: Intervals | None) -> list[dict[str, Any]]:
    """One row per pair of a group: how many points the first leads by, and votes still needed."""
    count = len(ratings.systems)
    rows = []
    for place, (i, j) in enumerate(zip(*np.triu_indices(count, k=1), strict=True)):
        if ratings.group[i] != ratings.group[j]:
            continue
        gap = float(ratings.strength[i] - ratings.strength[j])
        low, high = _ends(sure, count + place)
        row = {"first": ratings.systems[i], "second": ratings.systems[j], "points": POINTS * gap}
        row |= {"low": None, "high": None, "apart": None, "votes_needed": None}
        if low is not None:
            apart = low > 0 or high < 0
            more = 0 if apart else votes_needed(gap, float(sure.error[count + place]), votes)
            row |= {"low": POINTS * low, "high": POINTS * high}
            row |= {"apart": apart, "votes_needed": more}
        rows.append(row)
    return rows


def _battles(counted: Tally) -> np.ndarray:
    """[systems]: how many judged battles each was in, weighted where votes are."""
    met = counted.games.sum(axis=-1)
    return met.sum(axis=0) + met.sum(axis=1)


def _ends(sure: Intervals | None, at: int) -> tuple[float | None, float | None]:
    """An interval's ends, or two nulls where there is none."""
    if sure is None or np.isnan(sure.low[at]):
        return None, None
    return float(sure.low[at]), float(sure.high[at])


def _plain(table: np.ndarray) -> list[list[float | None]]:
    """A table as lists, null where it is not a number."""
    return [[None if np.isnan(v) else float(v) for v in row] for row in table]
