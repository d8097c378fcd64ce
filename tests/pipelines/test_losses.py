"""The losses, by numbers worked by hand."""

import pytest
import torch

from pipelines.finetune.losses import (
    flow_matching_loss,
    reward_weighted_loss,
    row_weights,
    squared_error,
)

DATA_AND_PRETRAIN = torch.tensor([False, False, True])


def test_flow_matching_loss_by_hand():
    """Rows [1, 3] against [0, 0] give (1 + 9) / 2 = 5; an exact row gives 0."""
    prediction = torch.tensor([[[1.0], [3.0]], [[2.0], [2.0]]])
    target = torch.tensor([[[0.0], [0.0]], [[2.0], [2.0]]])
    assert flow_matching_loss(prediction, target).tolist() == [5.0, 0.0]


def test_flow_matching_loss_pulls_towards_the_target():
    """The gradient is 2 (prediction - target) / frames / channels, in float32 for half inputs."""
    prediction = torch.tensor([[[1.0, -1.0]]], dtype=torch.bfloat16, requires_grad=True)
    loss = flow_matching_loss(prediction, torch.zeros(1, 1, 2))
    assert loss.dtype == torch.float32
    loss.sum().backward()
    assert prediction.grad.tolist() == [[[1.0, -1.0]]]


def test_eq_7_by_hand():
    """Errors 4 and 2 with r = 1 and 0.5 give (4 + 1) / 2 = 2.5; pretrain 3 times 0.5 gives 1.5."""
    errors, rewards = torch.tensor([4.0, 2.0, 3.0]), torch.tensor([1.0, 0.5, 1.0])
    assert reward_weighted_loss(errors, rewards, DATA_AND_PRETRAIN, beta=0.5).item() == 4.0


def test_reward_one_and_beta_zero_is_plain_training():
    """Then Eq. 7 is the mean of the data rows' errors, and the pretrain row says nothing."""
    errors = torch.tensor([4.0, 2.0, 100.0], requires_grad=True)
    loss = reward_weighted_loss(errors, torch.ones(3), DATA_AND_PRETRAIN, beta=0.0)
    loss.backward()
    assert loss.item() == 3.0 and errors.grad.tolist() == [0.5, 0.5, 0.0]


def test_reward_zero_leaves_the_pretrain_term():
    """Then only beta times the pretrain mean is left, and data rows get no gradient."""
    errors = torch.tensor([4.0, 2.0, 3.0], requires_grad=True)
    loss = reward_weighted_loss(errors, torch.zeros(3), DATA_AND_PRETRAIN, beta=0.5)
    loss.backward()
    assert loss.item() == 1.5 and errors.grad.tolist() == [0.0, 0.0, 0.5]


@pytest.mark.parametrize("reward", [0.25, 0.5, 1.0])
def test_the_gradient_of_a_row_scales_with_its_reward(reward):
    """d loss / d error of a data row is r / N."""
    errors = torch.tensor([1.0, 1.0, 1.0], requires_grad=True)
    rewards = torch.tensor([reward, 1.0, 1.0])
    reward_weighted_loss(errors, rewards, DATA_AND_PRETRAIN, beta=1.0).backward()
    assert errors.grad[0].item() == reward / 2


def test_the_loss_is_linear_in_beta():
    """beta 1 lies halfway between beta 0 and beta 2."""
    errors, rewards = torch.tensor([4.0, 2.0, 3.0]), torch.tensor([0.2, 0.9, 1.0])
    low, middle, high = (
        reward_weighted_loss(errors, rewards, DATA_AND_PRETRAIN, beta=b) for b in (0.0, 1.0, 2.0)
    )
    assert torch.isclose(middle, (low + high) / 2)


def test_the_reward_of_a_pretrain_row_is_not_read():
    """D_pretrain has no reward model: its weight is beta alone."""
    some, other = (row_weights(torch.tensor([1.0, 1.0, r]), DATA_AND_PRETRAIN, 0.5) for r in (0, 9))
    assert some.tolist() == other.tolist() == [0.5, 0.5, 0.5]


def test_weights_of_micro_batches_add_up_to_the_batch():
    """The reference gives N micro-batches' last gradient over N; ours is that of the whole batch."""
    weight = torch.tensor([2.0], requires_grad=True)
    x, rewards = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 0.5, 1.0])
    reward_weighted_loss((weight * x) ** 2, rewards, DATA_AND_PRETRAIN, beta=0.5).backward()
    whole, weight.grad = weight.grad.clone(), None
    for row, own in zip(x, row_weights(rewards, DATA_AND_PRETRAIN, 0.5), strict=True):
        (own * (weight * row) ** 2).sum().backward()
    assert torch.isclose(weight.grad, whole)


@pytest.mark.parametrize("kind", ["velocity", "noise", "v"])
def test_every_kind_of_target_is_weighted_alike(kind):
    """For an error e added to any target the loss is (r1 + r2) / 2 e^2 + beta e^2, here 1.1."""
    data, noise = torch.randn(2, 3, 5, 4, generator=torch.Generator().manual_seed(0))
    alpha, sigma = 0.8, 0.6
    target = {"velocity": noise - data, "noise": noise, "v": alpha * noise - sigma * data}[kind]
    errors = squared_error(target + 1.0, target)
    loss = reward_weighted_loss(errors, torch.tensor([1, 0.2, 1]), DATA_AND_PRETRAIN, beta=0.5)
    assert loss.item() == pytest.approx(1.1, rel=1e-5)
