"""Means of ratings with intervals that know who rated what: clustered by person, and by item too."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from pipelines.errors import StudioError


@dataclass(frozen=True, kw_only=True)
class Rated:
    """Ratings of one system: what was given, by whom, to what."""

    values: np.ndarray  # [ratings], finite
    rater: np.ndarray  # [ratings], any labels
    item: np.ndarray | None = None  # [ratings], any labels, e.g. the prompt


@dataclass(frozen=True, kw_only=True)
class Mean:
    """A mean, or a difference of two, with its interval."""

    value: float
    low: float
    high: float
    count: int  # ratings
    raters: int
    items: int | None  # None: items were taken as fixed
    level: float


def clustered_mean(rated: Rated, *, level: float = 0.95) -> Mean:
    """The mean over ratings; its variance by leaving out each rater, and each item, once.

    Leaving cluster g out moves the mean by (mean - mean_g) n_g / (n - n_g); the variance is
    (G - 1) / G times the sum of squares, which for clusters of one size is the textbook s^2 / G.
    With items, the variances over raters and over items add, less that over single ratings, which
    both hold (Cameron, Gelbach & Miller 2011, J. Bus. Econ. Stat. 29). The ends are Student's t
    with the effective number of clusters less one, of the way that has fewer.

    Args:
        rated: without items the interval speaks of these very items, and is narrower.
        level: the share of intervals that hold the truth; BATON's Table 4 has 0.96.

    Raises:
        StudioError: no ratings, values that are not numbers, or one rater (or item) alone.
    """
    return _estimate([rated], [1.0], level)


def difference(ours: Rated, theirs: Rated, *, level: float = 0.95) -> Mean:
    """Mean of ours less mean of theirs; a rater (or item) leaves both sides at once.

    Args:
        ours: ratings of one system.
        theirs: ratings of the other, by the same people or others.
        level: see `clustered_mean`.

    Raises:
        StudioError: see `clustered_mean`.
    """
    return _estimate([ours, theirs], [1.0, -1.0], level)


def _estimate(sides: Sequence[Rated], signs: Sequence[float], level: float) -> Mean:
    values = [np.asarray(side.values, dtype=np.float64) for side in sides]
    if any(not len(v) or not np.isfinite(v).all() for v in values):
        raise StudioError(
            f"A mean needs finite ratings on every side; got {[len(v) for v in values]} of them."
        )
    by_rater, raters = _numbered([side.rater for side in sides])
    variance, freedom = _spread(values, by_rater, raters, signs, "raters")
    items = None
    if all(side.item is not None for side in sides):
        by_item, items = _numbered([side.item for side in sides])
        cells, count = _numbered([r * items + i for r, i in zip(by_rater, by_item, strict=True)])
        other, fewer = _spread(values, by_item, items, signs, "items")
        both, _ = _spread(values, cells, count, signs, "ratings")
        variance = max(variance, other, variance + other - both)
        freedom = min(freedom, fewer)
    value = float(sum(s * v.mean() for s, v in zip(signs, values, strict=True)))
    reach = float(stdtrit(freedom, (1 + level) / 2) * np.sqrt(variance))
    return Mean(
        value=value,
        low=value - reach,
        high=value + reach,
        count=sum(map(len, values)),
        raters=raters,
        items=items,
        level=level,
    )


def _numbered(labels: Sequence[np.ndarray]) -> tuple[list[np.ndarray], int]:
    """Labels of all sides as numbers from 0, and how many there are."""
    found, number = np.unique(np.concatenate([*map(np.asarray, labels)]), return_inverse=True)
    return np.split(number, np.cumsum([*map(len, labels)])[:-1]), len(found)


def _spread(
    values: Sequence[np.ndarray],
    cluster: Sequence[np.ndarray],
    clusters: int,
    signs: Sequence[float],
    name: str,
) -> tuple[float, float]:
    """The variance by leaving each cluster out, and its degrees of freedom."""
    shift, share = np.zeros(clusters), np.zeros(clusters)
    for value, number, sign in zip(values, cluster, signs, strict=True):
        size = np.bincount(number, minlength=clusters).astype(np.float64)
        total = np.bincount(number, weights=value, minlength=clusters)
        if size.max() == len(value):
            raise StudioError(
                f"All {len(value)} ratings of a system come from one of the {name}; an interval "
                "needs at least two. Ask more people, or more items."
            )
        shift += sign * (value.mean() * size - total) / (len(value) - size)
        share += size / len(value)
    variance = (clusters - 1) / clusters * float(np.square(shift).sum())
    return variance, max(1.0, float(share.sum() ** 2 / np.square(share).sum() - 1))
