"""One contract for every backend: what the studio and the recipes may ask of any of them.

To add a backend, add a row to `CASES`: a function from a folder to a loaded model.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines.errors import Cancelled, StudioError
from pipelines.finetune import adapters
from pipelines.generate import checkpoints
from pipelines.generate.sampling import generate, run
from pipelines.records import Prompt, Settings
from tests.pipelines.tiny import save_tiny
from tests.pipelines.tiny_diffusers import save_audioldm2, save_stable_audio
from tests.pipelines.tiny_tango import copy_tango

PARITY = Path(__file__).parents[1] / "parity" / "tangoflux"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One backend and what it may do."""

    save: Callable[[Path], Path]  # writes the model's folder, or names one that is there
    trains: bool = True  # whether its denoiser can be trained; if not it says so
    loose: float = (
        2e-4  # largest difference between a batch and one by one, over the loudest sample
    )
    steps: int = 3


def published_flux(folder: Path) -> Path:
    """The tiny TangoFlux in its published layout."""
    return Path(shutil.copytree(PARITY, folder / "flux"))


CASES = {
    "embedded": Case(save=lambda folder: Path(checkpoints.EMBEDDED["embedded"].path), steps=2),
    "tangoflux-folder": Case(save=lambda folder: save_tiny(folder / "tiny")),
    "tangoflux-published": Case(save=published_flux),
    "tango-published": Case(save=copy_tango, steps=2),
    "audioldm2": Case(save=lambda folder: save_audioldm2(folder / "ldm"), trains=False),
    "stable-audio": Case(save=lambda folder: save_stable_audio(folder / "sao"), trains=False),
}


@pytest.fixture(scope="module", params=CASES)
def case(request):
    """Each backend in turn."""
    return CASES[request.param]


@pytest.fixture(scope="module")
def folder(case, tmp_path_factory):
    """Where its files lie."""
    return case.save(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def backend(folder):
    """The model in float32 on the CPU."""
    return checkpoints.load(str(folder), device="cpu", dtype=torch.float32)


@pytest.fixture
def fresh(folder):
    """A copy that may be changed."""
    return checkpoints.load(str(folder), device="cpu", dtype=torch.float32)


@pytest.fixture
def few(case, backend):
    """Few steps by the model's own sampler."""
    sampler = getattr(backend, "samplers", ("euler",))[0]
    return Settings(seed=5, steps=case.steps, guidance=3.0, sampler=sampler)


DOG, BIRD = Prompt(text="a dog barks", seconds=2.0), Prompt(text="a bird sings and rain falls")
BIRD = replace(BIRD, seconds=1.5)


def made(backend, prompts, settings, **how):
    """All candidates at once."""
    return list(generate(backend, prompts, settings=settings, **how))


def loud(sound):
    """The loudest sample."""
    return float(np.abs(sound).max())


def test_it_says_what_it_is(backend):
    """Name, revision, rate, longest, defaults, shape of the noise, arithmetic."""
    assert backend.name and len(backend.revision) == 16 and backend.adapter is None
    assert backend.sample_rate > 0 and backend.max_seconds > 2
    assert 1 <= backend.default_steps <= 200 and backend.default_guidance >= 1
    assert len(backend.latent_shape) == 2 and min(backend.latent_shape) > 0
    assert backend.dtype == "float32"


def test_the_same_request_gives_the_same_bytes(backend, few):
    """And another seed other ones; N candidates have seeds in a row."""
    first, second = (made(backend, [DOG], few, count=2) for _ in range(2))
    assert [c.audio.tobytes() for c in first] == [c.audio.tobytes() for c in second]
    assert [c.id for c in first] == [c.id for c in second]
    assert [c.settings.seed for c in first] == [5, 6]
    assert not np.array_equal(first[0].audio, first[1].audio)


def test_loaded_again_it_gives_the_same_bytes(backend, fresh, few):
    """The folder holds all that decides a sound."""
    one, other = (made(model, [DOG], few)[0] for model in (backend, fresh))
    assert one.id == other.id and np.array_equal(one.audio, other.audio)


def test_a_batch_agrees_with_one_by_one(case, backend, few):
    """Prompts of other words, lengths and guidance together: as made alone, up to rounding."""
    jobs = [(DOG, few), (BIRD, replace(few, seed=9, guidance=1.0)), (DOG, replace(few, seed=11))]
    together = list(run(backend, jobs, 3, None, None))
    alone = list(run(backend, jobs, 1, None, None))
    for one, other in zip(together, alone, strict=True):
        assert one.id == other.id
        off = np.abs(one.audio - other.audio).max() / loud(other.audio)
        assert off < case.loose, f"off by {off:.1e} of the loudest sample"


def test_sounds_have_the_asked_length_and_are_finite(backend, few):
    """Float32 [channels, seconds x rate], not silent."""
    for candidate in made(backend, [DOG, BIRD], few):
        sound = candidate.audio
        assert sound.dtype == np.float32 and sound.shape[0] in (1, 2)
        assert sound.shape[1] == int(candidate.prompt.seconds * backend.sample_rate)
        assert np.isfinite(sound).all() and loud(sound) > 0


def test_guidance(backend, few):
    """1 and 0 follow the text alone, more makes another sound."""
    by = {g: made(backend, [DOG], replace(few, guidance=g))[0].audio for g in (0.0, 1.0, 4.0)}
    assert np.array_equal(by[0.0], by[1.0])
    assert np.abs(by[4.0] - by[1.0]).max() > 1e-5 * loud(by[1.0])


def test_words_and_length_are_heard(backend, few):
    """Other words from the same noise are another sound."""
    dog, rain = (
        made(backend, [replace(DOG, text=text)], few)[0].audio for text in ("a dog barks", "rain")
    )
    assert np.abs(dog - rain).max() > 1e-5 * loud(dog)


def test_progress_and_stop(backend, few):
    """Told after every step, up to all of them; a stop ends between two."""
    told = []
    backend.sample([DOG], [few], on_step=lambda done, steps: told.append((done, steps)))
    assert [done for done, _ in told] == list(range(1, len(told) + 1))
    assert told[-1][0] == told[-1][1] >= few.steps
    seen = []
    with pytest.raises(Cancelled):
        backend.sample(
            [DOG], [few], on_step=lambda *_: seen.append(1), should_stop=lambda: len(seen) == 1
        )
    assert len(seen) == 1


def test_latents_come_beside_the_sounds(backend, few):
    """One row each, of the shape that training knows; they decode to the sound."""
    got = []
    (sound,) = backend.sample([DOG], [few], on_latents=got.append)
    (latents,) = got
    assert latents.dtype == torch.float32 and tuple(latents.shape[1:]) == backend.latent_shape
    again = backend.decode(latents, sound.shape[1])[0].cpu().numpy()
    assert np.abs(again - sound).max() < 1e-4 * loud(sound)


def test_a_request_that_cannot_be_met_is_told_before_any_work(backend, few):
    """Too long, without words, of no seed."""
    for prompt, settings, sentence in (
        (replace(DOG, seconds=1e4), few, "The duration is 10000 s"),
        (replace(DOG, text=" "), few, "The prompt is empty"),
        (replace(DOG, text="a dog barks " * 700), few, "Shorten it"),
        (DOG, replace(few, sampler="best"), "sampler is 'best'"),
        (DOG, replace(few, quality=9), "quality level"),
    ):
        with pytest.raises(StudioError, match=sentence):
            generate(backend, [prompt], settings=settings)


def noise_like(latents, seed=0):
    """Standard normal draws of this shape."""
    return torch.randn(latents.shape, generator=torch.Generator().manual_seed(seed))


def sound_for(backend, seconds=1.0):
    """A little noise at the model's own rate: [1, channels, samples]."""
    count = int(seconds * backend.sample_rate)
    return torch.randn(2, 1, count, generator=torch.Generator().manual_seed(3)) * 0.1


def test_encode(case, backend):
    """The mean without a generator; a draw with one, the same from the same seed."""
    if not case.trains:
        with pytest.raises(StudioError, match="cannot"):
            backend.encode(sound_for(backend))
        return
    audio = sound_for(backend)
    mean = backend.encode(audio)
    assert tuple(mean.shape) == (2, *backend.latent_shape) and mean.isfinite().all()
    draws = [backend.encode(audio, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])
    assert torch.equal(mean, backend.encode(audio))


def training_loss(backend, latents, seed=0):
    """The squared error of one prediction on fixed noise at two levels."""
    noise, sigma = noise_like(latents, seed), torch.tensor([0.3, 0.9])
    noisy = backend.noised(latents, noise, sigma)
    target = backend.training_target(latents, noise, sigma)
    text = backend.encode_text(["a dog barks", "rain falls"], [2.0, 1.0])
    return (backend.predict(noisy, sigma, text).float() - target).square().mean()


def test_training_target(case, backend):
    """Noise levels change what the denoiser sees; gradients reach its weights."""
    if not case.trains:
        with pytest.raises(StudioError, match="cannot"):
            training_loss(backend, torch.zeros(2, *backend.latent_shape))
        return
    latents = backend.encode(sound_for(backend))
    noise = noise_like(latents)
    low, high = (backend.noised(latents, noise, torch.full((2,), s)) for s in (0.05, 0.95))
    assert (low - latents).abs().mean() < (high - latents).abs().mean()
    weights = [p for p in backend.denoiser.parameters() if p.requires_grad]
    grads = torch.autograd.grad(training_loss(backend, latents), weights, allow_unused=True)
    assert sum(g is not None and bool(g.abs().max() > 0) for g in grads) > len(weights) / 3


def test_an_adapter_trains_and_comes_off(case, fresh, few):
    """Put on it changes nothing, a few steps lower the loss and change the sound, off it is gone."""
    if not case.trains:
        with pytest.raises(StudioError, match="cannot"):
            _ = fresh.denoiser
        return
    before = made(fresh, [DOG], few)[0].audio
    whole = {name: value.clone() for name, value in fresh.denoiser.state_dict().items()}
    latents = fresh.encode(sound_for(fresh))
    parameters = adapters.attach(fresh.denoiser, adapters.AdapterConfig(rank=4), seed=1)
    worn = made(fresh, [DOG], few)[0].audio
    assert np.abs(worn - before).max() < 1e-4 * loud(before)
    optimiser = torch.optim.AdamW(parameters.values(), lr=3e-3)
    losses = []
    for _ in range(6):
        loss = training_loss(fresh, latents)
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert losses[-1] < losses[0]
    learned = made(fresh, [DOG], few)[0].audio
    assert np.abs(learned - before).max() > 1e-5 * loud(before)
    adapters.detach(fresh.denoiser)
    left = fresh.denoiser.state_dict()
    assert left.keys() == whole.keys() and all(torch.equal(left[n], whole[n]) for n in whole)
    # Equal weights; the sound differs by rounding where a product's place in memory is another.
    assert np.abs(made(fresh, [DOG], few)[0].audio - before).max() < 1e-5 * loud(before)


def test_another_denoiser_shares_the_rest(case, backend, fresh, few):
    """A second model over the same codec and text encoder, with a name and an adapter's hash."""
    if not case.trains:
        with pytest.raises(StudioError, match="cannot"):
            backend.with_denoiser(None, name="x", adapter="y")
        return
    with torch.no_grad():
        for weight in fresh.denoiser.parameters():
            weight.mul_(1.01)
    other = backend.with_denoiser(fresh.denoiser, name="other", adapter="a" * 16)
    assert (other.name, other.adapter, backend.adapter) == ("other", "a" * 16, None)
    one, two = (made(model, [DOG], few)[0] for model in (backend, other))
    assert one.id != two.id and not np.array_equal(one.audio, two.audio)
    assert two.adapter == "a" * 16
