"""Plans: the paper's settings, their control, and what cannot be."""

from dataclasses import replace

import pytest
import torch

from pipelines.errors import StudioError
from pipelines.finetune.levels import HIGH, USUAL, NoiseLevels
from pipelines.finetune.plans import EMBEDDED, PAPER, PLANS, Plan, control_of, plan_from


def test_the_paper_settings_are_those_of_section_4_1():
    """Beta 0.5, 10 epochs, 1e-5, batch 6, people and reward model 1:1; 2.5 k against 4.8 k rows."""
    assert (PAPER.beta, PAPER.epochs, PAPER.learning_rate) == (0.5, 10, 1e-5)
    assert PAPER.mix.data == 6 and PAPER.mix.human_share == 0.5 and PAPER.adapter is None
    assert PAPER.steps_in(800) == 8000
    assert PAPER.mix.pretrain * 800 == pytest.approx(2500, rel=0.05)


def test_plain_values_make_the_same_plan():
    """There and back, for every plan we ship and its control."""
    apart = Plan(data_levels=NoiseLevels(high_share=1.0))
    for plan in (*PLANS.values(), control_of(EMBEDDED), apart):
        assert plan_from(plan.values) == plan


def test_unknown_settings_are_refused_by_name():
    """At the top and in a part."""
    with pytest.raises(StudioError, match="betas is no setting of Plan; known are beta, epochs"):
        plan_from({"betas": 1})
    with pytest.raises(StudioError, match="size is no setting of Mix"):
        plan_from({"mix": {"size": 3}})


def test_the_control_differs_in_its_rows_alone():
    """Same steps, rate, beta and seed."""
    control = control_of(EMBEDDED)
    assert control.mix.is_control
    assert replace(control, mix=EMBEDDED.mix) == EMBEDDED


def test_memory_and_checkpoints_are_no_part_of_what_a_run_is():
    """They may change half-way."""
    assert replace(EMBEDDED, micro_batch=1, save_every=7).identity == EMBEDDED.identity
    assert replace(EMBEDDED, beta=0.1).identity != EMBEDDED.identity


@pytest.mark.parametrize(
    "wrong",
    [{"beta": -1.0}, {"learning_rate": 0.0}, {"learning_rate": float("nan")}, {"epochs": 0},
     {"steps": 0}, {"micro_batch": 0}, {"beta": float("nan")}, {"beta": float("inf")}],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(wrong):
    """With the name and what is allowed."""
    with pytest.raises(StudioError, match=f"{next(iter(wrong))} is .* must be"):
        Plan(**wrong)


def test_usual_levels_are_logit_normal():
    """Half above 0.5, 68 % between sigmoid(-1) = 0.269 and sigmoid(1) = 0.731."""
    drawn = USUAL.draw(20_000, torch.Generator().manual_seed(0))
    assert (drawn > 0.5).float().mean().item() == pytest.approx(0.5, abs=0.015)
    assert ((drawn > 0.269) & (drawn < 0.731)).float().mean().item() == pytest.approx(
        0.683, abs=0.015
    )


def test_high_levels_put_their_share_above():
    """A share evenly in [0.85, 1], the others as they were drawn for shares of 0."""
    rng = torch.Generator().manual_seed(0)
    drawn = HIGH.draw(20_000, rng)
    assert (drawn >= 0.85).float().mean().item() == pytest.approx(HIGH.high_share, abs=0.03)
    low = NoiseLevels(shift=HIGH.shift).draw(20_000, torch.Generator().manual_seed(0))
    same = drawn == low
    assert same.float().mean().item() == pytest.approx(1 - HIGH.high_share, abs=0.02)
    assert drawn.min() > 0 and drawn.max() <= 1


def test_a_shift_above_zero_means_more_noise():
    """The centre moves from 0.5 to sigmoid(1) = 0.73."""
    drawn = NoiseLevels(shift=1.0).draw(20_000, torch.Generator().manual_seed(0))
    assert drawn.median().item() == pytest.approx(0.731, abs=0.01)
