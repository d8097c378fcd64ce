"""What captions are drawn from: the embedded events, or a person's own labels; one interface."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines import splits
from pipelines.prompts.grammar import Ask, draw_asks, write_caption
from pipelines.prompts.label_sets import LabelSet, from_plain, read_label_set
from pipelines.prompts.reading import Reading, read_caption

SPLITS = {
    "train": "to label, and to learn from",
    "dev": "held out, to compare models while you try things",
    "test": "held out, for the last comparison",
}


@dataclass(frozen=True, kw_only=True)
class LabelSource:
    """Draws groups of labels, words them, reads captions back."""

    set: LabelSet
    is_embedded: bool
    split_of: Callable[[Sequence[str]], str]
    read: Callable[[str, Sequence[str]], Reading]  # caption, labels of its group

    def draw(
        self, task: str, count: int, *, split: str, seed: int, used: set[frozenset[str]]
    ) -> list[Ask]:
        """Groups of one split that are not among those used.

        Raises:
            StudioError: there are not so many.
        """

        def is_wanted(group: tuple[str, ...]) -> bool:
            return frozenset(group) not in used and self.split_of(group) == split

        return draw_asks(self.set.labels, task, count, seed=seed, is_wanted=is_wanted)

    def write(self, ask: Ask, wording: int) -> str:
        """The caption by grammar."""
        return write_caption(ask, self.set.phrase, wording=wording)

    def plain(self) -> dict[str, Any]:
        """As JSON values; of the embedded events their name alone."""
        return {"is_embedded": True} if self.is_embedded else self.set.plain()


def embedded_source() -> LabelSource:
    """The events that the embedded model was trained on, split as its training data is."""
    from pipelines.recipes.world_captions import read_world_caption, world_labels
    from pipelines.soundworld.splits import split_of

    return LabelSource(
        set=world_labels(), is_embedded=True, split_of=split_of, read=read_world_caption
    )


def own_source(labels: LabelSet) -> LabelSource:
    """A person's labels; which occur together decides the split."""

    def split_of(group: Sequence[str]) -> str:
        return splits.split_of(splits.group_of("", group))

    def read(caption: str, group: Sequence[str]) -> Reading:
        return read_caption(caption, group, labels.words)

    return LabelSource(set=labels, is_embedded=False, split_of=split_of, read=read)


def source_from(values: Mapping[str, Any]) -> LabelSource:
    """The source that `plain` wrote."""
    return embedded_source() if values.get("is_embedded") else own_source(from_plain(values))


def asked_source(labels: Any) -> LabelSource:
    """The source that was asked for: nothing or "embedded", or a file's name and text.

    Raises:
        StudioError: the file is no set of labels.
    """
    if not labels or labels == "embedded":
        return embedded_source()
    told = labels if isinstance(labels, Mapping) else {}
    return own_source(read_label_set(str(told.get("text", "")), str(told.get("name", ""))))
