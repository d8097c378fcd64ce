"""Tango's folders: published and converted, and one clear sentence for each way they can be broken."""

import json
import pickle
import re
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from pipelines.errors import StudioError
from pipelines.generate import checkpoints
from pipelines.generate.catalogue import CATALOGUE
from pipelines.generate.conversion import convert
from pipelines.generate.layouts import defaults_of
from pipelines.generate.tango import TangoPipeline
from pipelines.generate.tango_folder import load_tango_folder
from pipelines.generate.tango_published import load_published_tango
from pipelines.records import Prompt, Settings
from tests.pipelines.tiny_tango import PARITY, copy_tango

PARTS = ("vae", "text_encoder", "unet", "vocoder")


@pytest.fixture
def folder(tmp_path):
    """A copy of the published layout to break."""
    return Path(shutil.copytree(PARITY, tmp_path / "tango"))


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    """A published folder, and the diffusers folder that was made of it."""
    place = tmp_path_factory.mktemp("models")
    published = copy_tango(place)
    return published, convert(str(published), place / "diffusers")


def same_weights(one, other):
    """Whether two pipelines hold equal tensors."""
    return all(
        torch.equal(tensor, getattr(other, part).state_dict()[name])
        for part in PARTS
        for name, tensor in getattr(one, part).state_dict().items()
    )


def test_both_layouts_are_listed_with_their_licence(converted):
    """By the files that tell them, beside other folders."""
    found = {info.title: info for info in checkpoints.available(converted[0].parent)}
    assert found["tango"].licence == "CC BY-NC-SA 4.0"
    assert found["diffusers"].note == "A Tango saved as a diffusers pipeline."


def test_converted_folder_is_a_diffusers_pipeline(converted):
    """Our reader and diffusers' own give the published weights, by the same classes."""
    published, ours = load_published_tango(converted[0]), load_tango_folder(converted[1])
    theirs = TangoPipeline.from_pretrained(converted[1])
    assert same_weights(published, ours) and same_weights(published, theirs)
    assert ours.config.front == published.config.front == theirs.config.front
    assert torch.equal(ours.kept, published.kept) and ours.predicts == "v_prediction"
    assert "CC BY-NC-SA 4.0" in (converted[1] / "README.md").read_text()


def test_converted_folder_makes_the_same_sound(converted):
    """To the byte, under another revision."""
    one, other = (
        checkpoints.load(str(path), device="cpu", dtype=torch.float32) for path in converted
    )
    asked = [Prompt(text="rain on a tin roof", seconds=1.0)], [Settings(steps=1, sampler="ddpm")]
    assert one.sample(*asked)[0].tobytes() == other.sample(*asked)[0].tobytes()
    assert one.revision != other.revision


def test_revision_follows_weights_and_configs(folder):
    """Another size of window is another model; a card is not."""
    before = checkpoints.revision([folder])
    (folder / "README.md").write_text("# Card")
    (folder / "config.json").unlink()  # the published dummy for download counts
    first = checkpoints.revision([folder])
    change_json(folder / "stft_config.json", filter_length=256)
    assert before and checkpoints.revision([folder]) != first


def change_json(path, **values):
    """Put values into a JSON file; None takes them out."""
    told = {**json.loads(path.read_text()), **values}
    path.write_text(json.dumps({key: value for key, value in told.items() if value is not None}))


def edit(path, change):
    """Change the tensors of a .bin file."""
    tensors = torch.load(path, weights_only=True)
    change(tensors)
    torch.save(tensors, path)


class Harmful:
    """What runs a command when it is unpickled by who trusts it."""

    def __reduce__(self):
        return (print, ("unpickled",))


def poison(path):
    """A pickle that would run code."""
    torch.save({"unet.conv_in.weight": Harmful()}, path)


def truncate(path):
    """Keep the first half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


MAIN, VAE = "pytorch_model_main.bin", "pytorch_model_vae.bin"
BREAKS = {
    "no autoencoder": (lambda f: (f / VAE).unlink(), f"has no {VAE}; fetch the whole"),
    "cut short": (lambda f: truncate(f / MAIN), "cut short at"),
    "not a pickle": (lambda f: (f / MAIN).write_bytes(b"<html>not found</html>"), "at 22 bytes"),
    "empty": (lambda f: (f / VAE).write_bytes(b""), "cut short at 0 bytes"),
    "code": (lambda f: poison(f / MAIN), "holds more than tensors and was not read"),
    "old pickle of code": (
        lambda f: (f / MAIN).write_bytes(pickle.dumps(Harmful(), protocol=2)),
        "holds more than tensors and was not read",
    ),
    "a list": (lambda f: torch.save([torch.ones(1)], f / VAE), "holds no tensors by name"),
    "missing tensor": (
        lambda f: edit(f / MAIN, lambda t: t.pop("unet.conv_in.bias")),
        "1 missing, such as unet.conv_in.bias",
    ),
    "unexpected tensor": (
        lambda f: edit(f / VAE, lambda t: t.update(loss=torch.ones(1))),
        "1 unexpected, such as loss",
    ),
    "other shape": (
        lambda f: edit(f / VAE, lambda t: t.update({"vocoder.conv_post.bias": torch.ones(3)})),
        "such as vocoder.conv_post.bias ([3], not [1])",
    ),
    "matrix for a kernel": (
        lambda f: edit(
            f / VAE, lambda t: t.update({"encoder.mid.attn_1.q.weight": torch.ones(32, 32)})
        ),
        "such as encoder.mid.attn_1.q.weight ([32, 32], not [32, 32, 1, 1])",
    ),
    "no config": (lambda f: (f / "main_config.json").unlink(), "has no main_config.json"),
    "broken config": (lambda f: (f / "vae_config.json").write_text("{"), "is not JSON"),
    "other model": (
        lambda f: change_json(f / "main_config.json", layers=3),
        "is not a Tango config: unknown layers",
    ),
    "other scheduler": (
        lambda f: change_json(f / "main_config.json", scheduler_name="x/y"),
        "names the scheduler 'x/y'; only that of stabilityai/stable-diffusion-2-1 is known",
    ),
    "other UNet": (
        lambda f: change_json(f / "main_config.json", unet_model_name="x/y"),
        "names the UNet 'x/y'",
    ),
    "UNet config elsewhere": (
        lambda f: change_json(f / "main_config.json", unet_model_config_path="../../a.json"),
        "names the UNet config a.json, which is not in",
    ),
    "no scale": (lambda f: change_json(f / "vae_config.json", scale_factor=None), "scale_factor"),
    "no band": (lambda f: change_json(f / "stft_config.json", mel_fmax=None), "says no mel_fmax"),
    "strange vocoder": (
        lambda f: change_json(f / "vocoder_config.json", taps=3),
        "says taps, which is unknown",
    ),
    "strange length": (
        lambda f: change_json(f / "main_config.json", frames=100),
        "says 100 frames; give a multiple of 8",
    ),
    "no text encoder": (
        lambda f: shutil.rmtree(f / "flan-t5-tiny"),
        "names the text encoder 'flan-t5-tiny'",
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_broken_folder(folder, name, capsys):
    """Each fault is named in a sentence, and nothing is run."""
    spoil, sentence = BREAKS[name]
    spoil(folder)
    with pytest.raises(StudioError, match=re.escape(sentence)):
        checkpoints.load(str(folder), device="cpu")
    assert "unpickled" not in capsys.readouterr().out


def test_the_published_sizes_are_taken_where_no_file_says_others(folder):
    """The UNet's config is not on the Hub: without the file of the fixture it is the embedded one."""
    change_json(
        folder / "main_config.json", unet_model_config_path="configs/diffusion_model_config.json"
    )
    shutil.rmtree(folder / "configs")
    with pytest.raises(StudioError, match="of another shape|missing"):
        load_published_tango(folder)


def test_the_tokenizer_of_the_hub_is_asked_for_by_name(folder, monkeypatch):
    """Without a network the sentence says where to put its files."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    change_json(folder / "main_config.json", text_encoder_name="google/flan-t5-large")
    with pytest.raises(StudioError, match="tokenizer of google/flan-t5-large is neither in"):
        load_published_tango(folder)


def test_steps_and_guidance_are_told_before_loading(converted, tmp_path):
    """Of the published layout by its kind, of a converted folder by its index, else TangoFlux's."""
    published, diffusers = converted
    assert defaults_of(published) == defaults_of(diffusers) == (100, 3.0)
    change = json.loads((diffusers / "model_index.json").read_text()) | {"default_steps": 7}
    (tmp_path / "model_index.json").write_text(json.dumps(change))
    assert defaults_of(tmp_path) == (7, 3.0)
    kinds = {each.name: defaults_of(tmp_path / each.name, each.kind) for each in CATALOGUE.values()}
    assert (kinds["tangoflux"], kinds["tango2"]) == ((25, 4.5), (100, 3.0))
    assert (kinds["audioldm2"], kinds["stable-audio-open"]) == ((200, 3.5), (100, 7.0))


def test_low_memory_moves_each_part_in_turn_and_changes_no_byte(converted, monkeypatch):
    """Text encoder, UNet, then autoencoder and vocoder: never two of these at once."""
    asked = [Prompt(text="rain on a tin roof", seconds=1.0)], [Settings(steps=1, seed=2)]
    at = str(converted[0])
    plain, thrifty = (
        checkpoints.load(at, device="cpu", dtype=torch.float32, low_memory=low)
        for low in (False, True)
    )
    turns = []

    @contextmanager
    def noted(device, modes, *parts):
        turns.append((modes.low_memory, {type(part).__name__ for part in parts}))
        yield

    monkeypatch.setattr("pipelines.generate.tango_backend.at_work", noted)
    assert plain.sample(*asked)[0].tobytes() == thrifty.sample(*asked)[0].tobytes()
    parts = [{"T5EncoderModel"}, {"UNet2DConditionModel"}, {"AutoencoderKL", "SpeechT5HifiGan"}]
    assert turns == [(low, each) for low in (False, True) for each in parts]
