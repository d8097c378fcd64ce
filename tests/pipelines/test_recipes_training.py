"""The training loop: a run that is cut ends with the same weights as one that is not."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from pipelines.errors import StudioError
from pipelines.generate.autoencoder import Posterior, SpectralAutoencoder
from pipelines.recipes.world.autoencoder import kl_to_standard_normal, spectral_distance
from pipelines.recipes.world.listeners import strong_targets
from pipelines.recipes.world.training import Plan, rate_at, train, trained_weights
from pipelines.seeds import torch_generator
from pipelines.soundworld.events import LABELS
from pipelines.soundworld.scenes import draw_scene

PLAN = Plan(steps=20, learning_rate=0.05, warmup=4, save_every=5, average=0.9)


def model() -> nn.Module:
    """A linear map with fixed first weights."""
    torch.manual_seed(0)
    return nn.Linear(4, 1)


def loss_for(line: nn.Module, stop_at: int | None = None):
    """Least squares on batches drawn from the step; stops as a killed process would."""

    def loss_of(step: int) -> dict[str, torch.Tensor]:
        if step == stop_at:
            raise KeyboardInterrupt
        x = torch.randn(8, 4, generator=torch_generator(0, "x", step))
        return {"loss": (line(x)[:, 0] - x.sum(1)).square().mean()}

    return loss_of


def test_a_cut_run_ends_like_an_undisturbed_one(tmp_path):
    """Killed at step 12, it goes on from 10 and ends with the same bits."""
    whole, cut = model(), model()
    train(whole, loss_for(whole), PLAN, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(cut, loss_for(cut, stop_at=12), PLAN, tmp_path / "cut")
    again = model()
    train(again, loss_for(again), PLAN, tmp_path / "cut")
    for a, b in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)
    loaded = trained_weights(tmp_path / "cut", model())
    assert torch.equal(loaded.weight, whole.weight)


def test_a_folder_of_another_plan_is_refused(tmp_path):
    """Going on with other settings would be neither run."""
    line = model()
    train(line, loss_for(line), PLAN, tmp_path)
    other = Plan(steps=30, learning_rate=0.01)
    with pytest.raises(StudioError, match="another plan"):
        train(line, loss_for(line), other, tmp_path)


def test_a_loss_that_is_not_a_number_stops_the_run(tmp_path):
    """Nothing trains on NaN."""
    line = model()
    with pytest.raises(StudioError, match="became nan at step 0"):
        train(line, lambda step: {"loss": line.weight.sum() * torch.nan}, PLAN, tmp_path)


def test_losses_are_written_every_fifty_steps(tmp_path):
    """One JSON line per fifty steps, with their mean."""
    line = model()
    train(line, loss_for(line), Plan(steps=100, learning_rate=0.05), tmp_path)
    rows = [json.loads(row) for row in (tmp_path / "losses.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [50, 100]
    assert rows[1]["loss"] < rows[0]["loss"]


def test_the_learning_rate_rises_and_falls():
    """By hand: half at half the warm-up, whole at its end, the floor at the last step."""
    plan = Plan(steps=1000, learning_rate=2.0, warmup=100, floor=0.1)
    assert rate_at(49, plan) == pytest.approx(1.0)
    assert rate_at(100, plan) == pytest.approx(2.0)
    assert rate_at(550, plan) == pytest.approx(2.0 * 0.55)
    assert rate_at(1000, plan) == pytest.approx(0.2)


def test_spectral_distance_is_zero_for_equals_and_grows_with_the_error():
    """Symmetric limits: equal sounds 0; louder errors cost more."""
    sound = torch.randn(2, 4096, generator=torch_generator(1)) * 0.1
    assert spectral_distance(sound, sound, 256).item() == 0
    near, far = (spectral_distance(sound * g, sound, 256).item() for g in (1.1, 2.0))
    assert 0 < near < far


def test_kl_by_hand():
    """N(0, 1) costs nothing; N(1, 1) costs 1/2; N(0, e) costs (e^2 - 3) / 2."""
    one, zero = torch.ones(1, 2, 3), torch.zeros(1, 2, 3)
    assert kl_to_standard_normal(Posterior(zero, one)).item() == 0
    assert kl_to_standard_normal(Posterior(one, one)).item() == pytest.approx(0.5)
    e = torch.e
    assert kl_to_standard_normal(Posterior(zero, e * one)).item() == pytest.approx((e**2 - 3) / 2)


def test_strong_targets_follow_the_labels():
    """Frames whose middle lies within the event are 1, all others 0."""
    scene = draw_scene(5, kind="one")
    event = scene.events[0]
    target = strong_targets(scene)
    middles = (np.arange(128) + 0.5) / 12.5
    wanted = (middles >= event.onset) & (middles < event.offset)
    assert np.array_equal(target[:, LABELS.index(event.label)] > 0, wanted)
    assert target.sum() == wanted.sum()


def test_the_autoencoder_keeps_lengths_and_its_own_inverse_stft_is_exact():
    """Whole latent frames in, as many samples out; overlap-add of a true STFT gives the sound."""
    coder = SpectralAutoencoder().eval()
    sound = torch.randn(1, 1, 5120, generator=torch_generator(2)) * 0.1
    posterior = coder.encode(sound[..., :5000])
    assert posterior.mean.shape == (1, 64, 2)
    assert coder.decode(posterior.mean).shape == (1, 1, 5120)
    edge = (1024 - 256) // 2
    frames = nn.functional.pad(sound[:, 0], (edge, edge)).unfold(1, 1024, 256) * coder.window
    back = coder._overlap_add(torch.fft.rfft(frames))
    assert torch.allclose(back[:, 1024:-1024], sound[0, :, 1024:-1024], atol=1e-5)
