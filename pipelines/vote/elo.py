"""Elo beside the board: its mean over seeded vote orders, and how much the order alone moves it.

Elo is sequential: the same votes in another order give another rating. It is shown because readers
know it, with the spread that says why it is not the board.
"""

from dataclasses import dataclass

import numpy as np

from pipelines.seeds import numpy_generator
from pipelines.vote.battles import TIE, A, Votes
from pipelines.vote.ratings import CENTRE, POINTS

K = 16.0  # the most a vote can move; forgets a vote after about 45 more of the same system
ORDERS = 100  # the spread is then known to 7 %
LONGEST = 10_000  # votes read in one order; older ones would be forgotten


@dataclass(frozen=True, kw_only=True)
class Elo:
    """Elo over many orders of the same votes."""

    mean: np.ndarray  # [systems]
    spread: np.ndarray  # [systems] standard deviation over orders
    rankings: int  # how many different orders of the systems came out
    orders: int
    votes_per_order: int
    k: float


def elo(votes: Votes, *, seed: int, k: float = K, orders: int = ORDERS) -> Elo:
    """Elo from the judged votes in `orders` random orders, all systems starting at 1000.

    Args:
        votes: any number; both-bad votes and skips are not read.
        seed: names the orders.
        k: points that a certain loser would win by a win.
        orders: how many; with more than 10,000 votes each order reads its own 10,000.
    """
    seen = votes[votes.judged]
    length, systems = min(len(seen), LONGEST), len(votes.systems)
    draws = numpy_generator(seed, "elo orders")
    order = np.stack([draws.choice(len(seen), length, replace=False) for _ in range(orders)])
    won = np.where(seen.outcome == TIE, 0.5, (seen.outcome == A).astype(np.float64))
    rating = run(seen.a[order], seen.b[order], won[order], systems=systems, k=k)
    rankings = np.argsort(-rating, axis=1, kind="stable")
    return Elo(
        mean=rating.mean(axis=0),
        spread=rating.std(axis=0, ddof=1) if orders > 1 else np.zeros(systems),
        rankings=len(np.unique(rankings, axis=0)),
        orders=orders,
        votes_per_order=length,
        k=k,
    )


def run(
    first: np.ndarray, second: np.ndarray, won: np.ndarray, *, systems: int, k: float = K
) -> np.ndarray:
    """Elo's rating after each of several sequences, [orders, systems] (Elo 1978).

    Expected score of the first: 1 / (1 + 10^((R2 - R1) / 400)); both move by k (won - expected).

    Args:
        first: [orders, games] index of the one.
        second: [orders, games] index of the other.
        won: [orders, games] 1 the first won, 0 the second, 0.5 neither.
        systems: how many there are.
        k: see `elo`.
    """
    rating = np.full((len(first), systems), CENTRE)
    row = np.arange(len(first))
    for one, other, share in zip(first.T, second.T, won.T, strict=True):
        gap = rating[row, other] - rating[row, one]
        move = k * (share - 1 / (1 + np.exp(gap / POINTS)))
        rating[row, one] += move
        rating[row, other] -= move
    return rating
