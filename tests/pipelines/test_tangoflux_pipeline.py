"""The diffusers door: call, save, load, and what a plain loop over the library would give."""

import numpy as np
import pytest
import torch

from pipelines.errors import StudioError
from pipelines.generate.guided import Plan
from pipelines.generate.tangoflux import TangoFluxPipeline
from tests.pipelines.test_generate_transformer import library
from tests.pipelines.tiny import tiny_pipeline


@pytest.fixture(scope="module")
def pipe():
    """The tiny model."""
    return tiny_pipeline()


def test_call_gives_sounds(pipe):
    """Prompt by prompt, several each, [B, 1, samples]; the generator decides."""
    made = [
        pipe(
            ["a dog barks", "rain"],
            seconds=3.0,
            num_inference_steps=2,
            num_waveforms_per_prompt=2,
            generator=torch.Generator().manual_seed(seed),
        ).audios
        for seed in (0, 0, 1)
    ]
    assert made[0].shape == (4, 1, 12000)
    assert np.array_equal(made[0], made[1]) and not np.array_equal(made[0], made[2])


def test_saved_pipeline_gives_the_same_sound(pipe, tmp_path):
    """A round trip through the folder changes no bit."""
    pipe.save_pretrained(tmp_path)
    again = TangoFluxPipeline.from_pretrained(tmp_path)
    noise = torch.randn(1, 64, 8)
    first, second = (p("a dog barks", seconds=2.0, latents=noise).audios for p in (pipe, again))
    assert np.array_equal(first, second)


def test_fused_weights_are_not_saved(pipe, tmp_path, monkeypatch):
    """Fused Oobleck weights have other names, so saving them is refused."""
    monkeypatch.setattr("pipelines.generate.codec.Codec.is_fused", True)
    with pytest.raises(StudioError, match="load it afresh to save it"):
        pipe.save_pretrained(tmp_path / "never")
    assert not (tmp_path / "never").exists()


@torch.no_grad()
def test_same_as_a_plain_loop(pipe):
    """Batched guidance with all modulations at once, against two library calls a step: 1e-5."""
    text, free = pipe.encode_prompts(["a dog barks", "rain"], [4.0, 2.0])
    noise = torch.randn(2, 64, 8, generator=torch.Generator().manual_seed(3))
    found = pipe.denoise(noise, text, free, steps=6, guidance=3.5)
    x = noise
    for number in range(6):
        sigma = torch.full((2,), 1 - number / 6)
        told, untold = (library(pipe.transformer, x, sigma, rows) for rows in (text, free))
        x = x - (untold + 3.5 * (told - untold)) / 6
    torch.testing.assert_close(found, x, atol=1e-5 * x.abs().max().item(), rtol=0)


@torch.no_grad()
def test_guidance_per_row(pipe):
    """Each row of a batch may have its own guidance; 1 is the text alone."""
    text, free = pipe.encode_prompts(["a dog barks"] * 2, [4.0] * 2)
    noise = torch.randn(1, 64, 8).repeat(2, 1, 1)
    found = pipe.denoise(noise, text, free, steps=2, guidance=torch.tensor([1.0, 4.0]))
    alone = pipe.denoise(noise, text, None, steps=2)
    torch.testing.assert_close(found[0], alone[0], atol=1e-5, rtol=0)
    assert (found[1] - alone[1]).abs().max() > 1e-3


@torch.no_grad()
def test_plan_windows(pipe, monkeypatch):
    """Modulations made a few steps at a time equal those made for each step alone."""
    monkeypatch.setattr("pipelines.generate.guided.MODULATED", 6)
    levels, pooled = torch.linspace(1, 0.2, 5), torch.randn(2, 32)
    plan = Plan(pipe.transformer, levels, pooled)
    assert plan.window == 3
    for at in range(5):
        alone = Plan(pipe.transformer, levels[at : at + 1], pooled)[0]
        torch.testing.assert_close(plan[at].out, alone.out)
        torch.testing.assert_close(plan[at].single[1], alone.single[1])
        torch.testing.assert_close(plan[at].joint[0], alone.joint[0])
