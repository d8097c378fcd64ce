"""Tango learns by BATON's objective and by CRPO's, over real sounds and its own, and keeps its base."""

import json
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch

from pipelines.finetune.adapter_files import load_adapter, read_card
from pipelines.finetune.adapters import AdapterConfig, is_adapted
from pipelines.finetune.data import PRETRAIN, Mix, Row
from pipelines.finetune.latents import encoded, write_cache
from pipelines.finetune.levels import NoiseLevels
from pipelines.finetune.plans import Plan
from pipelines.finetune.training import finetune
from pipelines.generate import checkpoints
from pipelines.recipes.adapted import adapted
from pipelines.recipes.crpo.config import TINY
from pipelines.recipes.crpo.loop import improve
from pipelines.records import Prompt, Settings
from tests.pipelines.tiny_tango import copy_tango

EVEN = NoiseLevels(high_share=1.0, high_from=0.0)  # as Tango's own training draws them
PROMPT, SETTINGS = Prompt(text="a dog barks", seconds=1.0), Settings(seed=3, steps=1, guidance=2.0)
LOG2 = 0.6931471824645996  # as float32


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The tiny model in its published layout."""
    return copy_tango(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def backend(folder):
    """One for all tests; every run leaves it as it was."""
    return checkpoints.load(str(folder), device="cpu", dtype=torch.float32)


def clips(rate):
    """Tones of other pitch and length, as read from files."""
    for number in range(4):
        t = np.arange(int((0.5 + 0.3 * number) * rate)) / rate
        yield f"clip{number}", 0.3 * np.sin(2 * np.pi * (200 + 150 * number) * t)[None].astype("f4")


def test_a_clip_has_the_same_latents_in_whatever_batch(backend):
    """Padding to the longest of a batch is not heard as silence of the clip."""
    together = dict(encoded(backend, clips(backend.sample_rate), batch_size=4))
    alone = dict(encoded(backend, clips(backend.sample_rate), batch_size=1))
    for key, latents in together.items():
        assert torch.allclose(latents, alone[key], atol=1e-4 * float(latents.abs().max()))


@pytest.mark.slow
def test_reward_weighted_training_and_the_model_that_comes_of_it(backend, folder, tmp_path):
    """BATON's Eq. 7 over sounds that were encoded: the error falls, the adapter is a model."""
    before = backend.sample([PROMPT], [SETTINGS])[0]
    said = [("a dog barks", 1.0), ("rain falls", 1.0)]
    rows = [
        Row(key=f"clip{n}", caption=said[n % 2][0], seconds=1.0, **kind)
        for n, kind in enumerate([{}, {"weight": 0.5}, {"origin": PRETRAIN}, {"origin": PRETRAIN}])
    ]
    cache = write_cache(
        tmp_path / "cache.safetensors", backend, encoded(backend, clips(backend.sample_rate)), said
    )
    plan = Plan(
        steps=8, mix=Mix(data=2, pretrain=2), adapter=AdapterConfig(rank=4), learning_rate=1e-2,
        levels=EVEN,
    )  # fmt: skip
    info = finetune(backend, rows, cache, plan, tmp_path / "run")
    lines = (tmp_path / "run/losses.jsonl").read_text().splitlines()
    losses = [json.loads(line)["loss"] for line in lines]
    assert np.mean(losses[-3:]) < np.mean(losses[:3])
    assert (info.architecture, info.base) == ("UNet2DConditionModel", backend.revision)
    assert not is_adapted(backend.denoiser)
    assert np.array_equal(backend.sample([PROMPT], [SETTINGS])[0], before)
    other = adapted(backend, str(folder), tmp_path / "run/adapter", name="tango+x")
    learned = other.sample([PROMPT], [SETTINGS])[0]
    assert other.adapter == info.hash and np.abs(learned - before).max() > 1e-3


class Brightness:
    """A scorer that hears how much a sound changes from sample to sample."""

    name, revision, trained_on = "brightness", "brightness 1", "nothing"

    def score(self, clips, sample_rate, texts):
        """Mean steps."""
        return np.array([np.abs(np.diff(clip)).mean() for clip in clips], np.float32)


@pytest.mark.slow
def test_an_iteration_of_crpo(backend, tmp_path):
    """Candidates, ranking, training against the model without its adapter: from log 2 on."""
    config = replace(
        TINY, iterations=1, prompts=2, candidates=2, sampling_steps=1,
        plan=replace(TINY.plan, steps=2, levels=EVEN, learning_rate=1e-3),
    )  # fmt: skip
    bank = [PROMPT, Prompt(text="rain falls", seconds=1.5)]
    (info,) = improve(backend, bank, Brightness(), config, tmp_path)
    log = (tmp_path / "iteration-1/training/losses.jsonl").read_text().splitlines()
    first, second = map(json.loads, log)
    assert first["preference_loss"] == LOG2 and first["margin"] == 0.0
    assert second["preference_loss"] != LOG2
    assert read_card(tmp_path / "iteration-1/adapter") == info
    assert load_adapter(
        deepcopy(backend.denoiser), tmp_path / "iteration-1/adapter", base=info.base
    )
