"""The figures of a reward model as plain values: how well it tells what people said, beside CLAP."""

import math
from typing import Any

from pipelines.intervals import Interval
from pipelines.reward import heldout
from pipelines.reward.heldout import Rewards
from pipelines.reward.labels import Material
from pipelines.reward.training import Vectors

MOST_DISAGREEMENTS = 12  # sounds to listen to


def measured(
    material: Material, rewards: Rewards, clap_vectors: Vectors, *, seed: int
) -> dict[str, Any]:
    """Figures, histogram, calibration and disagreements.

    Args:
        material: held out.
        rewards: of it, by the head.
        clap_vectors: CLAP's own, of its prompts and sounds.
        seed: of the intervals.
    """
    clap = heldout.clap_rewards(material, clap_vectors)
    bins = heldout.calibration(material, rewards)
    return {
        "figures": {
            **_figures(material, rewards, clap, seed=seed),
            "by_task": _by_task(material, rewards, clap, seed=seed),
        },
        "histogram": heldout.histograms(material, rewards, clap),
        "calibration": bins
        and [
            {"low": one.low, "high": one.high, "reward": one.reward, "aligned": plain(one.aligned)}
            for one in bins
        ],
        "disagreements": [
            {
                "prompt": material.examples[at].prompt,
                "clip": material.examples[at].clip,
                "task": material.examples[at].task,
                "reward": round(float(rewards.labels[at]), 4),
                "clap": round(float(clap.labels[at]), 4),
                "label": material.examples[at].target,
                "raters": material.examples[at].raters,
            }
            for at in heldout.disagreements(material, rewards, MOST_DISAGREEMENTS)
        ],
    }


def plain(interval: Interval) -> dict[str, float | int | None]:
    """An interval as JSON has it; null where something is not a number."""
    ends = {"value": interval.value, "low": interval.low, "high": interval.high}
    told = {name: float(end) if math.isfinite(end) else None for name, end in ends.items()}
    return {**told, "count": interval.count}


def _figures(material: Material, rewards: Rewards, clap: Rewards, *, seed: int) -> dict[str, Any]:
    found = heldout.figures(material, rewards, clap, seed=seed)
    return {
        who: {name: plain(interval) for name, interval in told.items()}
        for who, told in found.items()
    }


def _by_task(material: Material, rewards: Rewards, clap: Rewards, *, seed: int) -> dict[str, Any]:
    """The labels of each task apart, where there are two."""
    tasks = sorted({example.task for example in material.examples})
    if len(tasks) < 2:
        return {}
    found = {}
    for task in tasks:
        part, ours = heldout.of_task(material, rewards, task)
        found[task] = _figures(part, ours, heldout.of_task(material, clap, task)[1], seed=seed)
    return found
