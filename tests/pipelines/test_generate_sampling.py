"""The same request gives the same bytes; batches, seeds, stops and refusals."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines.errors import Cancelled, StudioError
from pipelines.generate import checkpoints
from pipelines.generate.sampling import generate, run
from pipelines.records import Prompt, Settings
from tests.pipelines.tiny import save_tiny

DOG, BIRD = Prompt(text="a dog barks", seconds=4.0), Prompt(text="bird sings, then rain", seconds=3)
FEW = Settings(seed=5, steps=3, guidance=3.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The tiny model on disk."""
    return save_tiny(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def backend(folder):
    """The tiny model, in float32."""
    return checkpoints.load(str(folder), dtype=torch.float32)


def bytes_of(candidates):
    """One hash over all sounds."""
    return hashlib.sha256(b"".join(c.audio.tobytes() for c in candidates)).hexdigest()


def test_same_request_same_bytes(backend):
    """Made twice, the sounds and ids are equal; another seed gives others."""
    first, second = (list(generate(backend, [DOG], settings=FEW, count=2)) for _ in range(2))
    assert bytes_of(first) == bytes_of(second)
    assert [c.id for c in first] == [c.id for c in second]
    other = list(generate(backend, [DOG], settings=replace(FEW, seed=9), count=2))
    assert bytes_of(other) != bytes_of(first)
    assert not np.array_equal(first[0].audio, first[1].audio)


def test_same_bytes_after_a_restart(backend, folder):
    """A new process gives the bytes of this one."""
    script = (
        "import hashlib, torch\n"
        "from pipelines.generate import checkpoints\n"
        "from pipelines.generate.sampling import generate\n"
        "from pipelines.records import Prompt, Settings\n"
        f"torch.set_num_threads({torch.get_num_threads()})\n"
        f"backend = checkpoints.load({str(folder)!r}, dtype=torch.float32)\n"
        "made = generate(backend, [Prompt(text='a dog barks', seconds=4.0)], count=2,\n"
        "                settings=Settings(seed=5, steps=3, guidance=3.0))\n"
        "sounds = b''.join(c.audio.tobytes() for c in made)\n"
        "import sys; sys.stdout.write(hashlib.sha256(sounds).hexdigest())\n"
    )
    root = Path(__file__).parents[2]
    fresh = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert fresh.stdout == bytes_of(generate(backend, [DOG], settings=FEW, count=2))


@pytest.mark.parametrize("sampler", ["euler", "heun"])
def test_a_batch_agrees_with_singles(backend, sampler):
    """Two prompts of other words and lengths, two candidates each: as made alone, within 2e-4.

    Float32 products of another size may round differently; sounds here reach about 1.
    """
    settings = replace(FEW, sampler=sampler)
    together = list(generate(backend, [DOG, BIRD], settings=settings, count=2))
    alone = [
        next(generate(backend, [c.prompt], settings=replace(settings, seed=c.settings.seed)))
        for c in together
    ]
    assert [c.id for c in together] == [c.id for c in alone]
    assert [c.settings.seed for c in together] == [5, 6, 5, 6]
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_allclose(one.audio, other.audio, atol=2e-4)


def test_half_precision_stays_near(folder, backend):
    """In bfloat16 repeats are equal bytes, and the difference to float32 is 20 dB below."""
    half = checkpoints.load(str(folder), dtype=torch.bfloat16)
    made, again, exact = (
        list(generate(model, [DOG, BIRD], settings=FEW)) for model in (half, half, backend)
    )
    assert bytes_of(made) == bytes_of(again)
    assert made[0].settings.dtype == "bfloat16" and made[0].id != exact[0].id
    for one, other in zip(made, exact, strict=True):
        assert np.square(one.audio - other.audio).mean() < 0.01 * np.square(other.audio).mean()


def test_a_long_prompt_is_refused_before_any_work(backend):
    """Though it is the last of several and nothing was asked for yet."""
    with pytest.raises(StudioError, match="81 tokens"):
        generate(backend, [DOG, Prompt(text="a " * 80, seconds=1.0)], settings=FEW)


def test_sounds_have_the_asked_shape(backend):
    """Float32 [1, seconds x rate], and the settings say what really ran."""
    (dog, bird) = generate(backend, [DOG, BIRD], settings=FEW)
    assert dog.audio.shape == (1, 16000) and bird.audio.shape == (1, 12000)
    assert dog.audio.dtype == np.float32 and np.isfinite(dog.audio).all()
    assert (dog.settings.model, dog.settings.dtype) == ("tiny", "float32")
    assert dog.sample_rate == 4000 and dog.revision == backend.revision
    assert set(dog.versions) == {"torch", "diffusers", "transformers"}


def test_what_is_asked_changes_what_is_made(backend):
    """Words, duration, guidance, sampler, steps and quality level each reach the sound."""
    base = next(generate(backend, [DOG], settings=FEW)).audio

    def differs(prompt=DOG, **changes):
        made = next(generate(backend, [prompt], settings=replace(FEW, **changes))).audio
        return np.abs(made[:, :12000] - base[:, :12000]).max() > 1e-4

    assert differs(Prompt(text="rain falls", seconds=4.0))
    assert differs(Prompt(text="a dog barks", seconds=8.0))
    assert differs(guidance=1.0) and differs(guidance=5.0)
    assert differs(sampler="heun") and differs(steps=4)
    assert not differs(quality=5), "an untrained level is zero and changes nothing"
    with torch.no_grad():
        backend.pipe.conditioner.quality.weight[5] = 1.0
    assert differs(quality=5) and not differs(quality=4)


def test_guidance_of_one_runs_one_row(backend, monkeypatch):
    """At guidance 1 or less no unconditional row is encoded or run."""
    rows = []
    inner = backend.pipe.transformer.x_embedder.forward
    monkeypatch.setattr(
        backend.pipe.transformer.x_embedder, "forward", lambda x: (rows.append(len(x)), inner(x))[1]
    )
    for guidance in (0.0, 1.0, 2.0):
        list(generate(backend, [DOG], settings=replace(FEW, guidance=guidance)))
    assert rows == [1] * 6 + [2] * 3


def test_progress_and_stop(backend):
    """Progress rises to 1; a stop ends between two steps."""
    told = []
    list(
        generate(
            backend,
            [DOG],
            settings=FEW,
            count=3,
            batch_size=2,
            on_progress=lambda done, note: told.append((done, note)),
        )
    )
    shares = [share for share, _ in told]
    assert shares == sorted(shares) and shares[-1] == 1.0 and len(told) == 6
    assert told[0][1] == "sounds 1–2 of 3: step 1 of 3" and told[-1][1].startswith("sound 3 of 3")
    told.clear()
    with pytest.raises(Cancelled):
        list(
            generate(
                backend,
                [DOG],
                settings=FEW,
                on_progress=lambda *_: told.append(1),
                should_stop=lambda: len(told) == 2,
            )
        )
    assert len(told) == 2


def test_unknown_words_are_named(backend):
    """Words without a token, as written but in lower case, each once."""
    assert backend.unknown_words("A Zebra barks and the zebra, dog yodels.") == ["zebra", "yodels"]
    assert backend.unknown_words("a dog barks") == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"text": "  "}, "The prompt is empty"),
        ({"text": "a " * 80}, "The prompt “a a a a .*…” has 81 tokens; tiny reads 64"),
        ({"seconds": 0}, "The duration is 0 s; give more than 0 to 102.4 s"),
        ({"seconds": 103}, "The duration is 103 s; give more than 0 to 102.4 s"),
        ({"seconds": float("nan")}, "The duration is nan, not a number"),
        ({"seconds": True}, "The duration is True, not a number"),
        ({"steps": 0}, "Steps is 0; give 1 to 200"),
        ({"steps": 201}, "Steps is 201; give 1 to 200"),
        ({"steps": 2.5}, "Steps is 2.5; give a whole number from 1 to 200"),
        ({"steps": None}, "Steps is None, not a number"),
        ({"guidance": -1}, "Guidance is -1; give 0 to 20"),
        ({"guidance": float("inf")}, "Guidance is inf, not a number"),
        ({"seed": -1}, "The seed is -1"),
        ({"seed": "x"}, "The seed is 'x', not a number"),
        ({"seed": float("nan")}, "The seed is nan, not a number"),
        ({"sampler": "dpm"}, "The sampler is 'dpm'; choose one of euler, heun"),
        ({"quality": 6}, "The quality level is 6; give 1 to 5"),
        ({"count": 0}, "The number of candidates is 0; give 1 to 64"),
        ({"count": 65}, "The number of candidates is 65; give 1 to 64"),
        ({"count": True}, "The number of candidates is True, not a number"),
        ({"prompts": []}, "There is no prompt"),
    ],
)
def test_absurd_requests_are_refused(backend, changes, sentence):
    """Each is refused in a sentence that says what was got and what is allowed."""
    changes = dict(changes)
    prompt = Prompt(text=changes.pop("text", DOG.text), seconds=changes.pop("seconds", 4.0))
    prompts = changes.pop("prompts", [prompt])
    count = changes.pop("count", 1)
    with pytest.raises(StudioError, match=sentence.replace("(", r"\(")):
        list(generate(backend, prompts, settings=replace(FEW, **changes), count=count))


def test_parts_for_fine_tuning(backend):
    """Encode, noise, target and prediction fit together, and gradients flow."""
    audio = torch.randn(2, 1, 9000, generator=torch.Generator().manual_seed(0)) * 0.1
    latents = backend.encode(audio)
    assert latents.shape == (2, 64, 8)
    drawn = backend.encode(audio, torch.Generator().manual_seed(1))
    assert not torch.equal(drawn, latents)
    noise, sigma = torch.randn_like(latents), torch.tensor([0.3, 0.9])
    noisy = backend.noised(latents, noise, sigma)
    target = backend.training_target(latents, noise, sigma)
    torch.testing.assert_close(noisy - sigma[:, None, None] * target, latents)
    text = backend.encode_text(["a dog barks", "rain"], [4.0, 2.0])
    loss = (backend.predict(noisy, sigma, text) - target).square().mean()
    loss.backward()
    assert backend.denoiser.proj_out.weight.grad.abs().max() > 0
    assert backend.pipe.text_encoder.shared.weight.grad.abs().max() > 0
    backend.denoiser.zero_grad(), backend.pipe.text_encoder.zero_grad()
    assert backend.decode(latents, 7000).shape == (2, 1, 7000)


def test_latents_come_beside_the_sounds_and_decode_to_them(backend):
    """Batch by batch, in order; the sounds are those of a call that asks for none."""
    prompts = [Prompt(text="a dog barks", seconds=4.0), Prompt(text="the bird sings", seconds=6.0)]
    jobs = [(prompt, Settings(steps=3, seed=n)) for n, prompt in enumerate(prompts * 2)]
    got = []
    made = list(run(backend, jobs, 3, None, None, got.append))
    assert [len(each) for each in got] == [3, 1]
    plain = list(run(backend, jobs, 3, None, None))
    assert [one.audio.tobytes() for one in made] == [one.audio.tobytes() for one in plain]
    for one, latents in zip(made, torch.cat(got), strict=True):
        assert latents.dtype == torch.float32 and latents.shape == backend.latent_shape
        sound = backend.decode(latents[None])[0, :, : one.audio.shape[1]].numpy()
        assert np.abs(sound - one.audio).max() < 0.02 * np.abs(one.audio).max()
