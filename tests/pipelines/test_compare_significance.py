"""Exact McNemar, signs turned, Holm: numbers worked by hand, symmetry, limits, errors."""

import doctest

import numpy as np
import pytest
from scipy.stats import binomtest, false_discovery_control, ttest_1samp

from pipelines.compare import significance
from pipelines.errors import StudioError


def test_the_examples_in_the_docstrings_are_true():
    """They run."""
    assert doctest.testmod(significance).failed == 0


def test_mcnemar_by_hand():
    """1 against 7: 2 (C(8,0) + C(8,1)) / 2^8 = 18 / 256 = 0.0703125; the other way the same."""
    assert significance.mcnemar(1, 7) == significance.mcnemar(7, 1) == 18 / 256
    assert significance.mcnemar(0, 0) == 1  # no item tells the two apart


def test_mcnemar_is_the_binomial_test():
    """Against scipy's two-sided test of a fair coin."""
    for ours, theirs in ((0, 5), (3, 9), (20, 41), (200, 300)):
        expected = binomtest(ours, ours + theirs).pvalue
        assert significance.mcnemar(ours, theirs) == pytest.approx(expected)


def test_items_that_differ_are_counted():
    """Ours alone in one item, theirs alone in two."""
    ours, theirs = np.array([1, 1, 0, 0, 0], bool), np.array([1, 0, 1, 1, 0], bool)
    assert significance.discordant(ours, theirs) == (1, 2)


def test_signs_by_hand():
    """1, 1, -1 add up to 1, which all 8 ways reach: p = 1. 2, 2, -1 add up to 3; the 8 ways
    give 5, 3, -3 and -5 once each, and 1 and -1 twice: 4 of 8 reach it."""
    assert significance.sign_flips(np.array([1.0, 1, -1]), seed=0) == 1
    assert significance.sign_flips(np.array([2.0, 2, -1]), seed=0) == 0.5


def test_signs_drawn_agree_with_students_test():
    """60 normal differences: near the t test, repeatable by seed, and never 0."""
    found = np.random.default_rng(4).normal(0.25, 1, 60)
    drawn = significance.sign_flips(found, seed=1)
    assert drawn == significance.sign_flips(found, seed=1)
    assert drawn == pytest.approx(ttest_1samp(found, 0).pvalue, abs=0.01)
    assert drawn == pytest.approx(significance.sign_flips(-found, seed=2), abs=0.01)
    assert significance.sign_flips(np.ones(40), seed=1) == pytest.approx(1 / 20_001)


def test_holm_by_hand():
    """0.01, 0.02, 0.03, 0.04: 4 x 0.01 = 0.04, 3 x 0.02 = 0.06, 2 x 0.03 = 0.06, 0.04 -> 0.06."""
    found = significance.holm({"d": 0.04, "b": 0.02, "a": 0.01, "c": 0.03})
    assert found == pytest.approx({"d": 0.06, "b": 0.06, "a": 0.04, "c": 0.06})
    assert list(found) == ["d", "b", "a", "c"]
    assert significance.holm({"a": 0.5, "b": 0.9}) == {"a": 1.0, "b": 1.0}
    assert significance.holm({"a": 0.03}) == {"a": 0.03}
    assert significance.holm({}) == {}


def test_holm_lies_between_nothing_and_bonferroni():
    """Never below the p itself or the weaker Benjamini-Hochberg, never above m p."""
    p = np.random.default_rng(0).uniform(size=9) ** 3
    found = np.array(list(significance.holm(dict(enumerate(p))).values()))
    assert (found >= false_discovery_control(p) - 1e-12).all()
    assert (found <= np.minimum(1, 9 * p) + 1e-12).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: significance.mcnemar(-1, 2), "-1 is no count"),
        (lambda: significance.mcnemar(1, 2.5), "2.5 is no count"),
        (lambda: significance.discordant(np.ones(2), np.ones(3)), r"got \[2\] and \[3\]"),
        (lambda: significance.sign_flips(np.array([]), seed=0), "finite differences"),
        (lambda: significance.sign_flips(np.array([np.nan]), seed=0), "finite differences"),
        (lambda: significance.holm({"a": 1.2}), "1.2 is no p value"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(call, message):
    """Each names what was got."""
    with pytest.raises(StudioError, match=message):
        call()
