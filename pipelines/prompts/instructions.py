"""What a language model is asked, so that it words a caption, and how its answer is read.

To the effect of Tables 10 and 11 of BATON, in our words. The conjunctions are drawn by us and not
by the model, so that none is favoured and the order that the caption promises is known.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.prompts.grammar import IN_ORDER, Ask

LONGEST_WORDS = 40  # of a caption; the model reads 64 tokens
OTHER_JOINTS = ("followed by", "and then", "then", "before", "after", "while")


def system_message() -> str:
    """Who the model is to be, for every request."""
    return (
        "You write short captions of sound recordings. You are given sound labels and the "
        "conjunctions to join them with. Say each label as an event that one hears, in plain English, "
        "as a person would. Add no other sound, no place and no time of day. Keep the labels in the "
        "given order, and put each conjunction, word for word, between the two events that it joins."
    )


def request_message(asks: Sequence[Ask]) -> str:
    """The captions wanted, numbered, and the form of the answer."""
    lines = ["Write one caption for each of these:"]
    for number, ask in enumerate(asks, 1):
        parts = [f"[{ask.labels[0]}]"]
        for joint, label in zip(ask.conjunctions, ask.labels[1:], strict=True):
            parts += ["(a comma)" if joint == "," else joint, f"[{label}]"]
        lines.append(f"{number}. {' '.join(parts)}")
    example = json.dumps({"number": 1, "caption": "a dog barks followed by rain falling"})
    lines.append(f"Answer with one JSON object a line and nothing else, such as {example}")
    return "\n".join(lines)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One caption that came back, or why it cannot be used."""

    ask: Ask
    caption: str | None  # as the model wrote it, without its full stop
    fault: str | None  # a sentence, where there is one


def read_answers(text: str, asks: Sequence[Ask]) -> list[Answer]:
    """One answer for each ask, in their order, whatever else the model wrote around them."""
    found: dict[int, str] = {}
    for line in re.findall(r"\{[^{}]*\}", text):
        try:
            value = json.loads(line)
        except ValueError:
            continue
        number, caption = value.get("number"), value.get("caption")
        if isinstance(number, int) and not isinstance(number, bool) and isinstance(caption, str):
            found.setdefault(number, caption)
    answers = []
    for number, ask in enumerate(asks, 1):
        caption = " ".join(found.get(number, "").split()).strip().rstrip(".")
        fault = fault_of(caption, ask) if caption else "The model gave no caption for this one."
        answers.append(Answer(ask=ask, caption=caption or None, fault=fault))
    return answers


def fault_of(caption: str, ask: Ask) -> str | None:
    """Why a caption does not say what was asked; None where nothing is seen.

    Seen are: its length, conjunctions that are missing or in another order, and words of order that
    nobody asked for. Whether each label is said, a person reviews.
    """
    words = caption.lower()
    if len(words.split()) > LONGEST_WORDS:
        return f"It has {len(words.split())} words; {LONGEST_WORDS} are the most."
    rest = words
    for joint in ask.conjunctions:
        pattern = "," if joint == "," else rf"\b{joint}\b"
        match = re.search(pattern, rest)
        if match is None or not re.search(r"\w", rest[: match.start()]):
            named = "a comma" if joint == "," else f"'{joint}'"
            return f"It does not join its events by {named}, where that was asked."
        rest = rest[match.end() :]
    if not re.search(r"\w", rest):
        return "Nothing follows its last conjunction."
    left = words
    for joint in sorted(ask.conjunctions, key=len, reverse=True):
        left = re.sub("," if joint == "," else rf"\b{joint}\b", " ", left, count=1)
    for joint in (*sorted(IN_ORDER), *OTHER_JOINTS):
        if re.search(rf"\b{joint}\b", left):
            return f"It also says '{joint}', which was not asked and changes the order."
    return None
