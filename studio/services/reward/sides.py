"""Rewards of both sides of a comparison, the baseline against the aligned: for papers/baton.txt Figure 4."""

import time
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
from studio.store.candidates import StoredCandidate
from studio.store.store import Store

if TYPE_CHECKING:
    from pipelines.reward.scorers import Scorer

TOGETHER = 16  # sounds that are scored at once
SECONDS = 3.0  # of scoring while somebody waits; who asks again gets further


def sides_of(
    store: Store,
    engines: Engines,
    comparisons: ComparisonViews,
    scorer: "Scorer",
    comparison: str,
    *,
    judge: str,
    most: int,
) -> dict[str, Any]:
    """The rewards of each side, and how much B gets more than A, with its interval over prompts.

    Args:
        judge: under which name scores are remembered.
        most: pairs that are scored; of more, the first.

    Returns:
        What `gained` tells; before every sound has its score, how many are `judged`, and `of` how
        many.

    Raises:
        StudioError: there is no such comparison, or no pair of it is there yet.
    """
    asked, sounds = comparisons.job_of(comparison).request, comparisons.all_sounds(comparison)
    places = sorted({place for place, _ in sounds})[:most]
    if not places:
        raise StudioError("No pair of this comparison is there yet; wait for its first sounds.")
    prompts = [asked["prompts"][place] for place in places]
    wanted = [sounds[place, side] for place in places for side in SIDES]
    known = judged(store, scorer, judge, wanted, seconds=SECONDS)
    if len(known) < (of := len({one.id for one in wanted})):
        return {"judged": len(known), "of": of}
    rewards = {
        side: np.array([known[sounds[place, side].id] for place in places]) for side in SIDES
    }
    titles = {side: engines.title(asked[side]["model"]) for side in SIDES}
    return gained(rewards, prompts, titles, scorer, comparison)


def judged(
    store: Store,
    scorer: "Scorer",
    judge: str,
    sounds: Sequence[StoredCandidate],
    *,
    seconds: float,
) -> dict[str, float]:
    """The scores of sounds by their ids: those that are remembered, and as many more as time allows.

    Args:
        store: where scores are kept, so that none is given twice.
        scorer: gives them.
        judge: under which name.
        sounds: whose.
        seconds: after which no further batch is begun; one is always done.
    """
    said, begun = store.candidates.judgements([one.id for one in sounds]), time.monotonic()
    known = {one: words[judge]["score"] for one, words in said.items() if judge in words}
    left = [one for one in {one.id: one for one in sounds}.values() if one.id not in known]
    for start in range(0, len(left), TOGETHER):
        batch = left[start : start + TOGETHER]
        clips = [store.clips.read(one.clip) for one in batch]
        found = score(scorer, clips, [one.prompt.text for one in batch])
        for one, reward in zip(batch, found.tolist(), strict=True):
            told = {"score": reward, "revision": scorer.revision}
            store.candidates.add_judgement(one.id, judge, told)
            known[one.id] = reward
        if time.monotonic() - begun > seconds:
            break
    return known


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
