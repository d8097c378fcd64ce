"""How much of a run fits into one sitting, for whoever wants to hear what came of the labels today."""

from typing import Any

# Of the quarter of an hour that a sitting's machine work may take on two cores; the rest is for the
# sounds to label, the reward and the comparison.
SECONDS = 8 * 60
LEAST = 20  # steps: what the embedded model's plan warms up by; fewer teach next to nothing
WHOLE = 10  # the steps that are suggested are a multiple of this


def fitting(
    seconds: float, *, before: float, hear: float, step: float, steps: int
) -> dict[str, Any] | None:
    """A shorter run that is over within a sitting, heard at its beginning and at its end.

    Args:
        seconds: of the run as it was asked for.
        before: of these, all that comes before the first step, but for listening.
        hear: seconds of listening once.
        step: seconds of a step, above 0.
        steps: of the run as it was asked for.

    Returns:
        steps, sample_every (steps between two moments to hear), seconds, and limit (the seconds of a
        sitting); None where the run fits as it is, or what fits is too short to learn from.
    """
    room = int((SECONDS - before - 2 * hear) / step) // WHOLE * WHOLE
    if seconds <= SECONDS or room < LEAST:
        return None
    kept = min(room, steps)
    return {
        "steps": kept,
        "sample_every": kept,
        "seconds": round(before + 2 * hear + kept * step, 1),
        "limit": SECONDS,
    }
