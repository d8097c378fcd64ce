"""The jackknife: how far off a figure is, and how sure, told by leaving some clips out."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipelines.intervals import Interval
from pipelines.seeds import numpy_generator

GROUPS = 20  # clips are left out in so many groups: a distance costs seconds, 20 give a steady t
LEAST = 10  # clips that an interval needs; below, t and the normal law are far apart


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """What leaving out one side's clips says of a figure."""

    bias: float  # how much too high the figure is, to first order
    variance: float  # that comes from this side's clips
    groups: int


def leave_out(
    statistic: Callable[[np.ndarray], float], full: float, clips: int, *, seed: int, side: str
) -> LeftOut:
    """Recompute a figure without each of at most 20 random groups of clips.

    With g groups and f_i the figure without group i: bias (g - 1) (mean f - full) and variance
    (g - 1) / g sum (f_i - mean f)^2   (Quenouille 1956; Tukey 1958; Shao & Tu 1995, section 2.3)

    Args:
        statistic: the figure from the places of the clips that stay, int [clips].
        full: the figure of all clips.
        clips: how many there are.
        seed: names the groups.
        side: which set, so that two sets are grouped apart.
    """
    order = numpy_generator(seed, "jackknife", side).permutation(clips)
    groups = np.array_split(order, min(GROUPS, clips))
    left = np.array([statistic(np.setdiff1d(order, group)) for group in groups])
    g = len(groups)
    return LeftOut(
        bias=float((g - 1) * (left.mean() - full)),
        variance=float((g - 1) / g * np.square(left - left.mean()).sum()),
        groups=g,
    )


def corrected(full: float, *sides: LeftOut, count: int) -> Interval:
    """The figure without its bias, with Student's interval, 95 %.

    Args:
        full: the figure of all clips.
        sides: each set's share of bias and variance.
        count: clips of the smaller set.
    """
    from scipy.special import stdtrit

    value = full - sum(side.bias for side in sides)
    quantile = float(stdtrit(min(side.groups for side in sides) - 1, 0.975))
    reach = quantile * math.sqrt(sum(side.variance for side in sides))
    return Interval(value=value, low=value - reach, high=value + reach, count=count)
