"""BATON's grammar in the words of the embedded world, kept to one of its splits."""

from collections.abc import Sequence

from pipelines.errors import StudioError
from pipelines.prompts.grammar import Ask, Task, draw_asks, listed, short_names
from pipelines.prompts.label_sets import LabelSet, Wording
from pipelines.prompts.orders import closed
from pipelines.prompts.reading import TELLS, Reading, turning_word
from pipelines.soundworld import captions as soundworld
from pipelines.soundworld.captions import TAKES_GERUND
from pipelines.soundworld.events import LABELS
from pipelines.soundworld.lexicon import phrases
from pipelines.soundworld.splits import SHARES, split_of

WORLD = "Embedded events"


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


def world_labels() -> LabelSet:
    """The embedded events with all that they are called at home."""
    told = {
        label: tuple(Wording(finite=one.finite, gerund=one.gerund) for one in phrases(label))
        for label in LABELS
    }
    return LabelSet(name=WORLD, labels=tuple(LABELS), wordings=told)


def read_world_caption(caption: str, labels: Sequence[str]) -> Reading:
    """A caption in the words of the world, as its listeners read it.

    Where they find other events than the group's, or a word of order that they do not know, the
    order is unknown.
    """
    found = soundworld.read_caption(caption)
    missing = tuple(label for label in labels if label not in found.labels)
    if missing:
        why = f"The words for {listed(short_names(missing))} were not found in it."
        return Reading(missing=missing, order=None, why=why)
    if why := turning_word(caption):
        return Reading(missing=(), order=None, why=why)
    if sorted(found.labels) != sorted(labels):
        return Reading(missing=(), order=None, why="It says more events than its group has.")
    steps = sum(j == i + 1 for i, j in found.order)
    if steps != len(TELLS.findall(caption)):
        why = "A word of order stands where it joins no two events."
        return Reading(missing=(), order=None, why=why)
    place = {mention: labels.index(label) for mention, label in enumerate(found.labels)}
    return Reading(missing=(), order=closed((place[i], place[j]) for i, j in found.order), why=None)
