"""The board's ratings: Davidson-Bradley-Terry on counted votes, and who can be compared at all."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import connected_components

from pipelines.vote.battles import Tally, by_pair, pairs
from pipelines.vote.davidson import RIDGE, Fit, fit, probabilities

POINTS = 400 / math.log(
    10
)  # points per unit of log odds: 400 points are odds of 10 to 1, as in Elo
CENTRE = 1000.0  # the points of a group's mean


@dataclass(frozen=True, kw_only=True)
class Ratings:
    """What the counts say of each system.

    Strengths are log odds and sum to 0 within a group; systems of different groups never met, not
    even through others, so their strengths say nothing about each other.
    """

    systems: tuple[str, ...]
    strength: np.ndarray  # [systems]
    tie: float  # log of Davidson's nu; equals call a tie with the chance nu / (2 + nu)
    group: np.ndarray  # [systems] 0 for the group with the most votes, then 1, ...
    bounded: np.ndarray  # [systems] false: a part of its group lost all to the rest; see `bounded`
    votes: int
    fit: Fit

    @property
    def points(self) -> np.ndarray:
        """[systems] on Elo's scale, 1000 + 400 log10(odds)."""
        return points(self.strength)


def points(strength: np.ndarray) -> np.ndarray:
    """Log odds on Elo's scale: 400 points more are odds of 10 to 1, ties apart."""
    return CENTRE + POINTS * strength


def pair_design(systems: int) -> np.ndarray:
    """[pairs, systems]: +1 for the first of each pair, -1 for the second."""
    first, second = pairs(systems)
    design = np.zeros((len(first), systems))
    design[np.arange(len(first)), first] = 1
    design[np.arange(len(first)), second] = -1
    return design


def rate(tally: Tally, *, ridge: float = RIDGE) -> Ratings:
    """Ratings from counts; the cost does not depend on how many votes were counted.

    Both-bad votes and skips are not in it: they do not say which is better.

    Args:
        tally: from `battles.tally`.
        ridge: of `davidson.fit`. 0.1 shrinks a gap that 50 votes support by under 2 %.
    """
    found = fit(pair_design(len(tally.systems)), by_pair(tally.games), ridge=ridge)
    return Ratings(
        systems=tally.systems,
        strength=found.theta[:-1],
        tie=float(found.theta[-1]),
        group=groups(tally),
        bounded=bounded(tally),
        votes=tally.votes,
        fit=found,
    )


def groups(tally: Tally) -> np.ndarray:
    """[systems]: which systems can be compared, directly or through others; most votes first."""
    met = tally.games.sum(axis=-1)
    _, label = connected_components(met + met.T, directed=False)
    weight = np.bincount(label, weights=met.sum(axis=0) + met.sum(axis=1))
    order = np.argsort(-weight, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank[label]


def bounded(tally: Tally) -> np.ndarray:
    """[systems]: whether the votes alone bound its strength (Ford 1957, Am. Math. Monthly 64).

    They do when, within its group, every system reaches every other along wins and ties. Else some
    part lost everything to the rest, and how far below it stands is the ridge's word, not the
    votes'.
    """
    reached = tally.wins + tally.ties
    _, strong = connected_components(reached, directed=True, connection="strong")
    group = groups(tally)
    parts = [len(np.unique(strong[group == g])) for g in group]
    return np.array(parts, dtype=np.int64) == 1


def win_shares(tally: Tally) -> np.ndarray:
    """[systems, systems]: the row's share of its votes against the column, a tie as a half.

    Not a number where the two never met; a share and its mirror sum to 1.
    """
    met = tally.wins + tally.wins.T + tally.ties
    with np.errstate(invalid="ignore"):
        return (tally.wins + tally.ties / 2) / met


def chances(ratings: Ratings) -> np.ndarray:
    """[systems, systems, 3]: what the model expects: the row wins, the column wins, tie."""
    gap = ratings.strength[:, None] - ratings.strength[None, :]
    expected = probabilities(gap, np.asarray(ratings.tie))
    expected[ratings.group[:, None] != ratings.group[None, :]] = np.nan
    return expected


def tie_share(ratings: Ratings) -> float:
    """The chance that two equal systems are called equal: nu / (2 + nu)."""
    nu = math.exp(ratings.tie)
    return nu / (2 + nu)
