"""The held-out prompts that a run is listened to by, at intervals: its development set."""

from collections.abc import Sequence, Set

from pipelines.records import Prompt
from pipelines.seeds import numpy_generator
from studio.services.finetune.further import groups_of
from studio.services.finetune.judged import Judged
from studio.services.finetune.settings import EMBEDDED
from studio.services.prompt_sets import prompts_of

HELD_OUT = 24  # prompts, in three batches
DEMANDING = "demanding"  # the prompt set for bases of other worlds than ours
SECONDS = 10.0


def held_out(base: str, sounds: Sequence[Judged]) -> list[Prompt]:
    """Prompts that a run is listened to by: none that was judged, none of the test split.

    They are the same for every run, but for those whose events were judged.

    Args:
        base: the model that is trained.
        sounds: what it is trained on.
    """
    if base.startswith(EMBEDDED):
        return world_held_out({groups_of(one) for one in sounds})
    captions = {" ".join(one.caption.lower().split()) for one in sounds}
    texts = [text for text in prompts_of(DEMANDING) if text.lower() not in captions]
    return [Prompt(text=text, seconds=SECONDS) for text in texts[:HELD_OUT]]


def world_held_out(met: Set[frozenset[str]]) -> list[Prompt]:
    """Captions of dev scenes, two and three events, in one order for all runs."""
    from pipelines.recipes.baton.sets import drawn_sets
    from pipelines.recipes.baton.study import StudyConfig

    sets = drawn_sets("dev", StudyConfig())
    scenes = [scene for one in sets.values() for scene in one.scenes]
    order = numpy_generator(0, "listening").permutation(len(scenes))
    fresh = [
        scenes[place]
        for place in order
        if frozenset(event.label for event in scenes[place].events) not in met
    ]
    return [Prompt(text=one.caption, seconds=one.seconds) for one in fresh[:HELD_OUT]]
