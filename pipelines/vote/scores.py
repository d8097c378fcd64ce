"""Scores on scales as the papers report them: z-scores, ranks and Elo; MOS; shares of labels."""

from typing import Any

import numpy as np

from pipelines.errors import StudioError
from pipelines.vote.battles import Votes
from pipelines.vote.elo import K, elo
from pipelines.vote.means import Rated, clustered_mean, difference

LABELS = (0, 1, "uncertain")  # BATON D.1; Table 3 calls uncertain "skip"


def validate(
    system: np.ndarray, rater: np.ndarray, item: np.ndarray, value: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The four columns as arrays of one length, or a StudioError; each cell at most once."""
    system, rater, item = (np.asarray(c) for c in (system, rater, item))
    value = np.asarray(value, dtype=np.float64)
    lengths = [len(c) for c in (system, rater, item, value)]
    if len(set(lengths)) > 1 or not lengths[0] or not np.isfinite(value).all():
        raise StudioError(
            f"Scores need system, rater, item and a finite value in columns of one length; got "
            f"{lengths} rows."
        )
    cells = set(zip(system.tolist(), rater.tolist(), item.tolist(), strict=True))
    if len(cells) < len(value):
        raise StudioError(
            f"{len(value) - len(cells)} scores repeat a rater, item and system; keep the last."
        )
    return system, rater, item, value


def z_scores(rater: np.ndarray, value: np.ndarray) -> np.ndarray:
    """[scores]: (score - the rater's mean) / the rater's standard deviation (TangoFlux A.12.2).

    Over all that a rater scored, with the deviation of the population (n, not n - 1; the paper does
    not say which). Not a number for a rater who gave all the same score: that says nothing.

    Args:
        rater: [scores], any labels.
        value: [scores].
    """
    _, number = np.unique(np.asarray(rater), return_inverse=True)
    value, often = np.asarray(value, dtype=np.float64), np.bincount(number)
    mean = np.bincount(number, weights=value) / often
    off = value - mean[number]
    deviation = np.sqrt(np.bincount(number, weights=off**2) / often)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(deviation[number] > 1e-12, off / deviation[number], np.nan)


def rank_within(
    system: np.ndarray, rater: np.ndarray, item: np.ndarray, value: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Ranks among the systems that one rater scored for one item, 1 is best: mean rank, place.

    Equal scores share the mean of their ranks in the first, [scores], so that ranks always add up
    (in TangoFlux's Table 2 they sum to 10 over four systems); in the second, [scores], they share
    the better whole rank, which is what a mode is taken of.
    """
    sets = _sets(rater, item)
    above = np.zeros(len(value))
    equal = np.zeros(len(value))
    for members in sets:
        gap = value[members][None, :] - value[members][:, None]
        above[members] = (gap > 0).sum(axis=1)
        equal[members] = (gap == 0).sum(axis=1) - 1
    return 1 + above + equal / 2, (1 + above).astype(np.int64)


def as_votes(system: np.ndarray, rater: np.ndarray, item: np.ndarray, value: np.ndarray) -> Votes:
    """Every two systems that one rater scored for one item, as a vote for the higher score.

    This is how TangoFlux derives Elo from scores; a rater's z-scores are in the order of the raw
    ones, so the pairs come out the same. Equal scores are ties.
    """
    systems, number = np.unique(np.asarray(system), return_inverse=True)
    _, person = np.unique(np.asarray(rater), return_inverse=True)
    a, b = [], []
    for members in _sets(rater, item):
        first, second = np.triu_indices(len(members), k=1)
        a.append(members[first])
        b.append(members[second])
    a, b = (np.concatenate(c) if c else np.zeros(0, dtype=np.int64) for c in (a, b))
    outcome = np.where(value[a] > value[b], 0, np.where(value[a] < value[b], 1, 2))
    names = tuple(str(s) for s in systems)
    return Votes(systems=names, a=number[a], b=number[b], outcome=outcome, voter=person[a])


def evaluate(
    system: np.ndarray,
    rater: np.ndarray,
    item: np.ndarray,
    value: np.ndarray,
    *,
    seed: int,
    scale: str = "OVL",
) -> dict[str, Any]:
    """TangoFlux's table for one scale: z-score, mean rank, mode rank and Elo of each system.

    Args:
        system: [scores], which system made the sound.
        rater: [scores], who listened.
        item: [scores], which prompt.
        value: [scores], e.g. 0 to 100.
        seed: names the orders of Elo.
        scale: what was asked, e.g. "OVL" or "REL".

    Returns:
        scale, counts, rows by system name with intervals clustered by rater and item; raters who
        gave one score to all are in `flat_raters` and in no z-score.
    """
    system, rater, item, value = validate(system, rater, item, value)
    z, (ranks, places) = z_scores(rater, value), rank_within(system, rater, item, value)
    told = ~np.isnan(z)
    votes = as_votes(system, rater, item, value)
    orders = elo(votes, seed=seed)
    rows = []
    for place, name in enumerate(np.unique(system)):
        mine = system == name
        often = np.bincount(places[mine])
        rows.append(
            {
                "system": str(name),
                "z": estimated(z, rater, item, mine & told),
                "rank": estimated(ranks, rater, item, mine),
                "modes": np.flatnonzero(often == often.max()).tolist(),
                "elo": float(orders.mean[place]),
                "elo_spread": float(orders.spread[place]),
            }
        )
    return {
        "scale": scale,
        "seed": seed,
        "scores": len(value),
        "raters": len(np.unique(rater)),
        "items": len(np.unique(item)),
        "flat_raters": sorted({str(r) for r in rater[~told]}),
        "elo_k": K,
        "elo_orders": orders.orders,
        "systems": rows,
    }


def opinion(
    system: np.ndarray,
    rater: np.ndarray,
    item: np.ndarray,
    value: np.ndarray,
    *,
    level: float = 0.95,
) -> dict[str, Any]:
    """Mean opinion scores of each system and of each pair's difference (BATON's Table 4).

    Args:
        system: [scores].
        rater: [scores].
        item: [scores], which prompt.
        value: [scores], 1 to 5.
        level: the paper states 0.96.
    """
    system, rater, item, value = validate(system, rater, item, value)
    names, rows, gaps = np.unique(system), [], []
    for place, name in enumerate(names):
        mean = estimated(value, rater, item, system == name, level=level)
        rows.append({"system": str(name)} | mean)
        for other in names[place + 1 :]:
            sides = (system == name, system == other)
            gap = estimated(value, rater, item, *sides, level=level)
            gaps.append({"first": str(name), "second": str(other)} | gap)
    return {
        "systems": rows,
        "differences": gaps,
        "interval": "jackknife over raters and items, t",
    }


def label_shares(rater: np.ndarray, label: list[int | str]) -> dict[str, Any]:
    """How often each label was given, with intervals over raters (BATON's Table 3).

    Args:
        rater: [labels], who gave it.
        label: 0, 1 or "uncertain" each.
    """
    if unknown := {str(given) for given in label if given not in LABELS}:
        raise StudioError(f"Labels are 0, 1 or uncertain; got {', '.join(sorted(unknown))}.")
    rater, shares = np.asarray(rater), {}
    for name, kind in (("aligned", 1), ("not_aligned", 0), ("uncertain", "uncertain")):
        given = np.array([found == kind for found in label], dtype=np.float64)
        shares[name] = estimated(given, rater, None, np.ones(len(rater), dtype=bool))
    return {"labels": len(label), "raters": len(np.unique(rater)), **shares}


def estimated(
    value: np.ndarray,
    rater: np.ndarray,
    item: np.ndarray | None,
    mine: np.ndarray,
    theirs: np.ndarray | None = None,
    level: float = 0.95,
) -> dict[str, Any]:
    """A mean, or mine less theirs, as plain values.

    low and high are null where one rater or one item stands alone: nothing is known of others.
    """
    sides = [mine] if theirs is None else [mine, theirs]
    rated = [
        Rated(values=value[m], rater=rater[m], item=None if item is None else item[m])
        for m in sides
    ]
    found = {"value": None, "low": None, "high": None, "count": sum(int(m.sum()) for m in sides)}
    found["level"] = level
    if all(m.any() for m in sides):
        means = [float(side.values.mean()) for side in rated]
        found["value"] = means[0] - (means[1] if theirs is not None else 0.0)
    columns = [rater] if item is None else [rater, item]
    if all(len(np.unique(column[m])) > 1 for column in columns for m in sides):
        sure = clustered_mean(rated[0], level=level) if theirs is None else None
        sure = sure or difference(rated[0], rated[1], level=level)
        found |= {"low": sure.low, "high": sure.high}
    return found


def _sets(rater: np.ndarray, item: np.ndarray) -> list[np.ndarray]:
    """The places of the scores that one rater gave for one item, set by set."""
    _, person = np.unique(np.asarray(rater), return_inverse=True)
    _, prompt = np.unique(np.asarray(item), return_inverse=True)
    _, number = np.unique(person * (prompt.max() + 1) + prompt, return_inverse=True)
    order = np.argsort(number, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(number[order])) + 1)
