"""Rows of fine-tuning: the mix of a batch, the same at any time, and what is refused."""

from collections import Counter
from dataclasses import replace

import pytest

from pipelines.errors import StudioError
from pipelines.finetune.data import PRETRAIN, REWARD, Batches, Mix, Row, check_rows

HUMAN_ROWS = [Row(key=f"h{i}", caption="a dog barks", seconds=4.0, weight=i % 2) for i in range(10)]
REWARD_ROWS = [
    Row(key=f"r{i}", caption="rain falls", seconds=4.0, weight=0.3, origin=REWARD)
    for i in range(25)
]
PRETRAIN_ROWS = [
    Row(key=f"p{i}", caption="the bird sings", seconds=4.0, origin=PRETRAIN) for i in range(7)
]
ROWS = HUMAN_ROWS + REWARD_ROWS + PRETRAIN_ROWS


def origins(batches: Batches, steps: int) -> Counter:
    """How often each origin came, with the term it came in."""
    return Counter((d.row.origin, d.is_pretrain) for s in range(steps) for d in batches.at(s))


def test_people_and_reward_model_come_one_to_one():
    """6 rows are 3 and 3; 5 rows are 2.5 and 2.5 over two steps."""
    even = Batches(ROWS, Mix(data=6, pretrain=3), seed=1, uses_pretrain=True)
    assert origins(even, 1) == {("human", False): 3, ("reward", False): 3, (PRETRAIN, True): 3}
    odd = Batches(ROWS, Mix(data=5, pretrain=0), seed=1, uses_pretrain=True)
    assert origins(odd, 20) == {("human", False): 50, ("reward", False): 50}
    assert {len(odd.at(step)) for step in range(20)} == {5}


def test_where_one_origin_is_missing_the_other_fills_the_batch():
    """Human only, reward only."""
    for rows, name in ((HUMAN_ROWS, "human"), (REWARD_ROWS, REWARD)):
        batches = Batches(rows, Mix(data=4), seed=1, uses_pretrain=False)
        assert origins(batches, 3) == {(name, False): 12}


def test_no_row_comes_twice_before_all_came_once():
    """10 rows, 2 a step: 5 steps show each once, 10 steps twice, in another order."""
    batches = Batches(HUMAN_ROWS, Mix(data=2), seed=1, uses_pretrain=False)
    rounds = [[d.row.key for s in range(5 * n, 5 * n + 5) for d in batches.at(s)] for n in (0, 1)]
    assert sorted(rounds[0]) == sorted(rounds[1]) and rounds[0] != rounds[1]
    assert len(set(rounds[0])) == 10 and batches.steps_per_epoch == 5


def test_a_step_is_the_same_whenever_it_is_asked_for():
    """By seed, step and rows, not by what came before or how the rows were listed."""
    mix = Mix(data=6, pretrain=3)
    first, again = (Batches(r, mix, seed=1, uses_pretrain=True) for r in (ROWS, ROWS[::-1]))
    forward = [first.at(step) for step in range(40)]
    assert [again.at(step) for step in reversed(range(40))][::-1] == forward
    other = Batches(ROWS, mix, seed=2, uses_pretrain=True)
    assert [other.at(step) for step in range(40)] != forward


def test_the_control_sees_as_many_rows_all_of_pretraining_at_full_weight():
    """Equal samples, the same second term; r-data replaced."""
    mix = Mix(data=6, pretrain=3)
    run = Batches(ROWS, mix, seed=1, uses_pretrain=True)
    control = Batches(ROWS, replace(mix, is_control=True), seed=1, uses_pretrain=True)
    assert origins(control, 4) == {(PRETRAIN, False): 24, (PRETRAIN, True): 12}
    assert all(d.weight == 1.0 for step in range(4) for d in control.at(step))
    assert [d for d in run.at(3) if d.is_pretrain] == [d for d in control.at(3) if d.is_pretrain]


def test_beta_zero_draws_no_pretraining_rows():
    """Their forward pass would be for nothing."""
    batches = Batches(ROWS, Mix(data=6, pretrain=3), seed=1, uses_pretrain=False)
    assert not any(d.is_pretrain for d in batches.at(0)) and len(batches.at(0)) == 6


def test_the_summary_counts():
    """10 human rows of weight 0 or 1 and 25 of 0.3: mean (5 + 7.5) / 35."""
    summary = check_rows(ROWS)
    assert (summary.human, summary.reward, summary.pretrain) == (10, 25, 7)
    assert summary.mean_weight == pytest.approx(12.5 / 35) and summary.zero_weights == 5
    assert summary.captions == 2
    assert summary.digest == check_rows(ROWS[::-1]).digest
    assert summary.digest != check_rows([replace(ROWS[0], weight=0.5), *ROWS[1:]]).digest


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (PRETRAIN_ROWS, "no labelled clips"),
        ([replace(r, weight=0.0) for r in HUMAN_ROWS], "All 10 clips have weight 0"),
        ([*HUMAN_ROWS, replace(HUMAN_ROWS[0], weight=0.9)], "1 clips stand twice"),
        ([replace(HUMAN_ROWS[0], weight=1.2)], "weight of h0 is 1.2"),
        ([replace(HUMAN_ROWS[0], weight=float("nan"))], "weight of h0 is nan"),
        ([replace(HUMAN_ROWS[0], caption=" ")], "no caption or no length"),
        ([replace(HUMAN_ROWS[0], origin="robot")], "origin is 'robot'"),
    ],
)
def test_rows_that_cannot_train_are_refused(rows, says):
    """Each with a sentence that says what to do."""
    with pytest.raises(StudioError, match=says):
        check_rows(rows)


def test_rows_of_the_base_itself_may_go_without_a_caption():
    """They train the side of guidance that knows no text."""
    unasked = [replace(row, caption="") for row in PRETRAIN_ROWS]
    assert check_rows([*HUMAN_ROWS, *unasked]).pretrain == 7


def test_mixes_that_cannot_be_are_refused():
    """No data rows, no pretraining data where it is wanted."""
    with pytest.raises(StudioError, match="A batch of 0"):
        Batches(ROWS, Mix(data=0), seed=0, uses_pretrain=True)
    with pytest.raises(StudioError, match="no pretraining data"):
        Batches(HUMAN_ROWS, Mix(), seed=0, uses_pretrain=True)
    with pytest.raises(StudioError, match="no pretraining data"):
        Batches(HUMAN_ROWS, Mix(is_control=True), seed=0, uses_pretrain=False)
