"""The reward's figures, by numbers worked by hand."""

import doctest
import math

import numpy as np
import pytest

from pipelines.errors import StudioError
from pipelines.reward import metrics

R = np.array([0.9, 0.8, 0.4, 0.3])
Y = np.array([1.0, 0.0, 1.0, 0.0])


def test_examples_in_docstrings_hold():
    """Every example that a docstring shows prints what it says."""
    found = doctest.testmod(metrics)
    assert found.attempted and not found.failed


def test_area_under_curve_by_hand():
    """Of the 4 pairs (1, 0) three are right: .9 > .8, .9 > .3, .4 > .3, not .4 > .8: 0.75."""
    assert metrics.area_under_curve(R, Y) == 0.75
    assert metrics.area_under_curve(R, 1 - Y) == 0.25
    assert metrics.area_under_curve(np.full(4, 0.5), Y) == 0.5
    assert math.isnan(metrics.area_under_curve(R, np.ones(4)))


def test_accuracy_and_brier_by_hand():
    """.9 and .3 are on the right side: 1/2; squares .01 + .64 + .36 + .09 = 1.1, over 4 = 0.275."""
    assert metrics.accuracy(R, Y) == 0.5
    assert metrics.brier(R, Y) == pytest.approx(0.275)


def test_order_within_prompts_sees_no_further_than_a_prompt():
    """Prompts {.9 of 1, .8 of 0} and {.4 of 1, .3 of 0}: both right, though .8 of 0 beats .4 of 1."""
    assert metrics.order_within_prompts(R, Y, np.array([0, 0, 1, 1])) == 1.0
    assert metrics.order_within_prompts(np.full(4, 0.3), Y, np.array([0, 0, 1, 1])) == 0.5  # ties
    hard = np.array([0, 1, 0, 1])  # each prompt has one label only
    assert math.isnan(metrics.order_within_prompts(R, Y, hard))


def test_calibration_by_hand():
    """Two bins: [.3, .4] foretell .35 and 1/2 hold; [.8, .9] foretell .85 and 1/2: error .25."""
    assert metrics.calibration_error(R, Y, bins=2) == pytest.approx(0.25)
    low, high = metrics.calibration_curve(R, Y, bins=2)
    assert (low.reward, high.reward) == pytest.approx((0.35, 0.85))
    assert low.aligned.value == high.aligned.value == 0.5 and low.aligned.count == 2
    assert (low.low, high.high) == (0.0, 1.0)
    assert metrics.calibration_error(np.array([1.0, 0.0]), np.array([1.0, 0.0])) == 0.0


def test_rewards_that_are_true_chances_are_calibrated():
    """20,000 labels drawn at their rewards: the error is under 0.02, and every bin holds its mean."""
    draws = np.random.default_rng(0)
    r = draws.uniform(size=20_000)
    y = (draws.uniform(size=20_000) < r).astype(float)
    assert metrics.calibration_error(r, y) < 0.02
    assert metrics.calibration_error(r**3, y) > 0.1
    inside = [b.aligned.low <= b.reward <= b.aligned.high for b in metrics.calibration_curve(r, y)]
    assert sum(inside) >= 8


def test_histogram_counts_every_sound_once():
    """Rewards at 0, 1 and the edges fall into a bin each."""
    found = metrics.histogram(np.array([0.0, 0.5, 1.0, 0.2]), np.array([0, 1, 1, 0]), bins=2)
    assert found[0]["counts"] == [2, 0] and found[1]["counts"] == [0, 2]
    assert found[0]["edges"] == [0.0, 0.5, 1.0]


def test_two_labellings_agree_beyond_chance():
    """3 of 4 equal; chance .5 * .75 + .5 * .25 = .5; kappa (.75 - .5) / .5 = 1/2."""
    found = metrics.agreement(np.array([1, 1, 0, 0]), np.array([1, 1, 1, 0]))
    assert found == {"share": 0.75, "kappa": pytest.approx(0.5), "count": 4}
    assert math.isnan(metrics.agreement(np.ones(3), np.ones(3))["kappa"])


def test_the_furthest_apart_come_first():
    """Distances .1, .8, .6, .3: places 1, 2, 3."""
    assert metrics.disagreements(R, Y, 3) == [1, 2, 3]


def test_evaluation_has_intervals_over_prompts_and_names_faults():
    """Each figure holds its value in its interval; equal seeds give equal ends."""
    draws = np.random.default_rng(1)
    y = draws.integers(0, 2, 100).astype(float)
    r = np.clip(0.5 + 0.2 * (y - 0.5) + 0.2 * draws.standard_normal(100), 0, 1)
    prompts = [f"prompt {i // 5}" for i in range(100)]
    found = metrics.evaluate(r, y, prompts, seed=3)
    assert found == metrics.evaluate(r, y, prompts, seed=3)
    for figure in found.values():
        assert figure.low <= figure.high and figure.count == 100
    assert found["auc"].low < found["auc"].value < found["auc"].high
    with pytest.raises(StudioError, match="2 rewards, 1 labels"):
        metrics.evaluate([0.1, 0.2], [1], ["a", "b"], seed=0)
    with pytest.raises(StudioError, match="labels are 0 or 1"):
        metrics.evaluate([0.1, 0.2], [1, 0.5], ["a", "b"], seed=0)
    with pytest.raises(StudioError, match="Rewards lie in"):
        metrics.evaluate([0.1, 1.2], [1, 0], ["a", "b"], seed=0)
