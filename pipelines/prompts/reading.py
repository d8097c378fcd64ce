"""Reading a caption that a person or a language model worded: are its events there, in which order?

It looks for the words of each label and for what joins them. It says that it cannot read an order
rather than guess one: then a person says it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipelines.prompts.grammar import IN_ORDER, listed, short_names
from pipelines.prompts.orders import Order, closed

# Words that tell of order in a way that is not read here.
TURNING = (
    *("after", "afterwards", "later", "finally", "until", "till", "first", "firstly", "last"),
    *("lastly", "once", "next", "eventually", "preceded", "subsequently", "earlier", "previously"),
    *("initially", "begins", "ends", "when", "secondly", "since", "following"),
)
JOINTS = re.compile(r",?\s*\b(followed by|and then|then|before|while|with|as|and)\b|,", re.I)
TELLS = re.compile(r"\b(?:and then|followed by|then|before)\b", re.I)  # as in IN_ORDER
STOP = frozenset(
    "a an the of in on at to into onto over by from for is are was be been and or but with as while "
    "then before followed her his its their it someone somebody something some sound sounds noise "
    "heard hear up down out off away very loudly loud quietly softly small large big other".split()
)

WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")

Words = Callable[[str], str]  # label -> every word that may stand for it


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What was found in a caption."""

    missing: tuple[str, ...]  # labels none of whose words are there
    order: Order | None  # by the places of the labels; None: it cannot be read
    why: str | None  # a sentence, where something cannot be read


def read_caption(caption: str, labels: Sequence[str], words: Words) -> Reading:
    """Which of the labels a caption says, and the order that it promises.

    Args:
        caption: any words.
        labels: of its group, each different.
        words: all words of a label; those that two labels of the group share are not looked at.

    >>> read_caption("rain falls before the dog barks", ["Dog", "Rain"], str.lower).order
    ((1, 0),)
    """
    caption, names = caption.lower(), short_names(labels)
    hits = hits_of(caption, labels, words)
    if missing := tuple(label for place, label in enumerate(labels) if not hits[place]):
        why = f"The words for {listed(short_names(missing))} were not found in it."
        return Reading(missing=missing, order=None, why=why)
    if why := turning_word(caption):
        return Reading(missing=(), order=None, why=why)
    spans = sorted((start, end, place) for place, found in hits.items() for start, end in found)
    mentions = [place for i, (*_, place) in enumerate(spans) if i == 0 or spans[i - 1][2] != place]
    if len(mentions) > len(labels):
        twice = next(names[p] for p in mentions if mentions.count(p) > 1)
        return Reading(missing=(), order=None, why=f"It says {twice} in two places.")
    return order_between(caption, names, spans)


def order_between(
    caption: str, names: Sequence[str], spans: Sequence[tuple[int, int, int]]
) -> Reading:
    """The order by what joins each label's words to those of the next."""
    steps, mentions, told = [], [spans[0][2]], 0
    for (_, end, one), (start, _, two) in zip(spans, spans[1:], strict=False):
        if one == two:
            continue
        mentions.append(two)
        joints = {(match[1] or ",").lower() for match in JOINTS.finditer(caption[end:start])}
        kinds = {joint in IN_ORDER for joint in joints - {","}} or ({False} if joints else set())
        if len(kinds) != 1:
            why = f"It joins {names[one]} and {names[two]} in a way that is not read here."
            return Reading(missing=(), order=None, why=why)
        steps.append(kinds == {True})
        told += len(TELLS.findall(caption[end:start]))
    if told != len(TELLS.findall(caption)):
        why = "A word of order stands where it joins no two events."
        return Reading(missing=(), order=None, why=why)
    pairs = [pair for *pair, is_told in zip(mentions, mentions[1:], steps, strict=False) if is_told]
    return Reading(missing=(), order=closed((i, j) for i, j in pairs), why=None)


def phrases_of(caption: str) -> tuple[list[str], list[int]]:
    """A caption cut at its joints, and for each joint 1 if what follows must come later, else 0.

    >>> phrases_of("rain falls before a dog barks, and a bell rings")
    (['rain falls', 'a dog barks', 'a bell rings'], [1, 0])
    """
    phrases: list[str] = []
    joints: list[int] = []
    start, told = 0, False
    for match in (*JOINTS.finditer(caption), None):
        phrase = caption[start : match.start() if match else None].strip()
        if phrase:
            joints += [int(told)] if phrases else []
            phrases.append(phrase)
            told = False
        if match:
            told, start = told or (match[1] or ",").lower() in IN_ORDER, match.end()
    return phrases or [caption], joints


def turning_word(caption: str) -> str | None:
    """A sentence about a word that tells of order in a way that is not read here; None without one."""
    said = WORD.findall(caption.lower())
    found = next((word for word in said if word in TURNING), None)
    return found and f"It says “{found}”, and what that promises is not read here."


def hits_of(caption: str, labels: Sequence[str], words: Words) -> dict[int, list[tuple[int, int]]]:
    """Where words of each label stand in a caption in small letters, by the label's place."""
    told = [WORD.findall(words(label).lower()) for label in labels]
    known = [{stem(word) for word in said if word not in STOP} for said in told]
    own = [known[i] - set().union(*(known[:i] + known[i + 1 :]), set()) for i in range(len(labels))]
    found: dict[int, list[tuple[int, int]]] = {place: [] for place in range(len(labels))}
    for match in WORD.finditer(caption):
        for place, stems in enumerate(own):
            if match[0] not in STOP and stem(match[0]) in stems:
                found[place].append(match.span())
    return found


def stem(word: str) -> str:
    """A word without its ending, so that its forms meet.

    >>> {stem("cries"), stem("crying"), stem("cry")}, stem("running") == stem("runs")
    ({'cri'}, True)
    """
    word = word.lower().removesuffix("'s").strip("'")
    for ending in ("ing", "ed", "es", "s", "e"):
        if ending == "s" and word.endswith("ss"):
            continue
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending)
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "ls":
        word = word[:-1]  # runn, from running
    return word[:-1] + "i" if word.endswith("y") else word
