"""AudioLDM 2 and Stable Audio Open: diffusers' own numbers, per-row seeds, and what a folder can lack."""

import json
import re
import shutil
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AudioLDM2Pipeline, StableAudioPipeline
from safetensors.torch import load_file, save_file
from transformers import GPT2Model

from pipelines.errors import StudioError
from pipelines.generate import checkpoints
from pipelines.records import Prompt, Settings
from tests.pipelines.tiny_diffusers import save_audioldm2, save_stable_audio

DOG, RAIN = Prompt(text="a dog barks", seconds=2.0), Prompt(text="rain on a tin roof", seconds=1.5)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Both tiny models on disk, not to be changed."""
    place = tmp_path_factory.mktemp("models")
    return {
        "audioldm2": save_audioldm2(place / "audioldm2"),
        "stable-audio": save_stable_audio(place / "stable-audio"),
    }


@pytest.fixture
def folder(saved, tmp_path):
    """A copy of AudioLDM 2 to break."""
    return Path(shutil.copytree(saved["audioldm2"], tmp_path / "ldm"))


@cache
def load(path):
    """The model in float32 on the CPU; none is changed."""
    return checkpoints.load(str(path), device="cpu", dtype=torch.float32)


def test_audioldm2_makes_what_diffusers_makes(saved):
    """One prompt and one seed, guided: the pipeline called plainly, up to rounding."""
    plain = AudioLDM2Pipeline.from_pretrained(saved["audioldm2"])
    plain.set_progress_bar_config(disable=True)
    expected = plain(
        DOG.text, audio_length_in_s=2.24, num_inference_steps=3, guidance_scale=3.5,
        generator=torch.Generator().manual_seed(7),
    ).audios[0]  # fmt: skip
    (found,) = load(saved["audioldm2"]).sample([DOG], [Settings(seed=7, steps=3, guidance=3.5)])
    assert np.abs(found[0] - expected[: found.shape[1]]).max() < 1e-5 * np.abs(expected).max()


def test_stable_audio_makes_what_diffusers_makes(saved):
    """The same, with the noise that its solver adds between steps."""
    plain = StableAudioPipeline.from_pretrained(saved["stable-audio"])
    plain.set_progress_bar_config(disable=True)
    expected = plain(
        DOG.text, audio_end_in_s=DOG.seconds, num_inference_steps=3, guidance_scale=3.5,
        generator=torch.Generator().manual_seed(7), output_type="np",
    ).audios[0]  # fmt: skip
    (found,) = load(saved["stable-audio"]).sample([DOG], [Settings(seed=7, steps=3, guidance=3.5)])
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("name", ["audioldm2", "stable-audio"])
def test_a_long_prompt_beside_a_short_one_changes_neither(saved, name):
    """Texts of other lengths in one batch, of one length of sound and one guidance."""
    backend = load(saved[name])
    asked = [DOG, Prompt(text="thunder rolls over the old roof", seconds=DOG.seconds)]
    settings = [Settings(seed=seed, steps=2, guidance=3.0) for seed in (1, 2)]
    together = backend.sample(asked, settings)
    for prompt, setting, sound in zip(asked, settings, together, strict=True):
        (alone,) = backend.sample([prompt], [setting])
        assert np.abs(sound - alone).max() < 2e-4 * np.abs(alone).max()


def test_stable_audio_hears_how_long_it_shall_be(saved):
    """The first second of a long sound is not that of a short one."""
    backend = load(saved["stable-audio"])
    short, long = (
        backend.sample([Prompt(text="rain", seconds=s)], [Settings(seed=1, steps=2)])[0]
        for s in (1.0, 3.0)
    )
    assert np.abs(long[:, : short.shape[1]] - short).max() > 1e-3 * np.abs(short).max()


def test_what_they_are(saved):
    """Rate, window, channels and defaults are the folder's and diffusers' own."""
    ldm, stable = load(saved["audioldm2"]), load(saved["stable-audio"])
    assert (ldm.sample_rate, ldm.max_seconds, ldm.latent_shape) == (16000, 2.24, (56, 64))
    assert (stable.sample_rate, stable.max_seconds, stable.latent_shape) == (8192, 4.0, (16, 8))
    assert (ldm.samplers, stable.samplers) == (("ddim",), ("dpm++ sde",))
    assert (ldm.default_steps, ldm.default_guidance) == (200, 3.5)
    assert (stable.default_steps, stable.default_guidance) == (100, 7.0)


def test_what_cannot_train_says_so_once_and_clearly(saved):
    """What is got, and what to choose instead."""
    told = {"audioldm2": "audioldm2 (folder) is an AudioLDM 2",  # as a published model is named
            "stable-audio": "stable-audio is a Stable Audio Open"}  # fmt: skip
    for name, this in told.items():
        sentence = f"{re.escape(this)}, which makes sounds here and cannot be trained; choose the"
        with pytest.raises(StudioError, match=sentence):
            _ = load(saved[name]).denoiser


def test_the_published_class_of_the_language_model_is_read(folder, saved):
    """cvssp/audioldm2 says GPT2Model, without the head that the pipeline's class ties to it."""
    GPT2Model.from_pretrained(folder / "language_model").save_pretrained(folder / "language_model")
    index = json.loads((folder / "model_index.json").read_text())
    index["language_model"] = ["transformers", "GPT2Model"]
    (folder / "model_index.json").write_text(json.dumps(index))
    asked = [RAIN], [Settings(seed=3, steps=1, guidance=2.0)]
    one, other = (load(path).sample(*asked)[0] for path in (folder, saved["audioldm2"]))
    assert np.array_equal(one, other)


def edit(path, change):
    """Change the tensors of a safetensors file."""
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata={"format": "pt"})


def rename(folder, part, name):
    """Another class for a part in model_index.json."""
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps({**index, part: ["transformers", name]}))


UNET = "unet/diffusion_pytorch_model.safetensors"
T5 = "text_encoder_2/model.safetensors"
BREAKS = {
    "no part": (lambda f: shutil.rmtree(f / "vocoder"), "has no vocoder; fetch the whole"),
    "no weights": (lambda f: (f / UNET).unlink(), "unet is broken, cut short or incomplete"),
    "cut short": (
        lambda f: (f / UNET).write_bytes((f / UNET).read_bytes()[:5000]),
        "unet is broken, cut short or incomplete",
    ),
    "pickles only": (
        lambda f: (f / T5).rename(f / "text_encoder_2" / "pytorch_model.bin"),
        "text_encoder_2 is broken, cut short or incomplete",
    ),
    "missing tensor": (
        lambda f: edit(f / UNET, lambda t: t.pop("conv_in.bias")),
        "1 missing, such as conv_in.bias",
    ),
    "missing tensor of T5": (
        lambda f: edit(f / T5, lambda t: t.pop("encoder.final_layer_norm.weight")),
        "1 missing, such as encoder.final_layer_norm.weight",
    ),
    "unexpected tensor": (
        lambda f: edit(f / UNET, lambda t: t.update(extra=torch.ones(1))),
        "1 unexpected, such as extra",
    ),
    "other shape": (
        lambda f: edit(f / UNET, lambda t: t.update({"conv_in.bias": torch.ones(3)})),
        "unet",
    ),
    "other class": (
        lambda f: rename(f, "vocoder", "Harmful"),
        "says vocoder is 'Harmful'; known are SpeechT5HifiGan",
    ),
    "no tokenizer": (
        lambda f: [path.unlink() for path in (f / "tokenizer_2").iterdir()],
        "has no tokenizer_2",
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_broken_folder(folder, name):
    """Each fault is named in a sentence, and no random weight takes a missing one's place."""
    spoil, sentence = BREAKS[name]
    spoil(folder)
    with pytest.raises(StudioError, match=re.escape(sentence)):
        load(folder)
