"""Captions by a language model: asked, read, checked against what was asked; else the grammar's stay."""

from collections.abc import Callable, Sequence
from typing import Protocol

from pipelines.prompts.grammar import Ask
from pipelines.prompts.instructions import Answer, read_answers, request_message, system_message
from pipelines.prompts.reading import Reading

ReadCaption = Callable[[str, Sequence[str]], Reading]  # caption, labels of its group


class LanguageModel(Protocol):
    """Whatever answers a request in words."""

    name: str

    def answer(
        self, system: str, request: str, *, seed: int, should_stop: Callable[[], bool]
    ) -> str:
        """What the model writes.

        Args:
            system: who it is to be.
            request: what is wanted.
            seed: of its draws.
            should_stop: asked again and again; where it says yes, Cancelled is raised.

        Raises:
            Cancelled: a stop was asked for.
            StudioError: it did not answer, or not in a form that can be read.
        """


def reword(
    asks: Sequence[Ask],
    model: LanguageModel,
    read: ReadCaption,
    *,
    seed: int,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[Answer]:
    """One answer for each ask: a caption that says what was asked, or why there is none.

    What the model writes is believed only as far as it can be read back: its conjunctions, the words
    for each label, and the order that they promise.

    Args:
        asks: a few; all are asked for at once.
        model: which one.
        read: how a caption is read back.
        seed: of the model's draws.
        should_stop: whether a stop was asked for.

    Raises:
        Cancelled: a stop was asked for.
        StudioError: the model did not answer.
    """
    said = model.answer(system_message(), request_message(asks), seed=seed, should_stop=should_stop)
    return [checked(answer, read) for answer in read_answers(said, asks)]


def checked(answer: Answer, read: ReadCaption) -> Answer:
    """The answer, with a fault where its events or its order are not those that were asked for."""
    if answer.caption is None or answer.fault is not None:
        return answer
    reading = read(answer.caption, answer.ask.labels)
    fault = reading.why
    if fault is None and reading.order != answer.ask.order:
        fault = "It promises another order than was asked."
    return Answer(ask=answer.ask, caption=answer.caption, fault=fault)
