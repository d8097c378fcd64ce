"""The board with loudness, length, silence, side and first play held equal: a job, its result kept."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipelines.vote import covariates
from pipelines.vote.battles import JUDGED, OUTCOMES
from pipelines.vote.intervals import Intervals
from pipelines.vote.ratings import POINTS, points
from studio.services.results.counted import Ballots, battles
from studio.store.campaigns import CampaignClip
from studio.store.store import Store

METHOD = "davidson-1, controlled"
LEAST = 1e-3  # a covariate that differs by less than this, root mean square, is left out

# What is held equal: how it is said, and what one unit of it is.
MEASURES = {
    "source loudness": "LU louder before the loudness was made equal",
    "played loudness": "LU louder as it was played",
    "length": "second longer",
    "silence": "10 % more of it silent",
    "played first": "played before the other",
}


def control(store: Store, ballots: Ballots) -> dict[str, Any]:
    """Ratings as heard and controlled side by side, and the pull of each covariate.

    Args:
        store: where the clips and their measures are.
        ballots: of a pairwise campaign with votes that judge.

    Raises:
        StudioError: no vote says which sound is better.
    """
    votes = battles(ballots, "ab", "same_system")
    differences, unknown = _differences(store, ballots)
    judged = votes.outcome < JUDGED
    differing = {
        name: column
        for name, column in differences.items()
        if judged.any() and np.sqrt(np.square(column[judged]).mean()) > LEAST
    }
    found = covariates.control(votes, differing, seed=ballots.seed)
    plain = covariates.control(votes, {}, seed=ballots.seed)
    alike = [name for name in differences if name not in differing]
    notes = [f"The sounds do not differ in {', '.join(alike)}."] if alike else []
    notes.append("Battles between two sounds of one system are read too, and in both columns the side "
                 "is held equal.")  # fmt: skip
    if unknown:
        notes.append(f"{unknown} votes are on sounds that were not measured; they count as equal.")
    return {
        "method": METHOD,
        "seed": ballots.seed,
        "mark": list(ballots.columns.mark),
        "votes": found.votes,
        "voters": found.voters,
        "pulls": [
            {
                "name": name,
                "unit": MEASURES.get(name, "shown on that side"),
                **_ends(found.pull, at, POINTS),
            }
            for at, name in enumerate(found.covariates)
        ],
        "systems": [
            {
                "system": name,
                "heard": _rating(plain.strength, at),
                "controlled": _rating(found.strength, at),
            }
            for at, name in enumerate(votes.systems)
        ],
        "notes": notes,
    }


def verdict(found: Mapping[str, Any]) -> list[str]:
    """What sways the votes beyond doubt, in sentences."""
    said = []
    for pull in found["pulls"]:
        if pull["low"] is None or pull["low"] <= 0 <= pull["high"]:
            continue
        ends = f"{pull['value']:+.0f} points [{pull['low']:+.0f}, {pull['high']:+.0f}]"
        said.append(
            f"{pull['name'].capitalize()}: {ends} per unit ({pull['unit']}).".replace("-", "−")
        )
    return said or ["Nothing that was measured sways the votes beyond doubt."]


def _differences(store: Store, ballots: Ballots) -> tuple[dict[str, np.ndarray], int]:
    """Each covariate on side A less on side B, [battles], and how many votes lack a measure."""
    columns = ballots.columns
    names = set(ballots.systems)
    known = np.array([{w.system_a, w.system_b} <= names for w in columns.ways] or [False])
    known &= np.array([w.outcome in OUTCOMES for w in columns.ways] or [False])
    read = ballots.of_kind("ab", "same_system") & known[columns.way]
    cells, place = np.unique(
        np.column_stack([columns.prompt[read], columns.way[read]]), axis=0, return_inverse=True
    )
    clips = {(c.prompt, c.system, c.take): c for c in store.campaigns.clips(ballots.campaign.id)}
    table = np.zeros((len(cells), len(MEASURES)))
    without = np.zeros(len(cells), dtype=bool)
    for at, (prompt, number) in enumerate(cells):
        way = columns.ways[number]
        a = clips.get((int(prompt), way.system_a, way.take_a))
        b = clips.get((int(prompt), way.system_b, way.take_b))
        first = {0: 1.0, 1: -1.0}.get(way.first_played, 0.0)
        known_a, known_b = _measured(a), _measured(b)
        if known_a is None or known_b is None:
            without[at] = True
            table[at, -1] = first
            continue
        table[at] = [*(one - other for one, other in zip(known_a, known_b, strict=True)), first]
    place = place.ravel()
    found = {name: table[place, at] for at, name in enumerate(MEASURES)}
    return found, int(without[place].sum())


def _measured(clip: CampaignClip | None) -> tuple[float, float, float, float] | None:
    """Source loudness, played loudness, length in seconds, silence in tenths; None if not known."""
    if clip is None or clip.measures.get("lufs") is None:
        return None
    told = clip.measures
    return (
        float(told["lufs"]),
        float(told["lufs"]) + float(told.get("gain_db") or 0.0),
        float(told.get("seconds") or 0.0),
        10 * float(told.get("silence") or 0.0),
    )


def _ends(found: Intervals, at: int, factor: float) -> dict[str, float | None]:
    """A value with its ends as plain numbers; null where one voter alone voted."""
    ends = {"value": found.value[at], "low": found.low[at], "high": found.high[at]}
    return {n: None if np.isnan(v) else float(factor * v) for n, v in ends.items()}


def _rating(found: Intervals, at: int) -> dict[str, float | None]:
    """A rating on the board's scale of points."""
    ends = {"points": found.value[at], "low": found.low[at], "high": found.high[at]}
    return {n: None if np.isnan(v) else float(points(v)) for n, v in ends.items()}
