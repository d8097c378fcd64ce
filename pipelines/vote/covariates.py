"""What else sways a vote: loudness, length, silence, the side; ratings with these held equal."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from pipelines.errors import StudioError
from pipelines.vote.battles import JUDGED, Votes, dealt
from pipelines.vote.davidson import RIDGE, fit, information, scores
from pipelines.vote.intervals import BLOCKS, Intervals, from_parts

SIDE = "side A"


@dataclass(frozen=True, kw_only=True)
class Control:
    """Ratings beside the pull of each covariate, from one fit."""

    covariates: tuple[str, ...]
    pull: Intervals  # [covariates] log odds per unit of the covariate, in favour of side A
    strength: Intervals  # [systems] log odds with every covariate equal on both sides
    votes: int
    voters: int


def control(
    votes: Votes, differences: Mapping[str, np.ndarray], *, ridge: float = RIDGE, seed: int = 0
) -> Control:
    """Davidson's model with covariates: margin = strength_A - strength_B + sum pull x difference.

    The side itself is always among them. Votes on two sounds of one system say nothing of strengths
    and much of covariates, so they are read too.

    Args:
        votes: any number.
        differences: name -> [votes], the covariate on side A less that on side B, e.g. loudness in
            LU; finite.
        ridge: of the fit; covariates are scaled to a root mean square of 1 before it.
        seed: names the deal of voters into blocks, when there are many.

    Raises:
        StudioError: a column of another length or with values that are not numbers; no votes.
    """
    judged = votes.outcome < JUDGED
    _check(votes, differences, int(judged.sum()))
    seen, names = votes[judged], (SIDE, *differences)
    columns = [np.ones(len(seen))]
    columns += [np.asarray(d, dtype=np.float64)[judged] for d in differences.values()]
    extra = np.stack(columns, axis=1)
    scale = np.sqrt(np.square(extra).mean(axis=0))
    scale[scale == 0] = 1.0  # a covariate that never differs has no pull; the ridge leaves it at 0
    block, blocks = dealt(seen.voter, most=BLOCKS, seed=seed)
    owner, design, counts = _rows(seen, extra / scale, block)
    whole = fit(design, counts, ridge=ridge)
    starts = np.searchsorted(owner, np.arange(blocks + 1))
    parts = [slice(*ends) for ends in zip(starts[:-1], starts[1:], strict=True)]
    slopes = np.stack([scores(whole.theta, design[p], counts[p]) for p in parts])
    own = np.stack([information(whole.theta, design[p], counts[p]) for p in parts])
    size, systems = design.shape[1] + 1, len(votes.systems)
    pulls = np.eye(size)[systems:-1] / scale[:, None]
    return Control(
        covariates=names,
        pull=from_parts(whole, slopes, own, pulls),
        strength=from_parts(whole, slopes, own, np.eye(size)[:systems]),
        votes=len(seen),
        voters=int(np.count_nonzero(np.bincount(seen.voter))),
    )


def side_share(found: Control) -> dict[str, float]:
    """Of decided votes between equals, the share that side A gets: 0.5 when sides do not matter."""
    pull = found.pull
    return {
        "value": float(expit(pull.value[0])),
        "low": float(expit(pull.low[0])),
        "high": float(expit(pull.high[0])),
        "votes": found.votes,
        "voters": found.voters,
    }


def _rows(
    votes: Votes, extra: np.ndarray, block: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Votes that look alike as one row: owner [rows] ascending, design, counts [rows, 3]."""
    systems = len(votes.systems)
    keys = np.column_stack([block, votes.a, votes.b, extra])
    order = np.lexsort(keys.T[::-1])
    fresh = np.ones(len(keys), dtype=bool)
    fresh[1:] = (keys[order[1:]] != keys[order[:-1]]).any(axis=1)
    row = np.empty(len(keys), dtype=np.int64)
    row[order] = np.cumsum(fresh) - 1
    first = order[fresh]
    sides = np.zeros((len(first), systems))
    np.add.at(sides, (np.arange(len(first)), votes.a[first]), 1)
    np.add.at(sides, (np.arange(len(first)), votes.b[first]), -1)
    counts = np.bincount(row * JUDGED + votes.outcome, minlength=len(first) * JUDGED)
    design = np.hstack([sides, extra[first]])
    return block[first], design, counts.reshape(-1, JUDGED).astype(np.float64)


def _check(votes: Votes, differences: Mapping[str, np.ndarray], judged: int) -> None:
    if not judged:
        raise StudioError("No vote says which sound is better yet; collect votes first.")
    for name, column in differences.items():
        column = np.asarray(column, dtype=np.float64)
        if column.shape != (len(votes),) or not np.isfinite(column).all():
            raise StudioError(
                f"The covariate {name!r} must be one finite number for each of the {len(votes)} "
                f"votes; got the shape {list(column.shape)}."
            )
