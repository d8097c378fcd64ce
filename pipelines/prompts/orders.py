"""What a caption promises about order: every partial order of two or three events, in words, in a cell.

A partial order is a tuple of pairs (i, j): event i must come before event j. It is closed: what
follows from two of its pairs is one of its pairs.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import combinations, permutations

from pipelines.errors import StudioError
from pipelines.prompts.grammar import SIZES, short_names

Order = tuple[tuple[int, int], ...]
CELL = re.compile(r"\s*(\d+)\s*<\s*(\d+)\s*")
NONE = "none"  # in a cell: no order is promised; an empty cell: nobody knows


@cache
def every_order(size: int) -> tuple[Order, ...]:
    """All partial orders of so many events, those that promise least first.

    Two events have 3, three have 19.

    >>> every_order(2)
    ((), ((0, 1),), ((1, 0),))
    """
    pairs = list(permutations(range(size), 2))
    found = [
        order for count in range(len(pairs) + 1) for order in combinations(pairs, count)
        if all((j, i) not in order for i, j in order) and closed(order) == order
    ]  # fmt: skip
    return tuple(found)


def closed(order: Iterable[tuple[int, int]]) -> Order:
    """The order with all that follows from it, sorted.

    >>> closed([(1, 2), (0, 1)])
    ((0, 1), (0, 2), (1, 2))
    """
    found = set(order)
    while more := {(i, k) for i, j in found for j2, k in found if j == j2} - found:
        found |= more
    return tuple(sorted(found))


def order_words(labels: Sequence[str], order: Order) -> str:
    """The order as a person says it.

    >>> order_words(["Dog", "Rain", "Siren"], ((0, 1), (0, 2)))
    'Dog before Rain and Siren'
    """
    labels = short_names(labels)
    told = [i for i in range(len(labels)) if any(i in pair for pair in order)]
    free = [labels[i] for i in range(len(labels)) if i not in told]
    if not order:
        return "in any order"
    if len(order) == len(told) * (len(told) - 1) / 2 and len(told) > 2:  # each pair is settled
        ranked = sorted(told, key=lambda i: sum(i == late for _, late in order))
        return ", then ".join(labels[i] for i in ranked)
    early = " and ".join(labels[i] for i in dict.fromkeys(i for i, _ in order))
    late = " and ".join(labels[j] for j in dict.fromkeys(j for _, j in order))
    return f"{early} before {late}" + (f", {free[0]} at any time" if free else "")


def check_order(pairs: object, size: int) -> Order:
    """The order out of whatever was sent.

    Raises:
        StudioError: it is none of so many events, or these are not two or three.
    """
    if size not in SIZES.values():  # before all are listed: of twelve events there are very many
        raise StudioError(f"There are {size} labels; an order is told of two or three.")
    try:
        order = closed((int(i), int(j)) for i, j in pairs)  # type: ignore[union-attr]
    except (TypeError, ValueError):
        order = None
    if order not in every_order(size):
        raise StudioError(
            f"The order is {str(pairs)[:60]}; give pairs of two different events, from 0 to "
            f"{size - 1}, each the earlier one first, and no circle."
        )
    return order


def order_cell(order: Order | None) -> str:
    """The order in a cell of a table, events counted from 1: "1<2; 1<3"; "none"; empty: unknown."""
    if order is None:
        return ""
    return "; ".join(f"{i + 1}<{j + 1}" for i, j in order) or NONE


def read_order_cell(text: str, size: int) -> Order | None:
    """The order that `order_cell` wrote.

    Raises:
        StudioError: it is none of so many events.
    """
    if not text.strip():
        return None
    if text.strip().lower() == NONE:
        return ()
    found = [CELL.fullmatch(part) for part in text.split(";")]
    if not all(found):
        raise StudioError(f"The order is {text[:60]!r}; write it as 1<2; 1<3, or none.")
    return check_order([(int(one[1]) - 1, int(one[2]) - 1) for one in found if one], size)
