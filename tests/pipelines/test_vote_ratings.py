"""Davidson's model, the board, Elo and covariates: by hand, by other libraries, by finite steps."""

import dataclasses
import doctest
import json
import math

import numpy as np
import pytest

from pipelines.errors import StudioError
from pipelines.vote import battles, board, covariates, davidson, elo, intervals, ratings

GAMES = {  # (first, second): first won, second won, tie
    (0, 1): (30, 12, 8),
    (0, 2): (25, 15, 10),
    (1, 2): (18, 22, 5),
    (2, 3): (9, 14, 7),
    (0, 3): (20, 9, 3),
}


def tallied(games: dict, systems: int) -> battles.Tally:
    """A tally in which the first of each pair sat on side A."""
    counts = np.zeros((systems, systems, 3))
    for (first, second), ends in games.items():
        counts[first, second] = ends
    return battles.Tally(
        systems=tuple("wxyz"[:systems]),
        games=counts,
        both_bad=np.zeros((systems, systems)),
        skipped=0,
    )


def simulated(seed: int, *, strength, votes: int = 4000, voters: int = 40, tie: float = -0.5):
    """Votes drawn from the model."""
    draws, strength = np.random.default_rng(seed), np.asarray(strength, dtype=float)
    systems = len(strength)
    a = draws.integers(systems, size=votes)
    b = (a + draws.integers(1, systems, size=votes)) % systems
    chances = davidson.probabilities(strength[a] - strength[b], np.full(votes, tie))
    outcome = (draws.random(votes)[:, None] > chances.cumsum(axis=1)[:, :2]).sum(axis=1)
    return battles.Votes(
        systems=tuple("uvwxyz"[:systems]),
        a=a,
        b=b,
        outcome=outcome,
        voter=draws.integers(voters, size=votes),
    )


@pytest.mark.parametrize("module", [battles, davidson, intervals])
def test_examples_in_docstrings_hold(module):
    """Every example that a docstring shows prints what it says."""
    found = doctest.testmod(module)
    assert found.attempted and not found.failed


def test_two_systems_by_hand():
    """40 : 10 with 20 ties: odds 4, so the gap is ln 4, and nu = 20 / sqrt(40 x 10) = 1."""
    found = ratings.rate(tallied({(0, 1): (40, 10, 20)}, 2), ridge=1e-9)
    assert found.strength == pytest.approx([math.log(4) / 2, -math.log(4) / 2], abs=1e-7)
    assert found.tie == pytest.approx(0, abs=1e-7)
    assert ratings.tie_share(found) == pytest.approx(1 / 3)
    assert found.points[0] - found.points[1] == pytest.approx(400 * math.log10(4), abs=1e-4)
    assert ratings.chances(found)[0, 1] == pytest.approx([4 / 7, 1 / 7, 2 / 7])


def test_four_systems_agree_with_newmans_algorithm():
    """evalica.newman (0.4.2) on GAMES gives these; its v is half of Davidson's nu.

    Printed by `r = evalica.newman(xs, ys, winners, tolerance=1e-14, limit=100000)`, one row per
    vote, then `s = np.log(r.scores.sort_index()); s - s.mean(); np.log(2 * r.v)`.
    """
    found = ratings.rate(tallied(GAMES, 4), ridge=1e-8)
    assert found.strength == pytest.approx(
        [0.535372, -0.36333586, -0.14204437, -0.02999177], abs=1e-7
    )
    assert found.tie == pytest.approx(-0.92498910, abs=1e-7)


def test_without_ties_it_is_bradley_terry():
    """choix.opt_pairwise(4, data, alpha=1e-12, tol=1e-12) (0.4.1) on GAMES without their ties."""
    decided = {pair: (*ends[:2], 0) for pair, ends in GAMES.items()}
    found = ratings.rate(tallied(decided, 4), ridge=1e-8)
    assert found.strength == pytest.approx([0.537998, -0.368963, -0.160196, -0.008839], abs=2e-6)


def test_gradient_and_information_are_derivatives():
    """Central differences of the likelihood give the gradient, of the gradient the Hessian."""
    draws = np.random.default_rng(0)
    design = draws.normal(size=(7, 3))
    counts, theta = draws.integers(9, size=(7, 3)).astype(float), draws.normal(size=4)
    slope = davidson.scores(theta, design, counts) - 0.3 * theta
    bend = davidson.information(theta, design, counts)
    for i, step in enumerate(np.eye(4) * 1e-5):
        ends = [
            davidson.log_likelihood(theta + s, design, counts, ridge=0.3) for s in (step, -step)
        ]
        assert (ends[0] - ends[1]) / 2e-5 == pytest.approx(slope[i], rel=1e-6)
        ends = [davidson.scores(theta + s, design, counts) for s in (step, -step)]
        assert (ends[0] - ends[1]) / 2e-5 == pytest.approx(-bend[i], rel=1e-6, abs=1e-6)
    many = davidson.information(theta, design, np.stack([counts, 2 * counts]))
    assert many[0] == pytest.approx(bend) and many[1] == pytest.approx(2 * bend)


def test_the_ridge_keeps_a_lone_winner_finite():
    """One win of one: strengths are +-s by symmetry, and ridge x s = (1 - (p1 - p2)) / 2."""
    found = ratings.rate(tallied({(0, 1): (1, 0, 0)}, 2))
    s = found.strength[0]
    p = davidson.probabilities(np.array(2 * s), np.array(found.tie))
    assert 0.1 * s == pytest.approx((1 - p[0] + p[1]) / 2, abs=1e-8)
    assert 1 < s < 5 and found.strength.sum() == pytest.approx(0, abs=1e-9)
    assert not found.bounded.any()


def test_the_ridge_barely_shrinks_what_fifty_votes_say():
    """30 : 12 : 8, gap ln 2.5: with the usual ridge it is under 2 % smaller."""
    free = ratings.rate(tallied({(0, 1): (30, 12, 8)}, 2), ridge=1e-9).strength[0]
    held = ratings.rate(tallied({(0, 1): (30, 12, 8)}, 2)).strength[0]
    assert 0.98 * free < held < free


def test_systems_that_never_met_are_told_apart():
    """w-x and y-z: two groups, each summing to 0, no gap between them, and a note that says so."""
    games = {(0, 1): (6, 4, 0), (2, 3): (10, 9, 1)}
    found = ratings.rate(tallied(games, 4))
    assert found.group.tolist() == [1, 1, 0, 0]  # most votes first
    assert found.strength[:2].sum() == pytest.approx(0, abs=1e-9)
    assert found.strength[2:].sum() == pytest.approx(0, abs=1e-9)
    assert np.isnan(ratings.chances(found)[0, 2]).all()
    notes = board.notes(tallied(games, 4), found, voters=9, titles={})
    assert len(notes) == 1 and "2 groups that never met" in notes[0]


def test_unbeaten_is_said():
    """w won all against x: nothing bounds w. One loss, or one tie, bounds it."""
    assert ratings.bounded(tallied({(0, 1): (5, 0, 0)}, 2)).tolist() == [False, False]
    assert ratings.bounded(tallied({(0, 1): (5, 0, 1)}, 2)).tolist() == [True, True]
    unbeaten = tallied({(0, 1): (5, 0, 0)}, 2)
    [note] = board.notes(unbeaten, ratings.rate(unbeaten), voters=9, titles={"w": "Alpha"})
    assert note.startswith("Among Alpha; x, some lost every vote")
    cycle = {(0, 1): (5, 0, 0), (1, 2): (5, 0, 0), (0, 2): (0, 5, 0)}
    assert ratings.bounded(tallied(cycle, 3)).all()  # each beat one and lost to one


def test_reading_and_counting_by_hand():
    """Sides turn, both-bad and same-system votes stay out of the games."""
    rows = [
        ("x", "y", "a"),
        ("y", "x", "a"),
        ("y", "x", "tie"),
        ("x", "y", "both_bad"),
        ("x", "x", "b"),
        ("x", "y", "skip"),
    ]
    votes = battles.read(
        {"system_a": a, "system_b": b, "outcome": o, "voter": f"v{i}"}
        for i, (a, b, o) in enumerate(rows)
    )
    counted = battles.tally(votes)
    assert counted.wins.tolist() == [[0, 1], [1, 0]]
    assert counted.ties.tolist() == [[0, 1], [1, 0]]
    assert (counted.votes, counted.both_bad.sum(), counted.skipped) == (3, 1, 1)
    assert battles.by_pair(counted.games).tolist() == [[1, 1, 1]]
    asked = battles.by_cluster(votes, np.array([4, 4, 9, 0, 0, 0]), most=9)
    assert asked.tolist() == [[[1, 1, 0]], [[0, 0, 1]]]
    assert ratings.win_shares(counted)[0, 1] == 0.5
    assert battles.by_cluster(votes, votes.voter, most=9).tolist() == [
        [[1, 0, 0]],
        [[0, 1, 0]],
        [[0, 0, 1]],
    ]
    assert battles.by_cluster(votes, votes.voter, most=2).sum(axis=0).tolist() == [[1, 1, 1]]
    halved = battles.tally(votes, weights=np.full(6, 0.5))
    assert halved.wins.tolist() == [[0, 0.5], [0.5, 0]]
    half = battles.by_cluster(votes, votes.voter, most=9, weights=np.full(6, 0.5))
    assert half.tolist() == [[[0.5, 0, 0]], [[0, 0.5, 0]], [[0, 0, 0.5]]]


def test_wrong_votes_are_refused_in_words():
    """A row without a voter, an unknown outcome, columns of two lengths, nothing to rate."""
    row = {"system_a": "x", "system_b": "y", "outcome": "a", "voter": "v"}
    with pytest.raises(StudioError, match="Vote 0 has no voter"):
        battles.read([{k: v for k, v in row.items() if k != "voter"}])
    with pytest.raises(StudioError, match="'draw'; allowed are a, b, tie, both_bad, skip"):
        battles.read([row | {"outcome": "draw"}])
    with pytest.raises(StudioError, match="differ in length"):
        zero = np.zeros(2, dtype=int)
        battles.Votes(systems=("x",), a=zero, b=zero, outcome=zero, voter=zero[:1])
    with pytest.raises(StudioError, match="collect votes first"):
        board.evaluate(battles.read([row | {"outcome": "both_bad"}]), seed=0)
    with pytest.raises(StudioError, match="ridge is 0"):
        ratings.rate(tallied(GAMES, 4), ridge=0)
    with pytest.raises(StudioError, match="at least two known prompts"):
        board.evaluate(battles.read([row]), seed=0, intervals="two-way")
    assert battles.read([row | {"prompt": "p"}, row | {"prompt": "q"}]).prompt.tolist() == [0, 1]
    with pytest.raises(StudioError, match="Intervals by 'guess'"):
        board.evaluate(battles.read([row]), seed=0, intervals="guess")


def test_the_fit_finds_what_made_the_votes():
    """4,000 votes of the model: each strength within four standard errors, the tie too."""
    strength = np.array([-0.6, 0.0, 0.1, 0.5])
    votes = simulated(1, strength=strength)
    found = ratings.rate(battles.tally(votes))
    error = np.sqrt(np.diag(np.linalg.inv(found.fit.information)))
    assert (np.abs(found.strength - strength) < 4 * error[:-1]).all()
    assert abs(found.tie + 0.5) < 4 * error[-1]


def test_elo_by_hand():
    """K = 32, equals: a win gives 16; then the loser, 32 below, draws: expected 1/(1+10^0.08)."""
    first, second = np.array([[0, 1]]), np.array([[1, 0]])
    found = elo.run(first, second, np.array([[1.0, 0.5]]), systems=2, k=32)
    back = 32 * (0.5 - 1 / (1 + 10**0.08))
    assert found[0] == pytest.approx([1016 - back, 984 + back])


def test_elo_depends_on_order_and_says_so():
    """Three beatings in a circle: no order is fair, the mean nearly is, rankings differ."""
    votes = simulated(2, strength=[0, 0, 0], votes=600)
    found = elo.elo(votes, seed=1)
    assert found.rankings > 1 and (found.spread > 5).all()
    assert found.mean.sum() == pytest.approx(3000)
    again = elo.elo(votes, seed=1)
    assert (again.mean == found.mean).all()
    assert found.votes_per_order == int(votes.judged.sum())
    assert (elo.elo(votes, seed=1, k=2).spread < found.spread).all()


def test_ties_between_equals_move_no_elo():
    """A tie counts a half, which is what equals expect."""
    votes = simulated(2, strength=[0, 0, 0], votes=60, tie=50.0)
    assert elo.elo(votes, seed=1).mean.tolist() == [1000, 1000, 1000]


def test_covariates_give_back_their_pull():
    """Side A pulls 0.3, loudness 0.5 per LU: both found, and the louder system loses its lead.

    In tenths of a unit the pull is a tenth, and nothing else changes.
    """
    draws = np.random.default_rng(3)
    votes = simulated(3, strength=[0, 0, 0], votes=6000)
    louder = draws.normal(size=6000) + 1.0 * (votes.a == 2) - 1.0 * (votes.b == 2)
    chances = davidson.probabilities(0.3 + 0.5 * louder, np.full(6000, -0.5))
    outcome = (draws.random(6000)[:, None] > chances.cumsum(axis=1)[:, :2]).sum(axis=1)
    votes = battles.Votes(
        systems=votes.systems, a=votes.a, b=votes.b, outcome=outcome, voter=votes.voter
    )
    found = covariates.control(votes, {"loudness": louder})
    assert found.covariates == ("side A", "loudness")
    assert found.pull.value == pytest.approx([0.3, 0.5], abs=4 * found.pull.error.max())
    assert ratings.rate(battles.tally(votes)).strength[2] > 0.25  # as heard
    assert found.strength.low[2] < 0 < found.strength.high[2]  # controlled
    tenths = covariates.control(votes, {"loudness": 10 * louder})
    assert tenths.pull.value == pytest.approx(found.pull.value / [1, 10], rel=1e-6)
    assert tenths.strength.low == pytest.approx(found.strength.low, rel=1e-6)
    share = covariates.side_share(found)
    assert share["low"] < 1 / (1 + math.exp(-0.3)) < share["high"] and share["low"] > 0.5
    with pytest.raises(StudioError, match="'loudness' must be one finite number"):
        covariates.control(votes, {"loudness": louder[:5]})


def test_covariates_that_never_differ_change_nothing():
    """All sides balanced and no covariate: controlled strengths are the board's."""
    votes = simulated(4, strength=[0.2, 0.0, -0.2], votes=900)
    turned = battles.Votes(
        systems=votes.systems,
        a=np.r_[votes.a, votes.b],
        b=np.r_[votes.b, votes.a],
        outcome=np.r_[votes.outcome, np.array([1, 0, 2])[votes.outcome]],
        voter=np.r_[votes.voter, votes.voter],
    )
    found = covariates.control(turned, {"silence": np.zeros(1800)})
    plain = ratings.rate(battles.tally(turned))
    assert found.pull.value == pytest.approx([0, 0], abs=1e-6)
    assert found.strength.value == pytest.approx(plain.strength, abs=1e-6)


@pytest.mark.parametrize("method", ["jackknife", "bootstrap", "two-way"])
def test_the_board_tells_all(method):
    """Best first, ranks from intervals, gaps with votes needed, counts that add up, plain JSON."""
    votes = simulated(5, strength=[-1.0, 0.9, 1.0], votes=900, voters=12)
    votes = dataclasses.replace(votes, prompt=np.arange(900) % 30)
    found = board.evaluate(votes, seed=7, intervals=method)
    assert json.loads(json.dumps(found)) == found
    assert [row["system"] for row in found["systems"]][-1] == "u"
    assert [row["rank"] for row in found["systems"]] == [1, 1, 3]
    assert found["votes"] == 900 and found["voters"] == 12 and found["method"] == "davidson-1"
    near = next(g for g in found["gaps"] if (g["first"], g["second"]) == ("v", "w"))
    assert not near["apart"] and near["votes_needed"] > 1000
    far = next(g for g in found["gaps"] if (g["first"], g["second"]) == ("u", "w"))
    assert far["apart"] and far["votes_needed"] == 0 and far["high"] < 0
    assert sum(row["battles"] for row in found["systems"]) == 1800
    named = {
        "jackknife": "voter jackknife",
        "bootstrap": "voter bootstrap",
        "two-way": "and prompt",
    }
    assert found["notes"] == [] and named[method] in found["intervals"]


def test_a_system_that_nobody_judged_has_no_rating():
    """Not 1000 points with an interval of no width: null, and a sentence; nobody ranks below it."""
    votes = simulated(8, strength=[0, 1.0], votes=200)
    found = board.evaluate(dataclasses.replace(votes, systems=("u", "v", "new")), seed=0)
    row = next(row for row in found["systems"] if row["system"] == "new")
    assert [row[k] for k in ("points", "low", "high", "rank", "elo")] == [None] * 5
    assert "No vote judges new yet" in found["notes"][0] and len(found["notes"]) == 1
    assert len(found["gaps"]) == 1 and found["gaps"][0]["low"] is not None


def test_a_system_that_one_person_judged_has_no_interval():
    """Its rating is shown; how others would rate it is not known."""
    votes = simulated(9, strength=[0, 0.5, 1.0], votes=300)
    alone = dataclasses.replace(
        votes, voter=np.where((votes.a == 2) | (votes.b == 2), 0, votes.voter)
    )
    found = board.evaluate(alone, seed=0)
    rows = {row["system"]: row for row in found["systems"]}
    assert rows["w"]["points"] is not None and rows["w"]["low"] is None
    assert rows["u"]["low"] is not None
    assert [g["low"] is None for g in found["gaps"]] == [False, True, True]


def test_one_voter_gets_no_interval_and_a_sentence():
    """With one person there is nothing to say of others."""
    found = board.evaluate(simulated(6, strength=[0, 0.5], votes=50, voters=1), seed=0)
    assert found["intervals"] is None and found["systems"][0]["low"] is None
    assert "One person voted" in found["notes"][0]
