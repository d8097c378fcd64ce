"""How far each voter can be relied on: gold battles, two sounds of one system, speed.

A gold battle has a known answer: one sound was degraded on purpose. Two sounds of one system have
none: ties are expected, and a voter who prefers side A there does so everywhere. Both come
unannounced, at the rates of `pairing.Rates`.

Weights are off unless asked for: `tally(votes, weights=vote_weights(...))`. A voter's weight is
2 q - 1, at least 0, with q the chance of a right answer to gold, (right + 1/2) / (asked + 1), the
mean under Jeffreys' prior: a guesser counts 0, a sure hand nearly 1. Under 5 gold battles nothing
is known yet and the weight is 1. A both-bad answer to gold is no answer; a tie is a wrong one.
Weighting changes whose taste the board tells, so a weighted board says so in its method.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.errors import StudioError
from pipelines.vote.battles import BOTH_BAD, SKIP, TIE, A, B

LEAST_GOLD = 5  # under these a voter's weight stays 1


@dataclass(frozen=True, kw_only=True)
class Checks:
    """Votes beside what checks them, one row per vote."""

    voter: Sequence[str]
    kind: np.ndarray  # [votes] "ab", "same_system" or "gold"
    outcome: np.ndarray  # [votes] place in battles.OUTCOMES
    answer: np.ndarray  # [votes] for gold, the right outcome (0: A, 1: B); -1 elsewhere
    decision_seconds: np.ndarray  # [votes] from serving to vote
    sound_seconds: np.ndarray  # [votes] both sounds' lengths together

    def __post_init__(self) -> None:
        lengths = {name: len(column) for name, column in vars(self).items()}
        if len(set(lengths.values())) > 1:
            raise StudioError(f"The columns of the checks differ in length: {lengths}.")
        gold = np.asarray(self.kind) == "gold"
        if not np.isin(np.asarray(self.answer)[gold], (A, B)).all():
            raise StudioError("Every gold battle needs its right answer, 0 for A or 1 for B.")


def share(successes: int, trials: int) -> dict[str, Any]:
    """A share with Wilson's 95 % interval, by scipy; value and ends null without trials."""
    from scipy.stats import binomtest

    if not trials:
        return {"value": None, "low": None, "high": None, "count": 0}
    ends = binomtest(successes, trials).proportion_ci(method="wilson")
    return {
        "value": successes / trials,
        "low": float(ends.low),
        "high": float(ends.high),
        "count": trials,
    }


def evaluate(checks: Checks) -> list[dict[str, Any]]:
    """One row per voter, in order of name.

    Returns:
        voter, votes, gold (share right), ties and side_a on same-system battles (share of ties; of
        decided ones, the share for side A), side_a_anywhere (of all decided but gold), hasty (share
        of votes, skips apart, sooner than both sounds last once: they cannot have been heard),
        median_seconds, weight (what it would be, were it used).
    """
    names = np.asarray(checks.voter)
    return [{"voter": str(name), **_row(checks, names == name)} for name in np.unique(names)]


def vote_weights(checks: Checks) -> np.ndarray:
    """[votes]: the weight of each vote's voter, 0 to 1; see the head of this file."""
    weight = {row["voter"]: row["weight"] for row in evaluate(checks)}
    return np.array([weight[str(voter)] for voter in checks.voter])


def _row(checks: Checks, mine: np.ndarray) -> dict[str, Any]:
    kind, outcome = np.asarray(checks.kind)[mine], checks.outcome[mine]
    gold = (kind == "gold") & (outcome < BOTH_BAD)
    right = int((outcome == checks.answer[mine])[gold].sum())
    same = (kind == "same_system") & (outcome < BOTH_BAD)
    decided = outcome < TIE
    fair = decided & (kind != "gold")  # a gold answer has its own side
    voted = outcome != SKIP
    seconds = checks.decision_seconds[mine][voted]
    hasty = seconds < checks.sound_seconds[mine][voted]
    return {
        "votes": int(mine.sum()),
        "gold": share(right, int(gold.sum())),
        "ties": share(int((same & ~decided).sum()), int(same.sum())),
        "side_a": share(int((outcome == A)[same & decided].sum()), int((same & decided).sum())),
        "side_a_anywhere": share(int((outcome == A)[fair].sum()), int(fair.sum())),
        "hasty": share(int(hasty.sum()), len(hasty)),
        "median_seconds": float(np.median(seconds)) if len(seconds) else None,
        "weight": _weight(right, int(gold.sum())),
    }


def _weight(right: int, asked: int) -> float:
    if asked < LEAST_GOLD:
        return 1.0
    return max(0.0, 2 * (right + 0.5) / (asked + 1) - 1)
