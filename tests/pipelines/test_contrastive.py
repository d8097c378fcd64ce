"""The contrastive loss: numbers worked by hand, symmetry, limits, shared captions."""

import math

import pytest
import torch

from pipelines.contrastive import contrastive_loss

EYE = torch.eye(2)


def test_two_orthogonal_pairs_by_hand():
    """S = [[1, 0], [0, 1]]: each row gives -log(e / (e + 1)) = log(1 + 1/e) = 0.31326."""
    assert contrastive_loss(EYE, EYE, 1.0).item() == pytest.approx(math.log(1 + 1 / math.e))


def test_an_uneven_pair_by_hand():
    """Audio [1,0],[0,1], text [1,0],[.6,.8]: S = [[1, .6], [0, .8]].

    Rows: log(1 + e^-.4) + log(1 + e^-.8), halved = 0.442055;
    columns: log(1 + e^-1) + log(1 + e^-.2), halved = 0.455700; mean 0.448878.
    """
    text = torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    rows = (math.log(1 + math.exp(-0.4)) + math.log(1 + math.exp(-0.8))) / 2
    columns = (math.log(1 + math.exp(-1.0)) + math.log(1 + math.exp(-0.2))) / 2
    assert contrastive_loss(EYE, text, 1.0).item() == pytest.approx((rows + columns) / 2)
    assert (rows + columns) / 2 == pytest.approx(0.448878, abs=2e-6)


def test_swapping_sounds_and_texts_changes_nothing():
    """The loss is symmetric in its two sides, groups or not."""
    draw = torch.Generator().manual_seed(0)
    one, other = (torch.nn.functional.normalize(torch.randn(5, 4, generator=draw)) for _ in "ab")
    groups = torch.tensor([0, 1, 0, 2, 3])
    for kind in (None, groups):
        forward = contrastive_loss(one, other, 7.0, groups=kind)
        assert forward.item() == pytest.approx(
            contrastive_loss(other, one, 7.0, groups=kind).item()
        )


def test_limits():
    """Perfect pairs at a high scale cost nothing; equal vectors cost log(batch) at any scale."""
    assert contrastive_loss(EYE, EYE, 100.0).item() == pytest.approx(0, abs=1e-6)
    same = torch.tensor([[1.0, 0.0]]).repeat(4, 1)
    assert contrastive_loss(same, same, 9.0).item() == pytest.approx(math.log(4))


def test_a_caption_drawn_twice_is_not_a_wrong_answer():
    """Two equal captions in one group cost log 2 (the targets' entropy) and no gradient.

    Without the group the same batch would push the two sounds away from each other's caption.
    """
    audio = torch.tensor([[1.0, 0.0], [0.8, 0.6]], requires_grad=True)
    text = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    grouped = contrastive_loss(audio, text, 1.0, groups=torch.tensor([4, 4]))
    by_column = (math.log(1 + math.exp(-0.2)) + math.log(1 + math.exp(0.2))) / 2
    assert grouped.item() == pytest.approx((math.log(2) + by_column) / 2)
    alike = text.clone().requires_grad_()
    contrastive_loss(alike, text, 5.0, groups=torch.tensor([4, 4])).backward()
    assert alike.grad.abs().max() < 1e-6


def test_the_gradient_pulls_a_pair_together():
    """A step down the gradient brings each sound nearer to its own text than to the other."""
    audio = torch.tensor([[0.6, 0.8], [0.8, 0.6]], requires_grad=True)
    contrastive_loss(audio, EYE, 1.0).backward()
    step = -audio.grad @ EYE.T
    assert step[0, 0] > step[0, 1] and step[1, 1] > step[1, 0]
