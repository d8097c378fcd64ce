"""How sure a figure is: Wilson's interval for shares, the bootstrap for means, differences and more."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipelines.errors import StudioError
from pipelines.seeds import numpy_generator

Z95 = 1.959963984540054  # the normal quantile at 0.975
REPEATS = 10_000  # bootstrap draws; the ends then move by about 1 % of the width from seed to seed


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A figure, its 95 % interval, and how many it was measured on."""

    value: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}], n = {self.count}"

    @property
    def holds_zero(self) -> bool:
        """Whether no difference is among the likely values."""
        return self.low <= 0 <= self.high


def wilson(successes: int, trials: int, *, z: float = Z95) -> Interval:
    """Wilson's score interval of a share, which stays in [0, 1] and holds at 0 and at 1.

    centre = (p + z^2 / 2n) / (1 + z^2 / n),
    reach = z / (1 + z^2 / n) * sqrt(p (1 - p) / n + z^2 / 4n^2)   (Wilson 1927)

    Raises:
        StudioError: no trials, or successes outside of [0, trials].
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise StudioError(
            f"{successes} of {trials} is no share; count at least one trial, and successes "
            "between 0 and the trials."
        )
    share = successes / trials
    shrink = 1 + z * z / trials
    centre = (share + z * z / (2 * trials)) / shrink
    reach = z / shrink * math.sqrt(share * (1 - share) / trials + (z / (2 * trials)) ** 2)
    return Interval(
        value=share,
        low=max(0.0, centre - reach) if successes else 0.0,
        high=min(1.0, centre + reach) if successes < trials else 1.0,
        count=trials,
    )


def bootstrap_mean(values: np.ndarray, *, seed: int, repeats: int = REPEATS) -> Interval:
    """The mean of independent values with its percentile bootstrap interval, 95 %.

    Args:
        values: [items], finite, at least two.
        seed: names the draws; the same seed gives the same interval.
        repeats: bootstrap draws.

    Raises:
        StudioError: fewer than two values, or values that are not numbers.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise StudioError(
            f"An interval needs at least two finite values in one row; got the shape "
            f"{list(values.shape)}."
        )
    draws = numpy_generator(seed, "bootstrap")
    means = np.empty(repeats)
    block = max(1, 2_000_000 // len(values))  # draws at once, so that memory stays small
    for start in range(0, repeats, block):
        count = min(block, repeats - start)
        picks = draws.integers(len(values), size=(count, len(values)))
        means[start : start + count] = values[picks].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(value=values.mean().item(), low=float(low), high=float(high), count=len(values))


def paired_difference(
    ours: np.ndarray, theirs: np.ndarray, *, seed: int, repeats: int = REPEATS
) -> Interval:
    """The mean of ours - theirs over the same items, with its paired bootstrap interval.

    Items (prompts, not candidates) are drawn with both their values, so what makes an item hard
    for both falls out.

    Args:
        ours: [items], one value per item.
        theirs: [items], the same items in the same order.
        seed: names the draws.
        repeats: bootstrap draws.

    Raises:
        StudioError: the two differ in length, or what `bootstrap_mean` raises.
    """
    ours, theirs = (np.asarray(v, dtype=np.float64) for v in (ours, theirs))
    if ours.shape != theirs.shape:
        raise StudioError(
            f"A paired difference needs the same items on both sides; got {len(ours)} and "
            f"{len(theirs)}."
        )
    return bootstrap_mean(ours - theirs, seed=seed, repeats=repeats)


def bootstrap_clusters(
    statistic: Callable[[np.ndarray], float],
    clusters: np.ndarray,
    *,
    seed: int,
    repeats: int = 1000,
) -> Interval:
    """Any figure of rows that come in clusters, with its 95 % interval: whole clusters are drawn.

    The clips of one prompt are alike, so the prompt is the unit of chance. Percentiles are taken
    further out than 2.5 %, as Student's t and n / (n - 1) would for so few clusters (Hesterberg
    2015, The American Statistician 69, section 5.3). A draw on which the figure is not defined is
    passed over; where that is more than one in five, the ends are not a number.

    Args:
        statistic: the figure of rows by their places, int [any]; not a number where undefined.
        clusters: [rows], what each row belongs to.
        seed: names the draws.
        repeats: draws; with 1,000 the ends move by about 4 % of the width from seed to seed.

    Raises:
        StudioError: no rows.
    """
    from scipy.special import ndtr, stdtrit

    names, owner = np.unique(np.asarray(clusters), return_inverse=True)
    if not len(names):
        raise StudioError("An interval needs rows; there are none.")
    value, n = float(statistic(np.arange(len(owner)))), len(names)
    low = high = math.nan
    if n > 1:
        rows = [np.flatnonzero(owner == i) for i in range(n)]
        draws = numpy_generator(seed, "clusters")
        found = np.array(
            [
                statistic(np.concatenate([rows[i] for i in draws.integers(n, size=n)]))
                for _ in range(repeats)
            ]
        )
        found = found[np.isfinite(found)]
        if len(found) >= 0.8 * repeats:
            tail = float(ndtr(stdtrit(n - 1, 0.025) * math.sqrt(n / (n - 1))))
            low, high = (float(end) for end in np.quantile(found, [tail, 1 - tail]))
    return Interval(value=value, low=low, high=high, count=len(owner))
