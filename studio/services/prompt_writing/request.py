"""What a person may ask to have written: checked at the door, in words that say what to do."""

from dataclasses import dataclass
from typing import Any

from pipelines.errors import StudioError
from pipelines.prompts.grammar import SIZES
from pipelines.seeds import check_seed
from studio.config import Config
from studio.services.prompt_writing.captions import GRAMMAR, MODEL
from studio.services.prompt_writing.label_source import SPLITS, LabelSource, asked_source
from studio.services.requests import draw_seed, number, whole

MOST_CAPTIONS, MOST_ALONE = 200, 5000  # at once, on the page and on the command line
TITLE_LENGTH = 80
TASKS = {
    "integrity": "two events: is every one there?",
    "temporal": "three events: are they there, and in order?",
}


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A checked wish for captions."""

    task: str
    count: int
    split: str
    source: LabelSource
    by_model: bool
    title: str
    seed: int


def check_wish(
    config: Config,
    *,
    task: Any = "integrity",
    count: Any = 40,
    split: Any = "train",
    labels: Any = None,
    writer: Any = GRAMMAR,
    title: Any = "",
    seed: Any = None,
    most: int = MOST_CAPTIONS,
) -> Wish:
    """A wish that can be met, from whatever a form, a script or a stranger sent.

    Args:
        config: whether a language model is configured.
        task: integrity (two events) or temporal (three).
        count: of captions.
        split: train, dev or test; which events occur together decides it.
        labels: nothing for the embedded events, else {"name": of a file, "text": what it holds}.
        writer: grammar, or model.
        title: of the list; none takes one from the task.
        seed: None to draw one.
        most: captions at once.

    Raises:
        StudioError: the first thing that is wrong.
    """
    for what, value, allowed in (
        ("task", task, SIZES), ("split", split, SPLITS), ("writer", writer, (GRAMMAR, MODEL)),
    ):  # fmt: skip
        if not isinstance(value, str) or value not in allowed:
            raise StudioError(
                f"The {what} is {str(value)[:40]!r}; choose from {', '.join(allowed)}."
            )
    if writer == MODEL and not config.llm_model:
        raise StudioError(
            "No language model is configured; set BATON_LLM_MODEL, and BATON_LLM_URL where it is "
            "not on this machine, or let the grammar write."
        )
    amount = whole("The number of captions", count, 1, most)
    named = " ".join(str(title or "").split())
    if len(named) > TITLE_LENGTH:
        raise StudioError(f"The title has {len(named)} characters; give at most {TITLE_LENGTH}.")
    return Wish(
        task=task,
        count=amount,
        split=split,
        source=asked_source(labels),
        by_model=writer == MODEL,
        title=named or usual_title(task, split),
        seed=draw_seed() if seed is None else check_seed(number("The seed", seed, 0, 2**31 - 1)),
    )


def usual_title(task: str, split: str) -> str:
    """What a list is called unless somebody says otherwise."""
    what = "Two events" if task == "integrity" else "Three events in order"
    return what if split == "train" else f"{what}, held out ({split})"
