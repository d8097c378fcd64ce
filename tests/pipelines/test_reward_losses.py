"""The reward model's losses, by numbers worked by hand, limits and the signs of gradients."""

import math

import pytest
import torch

from pipelines.reward.losses import label_loss, mixed_loss, pair_loss, squared_loss

LOG2 = math.log(2)


def test_label_loss_by_hand():
    """r = 1/2 costs log 2 for any target; r = 3/4 costs log 4/3 for a 1 and log 4 for a 0."""
    flat = label_loss(torch.zeros(3), torch.tensor([0.0, 1.0, 0.3]))
    assert flat.item() == pytest.approx(LOG2)
    logit = torch.tensor([math.log(3.0)] * 2)
    found = label_loss(logit, torch.tensor([1.0, 0.0]))
    assert found.item() == pytest.approx((math.log(4 / 3) + math.log(4)) / 2)


def test_squared_loss_by_hand():
    """r = 3/4 against 1 and 0: (1/16 + 9/16) / 2 = 5/16."""
    found = squared_loss(torch.tensor([math.log(3.0)] * 2), torch.tensor([1.0, 0.0]))
    assert found.item() == pytest.approx(5 / 16)


def test_pair_loss_by_hand():
    """A gap of log 3 has probability 3/4: log 4/3; at agreement 3/4 the entropy of (3/4, 1/4)."""
    chosen, rejected = torch.tensor([math.log(3.0) + 5]), torch.tensor([5.0])
    assert pair_loss(chosen, rejected).item() == pytest.approx(math.log(4 / 3), rel=1e-5)
    found = pair_loss(chosen, rejected, torch.tensor([0.75])).item()
    assert found == pytest.approx(0.75 * math.log(4 / 3) + 0.25 * math.log(4), rel=1e-5)


def test_a_soft_target_is_met_where_the_reward_equals_it():
    """The gradient of cross-entropy is (r - y) / n: zero at r = y, up below it, down above it."""
    logits = torch.tensor([math.log(3.0), 0.0, 0.0], requires_grad=True)
    label_loss(logits, torch.tensor([0.75, 1.0, 0.0])).backward()
    assert logits.grad.tolist() == pytest.approx([0.0, -0.5 / 3, 0.5 / 3], abs=1e-7)


def test_pairs_pull_apart_and_stop_at_the_agreement():
    """The winner rises and the loser falls by equal steps; at agreement = sigmoid(gap) both rest."""
    chosen = torch.tensor([0.0, math.log(3.0)], requires_grad=True)
    rejected = torch.zeros(2, requires_grad=True)
    pair_loss(chosen, rejected, torch.tensor([1.0, 0.75])).backward()
    assert chosen.grad.tolist() == pytest.approx([-0.25, 0.0], abs=1e-7)
    assert rejected.grad.tolist() == pytest.approx([0.25, 0.0], abs=1e-7)


def test_far_logits_stay_finite():
    """Logits of 1,000 cost their distance, not infinity; squared error stays at most 1."""
    far, right = torch.tensor([1000.0, -1000.0]), torch.tensor([1.0, 0.0])
    assert label_loss(far, right).item() == 0.0
    assert label_loss(far, 1 - right).item() == 1000.0
    assert pair_loss(-far[:1], far[:1]).item() == 2000.0
    assert squared_loss(far, 1 - right).item() == 1.0


def test_weights_repeat_examples_and_rare_ones_can_count_for_more():
    """A weight of 2 is the example twice; positive = 3 triples what a 1 costs and no 0."""
    logits, targets = torch.tensor([0.3, -0.2]), torch.tensor([1.0, 0.0])
    twice = label_loss(torch.tensor([0.3, 0.3, -0.2]), torch.tensor([1.0, 1.0, 0.0]))
    assert label_loss(logits, targets, torch.tensor([2.0, 1.0])).item() == pytest.approx(
        twice.item()
    )
    ones, zeros = label_loss(logits[:1], targets[:1]), label_loss(logits[1:], targets[1:])
    found = label_loss(logits, targets, positive=3.0).item()
    assert found == pytest.approx((3 * ones.item() + zeros.item()) / 2)


def test_two_kinds_mix_at_their_share():
    """A quarter pairs: 3/4 of the one and 1/4 of the other; a kind that is absent takes no part."""
    labels, pairs = torch.tensor(1.0), torch.tensor(3.0)
    assert mixed_loss(labels, pairs, share=0.25).item() == 1.5
    assert mixed_loss(labels, None, share=0.25) is labels
    assert mixed_loss(None, pairs, share=0.25) is pairs
