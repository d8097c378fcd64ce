"""Few labels by folds: dealt evenly, never met, resumed to the same, and refused where too few."""

import doctest
from collections import Counter

import numpy as np
import pytest

from pipelines.errors import Cancelled, StudioError
from pipelines.reward import folds
from pipelines.reward.folds import deal, mean_history, out_of_fold
from pipelines.reward.head import HeadConfig
from pipelines.reward.labels import Example, Material, Pair
from pipelines.reward.metrics import area_under_curve
from pipelines.reward.plans import TrainingConfig
from pipelines.reward.training import Epoch, Vectors

SIZE, SHAPE = 8, HeadConfig(text_size=8, audio_size=8, hidden=(16,))
PLAN = TrainingConfig(epochs=12, batch_size=16, learning_rate=0.01)


def world(groups: int = 12, each: int = 10) -> tuple[Material, Vectors]:
    """Sounds whose first number says whether they are aligned; and the pairs that follow from it."""
    draws = np.random.default_rng(3)
    texts = {f"p{g}": draws.standard_normal(SIZE).astype(np.float32) for g in range(groups)}
    clips = {f"k{i}": draws.standard_normal(SIZE).astype(np.float32) for i in range(groups * each)}
    examples = [
        Example(
            prompt=f"p{i // each}",
            clip=key,
            target=float(row[0] > 0),
            raters=1,
            task="integrity",
            group=f"g{i // each}",
        )
        for i, (key, row) in enumerate(clips.items())
    ]
    pairs = [
        Pair(prompt=one.prompt, chosen=two[0], rejected=two[1], agreement=1.0, group=one.group)
        for one, other in zip(examples[::2], examples[1::2], strict=True)
        for two in [sorted((one.clip, other.clip), key=lambda key: -clips[key][0])]
    ]
    return Material(examples=examples, pairs=pairs), Vectors(texts=texts, clips=clips)


def test_examples_in_docstrings_hold():
    """Every example that a docstring shows prints what it says."""
    found = doctest.testmod(folds)
    assert found.attempted and not found.failed


def test_groups_are_dealt_evenly_and_by_seed():
    """Seven groups over three folds are 3, 2, 2; the order in which they come does not matter."""
    names = [f"g{i}" for i in range(7)]
    found = deal(names, 3, seed=1)
    assert sorted(Counter(found.values()).values()) == [2, 2, 3]
    assert deal([*names[::-1], *names], 3, seed=1) == found
    assert any(deal(names, 3, seed=seed) != found for seed in range(2, 5))
    assert max(deal(names[:4], 9, seed=0).values()) == 3


def test_fewer_groups_than_three_are_refused():
    """One to learn from, one to tell when to stop, one to be measured on."""
    with pytest.raises(StudioError, match="asks for 2 different sets of events; at least 3"):
        deal(["a", "b", "a"], 5, seed=0)


def test_what_the_folds_foretell_ranks_sounds_that_they_never_met():
    """The rule is learned from other groups, so ranking is far above chance; all are foretold."""
    material, vectors = world()
    found = out_of_fold(material, vectors, SHAPE, PLAN, seed=0)
    labels = np.array([one.target for one in material.examples])
    assert area_under_curve(found.rewards.labels, labels) > 0.9
    assert (found.rewards.pairs[:, 0] > found.rewards.pairs[:, 1]).mean() > 0.8
    assert found.folds == 5 and len(found.history) == 12
    whose = {
        (one.group, int(f)) for one, f in zip(material.examples, found.rewards.folds, strict=True)
    }
    assert len(whose) == 12 and {fold for _, fold in whose} == set(range(5))
    best = min(found.history, key=lambda epoch: epoch.dev_loss)
    assert found.kept == best.number


def test_a_prompt_s_own_labels_have_no_say_in_its_rewards():
    """Turning round all labels of one group changes no reward of that group while it is held out."""
    material, vectors = world(groups=6)
    spun = Material(
        examples=[
            Example(**{**vars(one), "target": 1 - one.target}) if one.group == "g0" else one
            for one in material.examples
        ]
    )
    plain = out_of_fold(Material(examples=material.examples), vectors, SHAPE, PLAN, seed=0, count=6)
    other = out_of_fold(spun, vectors, SHAPE, PLAN, seed=0, count=6)
    own = [one.group == "g0" for one in material.examples]
    assert np.array_equal(plain.rewards.labels[own], other.rewards.labels[own])
    assert not np.array_equal(plain.rewards.labels, other.rewards.labels)


def test_folds_that_were_killed_go_on_to_the_same_numbers(tmp_path):
    """Stopped in the third fold, begun again: byte for byte what an unbroken run gives."""
    material, vectors = world(groups=6)
    whole = out_of_fold(material, vectors, SHAPE, PLAN, seed=5)
    asked = iter(range(1000))
    with pytest.raises(Cancelled):
        out_of_fold(
            material, vectors, SHAPE, PLAN, seed=5, state=tmp_path,
            should_stop=lambda: next(asked) >= 30,
        )  # fmt: skip
    assert len(list(tmp_path.glob("fold-*.pt"))) == 3
    seen = []
    again = out_of_fold(
        material, vectors, SHAPE, PLAN, seed=5, state=tmp_path,
        on_epoch=lambda fold, of, epoch: seen.append((fold, of, epoch.number)),
    )  # fmt: skip
    assert again.rewards.labels.tobytes() == whole.rewards.labels.tobytes()
    assert again.rewards.pairs.tobytes() == whole.rewards.pairs.tobytes()
    assert again.history == whole.history
    assert seen[0] == (2, 5, 7) and len(seen) == 60 - 30


def test_the_mean_history_is_the_mean_of_what_is_there():
    """Losses 1 and 3 are 2; an epoch that one training alone came to is its own."""
    one = [
        Epoch(number=1, train_loss=1.0, dev_loss=0.5),
        Epoch(number=2, train_loss=4.0, dev_loss=1),
    ]
    other = [Epoch(number=1, train_loss=3.0, dev_loss=None)]
    found = mean_history([one, other])
    assert [(e.train_loss, e.dev_loss) for e in found] == [(2.0, 0.5), (4.0, 1.0)]
    assert mean_history([]) == []
