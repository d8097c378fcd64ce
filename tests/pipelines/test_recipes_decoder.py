"""The decoder's contest: terms by hand, the encoder left alone, the judge unmoved by the decoder."""

import pytest
import torch

from pipelines.generate.autoencoder import SpectralAutoencoder
from pipelines.recipes.world.decoder import Contest, hinge_terms, matching_term


def test_hinge_terms_by_hand():
    """Real at 2 and 0 costs (0 + 1) / 2; made at -3 and 1 costs (0 + 2) / 2."""
    assert hinge_terms(torch.tensor([2.0, 0.0]), torch.tensor([-3.0, 1.0])).item() == 1.5


def test_matching_term_by_hand():
    """Equal features cost nothing; an error of half the size costs a half."""
    real = [torch.full((2, 3), 4.0), torch.full((2, 3), 2.0)]
    assert matching_term(real, real).item() == 0
    assert matching_term(real, [1.5 * x for x in real]).item() == pytest.approx(0.5, abs=1e-3)


def test_the_encoder_is_frozen_and_the_decoders_turn_moves_no_judge():
    """Gradients of the decoder's turn reach the decoder alone."""
    torch.manual_seed(0)
    contest = Contest(SpectralAutoencoder())
    assert not any(p.requires_grad for p in contest.coder.encoder.parameters())
    picture = contest.coder.decode(torch.randn(1, 64, 2))[:, 0].unfold(1, 512, 128).abs()
    contest.frozen_judge(0, picture)[-1].mean().backward()
    assert all(p.grad is None for p in contest.judges.parameters())
    assert contest.coder.head.weight.grad is not None
