"""Training the reward head: it learns, stops in time, resumes to the same bytes, and says no."""

import math

import numpy as np
import pytest
import torch

from pipelines.errors import Cancelled, StudioError
from pipelines.reward.head import HeadConfig, our_shape
from pipelines.reward.labels import Example, Material, Pair
from pipelines.reward.metrics import area_under_curve
from pipelines.reward.training import OURS, PAPER, TrainingConfig, Vectors, train

SIZE, SHAPE = 8, HeadConfig(text_size=8, audio_size=8, hidden=(16,))
QUICK = TrainingConfig(epochs=8, batch_size=16, learning_rate=0.01)


def world(count: int = 200, seed: int = 0) -> tuple[Vectors, list[Example], list[Pair]]:
    """Sounds of which the first number of the embedding says whether they are aligned."""
    draws = np.random.default_rng(seed)
    texts = {f"p{i}": draws.standard_normal(SIZE).astype(np.float32) for i in range(count // 4)}
    clips = {f"k{i}": draws.standard_normal(SIZE).astype(np.float32) for i in range(count)}
    examples = [
        Example(
            prompt=f"p{i // 4}",
            clip=f"k{i}",
            target=float(clips[f"k{i}"][0] > 0),
            raters=1,
            task="integrity",
            group=f"labels: {i // 4}",
        )
        for i in range(count)
    ]
    pairs = []
    for i in range(0, count, 2):
        two = sorted((f"k{i}", f"k{i + 1}"), key=lambda key: -clips[key][0])
        pairs.append(
            Pair(prompt=f"p{i // 4}", chosen=two[0], rejected=two[1], agreement=1.0, group=f"g{i}")
        )
    return Vectors(texts=texts, clips=clips), examples, pairs


VECTORS, EXAMPLES, PAIRS = world()
TRAIN, DEV = Material(examples=EXAMPLES[:160]), Material(examples=EXAMPLES[160:])


def ranking(head, examples=EXAMPLES[160:]) -> float:
    """AUC of a head on examples."""
    text = torch.stack([torch.from_numpy(VECTORS.texts[e.prompt]) for e in examples])
    audio = torch.stack([torch.from_numpy(VECTORS.clips[e.clip]) for e in examples])
    labels = np.array([e.target for e in examples])
    return area_under_curve(head.reward(text, audio).numpy(), labels)


def test_the_paper_s_settings_are_the_defaults():
    """50 epochs, batches of 64, rate 0.01, cross-entropy, plain Adam (papers/baton.txt, 4.1)."""
    assert (PAPER.epochs, PAPER.batch_size, PAPER.learning_rate) == (50, 64, 0.01)
    assert PAPER.loss == "bce" and PAPER.weight_decay == 0.0


def test_few_labels_do_not_spoil_what_clap_knows():
    """24 labels that are noise: ours still ranks as the cosine does, where the paper's forgets it."""
    draws = np.random.default_rng(2)
    noise = [Example(**vars(e) | {"target": float(draws.integers(2))}) for e in EXAMPLES[:32]]
    parts = Material(examples=noise[:24]), Material(examples=noise[24:])
    text = torch.from_numpy(np.stack([VECTORS.texts[e.prompt] for e in EXAMPLES[32:]]))
    audio = torch.from_numpy(np.stack([VECTORS.clips[e.clip] for e in EXAMPLES[32:]]))
    aligned = (torch.cosine_similarity(text, audio) > 0).float().numpy()
    ours = train(*parts, VECTORS, our_shape(SIZE, SIZE), OURS, seed=0).head
    theirs = train(*parts, VECTORS, SHAPE, PAPER, seed=0).head
    assert area_under_curve(ours.reward(text, audio).numpy(), aligned) > 0.95
    assert area_under_curve(theirs.reward(text, audio).numpy(), aligned) < 0.7


@pytest.mark.parametrize("loss", ["bce", "mse"])
def test_labels_are_learned(loss):
    """What one number tells is ranked right in more than 9 of 10 pairs of groups never seen."""
    config = TrainingConfig(epochs=30, learning_rate=0.01, loss=loss)
    found = train(TRAIN, DEV, VECTORS, SHAPE, config, seed=0)
    assert ranking(found.head) > 0.9
    assert found.history[found.kept - 1].dev_loss == min(e.dev_loss for e in found.history)


def test_pairs_are_learned_and_both_together():
    """Votes alone rank as labels do; both share a run."""
    config = TrainingConfig(epochs=30, learning_rate=0.01)
    alone = train(Material(pairs=PAIRS[:80]), Material(), VECTORS, SHAPE, config, seed=0)
    assert ranking(alone.head) > 0.85 and alone.kept == 30 and alone.history[0].dev_loss is None
    both = Material(examples=EXAMPLES[:80], pairs=PAIRS[40:80])
    assert ranking(train(both, DEV, VECTORS, SHAPE, config, seed=0).head) > 0.85


def test_a_head_stops_where_dev_turns():
    """Labels that are noise: dev loss rises, an early epoch is kept, nothing worse than a coin's."""
    draws = np.random.default_rng(5)
    noise = [Example(**vars(e) | {"target": float(draws.integers(2))}) for e in EXAMPLES]
    config = TrainingConfig(epochs=30, learning_rate=0.01)
    parts = Material(examples=noise[:160]), Material(examples=noise[160:])
    found = train(*parts, VECTORS, SHAPE, config, seed=0)
    kept = found.history[found.kept - 1].dev_loss
    assert found.kept < 10 and kept < math.log(2) + 0.05 < found.history[-1].dev_loss


def test_a_seed_gives_the_same_bytes_and_a_stopped_run_goes_on_to_them(tmp_path):
    """Stopped after 3 of 8 epochs and taken up again, with dropout: equal to the run in one go."""
    shape = HeadConfig(text_size=8, audio_size=8, hidden=(16,), dropout=0.3)
    whole = train(TRAIN, DEV, VECTORS, shape, QUICK, seed=4)
    state, seen = tmp_path / "state.pt", []
    with pytest.raises(Cancelled):
        train(
            TRAIN, DEV, VECTORS, shape, QUICK, seed=4, state=state,
            on_epoch=seen.append, should_stop=lambda: len(seen) == 3,
        )  # fmt: skip
    later = train(TRAIN, DEV, VECTORS, shape, QUICK, seed=4, state=state, on_epoch=seen.append)
    assert [epoch.number for epoch in seen] == list(range(1, 9))
    assert later.history == whole.history and later.kept == whole.kept
    for name, tensor in whole.head.state_dict().items():
        assert torch.equal(tensor, later.head.state_dict()[name]), name
    other = train(TRAIN, DEV, VECTORS, shape, QUICK, seed=5)
    assert not torch.equal(other.head.layers[0].weight, whole.head.layers[0].weight)
    with pytest.raises(StudioError, match="other settings"):
        train(TRAIN, DEV, VECTORS, shape, QUICK, seed=5, state=state)


def test_every_row_is_seen_once_an_epoch():
    """Batches of 16 over 41 labels and 5 pairs: three of them, each row in exactly one."""
    from pipelines.reward.training import _Rows
    from pipelines.seeds import torch_generator

    rows = _Rows.of(Material(examples=EXAMPLES[:41], pairs=PAIRS[:5]), VECTORS)
    batches = rows.batches(16, torch_generator(0, "order"))
    assert [len(b.labels[2]) for b in batches] == [14, 14, 13]
    assert [len(b.pairs[3]) for b in batches] == [2, 2, 1]
    again = torch.cat([b.labels[1] for b in batches])
    assert sorted(again[:, 0].tolist()) == sorted(rows.labels[1][:, 0].tolist())


def test_each_epoch_has_an_order_of_its_own(monkeypatch):
    """Eight epochs draw from eight seeds."""
    from pipelines.reward import training

    seeds, draw = [], training.torch_generator
    monkeypatch.setattr(
        training, "torch_generator", lambda seed, *names: seeds.append(seed) or draw(seed, *names)
    )
    train(TRAIN, DEV, VECTORS, SHAPE, QUICK, seed=0)
    assert len(set(seeds)) == len(seeds) == 8


def test_what_cannot_be_trained_is_refused():
    """Nothing to learn from, a sound without embedding, settings that are none, a rate too high."""
    with pytest.raises(StudioError, match="no labels and no pairs"):
        train(Material(), DEV, VECTORS, SHAPE, QUICK, seed=0)
    bare = Vectors(texts=VECTORS.texts, clips={})
    with pytest.raises(StudioError, match="160 of 160 sounds have no embedding, such as k0"):
        train(TRAIN, DEV, bare, SHAPE, QUICK, seed=0)
    for wrong in ({"loss": "hinge"}, {"epochs": 0}, {"learning_rate": 0.0}, {"pair_share": 2.0}):
        with pytest.raises(StudioError):
            TrainingConfig(**wrong)
    steep = TrainingConfig(epochs=8, learning_rate=1e30)
    with pytest.raises(StudioError, match="lower the learning rate"):
        train(TRAIN, DEV, VECTORS, SHAPE, steep, seed=0)
