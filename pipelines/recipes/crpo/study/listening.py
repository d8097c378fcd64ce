"""Whether a reward hears what shall be taught: who sounds is told from who does not, and in what order."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from pipelines.compare.crossed import Found, crossed_jackknife, crossed_mean
from pipelines.recipes.baton import takes
from pipelines.recipes.baton.measures import ANNOTATOR, Measures, Take
from pipelines.recipes.baton.sets import Measured, jobs_of
from pipelines.recipes.baton.study import BASE, THREE
from pipelines.reward.scorers import Scorer
from pipelines.soundworld.scenes import Scene, render_scene
from pipelines.soundworld.synthesis import SAMPLE_RATE

BATCH = 16
SEED = 0  # of the parts that the jackknife leaves out
Plain = dict[str, Any]


def sensitivity(measures: Measures, scorers: Mapping[str, Scorer], numbers: int) -> Plain:
    """How often each reward puts the better of two first, on dev prompts of three events in order.

    Three questions: real sounds against the same events backwards, under one caption; the base's
    sounds, drawn as candidates are, in which all events sound, right order against wrong; all of
    them. The base's are judged by the annotator, a simulated listener.

    Args:
        measures: makes and reads sounds.
        scorers: rewards by name.
        numbers: of noise seeds for the base's sounds.
    """
    on = measures.shop.sets["dev"][THREE]
    found = [candidates_of(measures, on, number) for number in range(numbers)]
    verdicts = np.stack([measures.verdicts(take, ANNOTATOR) for take in found], axis=1)
    real = [render_scene(scene) for scene in on.scenes]
    turned = [render_scene(backwards(scene)) for scene in on.scenes]
    told: Plain = {"prompts": len(on.scenes), "sounds": int(verdicts[..., 0].size), "rewards": {}}
    for name, scorer in scorers.items():
        right, wrong = (scored(scorer, sounds, on.captions) for sounds in (real, turned))
        first = (right > wrong) + 0.5 * (right == wrong)
        drawn = np.stack(
            [scored(scorer, takes.read(take.path), on.captions) for take in found], axis=1
        )
        told["rewards"][name] = {
            "real before backwards": crossed_mean(first[:, None], on.groups).plain,
            "order, all events there": share(drawn, verdicts[..., 1], on, verdicts[..., 0] == 1),
            "order": share(drawn, verdicts[..., 1], on, np.ones_like(drawn, dtype=bool)),
        }
    return told


def candidates_of(measures: Measures, on: Measured, number: int) -> Take:
    """The base's sounds for a set, at the guidance of candidates."""
    shop = measures.shop
    guidance = shop.config.candidate_guidance or shop.base.default_guidance
    jobs = jobs_of(on.scenes, number, **{**shop.sampling, "guidance": guidance})
    path = takes.place_of(shop.takes, shop.base, None, jobs)
    return Take(BASE, on, number, takes.make(path, shop.base, jobs))


def backwards(scene: Scene) -> Scene:
    """The same events in the same places of time, the last one first."""
    labels = [event.label for event in scene.events][::-1]
    events = tuple(
        replace(event, label=label) for event, label in zip(scene.events, labels, strict=True)
    )
    return replace(scene, events=events, gains_db=scene.gains_db[::-1])


def scored(scorer: Scorer, sounds: list[np.ndarray], captions: list[str]) -> np.ndarray:
    """Rewards, float [clips]."""
    return np.concatenate(
        [
            scorer.score(sounds[at : at + BATCH], SAMPLE_RATE, captions[at : at + BATCH])
            for at in range(0, len(sounds), BATCH)
        ]
    )


def share(rewards: np.ndarray, right: np.ndarray, on: Measured, counts: np.ndarray) -> Plain | None:
    """How often a right sound gets more than a wrong one (AUC), with its interval; None: no such pair.

    Args:
        rewards: [prompts, noises].
        right: 1 right, 0 wrong, nan for neither, [prompts, noises].
        on: the prompts.
        counts: which sounds count, bool [prompts, noises].
    """
    good, bad = counts & (right == 1), counts & (right == 0)
    if not good.any() or not bad.any():
        return None

    def auc(prompts: np.ndarray) -> float:
        kept = np.broadcast_to(prompts, rewards.shape)  # a prompt is left out with all its noises
        one, other = rewards[good & kept], rewards[bad & kept]
        if not len(one) or not len(other):
            return 0.5
        above = (one[:, None] > other).mean() + 0.5 * (one[:, None] == other).mean()
        return float(above)

    found: Found = crossed_jackknife(auc, on.groups, 1, seed=SEED)
    return {
        **found.plain,
        "count": int(good.sum() + bad.sum()),
        "right": int(good.sum()),
        "wrong": int(bad.sum()),
    }
