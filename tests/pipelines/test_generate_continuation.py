"""Sounds longer than the window: where windows begin, no seams, the first window's bytes kept."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pipelines.errors import StudioError
from pipelines.generate import checkpoints
from pipelines.generate.continuation import Windows, make_long
from pipelines.generate.flow import hold
from pipelines.generate.sampling import generate, run
from pipelines.records import Prompt, Settings
from tests.pipelines.tiny import save_tiny

RAIN = Prompt(text="rain falls", seconds=10.24)
FEW = Settings(seed=5, steps=4, guidance=3.0)


@pytest.fixture(scope="module")
def backend(tmp_path_factory):
    """The tiny model: 64 frames of 640 samples at 4 kHz."""
    folder = save_tiny(tmp_path_factory.mktemp("models") / "tiny")
    return checkpoints.load(str(folder), device="cpu")


@pytest.mark.parametrize(
    ("needed", "starts"),
    [
        (1, [0]),
        (64, [0]),
        (65, [0, 40]),
        (104, [0, 40]),
        (105, [0, 40, 80]),
        (144, [0, 40, 80]),
    ],
)
def test_where_windows_begin(needed, starts):
    """Worked by hand: windows of 64 that share 16 and drop 8 reach 64, 104, 144 frames."""
    assert Windows(frames=64, overlap=16, dropped=8, needed=needed).starts == starts


def test_known_frames_are_held_at_every_level():
    """At level 0.25 a quarter is noise: 0.75 x 2 + 0.25 x 4 = 2.5; at 0 they are what they are."""
    latents, noise, known = (
        torch.zeros(1, 3, 1),
        torch.full((1, 3, 1), 4.0),
        torch.full((1, 2, 1), 2.0),
    )
    assert hold(latents, known, noise, 0.25).flatten().tolist() == [2.5, 2.5, 0.0]
    assert hold(latents, known, noise, 0.0).flatten().tolist() == [2.0, 2.0, 0.0]
    assert hold(latents, None, noise, 0.5) is latents


def made(backend, seconds, settings=FEW, text="rain falls"):
    """One sound of this length."""
    prompt = Prompt(text=text, seconds=seconds)
    return next(generate(backend, [prompt], settings=settings)).audio


def test_the_first_window_has_the_bytes_of_the_plain_sound(backend):
    """Up to where the second begins."""
    plain, long = made(backend, 10.24), made(backend, 25.0)
    assert long.shape == (1, 100_000) and long.dtype == np.float32
    kept = (64 - 16 - backend.codec.look_ahead) * 640
    assert np.array_equal(long[:, :kept], plain[:, :kept])
    assert np.isfinite(long).all() and np.abs(long[:, -20_000:]).max() > 0


def test_the_same_request_gives_the_same_bytes_and_longer_ones_begin_alike(backend):
    """A longer sound only adds windows: what both have is equal where full windows made it."""
    first, again, longer = made(backend, 25.0), made(backend, 25.0), made(backend, 30.0)
    assert np.array_equal(first, again)
    assert np.array_equal(first[:, :30_000], longer[:, :30_000])
    assert not np.array_equal(made(backend, 25.0, replace(FEW, seed=6)), first)


def test_a_batch_of_any_lengths_agrees_with_one_by_one(backend):
    """Short and long together."""
    jobs = [
        (Prompt(text="rain falls", seconds=25.0), FEW),
        (Prompt(text="a dog barks", seconds=3.0), replace(FEW, seed=8)),
        (Prompt(text="siren wails", seconds=12.0), replace(FEW, seed=9)),
    ]
    together, alone = (list(run(backend, jobs, size, None, None)) for size in (3, 1))
    for one, other in zip(together, alone, strict=True):
        assert one.audio.shape == other.audio.shape
        np.testing.assert_allclose(one.audio, other.audio, atol=4e-4)


SEAM = 64 - 12  # the embedded model drops the twelve frames that its decoder looks ahead


def continued(model, text, known=True):
    """Latents [8, frames, channels] of eight seeds over two windows; blind where nothing is held."""

    def window(prompts, settings, held, told):
        return model.latents_of(prompts, settings, held if known else None, told, None)

    prompts = [Prompt(text=text, seconds=15.0)] * 8
    settings = [Settings(seed=10 * n, steps=12, guidance=3.0) for n in range(8)]
    return torch.stack(make_long(model, prompts, settings, window)).float()


@pytest.mark.slow
def test_a_window_goes_on_from_the_last(monkeypatch):
    """On the embedded model: wind keeps its strength over the seam better than drawn without it.

    And the seam moves as the rest does; with the last frames kept, which know that the sound ends
    there, rain jumps by more than twice its own steps.
    """
    model = checkpoints.load("embedded", device="cpu")
    assert model.codec.look_ahead == 12
    held, blind = (continued(model, "wind blowing", known) for known in (True, False))
    assert held.shape == (8, 64 + 52 - 16, 64)
    jumps = [(each[:, SEAM] - each[:, SEAM - 1]).square().mean(1).sqrt() for each in (held, blind)]
    assert jumps[0].mean() < 0.9 * jumps[1].mean()

    def moved(latents, seam):
        steps = (latents[:, 1:] - latents[:, :-1]).square().mean(2).sqrt()
        return (steps[:, seam - 1] / steps[:, 10:40].mean(1)).mean().item()

    assert moved(continued(model, "rain falling"), SEAM) < 2
    monkeypatch.setattr("pipelines.generate.continuation.EDGE", 0)
    assert moved(continued(model, "rain falling"), 64) > 2


def test_the_waveform_has_no_jump_where_pieces_are_joined(backend):
    """The long latents decoded at once give the sound that was joined, to 1e-5 of its size."""
    from pipelines.generate.continuation import decode_long

    latents = torch.randn(160, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        whole = backend.decode(latents[None])[0]
        joined = decode_long(backend, latents, 160 * 640, backend.decode)
    assert joined.shape == whole.shape
    torch.testing.assert_close(joined, whole, atol=1e-5 * whole.abs().max().item(), rtol=0)


def test_progress_counts_all_windows_and_a_stop_ends_between_steps(backend):
    """Four windows of four steps: 157 frames by 64 and thrice 36."""
    told = []
    prompt = Prompt(text="rain falls", seconds=25.0)
    backend.sample([prompt], [FEW], on_step=lambda done, steps: told.append((done, steps)))
    assert told == [(done, 16) for done in range(1, 17)]
    with pytest.raises(StudioError, match="Stopped"):
        backend.sample([prompt], [FEW], should_stop=lambda: len(told) > 0)


def test_what_is_too_long_is_refused(backend):
    """Ten windows at most; sounds to learn from are one."""
    with pytest.raises(StudioError, match="The duration is 103 s; give more than 0 to 102.4 s"):
        made(backend, 103.0)
    with pytest.raises(StudioError, match="Sounds to learn from are at most 10.24 s long"):
        backend.sample([Prompt(text="rain", seconds=20.0)], [FEW], on_latents=lambda latents: None)
