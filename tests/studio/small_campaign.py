"""An open campaign of sines, made without a model: what tests of voting, results and data begin with."""

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from pipelines.seeds import fork, numpy_generator
from studio.store.campaigns import DEGRADED, OPEN, CampaignClip
from studio.store.clips import Clip
from studio.store.store import Store
from studio.visitors import HERE

RATE = 16000
MADE: WeakKeyDictionary[Store, dict[tuple[int, float], Clip]] = WeakKeyDictionary()
ASPECTS = {
    "pairwise": [],
    "integrity": ["integrity"],
    "temporal": ["temporal"],
    "mos": ["alignment", "quality"],
    "ovl_rel": ["OVL", "REL"],
}


def small_campaign(
    store: Store,
    task: str = "pairwise",
    systems: int = 3,
    prompts: int | list[dict[str, Any]] = 4,
    takes: int = 1,
    *,
    seconds: float = 0.2,
    owner: str = HERE,
    with_gold: bool = False,
    **changes: Any,
) -> str:
    """An open campaign; its id.

    Args:
        store: where it is kept, clips and all.
        prompts: how many, or the prompts themselves as a definition has them.
        seconds: length of each sound; enough of them is one sine each, at equal loudness.
        with_gold: whether each sound of the first system has a degraded twin.
        changes: fields of the definition other than the defaults below.
    """
    named = [f"s{number}" for number in range(systems)]
    if isinstance(prompts, int):
        prompts = [
            {"text": f"prompt {n}", "seconds": seconds, "labels": [], "tags": []}
            for n in range(prompts)
        ]
    definition = {
        "title": "A small campaign",
        "task": task,
        "aspects": ASPECTS[task],
        "rubric": "general" if task == "mos" else None,
        "half_steps": False,
        "prompts": prompts,
        "systems": [{"name": name, "title": f"System {name}", "kind": "folder"} for name in named],
        "takes": takes,
        "votes_wanted": 2,
        "most_per_voter": None,
        "gold": 0.05,
        "same_system": 0.05,
        "reveals": "on request",
        "heard_share": 0.0,
        "who": "anyone",
        "passphrase": None,
        "is_listed": True,
        "voters": "people",
        "study": None,
        "seed": 1,
        **changes,
    }
    campaign = store.campaigns.add(owner, definition).id
    sounding = [*named, named[0] + DEGRADED] if with_gold else named
    for prompt in range(len(prompts)):
        for system in sounding:
            for take in range(takes):
                add_sine(store, campaign, prompt, system, take, seconds)
    store.campaigns.say(campaign, OPEN)
    return campaign


def add_sine(
    store: Store, campaign: str, prompt: int, system: str, take: int, seconds: float
) -> None:
    """One sound of the campaign, a sine of its own pitch and phase."""
    seed = fork(1, prompt, system, take)
    kept = sine(store, seed, seconds)
    measures = {
        "gain_db": round(seed % 60 / 10 - 3, 1),
        "lufs": -20.0,
        "peak_dbfs": -14.0,
        "silence": 0.0,
        "seconds": seconds,
    }
    store.campaigns.add_clip(
        CampaignClip(
            campaign=campaign,
            prompt=prompt,
            system=system,
            take=take,
            clip=kept.sha256,
            source=kept.sha256,
            candidate=None,
            measures=measures,
        ),
        [kept],
    )


def sine(store: Store, seed: int, seconds: float) -> Clip:
    """The clip of this seed, written once for each store."""
    made = MADE.setdefault(store, {})
    if (seed, seconds) not in made:
        t = np.arange(round(seconds * RATE)) / RATE
        phase = numpy_generator(seed, "phase").uniform(0, 2 * np.pi)
        audio = 0.2 * np.sin(2 * np.pi * (200 + seed % 2000) * t + phase)
        made[(seed, seconds)] = store.clips.put(audio.astype(np.float32)[None], RATE)
    return made[(seed, seconds)]
