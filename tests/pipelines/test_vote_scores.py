"""Agreement, clustered means, z-scores, ranks, MOS and label shares: worked examples and limits."""

import json

import numpy as np
import pytest
from scipy import stats

from pipelines.errors import StudioError
from pipelines.vote import agreement, means, scores

NONE = np.nan
KRIPPENDORFF = np.array(  # his example: 4 coders, 12 units ("Computing Krippendorff's alpha", 2011)
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3],
        [NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE],
    ]
)


@pytest.mark.parametrize(
    ("scale", "value"),
    [
        ("nominal", 0.743421052631579),
        ("ordinal", 0.815387503754881),
        ("interval", 0.849107142857142),
    ],
)
def test_alpha_of_krippendorffs_example(scale, value):
    """He prints 0.743, 0.815 and 0.849; the digits are krippendorff.alpha's (0.9.0), and evalica's.

    krippendorff.alpha(KRIPPENDORFF, level_of_measurement=scale); evalica.alpha(frame, scale).
    """
    assert agreement.alpha(KRIPPENDORFF, scale=scale) == pytest.approx(value, abs=1e-12)
    found = agreement.evaluate(KRIPPENDORFF, scale=scale, seed=0)
    assert found["value"] == pytest.approx(value)
    assert found["low"] < value < found["high"]
    assert (found["items"], found["raters"], found["ratings"]) == (11, 4, 40)


def test_alpha_by_hand():
    """Two raters, 00 01 11 11: o(0,1) = o(1,0) = 1, n0 = 3, n1 = 5, so 1 - 7 x 2 / (2 x 15) = 8/15."""
    assert agreement.alpha(np.array([[0, 0, 1, 1], [0, 1, 1, 1]]), scale="nominal") == (
        pytest.approx(8 / 15)
    )


def test_alpha_in_its_limits():
    """Same labels: 1. Opposite ones: below 0. Names of nominal values do not matter. All equal: none."""
    one = np.array([0, 1, 2, 0, 1, 2.0])
    assert agreement.alpha(np.stack([one, one, one]), scale="ordinal") == 1
    assert agreement.alpha(np.array([[0, 1, 0, 1], [1, 0, 1, 0.0]]), scale="nominal") < 0
    again = 10 - KRIPPENDORFF
    for scale in ("nominal", "ordinal", "interval"):
        assert agreement.alpha(again, scale=scale) == pytest.approx(
            agreement.alpha(KRIPPENDORFF, scale=scale)
        )
    same = agreement.evaluate(np.ones((2, 5)), scale="nominal", seed=0, draws=50)
    assert same["value"] is None and same["undefined_draws"] == 50


def test_alpha_intervals_are_over_items_and_seeded():
    """Twice the items, sqrt(2) narrower; the width is 3.92 standard errors by leaving items out."""
    draws = np.random.default_rng(0)
    table = (draws.random((4, 60)) < draws.choice([0.1, 0.6, 0.9], 60)).astype(float)
    one, same = (agreement.evaluate(table, scale="nominal", seed=1) for _ in range(2))
    twice = agreement.evaluate(np.hstack([table, table]), scale="nominal", seed=1)
    assert one == same
    widths = [found["high"] - found["low"] for found in (one, twice)]
    assert widths[0] / widths[1] == pytest.approx(np.sqrt(2), rel=0.1)
    without = [agreement.alpha(np.delete(table, i, axis=1), scale="nominal") for i in range(60)]
    error = np.sqrt(59 / 60 * np.square(np.array(without) - np.mean(without)).sum())
    assert widths[0] == pytest.approx(3.92 * error, rel=0.1)


def test_wrong_ratings_are_refused_in_words():
    """A scale that is none; one rater alone."""
    with pytest.raises(StudioError, match="scale is 'ratio'; allowed are nominal"):
        agreement.validate(KRIPPENDORFF, "ratio")
    with pytest.raises(StudioError, match="0 items were rated by two"):
        agreement.validate(KRIPPENDORFF[:1], "nominal")


def test_a_mean_over_raters_of_equal_diligence_is_students_t():
    """Four raters, three items each: s / sqrt(4) of the rater means, with t(3)."""
    value = np.array([4, 5, 3, 4, 2, 3, 4, 4, 5, 1, 2, 3.0])
    rater = np.repeat(range(4), 3)
    found = means.clustered_mean(means.Rated(values=value, rater=rater))
    by_rater = value.reshape(4, 3).mean(axis=1)
    low, high = stats.t.interval(0.95, 3, loc=by_rater.mean(), scale=stats.sem(by_rater))
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert (found.count, found.raters, found.items) == (12, 4, None)


def test_two_ways_add_and_single_ratings_come_off():
    """6 raters, 5 items, ratings missing: the variance is V(raters) + V(items) - V(single).

    Each V worked here by really leaving out: (G - 1) / G sum (mean without g - mean)^2.
    """
    rater, item = (c.ravel() for c in np.meshgrid(range(6), range(5), indexing="ij"))
    kept = (rater + item) % 4 != 3
    rater, item = rater[kept], item[kept]
    value = 1.0 + (3 * rater + 2 * item + rater * item) % 5
    spread = []
    for label in (rater, item, np.arange(len(value))):
        without = np.array([value[label != g].mean() for g in np.unique(label)])
        part = np.square(without - value.mean()).sum() * (len(without) - 1) / len(without)
        spread.append(part)
    found = means.clustered_mean(means.Rated(values=value, rater=rater, item=item))
    share = np.bincount(item) / len(item)
    freedom = min(5.0, 1 / np.square(share).sum() - 1)
    variance = max(spread[0], spread[1], spread[0] + spread[1] - spread[2])
    reach = stats.t.ppf(0.975, freedom) * np.sqrt(variance)
    assert found.high - found.value == pytest.approx(reach)


def test_a_difference_pairs_raters():
    """Raters differ by ten points, the systems by one: the difference is sure, each mean is not."""
    rater, mood = np.arange(6), np.array([0, 2, 4, 6, 8, 10.0])
    ours = means.Rated(values=mood + 1 + np.array([0.1, -0.1] * 3), rater=rater)
    theirs = means.Rated(values=mood, rater=rater)
    gap = means.difference(ours, theirs)
    assert gap.low > 0.8 and gap.high < 1.2
    assert means.clustered_mean(ours).low < 3 < means.clustered_mean(ours).high
    low, high = stats.ttest_rel(ours.values, theirs.values).confidence_interval(0.95)
    assert (gap.low, gap.high) == (pytest.approx(low), pytest.approx(high))
    with pytest.raises(StudioError, match="from one of the raters"):
        means.clustered_mean(means.Rated(values=mood, rater=np.zeros(6)))


SYSTEM = np.array(["p", "q", "r"] * 4)
RATER = np.repeat(["ann", "bob"], 6)
ITEM = np.tile(np.repeat(["rain", "dog"], 3), 2)
VALUE = np.array([90, 50, 10, 80, 80, 20, 60, 50, 40, 60, 55, 35.0])


def test_z_scores_are_scipys_for_each_rater():
    """Population deviation over all that a rater scored; who scores all alike has none."""
    found = scores.z_scores(RATER, VALUE)
    assert found[:6] == pytest.approx(stats.zscore(VALUE[:6]))
    assert found[6:] == pytest.approx(stats.zscore(VALUE[6:]))
    assert np.isnan(scores.z_scores(np.zeros(7), np.full(7, 0.1))).all()  # rounding is no opinion


def test_ranks_by_hand():
    """ann on the dog: 80, 80, 20 are ranks 1.5, 1.5, 3, and places 1, 1, 3; all sets sum to 6."""
    ranks, places = scores.rank_within(SYSTEM, RATER, ITEM, VALUE)
    assert ranks[3:6].tolist() == [1.5, 1.5, 3] and places[3:6].tolist() == [1, 1, 3]
    assert ranks.reshape(4, 3).sum(axis=1).tolist() == [6, 6, 6, 6]
    for members in range(0, 12, 3):
        assert ranks[members : members + 3].tolist() == (
            stats.rankdata(-VALUE[members : members + 3]).tolist()
        )


def test_the_table_of_tangoflux():
    """p leads in all four sets but for a tie: mean rank 1.125, mode 1; Elo and z in the same order."""
    found = scores.evaluate(SYSTEM, RATER, ITEM, VALUE, seed=0, scale="REL")
    assert json.loads(json.dumps(found)) == found
    p, q, r = found["systems"]
    assert (p["rank"]["value"], p["modes"], r["modes"]) == (1.125, [1], [3])
    assert p["rank"]["value"] + q["rank"]["value"] + r["rank"]["value"] == pytest.approx(6)
    assert p["z"]["value"] > q["z"]["value"] > r["z"]["value"]
    assert p["elo"] > q["elo"] > r["elo"]
    assert (found["scores"], found["raters"], found["items"]) == (12, 2, 2)


def test_scores_become_votes():
    """Four sets of three systems are twelve votes; one is a tie; p beats r four times."""
    votes = scores.as_votes(SYSTEM, RATER, ITEM, VALUE)
    assert len(votes) == 12 and (votes.outcome == 2).sum() == 1
    assert votes.systems == ("p", "q", "r") and votes.outcome[(votes.b == 2)].tolist() == [0] * 8


def test_a_flat_rater_is_named_and_left_out_of_z():
    """bob gave 50 to all: no z of his, and his name is told."""
    value = np.where(RATER == "bob", 50.0, VALUE)
    found = scores.evaluate(SYSTEM, RATER, ITEM, value, seed=0)
    assert found["flat_raters"] == ["bob"]
    assert found["systems"][0]["z"]["count"] == 2 and found["systems"][0]["z"]["low"] is None
    with pytest.raises(StudioError, match="1 scores repeat"):
        scores.validate(SYSTEM[[0, 0]], RATER[[0, 0]], ITEM[[0, 0]], VALUE[[0, 0]])


def test_opinion_scores_and_their_differences():
    """Means by hand: p (90 + 80 + 60 + 60) / 4 = 72.5; r 26.25; the difference 46.25; 96 % wider."""
    found = scores.opinion(SYSTEM, RATER, ITEM, VALUE)
    assert [row["value"] for row in found["systems"]] == [72.5, 58.75, 26.25]
    assert found["differences"][1]["value"] == 46.25
    wide = scores.opinion(SYSTEM, RATER, ITEM, VALUE, level=0.96)
    assert wide["systems"][0]["high"] > found["systems"][0]["high"]


def test_label_shares_by_hand():
    """Of six labels three are 1, two 0, one uncertain; the paper's 'skip' is our uncertain."""
    found = scores.label_shares(np.array(list("aabbcc")), [1, 1, 0, 1, 0, "uncertain"])
    assert [found[k]["value"] for k in ("aligned", "not_aligned", "uncertain")] == (
        pytest.approx([1 / 2, 1 / 3, 1 / 6])
    )
    alone = scores.label_shares(np.array(["a", "a"]), [1, 0])
    assert alone["aligned"]["value"] == 0.5 and alone["aligned"]["low"] is None
    with pytest.raises(StudioError, match="got maybe"):
        scores.label_shares(np.array(["a"]), ["maybe"])
