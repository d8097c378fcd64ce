"""How well rewards tell what people said: ranking, accuracy, calibration, each with an interval.

Prompts are drawn, not sounds, since the sounds of one prompt are alike. Everything takes plain
arrays: rewards in [0, 1], labels 0 or 1, and the prompt of each.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.errors import StudioError
from pipelines.intervals import Interval, bootstrap_clusters, wilson

BINS = 10


@dataclass(frozen=True, kw_only=True)
class Bin:
    """The sounds whose rewards lie in one part of [0, 1]."""

    low: float
    high: float
    reward: float  # the mean that was foretold
    aligned: Interval  # the share that people called aligned, Wilson's interval


def area_under_curve(rewards: np.ndarray, labels: np.ndarray) -> float:
    """How often a 1 gets more than a 0, ties half (Mann-Whitney); not a number without both.

    >>> area_under_curve(np.array([0.9, 0.5, 0.5, 0.1]), np.array([1, 1, 0, 0]))
    0.875
    """
    from scipy.stats import rankdata

    ones = labels == 1
    count, others = int(ones.sum()), int((~ones).sum())
    if not count or not others:
        return float("nan")
    ranks = rankdata(rewards)
    return float((ranks[ones].sum() - count * (count + 1) / 2) / (count * others))


def order_within_prompts(rewards: np.ndarray, labels: np.ndarray, prompts: np.ndarray) -> float:
    """How often a 1 gets more than a 0 of the same prompt, ties half: what best-of-N needs.

    A reward that only knows which prompts are hard stands at 0.5. Not a number where no prompt has
    both.
    """
    higher = total = 0.0
    order = np.argsort(prompts, kind="stable")
    ends = np.flatnonzero(np.diff(prompts[order])) + 1
    for rows in np.split(order, ends):
        one, other = rewards[rows][labels[rows] == 1], rewards[rows][labels[rows] == 0]
        gaps = one[:, None] - other[None, :]
        higher += (gaps > 0).sum() + (gaps == 0).sum() / 2
        total += gaps.size
    return float(higher / total) if total else float("nan")


def accuracy(rewards: np.ndarray, labels: np.ndarray) -> float:
    """How often the reward lies on the label's side of 0.5; 0.5 itself counts as aligned."""
    return float(((rewards >= 0.5) == (labels == 1)).mean())


def brier(rewards: np.ndarray, labels: np.ndarray) -> float:
    """The mean squared distance of reward and label; 0.25 is a coin's (Brier 1950)."""
    return float(np.square(rewards - labels).mean())


def calibration_error(rewards: np.ndarray, labels: np.ndarray, *, bins: int = BINS) -> float:
    """Expected calibration error: |share aligned - mean reward| over bins, weighted by count."""
    place = _bins_of(rewards, bins)
    gaps = np.bincount(place, labels - rewards, minlength=bins)
    return float(np.abs(gaps).sum() / len(rewards))


def calibration_curve(rewards: np.ndarray, labels: np.ndarray, *, bins: int = BINS) -> list[Bin]:
    """The bins that hold sounds, in order: what was foretold, and what people said."""
    place, found = _bins_of(rewards, bins), []
    for number in np.unique(place):
        inside = place == number
        found.append(
            Bin(
                low=float(number / bins),
                high=float((number + 1) / bins),
                reward=float(rewards[inside].mean()),
                aligned=wilson(int(labels[inside].sum()), int(inside.sum())),
            )
        )
    return found


def histogram(
    rewards: np.ndarray, labels: np.ndarray, *, bins: int = 20
) -> dict[int, dict[str, list[float]]]:
    """Rewards by human label, papers/baton.txt Figure 4: {label: {"edges", "counts"}}."""
    edges = np.linspace(0, 1, bins + 1)
    return {
        label: {
            "edges": edges.tolist(),
            "counts": np.histogram(rewards[labels == label], edges)[0].tolist(),
        }
        for label in (0, 1)
    }


def agreement(one: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """Two labellings of the same sounds: the share that is equal, and Cohen's kappa (1960).

    Kappa is the share beyond what chance would give two such labellers; not a number where chance
    alone makes them equal.
    """
    equal = float((one == other).mean())
    chance = float(one.mean() * other.mean() + (1 - one.mean()) * (1 - other.mean()))
    kappa = (equal - chance) / (1 - chance) if chance < 1 else float("nan")
    return {"share": equal, "kappa": kappa, "count": len(one)}


def disagreements(rewards: np.ndarray, labels: np.ndarray, count: int) -> list[int]:
    """The places of the sounds on which reward and people are furthest apart, furthest first."""
    return np.argsort(-np.abs(rewards - labels), kind="stable")[:count].tolist()


def evaluate(
    rewards: Sequence[float], labels: Sequence[int], prompts: Sequence[str], *, seed: int
) -> dict[str, Interval]:
    """All figures, each with its 95 % interval over prompts and its count of sounds.

    Raises:
        StudioError: what `validate` raises.
    """
    r, y, p = validate(rewards, labels, prompts)
    figures: dict[str, Callable[[np.ndarray], float]] = {
        "auc": lambda at: area_under_curve(r[at], y[at]),
        "accuracy": lambda at: accuracy(r[at], y[at]),
        "accuracy_of_the_commoner_label": lambda at: max(y[at].mean(), 1 - y[at].mean()),
        "brier": lambda at: brier(r[at], y[at]),
        "calibration_error": lambda at: calibration_error(r[at], y[at]),
        "order_within_prompts": lambda at: order_within_prompts(r[at], y[at], p[at]),
    }
    return {
        name: bootstrap_clusters(figure, p, seed=seed, repeats=500)
        for name, figure in figures.items()
    }


def validate(
    rewards: Sequence[float], labels: Sequence[int], prompts: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rewards, labels and the number of each prompt as arrays.

    Raises:
        StudioError: different lengths, nothing, rewards outside of [0, 1] or labels not 0 or 1.
    """
    r, y = np.asarray(rewards, np.float64), np.asarray(labels, np.float64)
    p = np.unique(np.asarray(prompts), return_inverse=True)[1]
    if not len(r) or not r.shape == y.shape == p.shape:
        raise StudioError(
            f"{len(r)} rewards, {len(y)} labels and {len(p)} prompts; give one of each per sound."
        )
    if not ((r >= 0) & (r <= 1)).all() or not np.isin(y, (0, 1)).all():
        raise StudioError(
            "Rewards lie in [0, 1] and labels are 0 or 1; take the majority of several raters."
        )
    return r, y, p


def _bins_of(rewards: np.ndarray, bins: int) -> np.ndarray:
    """The bin of each reward; 1 falls into the last."""
    return np.minimum((rewards * bins).astype(int), bins - 1)
