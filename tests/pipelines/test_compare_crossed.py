"""Intervals over prompts and seeds: by hand, at their limits, and by how often they hold."""

import numpy as np
import pytest
from scipy.stats import t as student

from pipelines.compare.crossed import crossed_jackknife, crossed_mean
from pipelines.errors import StudioError
from pipelines.seeds import numpy_generator

HAND = np.array([[1.0, 3.0], [2.0, 6.0], [3.0, 3.0]])  # mean 3; groups 2, 4, 3; seeds 2, 4


def test_a_table_by_hand():
    """V_a = var(2, 4, 3) / 3 = 1/3, V_b = var(2, 4) / 2 = 1, V_e: rests are 0 0, -1 1, 1 -1.

    Rest of (2, 1): 2 - 4 - 2 + 3 = -1. Mean square 4 / (2 * 1) = 2, over 6 clips: 1/3.
    V = 1/3 + 1 - 1/3 = 1; freedom = 1 / (1/9/2 + 1/1 + 1/9/2) = 0.9: never below 1.
    """
    found = crossed_mean(HAND)
    assert found.value == 3.0 and found.count == 6
    assert found.error == pytest.approx(1.0) and found.freedom == 1.0
    assert found.high - 3 == pytest.approx(student.ppf(0.975, 1))
    assert found.p == pytest.approx(2 * student.sf(3, 1))


def test_one_seed_is_students_interval_over_prompts():
    """As a t-test of one sample."""
    values = np.array([0.0, 1.0, 1.0, 4.0])
    found = crossed_mean(values[:, None])
    error = values.std(ddof=1) / 2
    assert found.error == pytest.approx(error) and found.freedom == pytest.approx(3)
    assert found.low == pytest.approx(1.5 - student.ppf(0.975, 3) * error)


def test_prompts_of_a_group_count_as_one_draw():
    """Every prompt twice: by itself the interval would shrink, grouped it stays as it was."""
    twice, groups = np.repeat(HAND, 2, axis=0), np.repeat(np.arange(3), 2)
    assert crossed_mean(twice, groups).error == pytest.approx(crossed_mean(HAND).error)
    values = numpy_generator(0, "v").standard_normal((20, 1))
    doubled = np.repeat(values, 2, axis=0)
    assert crossed_mean(doubled).error < 0.75 * crossed_mean(doubled, np.repeat(range(20), 2)).error


def test_the_jackknife_of_a_mean_is_the_mean():
    """A figure that is linear has the same interval both ways, within 1 / groups."""
    draws = numpy_generator(1, "table")
    values = draws.standard_normal((20, 4)) + draws.standard_normal((20, 1)) + 0.3
    one = crossed_mean(values)
    other = crossed_jackknife(lambda kept: values[kept].mean(), np.arange(20), 4, seed=0)
    assert other.value == pytest.approx(one.value)
    assert other.error == pytest.approx(one.error, rel=0.03)
    assert other.freedom == pytest.approx(one.freedom, rel=0.05)


def test_the_jackknife_takes_off_the_bias_of_a_variance():
    """The mean square about the mean is (N - 1) / N of the variance; corrected it is that."""
    values = numpy_generator(2, "x").standard_normal((20, 1))
    found = crossed_jackknife(
        lambda kept: values[kept].var(), np.arange(20), 1, seed=0, corrects_bias=True
    )
    assert found.value == pytest.approx(values.var(ddof=1))


def test_differences_that_are_all_alike_leave_no_chance():
    """No spread: no interval, p is 0, or 1 where nothing differs."""
    assert crossed_mean(np.ones((5, 3))).p == 0.0 and crossed_mean(np.zeros((5, 3))).p == 1.0


@pytest.mark.parametrize(
    "spreads", [(1.0, 0.3, 1.0), (0.3, 0.5, 1.0), (1.0, 0.0, 1.0), (0.0, 0.0, 1.0)]
)
def test_the_interval_holds_the_truth_as_often_as_it_says(spreads):
    """600 draws of 40 prompts and 5 seeds whose effects are known: at least 93 of 100 hold 0."""
    prompts, seeds, rest = spreads
    held = 0
    draws = numpy_generator(3, "coverage", *map(str, spreads))
    for _ in range(600):
        values = (
            prompts * draws.standard_normal((40, 1))
            + seeds * draws.standard_normal((1, 5))
            + rest * draws.standard_normal((40, 5))
        )
        found = crossed_mean(values)
        held += found.low <= 0 <= found.high
    assert held >= 0.93 * 600
    assert held < 600  # an interval that always holds says nothing


def test_tables_that_cannot_be_read_are_refused():
    """Holes, one group, or groups that do not fit."""
    with pytest.raises(StudioError, match="finite values"):
        crossed_mean(np.array([[1.0, np.nan]]))
    with pytest.raises(StudioError, match="at least two"):
        crossed_mean(HAND, np.zeros(3))
    with pytest.raises(StudioError, match="a group for each"):
        crossed_mean(HAND, np.arange(2))
