"""The losses of preference optimisation: by hand, by symmetry and limits, and by parity."""

import json
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pipelines.errors import StudioError
from pipelines.finetune.preference_losses import (
    advantages,
    crpo_loss,
    group_relative_loss,
    implicit_accuracy,
    margin,
    preference_loss,
)

PARITY = Path(__file__).parents[1] / "parity" / "tangoflux"


def test_the_margin_by_hand():
    """Errors 1 and 3, the reference's 2 and 2.5: (2 - 2.5) - (1 - 3) = 1.5."""
    told = [torch.tensor([value]) for value in (1.0, 3.0, 2.0, 2.5)]
    assert margin(*told).item() == 1.5


def test_the_loss_by_hand():
    """beta 2 and margins 0 and log 3: -log 1/2 and -log 3/4, their mean."""
    found = preference_loss(torch.tensor([0.0, math.log(3)]), beta=2.0)
    assert found.item() == pytest.approx((math.log(2) + math.log(4 / 3)) / 2)


def test_a_policy_that_is_its_reference_pays_log_2():
    """Whatever beta; and half of its pairs are no better than chance: none is ranked right."""
    errors = torch.tensor([0.7, 0.1, 0.4]), torch.tensor([0.2, 0.6, 0.4])
    found = margin(*errors, *errors)
    assert preference_loss(found).item() == pytest.approx(math.log(2))
    assert implicit_accuracy(found).item() == 0.0


def test_swapping_a_pair_turns_its_margin():
    """-log s(x) + log s(-x) = -x."""
    rng = torch.Generator().manual_seed(0)
    w, lost, rw, rl = (torch.rand(5, generator=rng) for _ in range(4))
    one, other = margin(w, lost, rw, rl), margin(lost, w, rl, rw)
    assert torch.allclose(one, -other)
    gap = preference_loss(one, beta=4.0) - preference_loss(other, beta=4.0)
    assert gap.item() == pytest.approx(-2 * one.mean().item(), rel=1e-5)


def test_gradients_push_winners_down_and_losers_up():
    """Each by beta / 2 x sigmoid(-beta / 2 x margin) / pairs; at most beta / 2 in all."""
    w, lost = (torch.tensor([0.5], requires_grad=True) for _ in range(2))
    preference_loss(margin(w, lost, torch.tensor([0.5]), torch.tensor([0.5])), beta=8.0).backward()
    assert (w.grad.item(), lost.grad.item()) == (2.0, -2.0)


def test_the_preference_term_alone_lets_both_errors_rise():
    """Loser +2 and winner +1 lower L_DPO-FM, and raise L_CRPO by what the winner lost."""
    before = margin(*(torch.tensor([1.0]) for _ in range(4)))
    after = margin(*(torch.tensor([value]) for value in (2.0, 3.0, 1.0, 1.0)))
    one, two = torch.tensor([1.0]), torch.tensor([2.0])
    assert preference_loss(after, beta=0.1) < preference_loss(before, beta=0.1)
    assert crpo_loss(after, two, beta=0.1) > crpo_loss(before, one, beta=0.1)
    assert crpo_loss(after, two, beta=0.1, anchor=0.0) == preference_loss(after, beta=0.1)


def test_advantages_by_hand():
    """Rewards 1, 2, 3: deviation 1, so -1, 0, 1; alike ones teach nothing."""
    found = advantages(torch.tensor([[1.0, 2.0, 3.0], [0.5, 0.5, 0.5]]))
    assert found.tolist() == [[-1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]


def test_advantages_do_not_mind_scale_or_shift():
    """A reward of another unit teaches the same."""
    rewards = torch.tensor([[0.1, 0.7, 0.2, 0.5]])
    assert torch.allclose(advantages(rewards), advantages(10 * rewards - 3), atol=1e-5)


def test_a_group_of_one_is_refused():
    """It has nothing to be better than."""
    with pytest.raises(StudioError, match="groups of at least 2"):
        advantages(torch.ones(3, 1))


def test_group_relative_loss_by_hand():
    """At the reference every ratio is 1 and advantages sum to 0; its gradient is beta / 2 A / n."""
    errors = torch.tensor([[0.5, 0.5]], requires_grad=True)
    rewards = torch.tensor([[1.0, 0.0]])  # deviation 1 / sqrt 2, advantages +-1 / sqrt 2
    loss = group_relative_loss(errors, errors.detach(), rewards, beta=4.0)
    loss.backward()
    assert loss.item() == pytest.approx(0.0, abs=1e-7)
    root = math.sqrt(0.5)
    assert errors.grad.flatten().tolist() == pytest.approx([root, -root])


def test_a_ratio_beyond_the_clip_pulls_no_further():
    """A good sound that is already likelier by more than the clip has no gradient."""
    errors = torch.tensor([[0.0, 0.5]], requires_grad=True)
    reference = torch.tensor([[0.5, 0.5]])
    group_relative_loss(errors, reference, torch.tensor([[1.0, 0.0]]), beta=4.0).backward()
    assert errors.grad[0, 0].item() == 0.0
    assert errors.grad[0, 1].item() != 0.0


def test_parity_with_the_reference_implementation():
    """Its errors give its inner term, its preference term, its loss and its accuracy."""
    told = json.loads((PARITY / "expected.json").read_text())
    stored = load_file(PARITY / "expected.safetensors")
    names = ("model_losses_w", "model_losses_l", "ref_losses_w", "ref_losses_l")
    w, lost, rw, rl = (stored[f"dpo.{name}"] for name in names)
    found, beta = margin(w, lost, rw, rl), float(told["constants"]["beta_dpo"])

    def near(name: str, value: torch.Tensor) -> None:
        gap = (value - stored[f"dpo.{name}"]).abs().max().item()
        assert gap <= told["tensors"][f"dpo.{name}"]["atol"], (name, gap)

    near("inside_term", beta / 2 * found)
    near("preference_term", preference_loss(found, beta=beta))
    near("loss", crpo_loss(found, w, beta=beta))
    near("implicit_acc", implicit_accuracy(found))
