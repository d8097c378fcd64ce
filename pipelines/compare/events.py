"""Event integrity and order: how often every named event sounds, and in the order that was asked.

The rules are BATON's (papers/baton.txt, D.1): integrity asks for every event, whenever; order asks
for every event and for the stated order. Who listened, a person or a simulated listener, stands in
the result.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.compare.results import bounds, result
from pipelines.errors import StudioError
from pipelines.intervals import Interval, wilson

HOW = "Wilson's, 95 %"


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What one clip was asked for, and what a listener found of it."""

    asked: tuple[str, ...]  # labels, in the order of mention
    missing: tuple[str, ...] = ()  # those of them that do not sound
    order: tuple[tuple[str, str, bool], ...] = ()  # (earlier, later, whether it holds)

    @property
    def is_whole(self) -> bool:
        """Whether every event sounds."""
        return not self.missing

    @property
    def is_ordered(self) -> bool:
        """Whether every event sounds and every stated order holds."""
        return self.is_whole and all(holds for *_, holds in self.order)


def validate(clips: Sequence[Heard]) -> list[Heard]:
    """The clips that ask for an event.

    Raises:
        StudioError: none does, or one misses or orders a label that it was not asked for.
    """
    asking = [clip for clip in clips if clip.asked]
    if not asking:
        raise StudioError(
            f"None of the {len(clips)} captions names an event that the listener knows; "
            "give captions in its words."
        )
    for clip in asking:
        named = {*clip.missing, *(label for *pair, _ in clip.order for label in pair)}
        if not named <= set(clip.asked):
            raise StudioError(
                f"A clip that asks for {', '.join(clip.asked)} speaks of "
                f"{', '.join(sorted(named - set(clip.asked)))}; name only what was asked for."
            )
    return asking


def integrity(clips: Sequence[Heard]) -> Interval:
    """The share of clips in which every asked event sounds."""
    return wilson(sum(clip.is_whole for clip in clips), len(clips))


def order(clips: Sequence[Heard], *, given_integrity: bool = False) -> Interval | None:
    """The share of clips with a stated order in which it holds.

    Args:
        given_integrity: count only clips in which every event sounds: how well the model keeps an
            order that can be heard at all. Otherwise a missing event breaks the order.

    Returns:
        None when no clip counts.
    """
    stated = [clip for clip in clips if clip.order and (clip.is_whole or not given_integrity)]
    return wilson(sum(clip.is_ordered for clip in stated), len(stated)) if stated else None


def miss_rates(clips: Sequence[Heard]) -> dict[str, Interval]:
    """How often each label is missing where it was asked for, the most missed first.

    A label that a caption names twice counts once.
    """
    asked = Counter(label for clip in clips for label in set(clip.asked))
    missed = Counter(label for clip in clips for label in set(clip.missing))
    rates = {label: wilson(missed[label], count) for label, count in asked.items()}
    return dict(sorted(rates.items(), key=lambda item: (-item[1].value, item[0])))


def dropped_places(clips: Sequence[Heard]) -> dict[str, Interval]:
    """How often the first, second and so on of the events named is missing, "2 of 3" by length.

    Of clips with two or more events; a model that forgets what a caption says last shows here.
    """
    cells: dict[tuple[int, int], list[bool]] = {}
    for clip in clips:
        for place, label in enumerate(clip.asked, start=1):
            if len(clip.asked) > 1:
                cells.setdefault((len(clip.asked), place), []).append(label in clip.missing)
    return {
        f"{place} of {count}": wilson(sum(found), len(found))
        for (count, place), found in sorted(cells.items())
    }


def evaluate_integrity(clips: Sequence[Heard], *, listener: str) -> dict[str, Any]:
    """Integrity with what is behind it: by number of events, by label, by place of mention.

    Args:
        clips: one record each; those that ask for nothing are counted as unread.
        listener: who listened; a simulated one is called simulated.
    """
    asking = validate(clips)
    found = integrity(asking)
    lengths = sorted({len(clip.asked) for clip in asking})
    by_length = {n: integrity([c for c in asking if len(c.asked) == n]) for n in lengths}
    return result(
        f"integrity-{listener}",
        found.value,
        bounds=bounds(found),
        interval=HOW,
        higher_is_better=True,
        judge=listener,
        counts={"clips": found.count, "unread": len(clips) - len(asking)},
        detail={
            "by_number_of_events": {str(n): plain(share) for n, share in by_length.items()},
            "missed_by_label": {k: plain(v) for k, v in miss_rates(asking).items()},
            "missed_by_place": {k: plain(v) for k, v in dropped_places(asking).items()},
        },
    )


def evaluate_order(clips: Sequence[Heard], *, listener: str) -> dict[str, Any]:
    """Order among the clips whose caption states one; a missing event breaks it.

    `detail` has the share among the clips that have every event, and the share of stated pairs.

    Raises:
        StudioError: no caption states an order.
    """
    asking = validate(clips)
    found, kept = order(asking), order(asking, given_integrity=True)
    if found is None:
        raise StudioError(
            f"None of the {len(asking)} captions states an order; use words such as then, before "
            "or followed by."
        )
    held = [holds for clip in asking for *_, holds in clip.order]
    return result(
        f"order-{listener}",
        found.value,
        bounds=bounds(found),
        interval=HOW,
        higher_is_better=True,
        judge=listener,
        counts={"clips": found.count, "pairs_of_events": len(held)},
        detail={
            "given_integrity": None if kept is None else plain(kept),
            "pairs_that_hold": sum(held) / len(held),  # not independent, so without an interval
        },
    )


def plain(share: Interval) -> dict[str, float]:
    """A share as plain values."""
    return {"value": share.value, "low": share.low, "high": share.high, "count": share.count}
