"""What so many pairs can find: exact power of the test in pairs, and the smallest difference."""

import numpy as np
import pytest

from pipelines.compare.significance import (
    detectable_mean,
    detectable_share,
    mcnemar,
    mcnemar_power,
)
from pipelines.errors import StudioError


def test_power_by_hand():
    """Six pairs that all turn for the better: p = 2 / 2^6 = 0.031, always found; five never are.

    Of 6 pairs each turning with 0.9, only all six do: 0.9^6.
    """
    assert mcnemar_power(6, 1.0, 0.0) == pytest.approx(1.0)
    assert mcnemar_power(5, 1.0, 0.0) == 0.0
    assert mcnemar_power(6, 0.9, 0.0) == pytest.approx(0.9**6)


def test_power_without_a_difference_is_below_the_level():
    """The exact test errs at most at its level, on either side."""
    for share in (0.05, 0.2, 0.5):
        assert mcnemar_power(60, share, share) <= 0.05
    assert mcnemar_power(40, 0.3, 0.1) == pytest.approx(mcnemar_power(40, 0.1, 0.3))
    assert mcnemar_power(40, 0.0, 0.0) == 0.0


def test_power_is_what_draws_find():
    """Of 20,000 drawn comparisons of 30 pairs as many are significant as it says, to 1 %."""
    draws = np.random.default_rng(0).multinomial(30, [0.35, 0.05, 0.6], size=20_000)
    pairs, times = np.unique(draws[:, :2], axis=0, return_counts=True)
    found = sum(n for (b, a), n in zip(pairs, times, strict=True) if mcnemar(b, a) <= 0.05)
    assert mcnemar_power(30, 0.35, 0.05) == pytest.approx(found / 20_000, abs=0.01)


def test_the_smallest_share_is_found_in_four_of_five():
    """At it the power is 0.8, a point below it is less; more pairs find less; losses cost."""
    for pairs, worse in ((12, 0.0), (48, 0.1), (120, 0.02)):
        found = detectable_share(pairs, worse=worse)
        assert mcnemar_power(pairs, worse + found, worse) >= 0.8
        assert mcnemar_power(pairs, worse + found - 0.01, worse) < 0.8
    assert detectable_share(48) < detectable_share(24) < detectable_share(24, worse=0.1)
    assert detectable_share(6) == pytest.approx(0.8 ** (1 / 6), abs=1e-3)
    assert detectable_share(5) is None
    assert detectable_share(48, worse=0.5) is None


def test_the_smallest_mean_is_the_known_one():
    """For many pairs (1.960 + 0.842) / sqrt(n) deviations; for few more, by Student."""
    assert detectable_mean(10_000, 1.0) == pytest.approx(2.8016 / 100, rel=1e-3)
    assert detectable_mean(10, 2.0) == pytest.approx(2 * 0.9969, rel=1e-3)  # d of a t test, n = 10
    assert detectable_mean(1, 1.0) is None
    assert detectable_mean(10, 0.0) is None


def test_shares_that_cannot_be_are_refused():
    """One sentence."""
    with pytest.raises(StudioError, match="add up to at most 1"):
        mcnemar_power(10, 0.7, 0.6)
