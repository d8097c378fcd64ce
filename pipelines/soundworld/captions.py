"""Captions by BATON's grammar: events joined by conjunctions, and the order that they promise.

Source: papers/baton.txt, section 3.1 and Tables 1, 10 and 11 (the conjunction lists).
"""

import re
from dataclasses import dataclass
from functools import cache

from pipelines.soundworld.events import LABELS
from pipelines.soundworld.lexicon import phrases

# Table 10: one conjunction between two events.
CONJUNCTIONS_TWO = (",", "and", "while", "with", "as", "followed by", "then", "and then", "before")
# Table 11: the two conjunctions between three events.
CONJUNCTIONS_THREE = (
    ("followed by", "followed by"),
    ("followed by", "and then"),
    ("followed by", "then"),
    ("then", "followed by"),
    ("before", "followed by"),
    ("and then", "and"),
    ("then", "and"),
    ("followed by", "and"),
    ("followed by", "as"),
    ("before", "as"),
    ("with", "and then"),
)
IN_ORDER = frozenset({"followed by", "then", "and then", "before"})  # the others promise nothing
TAKES_GERUND = frozenset({"followed by", "with", "before"})


@dataclass(frozen=True)
class Reading:
    """What a caption asks for."""

    labels: tuple[str, ...]  # in the order of mention
    order: tuple[tuple[int, int], ...]  # (i, j): mention i must come before mention j


def write_caption(
    labels: list[str], conjunctions: list[str], phrasing: list[int], *, foreign: bool = False
) -> str:
    """The caption, such as "a dog barks followed by rain falling".

    Args:
        labels: 1 to 3 keys of EVENTS.
        conjunctions: one fewer than labels.
        phrasing: which phrase of each label, counted modulo what there is.
        foreign: use the words of the foreign world.
    """
    words = ""
    for number, label in enumerate(labels):
        choices = phrases(label, foreign=foreign)
        phrase = choices[phrasing[number] % len(choices)]
        if number == 0:
            words = phrase.finite
            continue
        joint = conjunctions[number - 1]
        clause = phrase.gerund if joint in TAKES_GERUND else phrase.finite
        words += f", {clause}" if joint == "," else f" {joint} {clause}"
    return words


def order_pairs(conjunctions: list[str] | tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """The partial order that a row of conjunctions states, closed under "and so on".

    "A followed by B as C" says A before B, and nothing of C; "A then B then C" also says A
    before C.

    >>> order_pairs(["followed by", "as"]), order_pairs(["then", "followed by"])
    (((0, 1),), ((0, 1), (0, 2), (1, 2)))
    """
    steps = [(i, i + 1) for i, joint in enumerate(conjunctions) if joint in IN_ORDER]
    if len(steps) == 2:
        steps.append((0, 2))
    return tuple(sorted(steps))


_JOINTS = re.compile(
    r"\s*,?\s+(?:(followed by|and then|before|after which|then|while|with|as|and))\s+|\s*,\s*"
)


@cache
def _known_clauses() -> dict[str, str]:
    known = {}
    for label in LABELS:
        for foreign in (False, True):
            for phrase in phrases(label, foreign=foreign):
                known[phrase.finite] = known[phrase.gerund] = label
    return known


@cache
def _keywords() -> dict[str, str]:
    """Words that appear in the clauses of one label only, so that looser wordings are read too."""
    owners: dict[str, set[str]] = {}
    for clause, label in _known_clauses().items():
        for word in clause.split():
            owners.setdefault(word, set()).add(label)
    return {word: next(iter(labels)) for word, labels in owners.items() if len(labels) == 1}


def label_of(clause: str) -> str | None:
    """The event that a clause names: by the whole clause, else by words that only one event has."""
    clause = re.sub(r"[^a-z\- ]", "", clause.lower()).strip()
    known, keywords = _known_clauses(), _keywords()
    if clause in known:
        return known[clause]
    votes = [keywords[word] for word in clause.split() if word in keywords]
    return max(votes, key=votes.count) if votes else None


def read_caption(text: str) -> Reading:
    """The events that a caption names and the order it states; clauses it cannot read are left out.

    >>> read_caption("a dog barks followed by rain falling")
    Reading(labels=('Dog', 'Rain'), order=((0, 1),))
    """
    text = re.sub(r"\s+", " ", text.lower()).strip(" .!?")
    clauses, joints, start = [], [], 0
    for match in _JOINTS.finditer(text):
        clause = text[start : match.start()]
        if label_of(clause) is None or label_of(text[match.end() :]) is None:
            continue  # "and" inside a clause, not between two
        clauses.append(clause)
        joints.append(match.group(1) or ",")
        start = match.end()
    clauses.append(text[start:])
    labels = tuple(label for clause in clauses if (label := label_of(clause)) is not None)
    if len(labels) != len(clauses):
        return Reading(labels, ())
    steps = {(i, i + 1) for i, joint in enumerate(joints) if joint in IN_ORDER | {"after which"}}
    for middle in range(len(labels)):  # transitive closure
        for i in range(len(labels)):
            for j in range(len(labels)):
                if (i, middle) in steps and (middle, j) in steps:
                    steps.add((i, j))
    return Reading(labels, tuple(sorted(steps)))
