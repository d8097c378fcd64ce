"""Shortcuts change the sound by little, save the work that they say, and are off unless chosen."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pipelines.errors import StudioError
from pipelines.generate import checkpoints
from pipelines.generate.sampling import generate, run
from pipelines.generate.shortcuts import Kept, Shortcuts
from pipelines.records import Candidate, Prompt, Settings
from tests.pipelines.tiny import save_tiny

DOG = Prompt(text="a dog barks", seconds=4.0)
BIRD = Prompt(text="bird sings, then rain", seconds=3.0)
PLAIN = Settings(seed=5, steps=8, guidance=3.0)


@pytest.fixture(scope="module")
def backend(tmp_path_factory):
    """The tiny model."""
    folder = save_tiny(tmp_path_factory.mktemp("models") / "tiny")
    return checkpoints.load(str(folder), device="cpu")


@pytest.fixture
def rows(monkeypatch):
    """How many rows went through the blocks, call by call."""
    from pipelines.generate import guided

    seen, plain = [], guided.blocks

    def counted(transformer, audio, around, at):
        seen.append(len(audio))
        return plain(transformer, audio, around, at)

    monkeypatch.setattr("pipelines.generate.modes.blocks", counted)
    return seen


def sound(backend, settings, prompts=(DOG,)):
    """The first sound of a request."""
    return next(generate(backend, list(prompts), settings=settings)).audio


def counting(backend, rows):
    """The backend with its blocks counted."""
    from copy import copy

    from pipelines.generate.modes import PLAIN, blocks_for

    other = copy(backend)
    other.run_blocks = blocks_for(PLAIN)
    return other


def test_a_guidance_interval_halves_the_steps_outside_of_it(backend, rows):
    """Levels 1, .875 … .125: guided from .25 to .75 are five of eight, two rows each."""
    made = sound(counting(backend, rows), replace(PLAIN, guide_from=0.25, guide_to=0.75))
    assert rows == [1, 1, 2, 2, 2, 2, 2, 1]
    whole = sound(backend, PLAIN)
    assert not np.array_equal(made, whole)


def test_the_ends_of_the_interval(backend):
    """The whole range is plain guidance, to the byte; an empty one is the text alone."""
    assert np.array_equal(sound(backend, replace(PLAIN, guide_from=0.0)), sound(backend, PLAIN))
    never = sound(backend, replace(PLAIN, guide_from=0.01, guide_to=0.02))
    alone = sound(backend, replace(PLAIN, guidance=1.0))
    np.testing.assert_allclose(never, alone, atol=1e-5 * np.abs(alone).max())


def test_step_caching_runs_fewer_rows_and_stays_near(backend, rows):
    """A larger drift saves more and errs more; the first step always runs."""
    whole, ran, off = sound(backend, PLAIN), [], []
    for reuse in (0.4, 0.9):
        rows.clear()
        made = sound(counting(backend, rows), replace(PLAIN, reuse=reuse))
        ran.append(sum(rows))
        off.append(np.square(made - whole).mean() / np.square(whole).mean())
    assert 2 <= ran[1] < ran[0] < 16 and rows[0] == 2
    assert 0 < off[0] < off[1] < 1


def test_a_drift_that_is_always_reached_is_the_plain_sound(backend):
    """The smallest drift that can be told from none: every step runs."""
    np.testing.assert_allclose(
        sound(backend, replace(PLAIN, reuse=1e-9)), sound(backend, PLAIN), atol=1e-5
    )


@pytest.mark.parametrize("taken", [{"reuse": 0.4}, {"guide_from": 0.2, "guide_to": 0.7}])
def test_a_batch_still_agrees_with_one_by_one(backend, taken):
    """Every sound decides for itself which steps it can leave out."""
    settings = replace(PLAIN, **taken)
    jobs = [(DOG, settings), (BIRD, replace(settings, seed=9)), (DOG, replace(settings, seed=31))]
    together, alone = (list(run(backend, jobs, size, None, None)) for size in (3, 1))
    for one, other in zip(together, alone, strict=True):
        np.testing.assert_allclose(one.audio, other.audio, atol=2e-4)


def test_rows_that_drift_alone_run_alone():
    """Worked by hand: of two rows the second moves by half of its size, the threshold is 0.4."""
    kept = Kept(0.4, 1)
    first = torch.ones(2, 1, 1)
    assert kept.stale(first).tolist() == [True, True]
    kept.update(torch.tensor([0, 1]), torch.tensor([[[5.0]], [[7.0]]]))
    assert kept.stale(torch.tensor([[[1.1]], [[1.5]]])).tolist() == [False, True]
    kept.update(torch.tensor([1]), torch.tensor([[[8.0]]]))
    assert kept.added.flatten().tolist() == [5.0, 8.0]
    drifted = kept.stale(torch.tensor([[[1.1 * 1.31]], [[1.5]]]))  # 0.1 + 0.31 for the first
    assert drifted.tolist() == [True, False] and kept.ran == 3


def test_guided_pairs_decide_together():
    """The unconditional row of a sound runs when its told row does."""
    kept = Kept(0.4, 2)
    kept.stale(torch.ones(4, 1, 1))
    kept.update(torch.arange(4), torch.zeros(4, 1, 1))
    moved = torch.tensor([1.0, 1.0, 1.0, 1.5])[:, None, None]
    assert kept.stale(moved).tolist() == [False, True, False, True]


def test_shortcuts_are_told_only_where_they_are_taken():
    """The ids of sounds made without them stay what they were."""
    plain = Candidate(
        prompt=DOG, settings=PLAIN, revision="r", audio=np.zeros((1, 1)), sample_rate=1
    )
    assert not {"guide_from", "guide_to", "reuse"} & set(plain.recipe)
    taken = replace(plain, settings=replace(PLAIN, reuse=0.2))
    assert taken.recipe["reuse"] == 0.2 and "guide_to" not in taken.recipe
    assert taken.id != plain.id and taken.settings.taken == ("reuse",)
    assert plain.id == "295621b63c2d31fa4687"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"guide_from": -0.1}, "The lower end of the guidance interval is -0.1; give 0 to 1"),
        ({"guide_to": 2}, "The upper end of the guidance interval is 2; give 0 to 1"),
        ({"guide_from": 0.8, "guide_to": 0.2}, "goes from 0.8 to 0.2; the first must not be"),
        ({"reuse": 3}, "Step caching's drift is 3; give 0 to 1"),
        ({"reuse": "x"}, "Step caching's drift is 'x', not a number"),
    ],
)
def test_absurd_shortcuts_are_refused(backend, changes, sentence):
    """In one sentence each."""
    with pytest.raises(StudioError, match=sentence):
        generate(backend, [DOG], settings=replace(PLAIN, **changes))


def test_a_model_without_shortcuts_says_so(backend, monkeypatch):
    """Others than TangoFlux take none."""
    monkeypatch.setattr(type(backend), "takes_shortcuts", False)
    with pytest.raises(StudioError, match="tiny knows no step caching; leave it off"):
        sound(backend, replace(PLAIN, reuse=0.2))


def test_levels_of_the_interval():
    """Both ends belong to it."""
    interval = Shortcuts(guide_from=0.25, guide_to=0.75)
    assert [interval.guides_at(s) for s in (0.0, 0.25, 0.5, 0.75, 1.0)] == [
        False, True, True, True, False,
    ]  # fmt: skip
