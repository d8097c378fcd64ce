"""How well a head tells labels and votes that it did not learn from, with CLAP's own beside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from pipelines.intervals import Interval, bootstrap_clusters, wilson
from pipelines.reward import metrics
from pipelines.reward.head import RewardHead
from pipelines.reward.labels import Example, Material
from pipelines.reward.ranking import ranking
from pipelines.reward.training import Vectors

REPEATS = 500  # bootstrap draws, as in `metrics.evaluate`
PAIRS, WITHIN = "pairs", "order_within_prompts"
SHARES = ("auc", "accuracy", WITHIN, PAIRS)  # how often something is told right
LEVELS = {  # what only a probability can be asked, not a similarity
    "accuracy": metrics.accuracy,
    "accuracy_of_the_commoner_label": lambda r, y: float(max(y.mean(), 1 - y.mean())),
    "brier": metrics.brier,
    "calibration_error": metrics.calibration_error,
}


@dataclass(frozen=True, kw_only=True)
class Rewards:
    """What one scorer gives to some material."""

    labels: np.ndarray  # [examples], of the labelled sounds
    pairs: np.ndarray  # [pairs, 2], of the chosen and the rejected sound
    folds: np.ndarray | None = None  # [examples], whose head it was; None: one head gave them all


def rewards_of(head: RewardHead, material: Material, vectors: Vectors) -> Rewards:
    """A head's rewards of all labelled sounds and pairs."""

    def of(rows: Sequence[tuple[str, str]]) -> np.ndarray:
        if not rows:
            return np.empty(0)
        texts = torch.from_numpy(np.stack([vectors.texts[prompt] for prompt, _ in rows]))
        clips = torch.from_numpy(np.stack([vectors.clips[clip] for _, clip in rows]))
        return head.reward(texts, clips).numpy().astype(np.float64)

    return _rewards(of, material)


def clap_rewards(material: Material, vectors: Vectors) -> Rewards:
    """CLAP's similarity as a reward, (1 + cosine) / 2.

    Args:
        material: what to score.
        vectors: of CLAP on both sides; a sound's in stretches opens with that of the whole.
    """

    def of(rows: Sequence[tuple[str, str]]) -> np.ndarray:
        both = [(vectors.texts[prompt], vectors.clips[clip]) for prompt, clip in rows]
        cosines = [float(text @ audio[: len(text)]) for text, audio in both]
        return ((1 + np.array(cosines)) / 2).clip(0, 1)

    return _rewards(of, material)


def figures(
    material: Material, reward: Rewards, clap: Rewards, *, seed: int
) -> dict[str, dict[str, Interval]]:
    """The figures of `metrics.evaluate` and of the pairs: the reward's, CLAP's, their difference.

    Of CLAP only what a ranking has: its similarity is no probability. Sounds on which raters are
    split evenly have no label to be told, and are left out. Where several heads gave the rewards,
    the AUC compares sounds of one fold only, CLAP's too: each head has a level of its own, which is
    the higher the fewer of the held-out sounds are aligned.

    Args:
        material: held out.
        reward: of the head, for this material.
        clap: the same of CLAP.
        seed: of the intervals; whole prompts are drawn, for both scorers alike.

    Returns:
        {"reward", "clap", "difference"}, each by the name of the figure. Without labels, or without
        pairs, their figures are not there.
    """
    found: dict[str, dict[str, Interval]] = {"reward": {}, "clap": {}, "difference": {}}
    sure = clear(material.examples)
    if sure:
        labels = [round(material.examples[at].target) for at in sure]
        prompts = [material.examples[at].prompt for at in sure]
        ours, theirs = reward.labels[sure], clap.labels[sure]
        r, y, p = metrics.validate(ours, labels, prompts)
        folds = None if reward.folds is None else reward.folds[sure]
        for name, within in (("auc", np.zeros_like(p) if folds is None else folds), (WITHIN, p)):
            one, other = ranking(ours, y, p, within), ranking(theirs, y, p, within)
            found["reward"][name] = _drawn(one, p, seed)
            found["clap"][name] = _drawn(other, p, seed)
            gain = _drawn(lambda at, a=one, b=other: a(at) - b(at), p, seed)
            found["difference"][name] = gain
        for name, level in LEVELS.items():
            found["reward"][name] = _drawn(lambda at, level=level: level(r[at], y[at]), p, seed)
    if material.pairs:
        prompts = np.asarray([pair.prompt for pair in material.pairs])
        ours, theirs = told_right(reward.pairs), told_right(clap.pairs)
        for who, right in (("reward", ours), ("clap", theirs), ("difference", ours - theirs)):
            share = _drawn(lambda at, right=right: float(right[at].mean()), prompts, seed)
            found[who][PAIRS] = share
    asked = len({one.prompt for one in (*material.examples, *material.pairs)})
    for who in ("reward", "clap"):
        found[who] = {name: _sober(name, told, asked) for name, told in found[who].items()}
    return found


def histograms(
    material: Material, reward: Rewards, clap: Rewards
) -> dict[str, dict[int, dict[str, list[float]]]] | None:
    """Rewards by label, papers/baton.txt Figure 4, and CLAP's over its own range; None: no labels."""
    sure = clear(material.examples)
    if not sure:
        return None
    labels = np.array([round(material.examples[at].target) for at in sure])
    similar = clap.labels[sure]
    low, high = similar.min(), max(similar.max(), similar.min() + 1e-6)
    spread = metrics.histogram((similar - low) / (high - low), labels)
    for bars in spread.values():
        bars["edges"] = [float(low + (high - low) * edge) for edge in bars["edges"]]
    return {"reward": metrics.histogram(reward.labels[sure], labels), "clap": spread}


def calibration(material: Material, reward: Rewards) -> list[metrics.Bin] | None:
    """What was foretold against what people said; None: no labels."""
    sure = clear(material.examples)
    labels = np.array([round(material.examples[at].target) for at in sure])
    return metrics.calibration_curve(reward.labels[sure], labels) if sure else None


def disagreements(material: Material, reward: Rewards, count: int) -> list[int]:
    """The places of the labelled sounds on which reward and people are furthest apart, in order."""
    targets = np.array([example.target for example in material.examples])
    return metrics.disagreements(reward.labels, targets, count)


def clear(examples: Sequence[Example]) -> list[int]:
    """The places of the examples that most raters put on one side."""
    return [at for at, example in enumerate(examples) if example.target != 0.5]


def told_right(pairs: np.ndarray) -> np.ndarray:
    """1 where the chosen sound gets more, 0 where it gets less, 0.5 for equal rewards.

    >>> told_right(np.array([[0.9, 0.1], [0.2, 0.6], [0.5, 0.5]])).tolist()
    [1.0, 0.0, 0.5]

    Args:
        pairs: [pairs, 2], of the chosen and of the rejected.
    """
    return (np.sign(pairs[:, 0] - pairs[:, 1]) + 1) / 2


def of_task(material: Material, rewards: Rewards, task: str) -> tuple[Material, Rewards]:
    """The labels of one task, and their rewards; no pairs."""
    at = [place for place, example in enumerate(material.examples) if example.task == task]
    kept = replace(material, examples=[material.examples[place] for place in at], pairs=())
    folds = None if rewards.folds is None else rewards.folds[at]
    return kept, Rewards(labels=rewards.labels[at], pairs=np.empty((0, 2)), folds=folds)


def _rewards(of: Callable[[Sequence[tuple[str, str]]], np.ndarray], material: Material) -> Rewards:
    chosen = of([(pair.prompt, pair.chosen) for pair in material.pairs])
    rejected = of([(pair.prompt, pair.rejected) for pair in material.pairs])
    return Rewards(
        labels=of([(example.prompt, example.clip) for example in material.examples]),
        pairs=np.stack([chosen, rejected], axis=1),
    )


def _sober(name: str, found: Interval, prompts: int) -> Interval:
    """A share of which every draw is the same, all right or all wrong: the bootstrap sees no chance.

    Then Wilson's interval with the prompts as trials, which are as many as there are by chance.
    """
    if name not in SHARES or found.value not in (0.0, 1.0) or found.low != found.high:
        return found
    ends = wilson(prompts if found.value else 0, prompts)
    return replace(found, low=ends.low, high=ends.high)


def _drawn(figure: Callable[[np.ndarray], float], prompts: np.ndarray, seed: int) -> Interval:
    return bootstrap_clusters(figure, prompts, seed=seed, repeats=REPEATS)
