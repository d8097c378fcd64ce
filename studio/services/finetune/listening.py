"""The held-out prompts that a run is listened to by, at intervals: its development set."""

from collections.abc import Sequence

from pipelines.records import Prompt
from studio.services.finetune.further import groups_of, world_prompts
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
        met = {groups_of(one) for one in sounds}
        two_and_three = [frozenset(), frozenset("ab"), frozenset("abc")]
        fresh = world_prompts([*met, *two_and_three], 4 * HELD_OUT, split="dev", seed=0)
        return [Prompt(text=text, seconds=SECONDS) for text in fresh[:HELD_OUT]]
    captions = {" ".join(one.caption.lower().split()) for one in sounds}
    texts = [text for text in prompts_of(DEMANDING) if text.lower() not in captions]
    return [Prompt(text=text, seconds=SECONDS) for text in texts[:HELD_OUT]]
