"""Proof that a voter has listened: what was fetched here, and how much of it can have been played."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from studio.refusals import Conflict
from studio.store.servings import Serving

LENIENCE_MS = 50  # a browser's audio clock and ours end a sound at slightly different moments


def needed_ms(serving: Serving, share: float) -> list[int]:
    """How many ms of each sound must be played before a vote, in the order shown."""
    return [math.floor(share * clip.seconds * 1000) for clip in serving.clips]


def check_heard(
    serving: Serving,
    claimed: Sequence[int],
    fetched: Mapping[int, str],
    share: float,
    moment: datetime | None = None,
) -> None:
    """Refuse a vote on sounds that cannot have been heard yet.

    Args:
        claimed: ms of each sound that the client says it has played.
        fetched: when each was first fetched here, by place; ISO 8601, UTC.
        share: of each sound that must be played; 0 asks for no proof.
        moment: the present; tests pass their own.

    Raises:
        Conflict: not fetched, not played enough, or less time went by than playing takes.
    """
    if share == 0:
        return
    needed = needed_ms(serving, share)
    for place, need in enumerate(needed):
        name = name_of(place, len(needed))
        if place not in fetched:
            raise Conflict(f"{name} was not played yet; listen to it, then vote.")
        if claimed[place] + LENIENCE_MS < need:
            raise Conflict(
                f"{claimed[place] / 1000:.1f} s of {name} were played; "
                f"listen to at least {need / 1000:.1f} s, then vote."
            )
    first = datetime.fromisoformat(min(fetched.values()))
    passed = ((moment or datetime.now(UTC)) - first).total_seconds() * 1000
    if sum(needed) > passed + LENIENCE_MS:
        raise Conflict(
            f"The sounds came {passed / 1000:.1f} s ago; to hear what is asked takes "
            f"{sum(needed) / 1000:.1f} s. Listen, then vote."
        )


def name_of(place: int, sounds: int) -> str:
    """What the page calls the sound at this place."""
    return f"Sound {'AB'[place]}" if sounds == 2 else f"Sound {place + 1}"
