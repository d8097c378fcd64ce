"""A model with an adapter merged in: another model, and its base is left as it was."""

import numpy as np
import pytest
import torch

from pipelines.errors import StudioError
from pipelines.finetune.adapter_files import save_adapter
from pipelines.finetune.adapters import AdapterConfig, adapter_parameters, attach, detach
from pipelines.generate.checkpoints import load
from pipelines.generate.sampling import unmade
from pipelines.recipes.adapted import adapted
from pipelines.records import Prompt, Settings

CONFIG = AdapterConfig(rank=2)
PROMPT, SETTINGS = Prompt(text="a dog barks", seconds=1.0), Settings(seed=3, steps=2)


@pytest.fixture(scope="module")
def base():
    return load("embedded", device="cpu", dtype=torch.float32)


@pytest.fixture(scope="module")
def folder(base, tmp_path_factory):
    """An adapter that changes what is heard, and what the base sounds like while it wears it."""
    place = tmp_path_factory.mktemp("adapter")
    attach(base.denoiser, CONFIG, seed=1)
    draws = torch.Generator().manual_seed(2)
    for name, value in adapter_parameters(base.denoiser).items():
        if name.endswith("lora_B"):
            value.data.copy_(0.02 * torch.randn(value.shape, generator=draws))
    save_adapter(base.denoiser, place, base=base.revision, config=CONFIG, dtype="float32")
    np.save(place / "worn.npy", sound(base))
    detach(base.denoiser)
    return place


def sound(backend):
    """One short sound."""
    return backend.sample([PROMPT], [SETTINGS])[0]


def test_merged_in_it_sounds_as_when_it_is_worn(base, folder):
    """To rounding; and the base, which shares all other parts, sounds as before."""
    before = sound(base)
    other = adapted(base, "embedded", folder, name="embedded+test")
    worn = np.load(folder / "worn.npy")
    assert np.abs(sound(other) - worn).max() < 1e-4 * np.abs(worn).max()
    assert np.abs(worn - before).max() > 0.01 * np.abs(before).max()
    assert np.array_equal(sound(base), before)
    assert other.pipe.vae is base.pipe.vae
    assert other.pipe.transformer is not base.pipe.transformer
    assert not any(value.requires_grad for value in other.denoiser.parameters())


def test_its_candidates_say_what_adapter_made_them(base, folder):
    """So they are others than the base's."""
    other = adapted(base, "embedded", folder, name="embedded+test")
    theirs, ours = (unmade(model, PROMPT, SETTINGS) for model in (other, base))
    assert (theirs.adapter, theirs.revision) == (other.adapter, base.revision)
    assert len(other.adapter) == 16
    assert ours.adapter is None
    assert theirs.id != ours.id


def test_a_small_change_is_not_lost_in_bfloat16(base, folder):
    """The base's rounded weights are not what it is added to."""
    rounded = load("embedded", device="cpu", dtype=torch.bfloat16)
    other = adapted(rounded, "embedded", folder, name="embedded+test")
    exact = adapted(base, "embedded", folder, name="embedded+test")
    for made, right in zip(other.denoiser.parameters(), exact.denoiser.parameters(), strict=True):
        assert torch.equal(made, right.to(torch.bfloat16))


def test_an_adapter_of_another_base_is_refused(base, folder, tmp_path):
    """In the words of the file's own check."""
    attach(base.denoiser, CONFIG, seed=1)
    save_adapter(base.denoiser, tmp_path, base="0123456789abcdef", config=CONFIG)
    detach(base.denoiser)
    with pytest.raises(StudioError, match="trained on the base 0123456789abcdef"):
        adapted(base, "embedded", tmp_path, name="embedded+test")
