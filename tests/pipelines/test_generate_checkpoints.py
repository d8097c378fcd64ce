"""Loading from folders, and one clear sentence for each way in which a folder can be broken."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from diffusers import DiffusionPipeline
from safetensors.torch import load_file, save_file

from pipelines.errors import StudioError
from pipelines.generate import checkpoints
from pipelines.generate.folders import load_folder
from pipelines.generate.published import load_published
from pipelines.generate.tangoflux import TangoFluxPipeline
from tests.pipelines.tiny import save_tiny, tiny_pipeline

PARITY = Path(__file__).parents[1] / "parity" / "tangoflux"
PART = "diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The tiny model on disk, not to be changed."""
    return save_tiny(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def folder(saved, tmp_path):
    """A copy to break."""
    return Path(shutil.copytree(saved, tmp_path / "tiny"))


@pytest.fixture
def published(tmp_path):
    """A copy of the published layout to break."""
    return Path(shutil.copytree(PARITY, tmp_path / "flux"))


def load_tiny_published(folder):
    """The tiny published model with the sizes that its config file cannot say."""
    overrides, vae = (
        json.loads((PARITY / name).read_text())
        for name in ("transformer_overrides.json", "vae_config.json")
    )
    return load_published(folder, transformer=overrides, vae=vae)


def edit(path, change):
    """Change the tensors of a safetensors file."""
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def same_weights(one, other):
    """Whether two pipelines hold equal tensors."""
    return all(
        torch.equal(tensor, getattr(other, part).state_dict()[name])
        for part in ("vae", "text_encoder", "transformer", "conditioner")
        for name, tensor in getattr(one, part).state_dict().items()
    )


def test_folder_is_a_diffusers_pipeline(saved):
    """Our reader and diffusers' own give the weights that were saved, by the same classes."""
    made, ours = tiny_pipeline(), load_folder(saved)
    theirs = TangoFluxPipeline.from_pretrained(saved)
    assert isinstance(theirs, DiffusionPipeline)
    assert same_weights(made, ours) and same_weights(made, theirs)
    assert ours.config.frames == theirs.config.frames == 64
    assert json.loads((saved / "model_index.json").read_text())["vae"] == [
        "pipelines.generate.autoencoder",
        "SpectralAutoencoder",
    ]
    ids = [p.tokenizer("a dog barks").input_ids for p in (made, ours, theirs)]
    assert ids[0] == ids[1] == ids[2] and 2 not in ids[0]


def test_half_precision_files_load_as_float32(folder):
    """Weights on disk may be of half precision."""

    def halve(tensors):
        tensors.update({name: tensor.half() for name, tensor in tensors.items()})

    edit(folder / "transformer" / PART, halve)
    assert load_folder(folder).transformer.dtype == torch.float32


def test_a_variant_borrows_what_it_does_not_hold(saved, folder):
    """Components come from the second folder where the first has none."""
    for part in ("vae", "tokenizer", "scheduler"):
        shutil.rmtree(folder / part)
    assert same_weights(load_folder(folder, saved), load_folder(saved))
    with pytest.raises(StudioError, match="vae has no config.json; fetch the whole model"):
        load_folder(folder)


def test_revision_follows_the_weights_only(folder):
    """Another weight is another revision; a model card is not."""
    before = checkpoints.revision([folder])
    (folder / "README.md").write_text("# Card")
    (folder / "figures.json").write_text("{}")
    assert checkpoints.revision([folder]) == before
    edit(folder / "conditioner" / PART, lambda tensors: tensors["rates"].mul_(1.5))
    assert checkpoints.revision([folder]) != before


def test_available_lists_what_is_there(folder, published):
    """Subfolders with a model are listed by path; others are not."""
    (folder.parent / "notes").mkdir()
    found = {info.title: info for info in checkpoints.available(folder.parent)}
    assert {"tiny", "flux"} <= set(found) and "notes" not in found
    assert "Stability" in found["flux"].licence
    assert found["tiny"].name == str(folder)


def test_a_folder_called_like_a_published_model_is_told_apart(saved, tmp_path):
    """Its sounds name the folder, and never a path."""
    named = shutil.copytree(saved, tmp_path / "tango2")
    assert checkpoints.load(str(named), device="cpu").name == "tango2 (folder)"
    assert (
        checkpoints.load(f"{saved}/", device="cpu").name
        == checkpoints.recorded_as("tiny")
        == "tiny"
    )


def truncate(path):
    """Keep the first half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


BREAKS = {
    "no weights": (lambda f: (f / "vae" / PART).unlink(), "vae has no weights; fetch the whole"),
    "cut short": (lambda f: truncate(f / "transformer" / PART), "broken or cut short at"),
    "not safetensors": (
        lambda f: (f / "transformer" / PART).write_bytes(b"<html>not found</html>"),
        "broken or cut short at 22 bytes",
    ),
    "missing tensor": (
        lambda f: edit(f / "conditioner" / PART, lambda t: t.pop("pool.bias")),
        "1 missing, such as pool.bias",
    ),
    "unexpected tensor": (
        lambda f: edit(f / "conditioner" / PART, lambda t: t.update(x=torch.ones(1))),
        "1 unexpected, such as x",
    ),
    "other shape": (
        lambda f: edit(f / "conditioner" / PART, lambda t: t.update({"pool.bias": torch.ones(3)})),
        "1 of another shape, such as pool.bias ([3], not [32])",
    ),
    "no index": (lambda f: (f / "model_index.json").unlink(), "holds no model that is known"),
    "broken index": (lambda f: (f / "model_index.json").write_text("{"), "is not JSON"),
    "other pipeline": (
        lambda f: (f / "model_index.json").write_text('{"_class_name": "FluxPipeline"}'),
        "names FluxPipeline; known are TangoFluxPipeline",
    ),
    "no tokenizer": (
        lambda f: (f / "tokenizer" / "tokenizer.json").unlink(),
        "tokenizer",
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_broken_folder(folder, name):
    """Each fault is named in a sentence."""
    spoil, sentence = BREAKS[name]
    spoil(folder)
    with pytest.raises(StudioError, match=re.escape(sentence)):
        checkpoints.load(str(folder))


def test_no_such_model():
    """A name that is neither built in nor a folder."""
    with pytest.raises(StudioError, match="There is no model 'nothing'; choose .*embedded"):
        checkpoints.load("nothing")


def test_published_layout_allows_one_missing_key_and_drops_the_reference(published):
    """The tied table may be absent or present; a DPO checkpoint's frozen copy is passed over."""
    first = load_tiny_published(published)

    def add(tensors):
        tensors["ref_transformer.proj_out.weight"] = torch.ones(8, 48)
        tied = tensors["text_encoder.shared.weight"].clone()
        tensors["text_encoder.encoder.embed_tokens.weight"] = tied

    assert "text_encoder.encoder.embed_tokens.weight" not in load_file(
        published / "tangoflux.safetensors"
    )
    edit(published / "tangoflux.safetensors", add)
    assert same_weights(first, load_tiny_published(published))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.pop("fc.0.bias"), "1 missing, such as fc.0.bias"),
        (
            lambda t: t.pop("duration_emebdder.time_positional_embedding.0.weights"),
            "1 missing, such as duration_emebdder.time_positional_embedding.0.weights",
        ),
        (lambda t: t.update(extra=torch.ones(1)), "1 unexpected, such as extra"),
        (lambda t: t.pop("text_encoder.shared.weight"), "2 missing"),
        (
            lambda t: t.update({"transformer.proj_out.bias": torch.ones(9)}),
            "such as transformer.proj_out.bias ([9], not [8])",
        ),
    ],
)
def test_published_layout_with_wrong_keys(published, change, sentence):
    """Missing, unexpected and misshapen tensors are named."""
    edit(published / "tangoflux.safetensors", change)
    with pytest.raises(StudioError, match=re.escape(sentence)):
        load_tiny_published(published)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda f: (f / "vae.safetensors").unlink(), "has no vae.safetensors"),
        (lambda f: truncate(f / "tangoflux.safetensors"), "broken or cut short"),
        (lambda f: (f / "config.json").write_text('{"layers": 3}'), "unknown layers"),
        (lambda f: shutil.rmtree(f / "flan-t5-tiny"), "names the text encoder 'flan-t5-tiny'"),
    ],
)
def test_broken_published_folder(published, spoil, sentence):
    """Each fault is named in a sentence."""
    spoil(published)
    with pytest.raises(StudioError, match=re.escape(sentence)):
        load_tiny_published(published)
