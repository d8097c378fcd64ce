"""BATON's procedure: rows, the base's own data, and an alignment that stops and goes on."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines.errors import Cancelled, StudioError
from pipelines.finetune.adapters import AdapterConfig, is_adapted
from pipelines.finetune.checkpoints import steps_kept
from pipelines.finetune.data import HUMAN, PRETRAIN, REWARD, Mix, Row
from pipelines.finetune.latents import Cache
from pipelines.finetune.plans import Plan
from pipelines.generate.checkpoints import load
from pipelines.generate.tangoflux_backend import TangoFluxBackend
from pipelines.recipes.baton import aligning
from pipelines.recipes.baton.aligning import align, read_moments
from pipelines.recipes.baton.pretraining import CORPUS, pretraining_rows, pretraining_scenes
from pipelines.recipes.baton.rows import Sound, data_rows, supervised_rows
from pipelines.recipes.baton.text import t5_of
from pipelines.records import Prompt
from pipelines.seeds import numpy_generator
from pipelines.soundworld.scenes import draw_scene, render_scene
from tests.pipelines.tiny import tiny_pipeline

SOUNDS = [Sound(key=f"s{i}", caption="a dog barks", seconds=4.0) for i in range(4)]
PLAN = Plan(
    steps=6, mix=Mix(data=2, pretrain=1), learning_rate=1e-2, adapter=AdapterConfig(rank=2), save_every=2
)  # fmt: skip
ROWS = [
    Row(key=f"{origin}{i}", caption="rain falls", seconds=4.0, weight=float(i > 0), origin=origin)
    for origin in (HUMAN, PRETRAIN)
    for i in range(3)
]
PROMPTS = [Prompt(text="a dog barks", seconds=3.0), Prompt(text="rain falls", seconds=2.0)]


class Killed(BaseException):
    """As if the process were killed."""


class Half:
    """A scorer that says 0.5 of everything."""

    name, revision, trained_on = "half", "1", "nothing"

    def score(self, clips, sample_rate, texts):
        """0.5 each."""
        assert sample_rate == 4000 and len(clips) == len(texts)
        return np.full(len(clips), 0.5, np.float32)


@pytest.fixture(scope="module")
def backend() -> TangoFluxBackend:
    """A tiny model in float32."""
    return TangoFluxBackend(
        tiny_pipeline(), name="tiny", revision="base-1", device="cpu", dtype=torch.float32
    )


def noise(key: str) -> np.ndarray:
    """A second of noise of its own for each key."""
    return 0.1 * numpy_generator(0, key).standard_normal((1, 4000)).astype(np.float32)


def run(backend, folder: Path, **changed):
    """An alignment with all its doors open."""
    given = {"listen": PROMPTS, "scorers": {"clap": Half()}, "sample_every": 3, **changed}
    return align(backend, ROWS, given.pop("sounds", noise), PLAN, folder, **given)


def test_labels_come_before_rewards_and_the_rest_is_left_out():
    """s0 is labelled and scored: the label counts. s3 has neither."""
    rows = data_rows({"s0": 1.0, "s1": 0.0}, {"s0": 0.2, "s2": 0.7}, [*SOUNDS, SOUNDS[0]])
    assert [(r.key, r.weight, r.origin) for r in rows] == [
        ("s0", 1.0, HUMAN),
        ("s1", 0.0, HUMAN),
        ("s2", 0.7, REWARD),
    ]


def test_a_folder_counts_every_sound_once():
    """Plain fine-tuning: weight 1, one row a sound."""
    rows = supervised_rows([*SOUNDS, SOUNDS[1]])
    assert [(r.key, r.weight, r.origin) for r in rows] == [(s.key, 1.0, HUMAN) for s in SOUNDS]


def test_pretraining_data_are_scenes_that_the_base_saw_with_the_captions_that_it_read():
    """Seeds of the base's corpus, each once; some captions are faulty; the sound is the scene's."""
    scenes = pretraining_scenes(60, seed=3)
    seeds = {scene.seed for scene in scenes}
    assert len(seeds) == 60 and {s.split for s in scenes} == {"train"}
    assert min(seeds) >= CORPUS.first_seed and max(seeds) < CORPUS.first_seed + CORPUS.count
    assert scenes == pretraining_scenes(60, seed=3) != pretraining_scenes(60, seed=4)
    rows, sounds = pretraining_rows(scenes)
    told = [(r.caption, s) for r, s in zip(rows, scenes, strict=True) if r.caption]
    assert all(caption == s.noisy_caption for caption, s in told)
    assert 8 <= 60 - len(told) <= 22  # a quarter of 60, give or take two standard deviations
    assert any(s.noisy_caption != s.caption for s in scenes) and {r.origin for r in rows} == {
        PRETRAIN
    }
    key, sound = next(sounds)
    again = draw_scene(scenes[0].seed, split="train")
    assert key == rows[0].key and np.array_equal(sound, render_scene(again))


def test_more_scenes_than_the_base_saw_are_refused():
    """The message tells how many there are."""
    with pytest.raises(StudioError, match="Ask for 1 to 24,000"):
        pretraining_scenes(24_001, seed=0)


def test_an_alignment_hears_the_base_first_and_each_moment_once(backend, tmp_path):
    """Step 0, every third step and the last; files and scores are where the lines say."""
    told, heard, encoded = [], [], []
    info = run(
        backend,
        tmp_path,
        on_step=lambda t: told.append(t.step),
        on_sample=heard.append,
        on_encoded=lambda done, of: encoded.append((done, of)),
    )
    moments = read_moments(tmp_path)
    assert [m["step"] for m in moments] == [0, 3, 6] == [h.step for h in heard]
    assert [m["epoch"] for m in moments] == [0.0, 1.5, 3.0] and told == [1, 2, 3, 4, 5, 6]
    assert heard[0].clap == 0.5 and heard[0].reward is None and encoded == [(6, 6)]
    first = moments[1]["sounds"][0]
    assert first["scores"] == {"clap": 0.5} and (tmp_path / first["file"]).is_file()
    assert [s["seed"] for m in moments for s in m["sounds"]] == 3 * [
        s["seed"] for s in moments[0]["sounds"]
    ]
    assert not np.array_equal(heard[0].sounds[0][1], heard[2].sounds[0][1])
    assert info.size_bytes > 0 and not is_adapted(backend.denoiser)


def test_a_killed_alignment_goes_on_and_ends_alike(backend, tmp_path):
    """Killed at step 4: the same adapter, and moments that no step stands twice in."""
    whole = run(backend, tmp_path / "whole")

    def kill(told):
        if told.step == 4:
            raise Killed

    with pytest.raises(Killed):
        run(backend, tmp_path / "cut", on_step=kill)
    backend.denoiser.requires_grad_(False)
    again = run(backend, tmp_path / "cut", sounds=dict.fromkeys([]).items())  # nothing is encoded
    assert again.hash == whole.hash
    one, other = (read_moments(tmp_path / name) for name in ("whole", "cut"))
    assert one == other


def test_a_moment_that_a_kill_left_unheard_is_heard_from_the_checkpoint(backend, tmp_path):
    """Killed in the middle of the last moment: the second call trains nothing and hears it."""

    class Dying(Half):
        def score(self, clips, sample_rate, texts):
            if steps_kept(tmp_path)[-1:] == [6]:
                raise Killed
            return super().score(clips, sample_rate, texts)

    with pytest.raises(Killed):
        run(backend, tmp_path, scorers={"clap": Dying()})
    assert [m["step"] for m in read_moments(tmp_path)] == [0, 3]
    told = []
    run(backend, tmp_path, on_step=told.append)
    assert told == [] and [m["step"] for m in read_moments(tmp_path)] == [0, 3, 6]


@pytest.mark.parametrize("together", [2, 256])
def test_a_stop_while_encoding_keeps_what_was_encoded(backend, tmp_path, monkeypatch, together):
    """Clips are written in parts, the last before a stop too; the second call encodes the others only."""
    monkeypatch.setattr(aligning, "TOGETHER", together)
    monkeypatch.setattr(aligning, "BATCH", 2)
    asked = []

    def sounds(key):
        asked.append(key)
        return noise(key)

    with pytest.raises(Cancelled):
        run(backend, tmp_path, sounds=sounds, should_stop=lambda: len(asked) > 3)
    kept = Cache(tmp_path / aligning.CACHE, backend).keys
    assert kept == ["human0", "human1"]
    run(backend, tmp_path, sounds=sounds)
    assert asked.count("human0") == 1 and asked.count("pretrain2") == 1


def test_a_row_without_a_sound_is_told_before_any_training(backend, tmp_path):
    """The message names it."""
    with pytest.raises(StudioError, match="5 clips to train on have no sound, such as human1"):
        run(backend, tmp_path, sounds=[("human0", noise("human0"))])
    assert not (tmp_path / "losses.jsonl").exists()


def test_another_plan_in_the_folder_is_refused(backend, tmp_path):
    """A run's folder is its own."""
    run(backend, tmp_path, sample_every=None)
    with pytest.raises(StudioError, match="another plan"):
        align(backend, ROWS, noise, replace(PLAN, seed=1), tmp_path)


def test_t5_tells_the_order_of_words():
    """The embedded model's own encoder: swapped captions lie apart, padding changes nothing."""
    encoder = t5_of(load("embedded", dtype=torch.float32))
    one = "a dog barks followed by rain falling"
    rows = encoder.embed([one, "rain falls followed by a dog barking", "a dog barks"])
    assert rows.shape[0] == 3 and np.abs(rows[0] - rows[1]).max() > 1e-3
    assert np.allclose(encoder.embed([one])[0], rows[0], atol=1e-5)
    assert json.dumps(encoder.name).startswith('"t5 ')
