"""BATON's grammar in the words of the embedded world, kept to one of its splits."""

from pipelines.errors import StudioError
from pipelines.prompts.grammar import Ask, Task, draw_asks
from pipelines.soundworld.captions import TAKES_GERUND
from pipelines.soundworld.events import LABELS
from pipelines.soundworld.lexicon import phrases
from pipelines.soundworld.splits import SHARES, split_of


def world_phrase(label: str, joint: str | None = None, wording: int = 0) -> str:
    """The words of an event after this conjunction: "a dog barks", but "followed by a dog barking"."""
    choices = phrases(label, foreign=False)
    phrase = choices[wording % len(choices)]
    return phrase.gerund if joint in TAKES_GERUND else phrase.finite


def draw_world_asks(task: Task, count: int, *, split: str, seed: int) -> list[Ask]:
    """Groups of the world's events of one split, as `prompts.grammar.draw_asks` gives them.

    Args:
        task: integrity or temporal.
        count: how many.
        split: train, dev or test; which events occur together decides it.
        seed: names the draws.

    Raises:
        StudioError: no such split, or fewer groups in it.
    """
    if split not in SHARES:
        raise StudioError(f"The split is {split!r}; it must be one of {', '.join(SHARES)}.")
    return draw_asks(
        LABELS, task, count, seed=seed, is_wanted=lambda group: split_of(group) == split
    )
