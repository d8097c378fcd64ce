"""Intervals over voters: against refits and another library, in their limits, and how often true."""

import numpy as np
import pytest
from scipy.stats import norm, t

from pipelines.errors import StudioError
from pipelines.vote import davidson, intervals, ratings

DESIGN = ratings.pair_design(3)
GAP = np.array([[-1.0, 0, 1, 0]])


def voting(seed: int, *, boards: int, voters: int, votes: int, taste: float) -> np.ndarray:
    """Counts [boards, voters, 3 pairs, 3] of voters with their own strengths around 0."""
    draws = np.random.default_rng(seed)
    strength = taste * draws.normal(size=(boards, voters, 3))
    chances = davidson.probabilities(strength @ DESIGN.T, np.array(-0.7))
    games = draws.multinomial(votes, np.full(3, 1 / 3), size=(boards, voters))
    return draws.multinomial(games, chances / chances.sum(axis=-1, keepdims=True)).astype(float)


def test_without_leaving_out_it_is_the_cluster_sandwich():
    """statsmodels 0.15 gives the same standard errors for the same 96 votes of 8 voters.

    Printed by sm.Logit(y, X).fit(cov_type="cluster", cov_kwds={"groups": voter, "use_correction":
    False}).bse, with X the pair's +1 and -1 of systems 1 and 2 (0 is the base), and y: first won.
    """
    counts = np.zeros((8, 3, 3))
    for voter in range(8):
        for k in range(12):
            pair = (voter + k) % 3
            won = (voter * 7 + k * 5 + voter * k) % 11 < 6 + pair
            counts[voter, pair, 0 if won else 1] += 1
    whole = davidson.fit(DESIGN, counts.sum(axis=0), ridge=1e-8)
    slopes = davidson.scores(whole.theta, DESIGN, counts)
    base = np.array([[-1.0, 1, 0, 0], [-1, 0, 1, 0]])
    none = np.zeros((8, 4, 4))
    moves = intervals.leave_one_out(whole, slopes, none) @ base.T
    assert whole.theta @ base.T == pytest.approx([0.17053246, -0.42646863], abs=1e-6)
    assert np.sqrt(np.square(moves).sum(axis=0)) == pytest.approx([0.2695508, 0.45493863], abs=1e-6)


def test_one_step_is_the_refit_within_three_percent():
    """Leaving a voter out by one Newton step moves the gap as fitting without the voter does."""
    counts = voting(0, boards=1, voters=10, votes=60, taste=1.0)[0]
    whole = davidson.fit(DESIGN, counts.sum(axis=0))
    own = davidson.information(whole.theta, DESIGN, counts)
    steps = intervals.leave_one_out(whole, davidson.scores(whole.theta, DESIGN, counts), own)
    refits = davidson.fit(DESIGN, counts.sum(axis=0) - counts).theta - whole.theta
    assert np.abs(steps - refits).max() < 0.03 * np.abs(refits).max()


def test_equal_voters_have_voters_less_one_degrees():
    """All know equally much: n - 1. One with ten times the votes of five: 15^2 / 105 - 1 = 8/7.

    Where one voter holds nearly all that is known there is no interval: others are not known.
    """
    counts = np.tile(np.array([[[4.0, 3, 2]] * 3]), (6, 1, 1))
    found = intervals.by_jackknife(DESIGN, counts, GAP)
    assert found.freedom == pytest.approx([5.0])
    assert found.error == pytest.approx([0], abs=1e-3)  # voters who agree leave no doubt
    counts[0] *= 10
    assert intervals.by_jackknife(DESIGN, counts, GAP).freedom == pytest.approx([8 / 7], rel=1e-3)
    counts[0] *= 20
    for found in (
        intervals.by_jackknife(DESIGN, counts, GAP),
        intervals.by_bootstrap(DESIGN, counts, GAP, seed=0, draws=50),
    ):
        assert np.isnan([found.low[0], found.high[0]]).all()


def test_the_jackknife_of_two_systems_is_students_t_of_means():
    """Gap near 0 and no ties: the gap is 4 (share - 1/2), so its interval is 4 x that of a mean.

    Ten voters of 1,000 votes with shares 0.5 -+ 0.00 to 0.02: sd of shares over sqrt(10), times
    t(9) = 2.262.
    """
    shares = 0.5 + np.array([-20, -15, -10, -6, -1, 1, 6, 10, 15, 20]) / 1000
    counts = np.stack([1000 * shares, 1000 * (1 - shares), np.zeros(10)], axis=1)[:, None, :]
    design, gap = ratings.pair_design(2), np.array([[1.0, -1, 0]])
    found = intervals.by_jackknife(design, counts, gap, ridge=1e-9)
    reach = 4 * t.ppf(0.975, 9) * shares.std(ddof=1) / np.sqrt(10)
    assert found.high[0] - found.value[0] == pytest.approx(reach, rel=2e-3)


def test_boards_in_a_batch_are_boards_alone():
    """A leading axis holds boards that know nothing of each other."""
    counts = voting(1, boards=4, voters=6, votes=20, taste=0.5)
    many, alone = (intervals.by_jackknife(DESIGN, c, GAP) for c in (counts, counts[2]))
    assert many.low[2] == pytest.approx(alone.low, abs=1e-7)


def test_the_bootstrap_is_seeded_and_expanded():
    """The same seed, the same ends; expanded are the plain ends at Hesterberg's wider level."""
    counts = voting(2, boards=1, voters=12, votes=40, taste=1.0)[0]
    one, same, other = (intervals.by_bootstrap(DESIGN, counts, GAP, seed=s) for s in (1, 1, 2))
    plain = intervals.by_bootstrap(DESIGN, counts, GAP, seed=1, expanded=False)
    assert (one.low, one.high) == (same.low, same.high) and one.low != other.low
    assert one.low < plain.low < one.value < plain.high < one.high
    wide = 2 * norm.cdf(np.sqrt(12 / 11) * t.ppf(0.975, one.freedom[0])) - 1
    widened = intervals.by_bootstrap(DESIGN, counts, GAP, seed=1, expanded=False, level=wide)
    assert (one.low, one.high) == (pytest.approx(widened.low), pytest.approx(widened.high))
    jackknife = intervals.by_jackknife(DESIGN, counts, GAP)
    assert one.error == pytest.approx(jackknife.error, rel=0.15)


@pytest.mark.parametrize(("voters", "votes"), [(10, 60), (20, 30)])
def test_the_jackknife_holds_the_truth_as_often_as_it_says(voters, votes):
    """1,000 boards of voters with tastes of sd 1: 95 % within three standard errors of counting.

    The truth is 0 by symmetry. The bench does this at unequal strengths and for the bootstrap.
    """
    found = intervals.by_jackknife(
        DESIGN, voting(3, boards=1000, voters=voters, votes=votes, taste=1.0), GAP
    )
    held = ((found.low <= 0) & (found.high >= 0)).mean()
    assert abs(held - 0.95) < 3 * np.sqrt(0.95 * 0.05 / 1000)


def test_two_ways_are_the_sum_less_single_votes():
    """36 votes of 6 voters on 6 prompts: each variance by its own jackknife, single ones singly.

    Leaving single votes out to first order is the sandwich with a cluster per vote.
    """
    draws = np.random.default_rng(5)
    voters, prompts = np.zeros((2, 6, 3, 3))
    singles = np.zeros((36, 3, 3))
    for place in range(36):
        cell = draws.integers(3), draws.integers(3)
        for counts, cluster in ((voters, place // 6), (prompts, place % 6), (singles, place)):
            counts[cluster][cell] += 1
    found = intervals.by_two_ways(DESIGN, voters, prompts, GAP)
    ways = [intervals.by_jackknife(DESIGN, c, GAP).error[0] ** 2 for c in (voters, prompts)]
    whole = davidson.fit(DESIGN, singles.sum(axis=0))
    slopes = davidson.scores(whole.theta, DESIGN, singles)
    moves = intervals.leave_one_out(whole, slopes, np.zeros((36, 4, 4))) @ GAP.T
    single = np.square(moves).sum()
    assert 0 < single < sum(ways)
    assert found.error[0] ** 2 == pytest.approx(max(*ways, sum(ways) - single))


def test_prompts_that_differ_widen_the_interval():
    """Each prompt favours its own system: over voters alone all seems sure, over both it does not."""
    draws = np.random.default_rng(6)
    voters, prompts = np.zeros((10, 3, 3)), np.zeros((8, 3, 3))
    lean = draws.normal(scale=1.5, size=(8, 3))
    for voter in range(10):
        for prompt in range(8):
            pair = draws.integers(3)
            chances = davidson.probabilities(lean[prompt] @ DESIGN[pair], np.array(-0.7))
            outcome = draws.choice(3, p=chances / chances.sum())
            voters[voter, pair, outcome] += 1
            prompts[prompt, pair, outcome] += 1
    alone = intervals.by_jackknife(DESIGN, voters, GAP)
    both = intervals.by_two_ways(DESIGN, voters, prompts, GAP)
    assert both.error[0] > 1.3 * alone.error[0] and both.freedom[0] < alone.freedom[0]


def test_votes_needed_by_hand():
    """Gap 0.5, error 0.25, 100 votes: ((1.960 + 0.842) x 0.5)^2 = 1.9622, so 97 more; 0 when done."""
    assert intervals.votes_needed(0.5, 0.25, 100) == 97
    assert intervals.votes_needed(-0.5, 0.25, 100) == 97
    assert intervals.votes_needed(0.5, 0.05, 100) == 0
    assert intervals.votes_needed(0.0, 0.25, 100) is None


def test_ranks_only_count_the_surely_better():
    """1 beats 3 surely, 2 overlaps both; a system of another group never counts."""
    low, high = np.array([2.0, 0.5, -1.0, 9.0]), np.array([3.0, 2.5, 1.0, 9.5])
    assert intervals.ranks(low, high, np.array([0, 0, 0, 1])).tolist() == [1, 1, 2, 1]


def test_one_voter_is_not_enough():
    """There is no interval over voters from one of them."""
    for method in (intervals.by_jackknife, intervals.by_bootstrap):
        seed = {"seed": 0} if method is intervals.by_bootstrap else {}
        with pytest.raises(StudioError, match="at least 2 of them; got 1"):
            method(DESIGN, np.ones((1, 3, 3)), GAP, **seed)
