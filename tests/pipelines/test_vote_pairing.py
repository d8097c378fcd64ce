"""The next battle: seeded, fair, informative; and what checks say of a voter."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from pipelines.errors import StudioError
from pipelines.seeds import fork
from pipelines.vote import battles, pairing, ratings, reliability


def tallied(games: dict, systems: int) -> battles.Tally:
    """Counts by pair, the first on side A."""
    counts = np.zeros((systems, systems, 3))
    for (first, second), ends in games.items():
        counts[first, second] = ends
    names = tuple("wxyz"[:systems])
    bad = np.zeros((systems, systems))
    return battles.Tally(systems=names, games=counts, both_bad=bad, skipped=0)


def matches(systems: int, prompts: int, **changed) -> list[pairing.Match]:
    """Every pair of systems for every prompt, one clip each."""
    return [
        pairing.Match(
            prompt=f"p{p}", first=f"p{p}s{i}", second=f"p{p}s{j}", systems=(i, j), **changed
        )
        for p in range(prompts)
        for i in range(systems)
        for j in range(i + 1, systems)
    ]


def taught(games: dict, systems: int) -> np.ndarray:
    """What a vote on each pair would teach after these games."""
    return pairing.information_gain(ratings.rate(tallied(games, systems)).fit)


def test_information_gain_by_hand():
    """Two systems, no votes, ridge 0.1: v = 20; nu = 1: k = (2/3) / 4 = 1/6; log(1 + 20/6) / 2."""
    gain = taught({}, 2)
    assert gain[0, 1] == gain[1, 0] == pytest.approx(np.log(1 + 20 / 6) / 2)
    assert gain[0, 0] == 0


def test_a_vote_teaches_what_the_gain_says():
    """Adding k to the information along a pair lowers log det of the covariance by twice the gain."""
    found = ratings.rate(tallied({(0, 1): (9, 4, 3), (1, 2): (5, 5, 1), (0, 2): (2, 1, 0)}, 3))
    gain = pairing.information_gain(found.fit)[0, 2]
    chances = ratings.chances(found)[0, 2]
    k = (chances[0] + chances[1] - (chances[0] - chances[1]) ** 2) / 4
    contrast = np.array([1.0, 0, -1, 0])
    before = np.linalg.slogdet(found.fit.information)[1]
    after = np.linalg.slogdet(found.fit.information + k * np.outer(contrast, contrast))[1]
    assert (after - before) / 2 == pytest.approx(gain)


def test_the_unseen_and_the_close_teach_most():
    """A pair never seen above one seen often; among pairs seen alike, the close one above the far."""
    seen = taught({(0, 1): (40, 40, 9), (1, 2): (3, 3, 1)}, 3)
    assert seen[1, 2] > seen[0, 1]
    close = taught({(0, 1): (30, 28, 5), (0, 2): (58, 2, 3), (1, 2): (58, 2, 3)}, 3)
    assert close[0, 1] > close[0, 2]
    apart = taught({(0, 1): (9, 9, 2), (2, 3): (9, 9, 2)}, 4)
    assert apart[0, 2] > 2 * apart[0, 1]  # groups are joined first


def test_priority_is_gain_times_doubt():
    """Without votes the doubt is ln 2 everywhere; a decided pair falls further than its gain does."""
    none = ratings.rate(tallied({}, 2)).fit
    assert pairing.priority(none) == pytest.approx(np.log(2) * pairing.information_gain(none))
    fit = ratings.rate(
        tallied({(0, 1): (30, 28, 5), (0, 2): (40, 20, 3), (1, 2): (40, 20, 3)}, 3)
    ).fit
    gain, wanted = pairing.information_gain(fit), pairing.priority(fit)
    cover, contrast = np.linalg.inv(fit.information), np.array([1.0, 0, -1, 0])
    wrong = stats.norm.cdf(-abs(contrast @ fit.theta) / np.sqrt(contrast @ cover @ contrast))
    assert wanted[0, 2] / gain[0, 2] == pytest.approx(stats.entropy([wrong, 1 - wrong]))
    assert wanted[0, 2] / wanted[0, 1] < 0.2 < gain[0, 2] / gain[0, 1]


def test_the_same_seed_is_the_same_choice():
    """Pure and seeded; another seed is soon another choice."""
    board, pool = ratings.rate(tallied({}, 3)), matches(3, 5)
    one, same = (pairing.choose(pool, board, seed=4) for _ in range(2))
    assert one == same
    assert len({pairing.choose(pool, board, seed=s).match.name for s in range(30)}) > 5


def served(turns: int, *, rates: pairing.Rates, voters: int = 10, seed: int = 0):
    """A campaign played through: each voter in turn, exposures kept by the caller."""
    pool = matches(3, 12)
    pool += [dataclasses.replace(m, kind="gold", first=m.first + "g") for m in pool[:12]]
    pool += [
        dataclasses.replace(m, kind="same_system", systems=(0, 0), second=m.first + "2")
        for m in pool[:12]
    ]
    board, judged, chosen = ratings.rate(tallied({}, 3)), [set() for _ in range(voters)], []
    for turn in range(turns):
        voter = turn % voters
        choice = pairing.choose(
            pool,
            board,
            seed=fork(seed, voter, turn),
            rates=rates,
            judged=frozenset(judged[voter]),
        )
        judged[voter].add(choice.match.name)
        chosen.append((voter, choice))
        pool = [
            dataclasses.replace(
                m,
                served=m.served + (m == choice.match),
                exposure=m.exposure + len({m.first, m.second} & {choice.a, choice.b}),
            )
            for m in pool
        ]
    return pool, chosen


def test_a_campaign_is_fair_and_kept_at_its_rates():
    """300 servings: none twice to one voter, kinds at their rates, sides even, matches alike often."""
    rates = pairing.Rates(gold=0.1, same_system=0.1)
    pool, chosen = served(300, rates=rates)
    names = [(voter, c.match.name) for voter, c in chosen]
    assert len(set(names)) == 300
    for kind in ("gold", "same_system"):
        count = sum(c.match.kind == kind for _, c in chosen)
        assert stats.binomtest(count, 300, 0.1).pvalue > 0.001
    turned = sum(c.turned for _, c in chosen)
    assert stats.binomtest(turned, 300, 0.5).pvalue > 0.001
    for _, c in chosen:
        assert (c.a, c.b) == (
            (c.match.second, c.match.first) if c.turned else (c.match.first, c.match.second)
        )
        assert (c.gain > 0) == (c.match.kind == "ab")
    plain = [m.served for m in pool if m.kind == "ab"]
    assert max(plain) - min(plain) <= 4  # 240 servings over 36 matches


def test_votes_go_where_they_teach():
    """x and y are close, w far ahead: the close pair is asked about most, none is forgotten."""
    board = ratings.rate(tallied({(0, 1): (58, 2, 3), (0, 2): (58, 2, 3), (1, 2): (30, 28, 5)}, 3))
    counts = np.zeros((3, 3), dtype=int)
    for seed in range(400):
        choice = pairing.choose(
            matches(3, 4), board, seed=seed, rates=pairing.Rates(gold=0, same_system=0)
        )
        counts[choice.match.systems] += 1
    assert counts[1, 2] > max(counts[0, 1], counts[0, 2]) > 0
    assert min(counts[0, 1], counts[0, 2]) > 20


def test_exploring_asks_about_any_pair_alike():
    """With explore at 1 the same board gives three pairs equal shares of 300 servings."""
    board = ratings.rate(tallied({(0, 1): (58, 2, 3), (0, 2): (58, 2, 3), (1, 2): (30, 28, 5)}, 3))
    rates = pairing.Rates(gold=0, same_system=0, explore=1.0)
    found = [
        pairing.choose(matches(3, 4), board, seed=s, rates=rates).match.systems for s in range(300)
    ]
    counts = [found.count(pair) for pair in ((0, 1), (0, 2), (1, 2))]
    assert stats.chisquare(counts).pvalue > 0.001


def test_when_all_is_judged_there_is_nothing_left():
    """None, not an old battle; and a kind that ran out gives way to another."""
    board, pool = ratings.rate(tallied({}, 3)), matches(3, 1)
    judged = frozenset(m.name for m in pool)
    assert pairing.choose(pool, board, seed=1, judged=judged) is None
    only_gold = pairing.Rates(gold=1.0, same_system=0.0)
    assert pairing.choose(pool, board, seed=1, rates=only_gold).match.kind == "ab"
    with pytest.raises(StudioError, match="together at most 1"):
        pairing.Rates(gold=0.7, same_system=0.7)


def checks(**changed) -> reliability.Checks:
    """One voter, twelve votes: 6 gold (5 right, 1 both bad), 4 same-system, 2 others."""
    columns = {
        "voter": ["v"] * 12,
        "kind": np.array(["gold"] * 6 + ["same_system"] * 4 + ["ab"] * 2),
        "outcome": np.array([0, 0, 1, 1, 0, 3, 2, 2, 2, 0, 0, 4]),
        "answer": np.array([0, 0, 1, 1, 0, 0] + [-1] * 6),
        "decision_seconds": np.array([25.0] * 9 + [5.0] * 3),
        "sound_seconds": np.full(12, 20.0),
    }
    return reliability.Checks(**(columns | changed))


def test_a_voter_by_hand():
    """5 of 5 gold, 3 ties of 4, 2 of 11 votes too soon; the weight would be 2 x 5.5 / 6 - 1."""
    (row,) = reliability.evaluate(checks())
    assert (row["gold"]["value"], row["gold"]["count"]) == (1.0, 5)
    assert row["gold"]["low"] == pytest.approx(5 / (5 + 1.959964**2), abs=1e-6)  # Wilson at n of n
    assert (row["ties"]["value"], row["ties"]["count"]) == (0.75, 4)
    assert (row["side_a"]["value"], row["side_a"]["count"]) == (1.0, 1)
    assert row["side_a_anywhere"]["count"] == 2
    assert row["hasty"]["value"] == pytest.approx(2 / 11) and row["median_seconds"] == 25
    assert row["weight"] == pytest.approx(5 / 6)
    assert reliability.vote_weights(checks()).tolist() == pytest.approx([5 / 6] * 12)


def test_weights_start_at_one_and_end_at_zero_for_a_guesser():
    """Under five gold battles nothing is known; half of them right is a guess: (3.5 / 7) x 2 - 1."""
    few = checks(kind=np.array(["gold"] * 4 + ["ab"] * 8))
    assert reliability.evaluate(few)[0]["weight"] == 1.0
    guesses = checks(outcome=np.array([1, 1, 0, 1, 0, 0, 2, 2, 2, 0, 0, 4]))
    assert reliability.evaluate(guesses)[0]["weight"] == pytest.approx(0.0)
    with pytest.raises(StudioError, match="needs its right answer"):
        checks(answer=np.full(12, -1))
    assert reliability.share(0, 0)["value"] is None


def test_weights_reach_the_board():
    """A voter of weight 0 leaves no trace in strengths or intervals; the method says weighted."""
    from pipelines.vote import board

    rows = [
        {"system_a": "x", "system_b": "y", "outcome": o, "voter": v}
        for v, outcomes in {"a": "aab", "b": "aba", "c": "bbb"}.items()
        for o in outcomes
    ]
    votes = battles.read(rows)
    weights = np.where(votes.voter == 2, 0.0, 1.0)
    weighted = board.evaluate(votes, seed=0, weights=weights)
    without = board.evaluate(votes[votes.voter < 2], seed=0)
    assert weighted["method"] == "davidson-1, weighted" and weighted["votes"] == 9
    for figure in ("points", "low", "high"):
        assert weighted["gaps"][0][figure] == pytest.approx(without["gaps"][0][figure])
    assert weighted["gaps"][0]["points"] > 0 > board.evaluate(votes, seed=0)["gaps"][0]["points"]
