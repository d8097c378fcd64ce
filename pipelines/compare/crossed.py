"""Figures over prompts and training seeds at once: intervals that carry the chance of both.

Every model is trained with several seeds and every seed answers every prompt, so the two are
crossed. A prompt is hard for all seeds, a seed is good on all prompts, and clips are no independent
draws of either.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipelines.errors import StudioError
from pipelines.seeds import numpy_generator

GROUPS = 20  # of prompts, that a jackknife leaves out by turns


@dataclass(frozen=True, kw_only=True)
class Found:
    """A figure with its 95 % interval by Student's t, and the p of its being 0."""

    value: float
    low: float
    high: float
    count: int  # clips, or pairs of clips
    error: float  # standard error
    freedom: float  # degrees of freedom
    p: float  # two-sided

    @property
    def plain(self) -> dict[str, float | int | None]:
        """Plain values; None where a figure is no number."""
        told = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {k: v if math.isfinite(v) else None for k, v in told.items()}


def crossed_mean(values: np.ndarray, groups: np.ndarray | None = None) -> Found:
    """The mean over prompts and seeds, as if both had been drawn at random.

    For y_ij of group i and seed j, of n groups and m seeds, with V_a the variance of a mean of the
    n group means, V_b that of the m seed means, and V_e that of what neither explains,

        V = V_a + V_b - V_e,   freedom = V^2 / (V_a^2 / (n-1) + V_b^2 / (m-1) + V_e^2 / ((n-1)(m-1)))

    (two-way random effects; Satterthwaite 1946). V_e is in V_a and in V_b and counts once. Where
    chance makes V smaller than V_a or V_b, the larger of these is taken. One seed alone: V = V_a.

    >>> crossed_mean(np.array([[0.0], [1.0], [2.0], [3.0]])).error  # sqrt(5 / 3) / 2, no seeds to vary
    0.6454972243679028

    Args:
        values: [prompts, seeds].
        groups: [prompts], what belongs together: prompts of the same events are drawn together, a
            group weighing as much as it has prompts. None: each prompt by itself.

    Raises:
        StudioError: fewer than two groups, or values that are not numbers.
    """
    rows = np.asarray(values, dtype=np.float64)
    if rows.ndim != 2 or not rows.size or not np.isfinite(rows).all():
        raise StudioError(
            f"An interval over prompts and seeds needs finite values [prompts, seeds]; got the "
            f"shape {list(rows.shape)}."
        )
    owner = _owners(groups, len(rows))
    value = float(rows.mean())
    pulls = np.zeros((owner.max() + 1, rows.shape[1]))
    np.add.at(pulls, owner, rows - value)  # each group's pull on the sum, by seed
    return _found(value, pulls / rows.size, rows.size)


def crossed_jackknife(
    statistic: Callable[[np.ndarray], float],
    groups: np.ndarray,
    seeds: int,
    *,
    seed: int,
    corrects_bias: bool = False,
) -> Found:
    """Any figure of the clips of prompts and seeds, with an interval as that of `crossed_mean`.

    Groups of prompts are gathered into at most 20 parts; the clips of each part under each seed are
    left out in turn, and what that changes is their pull on the figure (delete-a-cell jackknife).

    Args:
        statistic: the figure from which clips stay: bool [prompts, seeds].
        groups: [prompts], what belongs together.
        seeds: how many.
        seed: names the parts.
        corrects_bias: take off the bias that leaving clips out shows, as of a distance of few clips.

    Raises:
        StudioError: fewer than two groups.
    """
    owner = _owners(groups, len(groups))
    count = int(owner.max()) + 1
    order = numpy_generator(seed, "parts of prompts").permutation(count)
    part_of = np.empty(count, dtype=int)
    parts = min(GROUPS, count)
    part_of[order] = np.arange(count) % parts
    whole = np.ones((len(owner), seeds), dtype=bool)
    full = float(statistic(whole))
    left = np.empty((parts, seeds))
    for part in range(parts):
        for column in range(seeds):
            kept = whole.copy()
            kept[part_of[owner] == part, column] = False
            left[part, column] = statistic(kept)
    cells = left.size
    value = full - (cells - 1) * (left.mean() - full) if corrects_bias else full
    pulls = (cells - 1) / cells * (left.mean() - left)
    return _found(float(value), pulls, int(whole.sum()))


def _owners(groups: np.ndarray | None, prompts: int) -> np.ndarray:
    """The group of each prompt, counted from 0."""
    found = np.arange(prompts) if groups is None else np.asarray(groups)
    if found.shape != (prompts,) or len(np.unique(found)) < 2:
        raise StudioError(
            f"An interval over prompts needs a group for each and at least two of them; got "
            f"{found.size} for {prompts} prompts, {len(np.unique(found))} different."
        )
    return np.unique(found, return_inverse=True)[1]


def _found(value: float, pulls: np.ndarray, count: int) -> Found:
    """The interval of a figure that is, near its value, a sum of pulls [groups, seeds]."""
    from scipy.special import stdtr, stdtrit

    n, m = pulls.shape
    by_group, by_seed = pulls.sum(1), pulls.sum(0)
    v_a = n / (n - 1) * float(np.square(by_group - by_group.mean()).sum())
    v_b = v_e = 0.0
    if m > 1:
        v_b = m / (m - 1) * float(np.square(by_seed - by_seed.mean()).sum())
        rest = pulls - by_group[:, None] / m - by_seed / n + pulls.mean()
        v_e = n * m / ((n - 1) * (m - 1)) * float(np.square(rest).sum())
    total = max(v_a + v_b - v_e, v_a, v_b)
    error = math.sqrt(total)
    if error == 0:
        return Found(value=value, low=value, high=value, count=count, error=0.0,
                     freedom=float(n - 1), p=1.0 if value == 0 else 0.0)  # fmt: skip
    shares = v_a**2 / (n - 1)
    if m > 1:
        shares += v_b**2 / (m - 1) + v_e**2 / ((n - 1) * (m - 1))
    freedom = max(1.0, total**2 / shares)
    reach = float(stdtrit(freedom, 0.975)) * error
    return Found(
        value=value,
        low=value - reach,
        high=value + reach,
        count=count,
        error=error,
        freedom=freedom,
        p=float(2 * stdtr(freedom, -abs(value) / error)),
    )
