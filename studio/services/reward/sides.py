"""Rewards of both sides of a comparison, the baseline against the aligned: for papers/baton.txt Figure 4."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.errors import StudioError
from pipelines.intervals import bootstrap_clusters
from pipelines.seeds import fork
from studio.services.compare.request import SIDES
from studio.services.compare.views import ComparisonViews
from studio.services.engines import Engines
from studio.services.reward.measures import plain
from studio.store.store import Store

if TYPE_CHECKING:
    from pipelines.reward.scorers import Scorer

TOGETHER = 16  # sounds that are scored at once


def sides_of(
    store: Store,
    engines: Engines,
    comparisons: ComparisonViews,
    scorer: "Scorer",
    comparison: str,
    *,
    most: int,
) -> dict[str, Any]:
    """The rewards of each side, and how much B gets more than A, with its interval over prompts.

    Args:
        most: pairs that are scored; of more, the first.

    Raises:
        StudioError: there is no such comparison, or no pair of it is there yet.
    """
    asked, sounds = comparisons.job_of(comparison).request, comparisons.all_sounds(comparison)
    places = sorted({place for place, _ in sounds})[:most]
    if not places:
        raise StudioError("No pair of this comparison is there yet; wait for its first sounds.")
    prompts = [asked["prompts"][place] for place in places]
    rewards = {}
    for side in SIDES:
        clips = [store.clips.read(sounds[place, side].clip) for place in places]
        rewards[side] = score(scorer, clips, prompts)
    titles = {side: engines.title(asked[side]["model"]) for side in SIDES}
    return gained(rewards, prompts, titles, scorer, comparison)


def gained(
    rewards: Mapping[str, np.ndarray],
    prompts: Sequence[str],
    titles: Mapping[str, str],
    scorer: "Scorer",
    name: str,
) -> dict[str, Any]:
    """The rewards of both sides as plain values, and the change from A to B over prompts.

    Args:
        rewards: [pairs] of each side.
        prompts: of each pair.
        titles: of each side.
        scorer: what gave the rewards.
        name: of what is compared, which names the seed of the interval.
    """
    gain = rewards["b"] - rewards["a"]
    change = bootstrap_clusters(
        lambda at: float(gain[at].mean()), np.asarray(prompts), seed=fork(0, "sides", name)
    )
    told = {
        side: {
            "title": titles[side],
            "rewards": [round(float(one), 4) for one in rewards[side]],
        }
        for side in SIDES
    }
    return {
        **told,
        "change": plain(change),
        "pairs": len(prompts),
        "scored_by": scorer.revision,
    }


def score(scorer: "Scorer", clips: list[tuple[np.ndarray, int]], prompts: list[str]) -> np.ndarray:
    """Rewards of sounds of any rates, [sounds]."""
    found = np.empty(len(clips))
    for rate in {rate for _, rate in clips}:
        own = [place for place, (_, other) in enumerate(clips) if other == rate]
        for start in range(0, len(own), TOGETHER):
            at = own[start : start + TOGETHER]
            found[at] = scorer.score([clips[i][0] for i in at], rate, [prompts[i] for i in at])
    return found
