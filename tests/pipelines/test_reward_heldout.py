"""How well held-out labels and votes are told: hand-worked shares, CLAP's beside, sober ends."""

import doctest

import numpy as np
import pytest
import torch

from pipelines.intervals import wilson
from pipelines.reward import heldout, metrics
from pipelines.reward.head import HeadConfig, RewardHead
from pipelines.reward.heldout import Rewards, clap_rewards, figures, rewards_of
from pipelines.reward.labels import Example, Material, Pair
from pipelines.reward.ranking import ranking
from pipelines.reward.training import Vectors

NO_PAIRS = np.empty((0, 2))


def example(prompt: str, clip: str, target: float, task: str = "integrity") -> Example:
    return Example(
        prompt=prompt, clip=clip, target=target, raters=1, task=task, group=f"prompt: {prompt}"
    )


def pair(prompt: str, chosen: str, rejected: str) -> Pair:
    return Pair(prompt=prompt, chosen=chosen, rejected=rejected, agreement=1.0, group=prompt)


# Four prompts with a 1 and a 0 each; the reward has the second prompt the wrong way round.
EXAMPLES = [example(f"p{i // 2}", f"k{i}", float(i % 2 == 0)) for i in range(8)]
OURS = Rewards(labels=np.array([0.9, 0.1, 0.3, 0.6, 0.8, 0.2, 0.7, 0.4]), pairs=NO_PAIRS)
THEIRS = Rewards(labels=np.full(8, 0.5), pairs=NO_PAIRS)


def test_examples_in_docstrings_hold():
    """Every example that a docstring shows prints what it says."""
    found = doctest.testmod(heldout)
    assert found.attempted and not found.failed


def test_figures_by_hand_with_clap_beside_them_and_the_difference():
    """Ones .9 .3 .8 .7 against noughts .1 .6 .2 .4: 14 of 16 right, 3 of 4 prompts, 6 of 8 sounds.

    Only .3 lies below .6 and .4.  A CLAP that says .5 of everything is right in half.
    """
    found = figures(Material(examples=EXAMPLES), OURS, THEIRS, seed=0)
    value = {who: {n: i.value for n, i in told.items()} for who, told in found.items()}
    assert value["reward"]["auc"] == pytest.approx(14 / 16)
    assert value["reward"]["order_within_prompts"] == 3 / 4
    assert value["reward"]["accuracy"] == 6 / 8
    assert value["clap"] == {"auc": 0.5, "order_within_prompts": 0.5}
    assert value["difference"]["auc"] == pytest.approx(14 / 16 - 0.5)
    assert value["difference"]["order_within_prompts"] == pytest.approx(0.25)
    for told in found.values():
        for name, interval in told.items():
            assert interval.count == 8 and interval.low <= interval.value <= interval.high, name


def test_sounds_of_different_folds_are_not_compared():
    """Two folds whose heads are .3 apart in level: within each the order is right, so the AUC is 1.

    Compared across, .4 for a 1 would lose against .6 for a 0 (one of four).  CLAP is compared alike.
    """
    material = Material(
        examples=[example(f"p{i // 2}", f"k{i}", float(i % 2 == 0)) for i in range(4)]
    )
    levels, folds = np.array([0.4, 0.1, 0.9, 0.6]), np.array([0, 0, 1, 1])
    ours = Rewards(labels=levels, pairs=NO_PAIRS, folds=folds)
    found = figures(material, ours, Rewards(labels=levels, pairs=NO_PAIRS), seed=0)
    assert found["reward"]["auc"].value == found["clap"]["auc"].value == 1.0
    whole = figures(material, Rewards(labels=levels, pairs=NO_PAIRS), ours, seed=0)
    assert whole["reward"]["auc"].value == 0.75
    part, kept = heldout.of_task(material, ours, "integrity")
    assert part.examples == list(material.examples) and kept.folds.tolist() == folds.tolist()


def test_rankings_of_drawn_prompts_are_the_plain_figures_of_the_drawn_rows():
    """On 40 draws of whole prompts, some twice: the same as the slow functions, ties among them."""
    draws = np.random.default_rng(4)
    p = np.repeat(np.arange(9), 5)
    y, r = draws.integers(0, 2, 45), draws.integers(0, 4, 45) / 4
    folds = p % 3
    whole, inside, fold = (ranking(r, y, p, by) for by in (np.zeros_like(p), p, folds))
    for _ in range(40):
        at = np.concatenate([np.flatnonzero(p == i) for i in draws.integers(9, size=9)])
        rows = r[at], y[at]
        assert whole(at) == pytest.approx(metrics.area_under_curve(*rows))
        assert inside(at) == pytest.approx(metrics.order_within_prompts(*rows, p[at]), nan_ok=True)
        assert fold(at) == pytest.approx(metrics.order_within_prompts(*rows, folds[at]))
    assert np.isnan(ranking(r, np.ones_like(y), p, p)(np.arange(45)))


def test_the_figures_are_those_of_the_metrics():
    """Where one head gave all the rewards, `metrics.evaluate` says the same to the last interval."""
    draws = np.random.default_rng(5)
    examples = [example(f"p{i // 4}", f"k{i}", float(draws.random() < 0.6)) for i in range(40)]
    ours = Rewards(labels=draws.random(40), pairs=NO_PAIRS)
    found = figures(Material(examples=examples), ours, ours, seed=3)["reward"]
    labels, prompts = [int(e.target) for e in examples], [e.prompt for e in examples]
    expected = metrics.evaluate(ours.labels, labels, prompts, seed=3)
    assert found.keys() == expected.keys()
    for name, interval in expected.items():
        ends = (interval.value, interval.low, interval.high)
        assert (found[name].value, found[name].low, found[name].high) == pytest.approx(ends), name


def test_pairs_are_told_by_share_and_all_right_is_not_certain():
    """Three of three prompts right: the bootstrap would say [1, 1]; Wilson's with n = 3 does not."""
    material = Material(pairs=[pair(f"p{i}", f"a{i}", f"b{i}") for i in range(3)])
    ours = Rewards(labels=np.empty(0), pairs=np.array([[0.9, 0.1], [0.6, 0.2], [0.7, 0.3]]))
    theirs = Rewards(labels=np.empty(0), pairs=np.array([[0.5, 0.5], [0.1, 0.4], [0.7, 0.3]]))
    found = figures(material, ours, theirs, seed=0)
    assert found["reward"].keys() == found["clap"].keys() == {"pairs"}
    sure, expected = found["reward"]["pairs"], wilson(3, 3)
    assert (sure.value, sure.low, sure.high) == (1.0, expected.low, 1.0) and sure.low < 0.5
    assert found["clap"]["pairs"].value == 0.5
    assert found["difference"]["pairs"].value == 0.5


def test_sounds_on_which_raters_are_split_have_no_label():
    """They are in no figure and no histogram, though they may be listened to."""
    material = Material(examples=[*EXAMPLES, example("p0", "k8", 0.5)])
    longer = [Rewards(labels=np.append(r.labels, 0.99), pairs=NO_PAIRS) for r in (OURS, THEIRS)]
    found = figures(material, *longer, seed=0)
    assert found["reward"]["auc"].count == 8
    bars = heldout.histograms(material, *longer)["reward"]
    assert sum(bars[0]["counts"]) + sum(bars[1]["counts"]) == 8
    assert heldout.disagreements(material, longer[0], 2) == [2, 3]  # .3 for a 1, .6 for a 0


def test_the_histogram_of_clap_spans_its_own_range():
    """Similarities from 0.55 to 0.65 would be one bar of [0, 1]; they get twenty of their own."""
    similar = Rewards(labels=np.linspace(0.55, 0.65, 8), pairs=NO_PAIRS)
    bars = heldout.histograms(Material(examples=EXAMPLES), OURS, similar)["clap"]
    assert bars[1]["edges"][0] == pytest.approx(0.55) and bars[1]["edges"][-1] == pytest.approx(
        0.65
    )
    assert bars[1]["counts"][0] == 1 and bars[0]["counts"][-1] == 1
    assert heldout.histograms(Material(pairs=[pair("p", "a", "b")]), OURS, similar) is None
    assert heldout.calibration(Material(pairs=[pair("p", "a", "b")]), OURS) is None


def test_rewards_are_the_head_s_and_clap_s_own():
    """Row by row what the head gives; CLAP's is (1 + cosine) / 2."""
    texts = {"up": np.array([0, 1], np.float32), "right": np.array([1, 0], np.float32)}
    clips = {"a": np.array([1, 0], np.float32), "b": np.array([0, -1], np.float32)}
    vectors = Vectors(texts=texts, clips=clips)
    material = Material(examples=[example("up", "b", 0.0)], pairs=[pair("right", "a", "b")])
    similar = clap_rewards(material, vectors)
    assert similar.labels.tolist() == [0.0] and similar.pairs.tolist() == [[1.0, 0.5]]
    head = RewardHead(HeadConfig(text_size=2, audio_size=2, hidden=(4,)), seed=0)
    found = rewards_of(head, material, vectors)
    one = head.reward(torch.from_numpy(texts["right"]), torch.from_numpy(clips["b"])).item()
    assert found.pairs[0, 1] == pytest.approx(one)
    assert rewards_of(head, Material(), vectors).labels.shape == (0,)


def test_the_labels_of_one_task_can_be_measured_alone():
    """Their rewards go with them."""
    mixed = [example("p", "a", 1.0), example("p", "a", 0.0, "temporal"), example("q", "b", 0.0)]
    rewards = Rewards(labels=np.array([0.1, 0.2, 0.3]), pairs=np.empty((0, 2)))
    part, kept = heldout.of_task(Material(examples=mixed), rewards, "temporal")
    assert part.examples == [mixed[1]] and kept.labels.tolist() == [0.2]
