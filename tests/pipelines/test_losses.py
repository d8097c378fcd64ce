"""The losses, by numbers worked by hand."""

import torch

from pipelines.finetune.losses import flow_matching_loss


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
