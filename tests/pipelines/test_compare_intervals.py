"""Wilson and bootstrap intervals, KL, Inception score, CLAP score and diversity, by hand."""

import math

import numpy as np
import pytest
import torch

from pipelines import intervals
from pipelines.compare import probabilities, similarity
from pipelines.errors import StudioError


def test_wilson_by_hand():
    """8 of 10, z = 2: centre (0.8 + 0.2) / 1.4 = 5/7, reach 2/1.4 sqrt(0.016 + 0.01) = 0.230350."""
    found = intervals.wilson(8, 10, z=2)
    assert (found.value, found.count) == (0.8, 10)
    assert (found.low + found.high) / 2 == pytest.approx(5 / 7)
    assert (found.high - found.low) / 2 == pytest.approx(0.230350, abs=1e-6)


def test_wilson_at_the_ends_and_in_the_mirror():
    """0 of n starts at 0 and ends at z^2 / (n + z^2); failures mirror successes."""
    none, z2 = intervals.wilson(0, 20), intervals.Z95**2
    assert (none.low, none.high) == (0, pytest.approx(z2 / (20 + z2)))
    assert intervals.wilson(20, 20).low == pytest.approx(1 - none.high)
    one, other = intervals.wilson(3, 17), intervals.wilson(14, 17)
    assert (one.low, one.high) == (pytest.approx(1 - other.high), pytest.approx(1 - other.low))


def test_wilson_covers_as_often_as_it_says():
    """Summed over the binomial law of 48 trials at 0.9, the interval holds 0.9 in 92 to 98 %."""
    held = sum(
        math.comb(48, k) * 0.9**k * 0.1 ** (48 - k)
        for k in range(49)
        if intervals.wilson(k, 48).low <= 0.9 <= intervals.wilson(k, 48).high
    )
    assert 0.92 < held < 0.98


def test_bootstrap_of_coins_agrees_with_the_normal_law():
    """400 values, half 0 and half 1: the interval is 0.5 -+ 1.96 x 0.5 / 20 = 0.451 to 0.549."""
    values = np.repeat([0.0, 1.0], 200)
    found = intervals.bootstrap_mean(values, seed=3)
    assert found.value == 0.5
    assert (found.low, found.high) == (
        pytest.approx(0.451, abs=4e-3),
        pytest.approx(0.549, abs=4e-3),
    )


def test_bootstrap_is_named_by_its_seed():
    """The same seed repeats the interval exactly, another one moves it a little."""
    values = np.random.default_rng(0).normal(size=50)
    one, same, other = (intervals.bootstrap_mean(values, seed=s) for s in (1, 1, 2))
    assert one == same
    assert one.low != other.low
    assert one.low == pytest.approx(other.low, abs=0.02)


def test_pairs_take_out_what_makes_an_item_hard():
    """Ours = theirs + 0.1 everywhere: the paired interval is one point, though items differ."""
    theirs = np.random.default_rng(1).normal(scale=10, size=30)
    found = intervals.paired_difference(theirs + 0.1, theirs, seed=1)
    assert (found.value, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))
    assert not found.holds_zero
    assert intervals.paired_difference(theirs, theirs, seed=1).holds_zero
    assert str(intervals.wilson(8, 10)).endswith("n = 10")


def test_kl_by_hand_and_by_direction():
    """p = (1/2, 1/2), q = (1/4, 3/4): KL(p||q) = ln 2 - ln 3 / 2 = 0.143841; back: 0.130812."""
    p, q = np.array([[0.5, 0.5]]), np.array([[0.25, 0.75]])
    there = probabilities.divergences(p, q)[0]
    back = probabilities.divergences(p, q, direction="generated||reference")[0]
    assert there == pytest.approx(0.143841, abs=1e-5)
    assert back == pytest.approx(0.130812, abs=1e-5)
    assert probabilities.divergences(p, p)[0] == pytest.approx(0, abs=1e-5)


def test_kl_equals_what_the_field_computes():
    """torch's kl_div(log(q + 1e-6), p), which audioldm_eval calls, on softmax and on sigmoid."""
    one, other = np.random.default_rng(0).normal(size=(2, 6, 9))
    for name, activate in (("softmax", lambda x: x.softmax(dim=1)), ("sigmoid", torch.sigmoid)):
        p, q = (activate(torch.from_numpy(rows)) for rows in (one, other))
        theirs = torch.nn.functional.kl_div((q + 1e-6).log(), p, reduction="none").sum(dim=1)
        found = probabilities.evaluate_divergence(
            one, other, classifier="AST", seed=1, activation=name
        )
        assert found["value"] == pytest.approx(theirs.mean().item(), rel=1e-9)
        assert found["settings"]["activation"] == name


def test_sigmoids_may_fall_below_zero():
    """Logits 0 against ln 3: sigmoids 1/2 and 3/4, 1/2 ln(2/3) = -0.202733: no divergence."""
    found = probabilities.evaluate_divergence(
        np.zeros((2, 1)), np.full((2, 1), math.log(3)), classifier="AST", seed=1,
        activation="sigmoid",
    )  # fmt: skip
    assert found["metric"] == "KL-sigmoid-AST"
    assert found["value"] == pytest.approx(-0.202733, abs=1e-5)


def test_kl_result_says_its_direction():
    """The result names classifier, direction and the number of pairs."""
    rows = np.random.default_rng(0).normal(size=(12, 5))
    found = probabilities.evaluate_divergence(rows, rows[::-1], classifier="AST", seed=1)
    assert (found["metric"], found["counts"]) == ("KL-AST", {"pairs": 12, "classes": 5})
    assert found["settings"]["direction"] == "reference||generated"
    assert 0 < found["low"] < found["value"] < found["high"]


def test_inception_score_limits():
    """All clips alike give 1; each of 4 classes once and surely gives 4."""
    assert probabilities.inception_score(np.full((6, 4), 0.25)) == pytest.approx(1)
    assert probabilities.inception_score(np.eye(4)) == pytest.approx(4)
    sure = 50.0 * np.repeat(np.eye(4), 50, axis=0)  # logits
    found = probabilities.evaluate_inception(sure, classifier="AST")
    assert found["metric"] == "IS-AST" and found["settings"]["splits"] == 10
    assert 3.5 < found["low"] < found["value"] <= 4
    whole = probabilities.evaluate_inception(sure, classifier="AST", splits=1)
    assert whole["value"] == pytest.approx(4)
    assert (whole["low"], whole["interval"][:4]) == (None, "none")


def test_inception_score_by_hand():
    """p = (1, 0) and (1/2, 1/2), mean (3/4, 1/4): KL ln 4/3 = 0.287682 and ln 2/3 / 2 + ln 2 / 2 =
    0.143841; exp of their mean 0.215762 = 1.240807."""
    found = probabilities.inception_score(np.array([[1.0, 0], [0.5, 0.5]]))
    assert found == pytest.approx(1.240807, abs=1e-6)


def test_inception_interval_is_students_over_splits():
    """10 splits: value -+ 2.262157 s / sqrt(10), where the spread in papers is s sqrt(9 / 10)."""
    logits = np.random.default_rng(3).normal(size=(60, 7))
    found = probabilities.evaluate_inception(logits, classifier="AST")
    reach = 2.262157 * found["detail"]["spread"] / 3
    assert found["high"] - found["value"] == pytest.approx(reach, rel=1e-6)
    assert found["value"] - found["low"] == pytest.approx(reach, rel=1e-6)


def test_clap_score_by_hand():
    """Vectors (3, 4) and (1, 0) have cosine 0.6, (0, 2) and (0, -1) have -1: mean -0.2."""
    audio, text = np.array([[3.0, 4], [0, 2]]), np.array([[1.0, 0], [0, -1]])
    assert similarity.cosines(*similarity.validate(audio, text)) == pytest.approx([0.6, -1])
    found = similarity.evaluate_clap_score(audio, text, embedder="evaluation", seed=1)
    assert found["metric"] == "CLAP-score-evaluation"
    assert found["value"] == pytest.approx(-0.2)
    named = similarity.evaluate_clap_score(audio, text, embedder="CLAP-evaluation", seed=1)
    assert (named["metric"], named["judge"]["name"]) == (found["metric"], "CLAP-evaluation")


def test_diversity_by_hand():
    """Two equal vectors and an orthogonal one: pair distances 0, 1, 1, mean 2/3."""
    rows = np.array([[1.0, 0], [1, 0], [0, 1]])
    assert similarity.diversity(rows) == pytest.approx(2 / 3)
    assert similarity.evaluate_diversity(rows * 7, embedder="CLAP")["value"] == pytest.approx(2 / 3)
    assert similarity.diversity(np.eye(5)) == pytest.approx(1)


def test_diversity_holds_what_is_true():
    """Directions within 1 radian: truly 1 - sin(1)^2 = 0.291927; 34 of 40 intervals or more do."""
    held = 0
    for seed in range(40):
        angle = np.random.default_rng(seed).uniform(-1, 1, size=60)
        rows = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        found = similarity.evaluate_diversity(rows, embedder="CLAP", seed=1)
        held += found["low"] <= 1 - np.sin(1) ** 2 <= found["high"]
    assert held >= 34
    assert (found["low"] + found["high"]) / 2 == pytest.approx(found["value"], rel=1e-12)
    few = similarity.evaluate_diversity(rows[:9], embedder="CLAP")
    assert (few["low"], few["interval"]) == (None, "none: at least 10 clips are needed")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: intervals.wilson(3, 0), "count at least one trial"),
        (lambda: intervals.wilson(4, 3), "4 of 3 is no share"),
        (lambda: intervals.bootstrap_mean(np.array([1.0]), seed=0), "at least two finite values"),
        (lambda: intervals.paired_difference(np.ones(3), np.ones(4), seed=0), "got 3 and 4"),
        (lambda: probabilities.validate(np.array([[0.5, np.inf]])), "not numbers"),
        (lambda: probabilities.validate(np.ones(3)), r"shapes \[\[3\]\]"),
        (
            lambda: probabilities.evaluate_divergence(
                np.eye(3), np.eye(3)[:2], classifier="x", seed=0
            ),
            "got 3 reference and 2 generated clips",
        ),
        (
            lambda: probabilities.evaluate_divergence(
                np.eye(3), np.eye(3), classifier="x", seed=0, activation="relu"
            ),
            "choose softmax or sigmoid",
        ),
        (lambda: probabilities.validate(np.eye(2), np.eye(3)), "same classes"),
        (lambda: probabilities.evaluate_inception(np.eye(4), classifier="x"), "cannot be cut"),
        (lambda: similarity.validate(np.ones((2, 3)), np.ones((3, 3))), "2 clips and 3 texts"),
        (lambda: similarity.validate(np.zeros((2, 3)), np.ones((2, 3))), "all zeros"),
        (
            lambda: probabilities.evaluate_divergence(
                np.eye(3), np.eye(3), classifier="x", seed=0, direction="both"
            ),
            "no direction 'both'",
        ),
    ],
)
def test_bad_input_is_refused_in_a_sentence(call, message):
    """Each unusable input names what was got and what to do."""
    with pytest.raises(StudioError, match=message):
        call()


def test_clusters_are_drawn_whole():
    """20 prompts of 5 equal rows say no more than 20 rows: the interval is sqrt(5) times wider."""
    values = np.repeat(np.arange(20) % 2, 5).astype(float)
    prompts = np.repeat(np.arange(20), 5)
    whole = intervals.bootstrap_clusters(lambda at: values[at].mean(), prompts, seed=0)
    alone = intervals.bootstrap_clusters(lambda at: values[at].mean(), np.arange(100), seed=0)
    assert whole.value == alone.value == 0.5 and whole.count == 100
    ratio = (whole.high - whole.low) / (alone.high - alone.low)
    assert ratio == pytest.approx(math.sqrt(5), rel=0.15)


def test_a_figure_that_cannot_be_drawn_has_no_interval():
    """One cluster, or a figure that is undefined on most draws: the value stands, the ends do not."""
    one = intervals.bootstrap_clusters(lambda at: 1.0, np.zeros(4), seed=0)
    rare = intervals.bootstrap_clusters(
        lambda at: 1.0 if 0 in at else math.nan, np.arange(30), seed=0
    )
    for found in (one, rare):
        assert found.value == 1.0 and math.isnan(found.low) and math.isnan(found.high)
    with pytest.raises(StudioError, match="needs rows"):
        intervals.bootstrap_clusters(lambda at: 1.0, np.zeros(0), seed=0)
