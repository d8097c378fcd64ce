"""One caption under review: what it must say, what it says, and what it promises about order."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from pipelines.errors import StudioError
from pipelines.prompts.grammar import TEMPORAL, Ask, short_names
from pipelines.prompts.instructions import Answer
from pipelines.prompts.orders import Order, check_order, every_order, order_cell, order_words
from pipelines.seeds import fork
from studio.refusals import Conflict, Unknown
from studio.services.prompt_writing.label_source import LabelSource

GRAMMAR, MODEL, PERSON, READING = "grammar", "model", "person", "reading"
COLUMNS = ("prompt", "kind", "labels", "promises", "conjunctions", "task", "split", "written_by")
NUMBERS = {2: "two", 3: "three"}


@dataclass(frozen=True, kw_only=True)
class Caption:
    """A caption and its truth; its labels stay whatever its words become."""

    number: int  # its name within the draft
    labels: tuple[str, ...]
    conjunctions: tuple[str, ...]  # as they were drawn
    text: str
    order: Order | None  # None: it cannot be read, and nobody has said it
    order_by: str = GRAMMAR  # or "reading", "person"
    written_by: str = GRAMMAR  # or "model", "person"
    mark: str | None = None  # what a person should look at
    awaits_model: bool = False
    is_dropped: bool = False

    def ask(self, task: str) -> Ask:
        """What it was to say."""
        return Ask(task=task, labels=self.labels, conjunctions=self.conjunctions)

    @property
    def kind(self) -> str:
        """In the words of the studio's own sets: "three in order", "two together"."""
        size = len(self.labels)
        most = size * (size - 1) // 2
        how = {0: "together", most: "in order"}.get(len(self.order or ()), "partly in order")
        return f"{NUMBERS.get(size, str(size))} {how}"

    def row(self, split: str) -> dict[str, Any]:
        """As a campaign takes it."""
        found = {"text": self.text, "labels": list(self.labels), "tags": [self.kind, split]}
        return found if self.order is None else {**found, "order": self.order}

    def cells(self, task: str, split: str) -> list[str]:
        """As a table of prompts has it."""
        return [
            self.text, self.kind, "; ".join(self.labels), order_cell(self.order),
            "; ".join(self.conjunctions), task, split, self.written_by,
        ]  # fmt: skip

    def view(self, task: str) -> dict[str, Any]:
        """As the page shows it: order in words, and its place among all that there are."""
        choices = every_order(len(self.labels))
        return {
            "number": self.number,
            "labels": self.labels,
            "names": short_names(self.labels),
            "conjunctions": self.conjunctions,
            "text": self.text,
            "order": None if self.order is None else choices.index(self.order),
            "order_words": None if self.order is None else order_words(self.labels, self.order),
            "order_by": self.order_by,
            "written_by": self.written_by,
            "mark": self.mark,
            "needs_order": needs_order(self, task),
            "awaits_model": self.awaits_model,
            "is_dropped": self.is_dropped,
        }


def caption_from(values: Mapping[str, Any]) -> Caption:
    """The caption out of its JSON values."""
    order = values["order"]
    told = {
        "labels": tuple(values["labels"]),
        "conjunctions": tuple(values["conjunctions"]),
        "order": None if order is None else tuple((i, j) for i, j in order),
    }
    return Caption(**{**values, **told})


def plain(captions: Sequence[Caption]) -> list[dict[str, Any]]:
    """As JSON values."""
    return [asdict(one) for one in captions]


def needs_order(caption: Caption, task: str) -> bool:
    """Whether nobody can label it before its order is said."""
    return task == TEMPORAL and caption.order is None and not caption.is_dropped


def written(
    source: LabelSource, asks: Sequence[Ask], *, first: int, seed: int, by_model: bool
) -> list[Caption]:
    """Captions by grammar, numbered on; those that a model is to word wait for it."""
    return [
        Caption(
            number=number,
            labels=ask.labels,
            conjunctions=ask.conjunctions,
            text=source.write(ask, fork(seed, "wording", number) % 1000),
            order=ask.order,
            awaits_model=by_model,
        )
        for number, ask in enumerate(asks, first)
    ]


def answered(caption: Caption, answer: Answer) -> Caption:
    """The caption as the model worded it, or as it was, with the reason.

    One that a person has reworded or dropped in the meantime stays theirs.
    """
    if caption.written_by == PERSON or answer.ask.labels != caption.labels:
        return replace(caption, awaits_model=False)
    if answer.fault is not None or answer.caption is None:
        mark = f"By grammar: the model's caption could not be used. {answer.fault}"
        return replace(caption, mark=mark, awaits_model=False)
    return replace(
        caption, text=answer.caption, written_by=MODEL, mark=None, awaits_model=False
    )  # fmt: skip


def reworded(caption: Caption, text: str, source: LabelSource) -> Caption:
    """The caption in a person's words: its labels stay, its order is read anew where it can be."""
    if text == caption.text:
        return caption
    reading = source.read(text, caption.labels)
    found = replace(caption, text=text, written_by=PERSON, awaits_model=False)
    if reading.order is not None:
        return replace(found, order=reading.order, order_by=READING, mark=None)
    advice = "Check that it still asks for it." if reading.missing else "Say its order yourself."
    return replace(found, order=None, order_by=READING, mark=f"{reading.why} {advice}")


def ordered(caption: Caption, choice: Any, source: LabelSource) -> Caption:
    """The caption with the order that a person says: its place among `every_order`, or its pairs.

    Raises:
        StudioError: there is no such order.
    """
    size = len(caption.labels)
    if isinstance(choice, int) and not isinstance(choice, bool):
        if not 0 <= choice < len(every_order(size)):
            raise StudioError(
                f"The order is {choice}; choose one of the {len(every_order(size))} on the list."
            )
        order = every_order(size)[choice]
    else:
        order = check_order(choice, size)
    reading = source.read(caption.text, caption.labels)
    mark = None
    if reading.missing:
        mark = reading.why
    elif reading.order is not None and reading.order != order:
        mark = f"Its words promise another order: {order_words(caption.labels, reading.order)}."
    return replace(caption, order=order, order_by=PERSON, mark=mark)


def replaced(captions: Sequence[Caption], changed: Caption) -> list[Caption]:
    """All of them with one changed.

    Raises:
        Conflict: another has the same words.
    """
    for one in captions:
        is_other = one.number != changed.number and not (one.is_dropped or changed.is_dropped)
        if is_other and one.text.casefold() == changed.text.casefold():
            raise Conflict(f"Caption {one.number} has these words already; say it otherwise.")
    return [changed if one.number == changed.number else one for one in captions]


def caption_of(captions: Sequence[Caption], number: int) -> Caption:
    """The caption of this number.

    Raises:
        Unknown: there is none.
    """
    for one in captions:
        if one.number == number:
            return one
    raise Unknown(f"There is no caption {number} in this list; reload the page.")
