"""Pairs and groups: what they may hold, and that rounds and shares come out to the row."""

from collections import Counter
from dataclasses import replace

import pytest

from pipelines.errors import StudioError
from pipelines.finetune.pairs import GroupRow, PairBatches, PairRow, check_pairs
from pipelines.finetune.preference_plans import PreferencePlan


def pairs(count: int, origin: str = "ranked") -> list[PairRow]:
    """Different pairs of one origin."""
    return [
        PairRow(prompt=f"{origin} {n}", seconds=4.0, chosen=f"{origin}{n}w", rejected=f"{origin}{n}l",
                gap=n / count, origin=origin)
        for n in range(count)
    ]  # fmt: skip


def test_a_round_shows_every_pair_once_and_no_pair_twice_before():
    """Seven pairs by threes: 21 rows are three rounds."""
    batches = PairBatches(pairs(7), 3, seed=1)
    seen = [row.chosen for step in range(7) for row in batches.at(step)]
    assert batches.steps_per_epoch == 3
    for start in (0, 7, 14):
        assert len(set(seen[start : start + 7])) == 7
    assert seen[:7] != seen[7:14]
    again = PairBatches(list(reversed(pairs(7))), 3, seed=1)
    assert [r.chosen for r in again.at(4)] == [r.chosen for r in batches.at(4)]


@pytest.mark.parametrize("size", [1, 4, 5])
def test_shares_come_out_to_the_row_and_every_step_is_full(size):
    """Half votes, a tenth labels, the rest ranked and given alike, over forty steps."""
    rows = [row for o in ("ranked", "votes", "labels", "given") for row in pairs(6, o)]
    batches = PairBatches(rows, size, seed=0, shares={"votes": 0.5, "labels": 0.1})
    steps = [batches.at(step) for step in range(40)]
    assert all(len(step) == size for step in steps)
    found = Counter(row.origin for step in steps for row in step)
    whole = 40 * size
    assert found["votes"] == pytest.approx(0.5 * whole, abs=1)
    assert found["labels"] == pytest.approx(0.1 * whole, abs=1)
    assert abs(found["ranked"] - found["given"]) <= 6


@pytest.mark.parametrize(
    ("shares", "told"),
    [
        ({"votes": 0.5}, "A share of 50% is for pairs of origin votes, of which there are none"),
        ({"ranked": 0.5}, "add up to 50% and no other pairs are there"),
        ({"ranked": 1.5}, "give 0 or more each, at most 1 together"),
        ({"ranked": -0.1}, "give 0 or more each"),
    ],
)
def test_shares_that_cannot_be_are_told(shares, told):
    """One sentence each."""
    with pytest.raises(StudioError, match=told):
        PairBatches(pairs(3), 2, seed=0, shares=shares)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([], "There are no pairs to learn from"),
        ([replace(pairs(1)[0], rejected="ranked0w")], "holds one sound twice"),
        (pairs(1) * 2, "1 pairs stand twice"),
        ([replace(pairs(1)[0], prompt=" ")], "no prompt or no length"),
        ([replace(pairs(1)[0], origin="judge")], "origin is 'judge'"),
        ([GroupRow(prompt="a", seconds=1.0, keys=("x", "y"), rewards=(0.0, 1.0)),
          GroupRow(prompt="a", seconds=1.0, keys=("x", "y", "z"), rewards=(0.0, 1.0, 2.0))],
         "different numbers of sounds"),
    ],
)  # fmt: skip
def test_rows_that_cannot_train_are_told(rows, told):
    """One sentence each."""
    with pytest.raises(StudioError, match=told):
        check_pairs(rows)


def test_what_names_the_rows_is_what_is_learnt_from():
    """Not their order, nor a pair's gap; a group's rewards do."""
    rows = pairs(4)
    digest = check_pairs(rows).digest
    assert check_pairs([replace(r, gap=9.0) for r in reversed(rows)]).digest == digest
    assert check_pairs(rows).mean_gap == pytest.approx((0 + 0.25 + 0.5 + 0.75) / 4)
    group = GroupRow(prompt="a", seconds=1.0, keys=("x", "y"), rewards=(0.0, 1.0))
    other = replace(group, rewards=(0.0, 0.5))
    assert check_pairs([group]).digest != check_pairs([other]).digest


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"loss": "ppo"}, "choose one of crpo, dpo, group"),
        ({"beta": 0.0}, "beta is 0.0; it must be above 0"),
        ({"pairs": 0}, "pairs is 0; it must be 1 or more"),
        ({"ratio_clip": 1.0}, "ratio_clip is 1.0; it must be between 0 and 1"),
    ],
)
def test_a_plan_that_cannot_be_is_told(change, told):
    """One sentence each."""
    with pytest.raises(StudioError, match=told):
        PreferencePlan(**change)
