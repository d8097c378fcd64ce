"""BATON's captions by grammar: groups of labels, joined by the conjunctions of Tables 10 and 11.

What a caption promises about order is the partial order of its conjunctions. It is known before
the caption is written, so it holds for a caption that a language model worded, too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from pipelines.errors import StudioError
from pipelines.seeds import numpy_generator

INTEGRITY, TEMPORAL = "integrity", "temporal"
Task = Literal["integrity", "temporal"]
SIZES = {INTEGRITY: 2, TEMPORAL: 3}  # labels of a group
CONJUNCTIONS: dict[str, tuple[tuple[str, ...], ...]] = {
    INTEGRITY: (  # Table 10
        *((",",), ("and",), ("while",), ("with",), ("as",)),
        *(("followed by",), ("then",), ("and then",), ("before",)),
    ),
    TEMPORAL: (  # Table 11
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
    ),
}
IN_ORDER = frozenset({"followed by", "then", "and then", "before"})  # the others promise nothing
TAKES_GERUND = frozenset({"followed by", "with", "before"})  # "followed by a dog barking"

PATIENCE = 10_000  # draws, where there are too many groups to expect them all

PhraseOf = Callable[[str, str | None, int], str]  # label, the conjunction before it, which wording


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One caption to be written: what must sound, and how it is joined."""

    task: Task
    labels: tuple[str, ...]
    conjunctions: tuple[str, ...]  # one fewer than labels

    @property
    def order(self) -> tuple[tuple[int, int], ...]:
        """(i, j): label i must come before label j."""
        return order_of(self.conjunctions)


def order_of(conjunctions: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """The partial order that conjunctions state, with what follows from it.

    >>> order_of(["with", "and then"]), order_of(["then", "followed by"])
    (((1, 2),), ((0, 1), (0, 2), (1, 2)))
    """
    comes_next = [joint in IN_ORDER for joint in conjunctions]
    return tuple(
        (i, j)
        for i in range(len(comes_next) + 1)
        for j in range(i + 1, len(comes_next) + 1)
        if all(comes_next[i:j])
    )


def draw_asks(
    labels: Sequence[str],
    task: Task,
    count: int,
    *,
    seed: int,
    is_wanted: Callable[[tuple[str, ...]], bool] | None = None,
) -> list[Ask]:
    """Groups of different labels with conjunctions, none twice; each conjunction as often as can be.

    Args:
        labels: at least as many as a group holds; the paper takes AudioCaps' 200 most frequent.
        task: integrity (two labels) or temporal (three).
        count: how many.
        seed: names the draws.
        is_wanted: which groups may be drawn, such as those of one split; None: all.

    Raises:
        StudioError: too few labels for so many groups.
    """
    if task not in SIZES:
        raise StudioError(f"The task is {task!r}; it must be integrity or temporal.")
    known, size = sorted(set(labels)), SIZES[task]
    groups = 1
    for i in range(size):
        groups = groups * (len(known) - i) // (i + 1)
    if count < 1 or count > max(groups, 0):
        raise StudioError(
            f"{count} groups of {size} were asked for and {len(known)} labels make {max(groups, 0)}; "
            f"{f'ask for 1 to {groups}, or ' if groups > 0 else ''}give more labels."
        )
    rng = numpy_generator(seed, "label groups", task)
    seen: set[frozenset[str]] = set()
    asks: list[Ask] = []
    joints: list[tuple[str, ...]] = []
    for _ in range(100 * groups if groups < PATIENCE else 100 * count + PATIENCE):
        if len(asks) == count:
            break
        group = tuple(known[i] for i in rng.permutation(len(known))[:size])
        if frozenset(group) in seen or (is_wanted is not None and not is_wanted(group)):
            continue
        seen.add(frozenset(group))
        joints = joints or [CONJUNCTIONS[task][i] for i in rng.permutation(len(CONJUNCTIONS[task]))]
        asks.append(Ask(task=task, labels=group, conjunctions=joints.pop()))
    if len(asks) < count:
        raise StudioError(
            f"{count} groups of {size} were asked for and {len(asks)} of the wanted kind were "
            "found; ask for fewer."
        )
    return asks


def write_caption(ask: Ask, phrase_of: PhraseOf | None = None, *, wording: int = 0) -> str:
    """Event, conjunction, event: "baby cry followed by waves and then toilet flush".

    Args:
        ask: what to say.
        phrase_of: the words of a label, given the conjunction before it; None: `plain_phrase`.
        wording: which of a label's wordings, where it has several.
    """
    phrase_of = phrase_of or plain_phrase
    text = phrase_of(ask.labels[0], None, wording)
    for joint, label in zip(ask.conjunctions, ask.labels[1:], strict=True):
        text += ("," if joint == "," else f" {joint}") + " " + phrase_of(label, joint, wording)
    return text


def plain_phrase(label: str, joint: str | None = None, wording: int = 0) -> str:
    """A label as it stands, in small letters, without what is in brackets; of "a, b" one is taken.

    >>> plain_phrase("Baby cry, infant cry"), plain_phrase("Baby cry, infant cry", wording=1)
    ('baby cry', 'infant cry')
    """
    names = [name.split("(")[0].strip().lower() for name in label.split(",")]
    names = [name for name in names if name] or [label.strip().lower()]
    return names[wording % len(names)]


def short_names(labels: Sequence[str]) -> list[str]:
    """Of "a, b" the first name, unless two labels of the group would be called the same.

    >>> short_names(["Waves, surf", "Dog"]), short_names(["Dog, big", "Dog, small"])
    (['Waves', 'Dog'], ['Dog, big', 'Dog, small'])
    """
    short = [label.split(",")[0].strip() or label for label in labels]
    return [
        label if short.count(name) > 1 else name for label, name in zip(labels, short, strict=True)
    ]


def listed(names: Sequence[str]) -> str:
    """The names in a sentence: "a, b and c"."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1] if names else "")))
