"""Krippendorff's alpha: how far people agree beyond chance, with an interval over items."""

from typing import Any, Literal

import numpy as np
from scipy.special import ndtr, stdtrit

from pipelines.errors import StudioError
from pipelines.seeds import numpy_generator

Scale = Literal["nominal", "ordinal", "interval"]
SCALES = ("nominal", "ordinal", "interval")
DRAWS = 2000


def validate(ratings: np.ndarray, scale: Scale) -> np.ndarray:
    """The ratings as float64 [raters, items], or a StudioError; not-a-number where none was given.

    Args:
        ratings: what each rater gave each item; categories as numbers.
        scale: "nominal" (labels), "ordinal" (ranks), "interval" (numbers whose distances count).
    """
    if scale not in SCALES:
        raise StudioError(f"The scale is {scale!r}; allowed are {', '.join(SCALES)}.")
    table = np.asarray(ratings, dtype=np.float64)
    if table.ndim != 2:
        raise StudioError(f"The ratings have the shape {list(table.shape)}; give [raters, items].")
    overlap = int(((~np.isnan(table)).sum(axis=0) >= 2).sum())
    if overlap < 2:
        raise StudioError(
            f"{overlap} items were rated by two people or more; agreement needs at least 2."
        )
    return table


def alpha(ratings: np.ndarray, *, scale: Scale) -> float:
    """alpha = 1 - observed / expected disagreement (Krippendorff 2018, ch. 12); 1 is full agreement.

    0 is what chance gives, below 0 is worse. Items with fewer than two ratings say nothing. Not a
    number when all ratings are equal: nothing could have disagreed.

    Args:
        ratings: [raters, items], not-a-number where none was given.
        scale: how unlike two values are: 1 if they differ; the square of how many ratings lie
            between them; the square of their distance.
    """
    values, coincidences = _coincidences(ratings)
    return float(_alphas(values, coincidences.sum(axis=0)[None], scale)[0])


def evaluate(ratings: np.ndarray, *, scale: Scale, seed: int, draws: int = DRAWS) -> dict[str, Any]:
    """Alpha with its bootstrap interval over items, 95 %, and what it stands on.

    Items are drawn with all their ratings, because ratings of one item hang together; percentiles
    are expanded for few items (Hesterberg 2015). Draws in which all ratings are equal have no
    alpha; they are left out and counted. Drawing single pairs of ratings instead (Krippendorff
    2006) takes them for independent, which is far too narrow where items differ in difficulty.

    Args:
        ratings: [raters, items].
        scale: see `alpha`.
        seed: names the draws.
        draws: how many.

    Returns:
        metric, value (null when undefined), low, high, items, raters, ratings, undefined_draws.
    """
    table = validate(ratings, scale)
    values, coincidences = _coincidences(table)
    items = len(coincidences)
    picks = numpy_generator(seed, "alpha bootstrap").multinomial(
        items, np.full(items, 1 / items), size=draws
    )
    drawn = (picks @ coincidences.reshape(items, -1)).reshape(draws, len(values), len(values))
    found = _alphas(values, drawn, scale)
    defined = found[~np.isnan(found)]
    value = float(_alphas(values, coincidences.sum(axis=0)[None], scale)[0])
    reach = np.sqrt(items / (items - 1)) * stdtrit(items - 1, 0.975)
    low, high = np.quantile(defined, ndtr([-reach, reach])) if len(defined) else (np.nan, np.nan)
    whole = not np.isnan(value)
    counted = ~np.isnan(table[:, (~np.isnan(table)).sum(axis=0) >= 2])
    return {
        "metric": f"Krippendorff's alpha, {scale}",
        "value": value if whole else None,
        "low": float(low) if whole else None,
        "high": float(high) if whole else None,
        "items": items,
        "raters": int(counted.any(axis=1).sum()),
        "ratings": int(counted.sum()),
        "undefined_draws": int(draws - len(defined)),
    }


def _coincidences(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values that occur, [values], and each item's coincidences, [items, values, values].

    An item with m ratings has m (m - 1) ordered pairs, each counted 1 / (m - 1).
    """
    table = np.asarray(table, dtype=np.float64)
    table = table[:, (~np.isnan(table)).sum(axis=0) >= 2]
    values = np.unique(table[~np.isnan(table)])
    counts = (table[:, :, None] == values).sum(axis=0).astype(np.float64)  # [items, values]
    together = counts[:, :, None] * counts[:, None, :]
    together -= counts[:, :, None] * np.eye(len(values))
    return values, together / (counts.sum(axis=1) - 1)[:, None, None]


def _alphas(values: np.ndarray, coincidences: np.ndarray, scale: Scale) -> np.ndarray:
    """Alpha of each table of coincidences, [tables, values, values] -> [tables]."""
    often = coincidences.sum(axis=-1)  # [tables, values]
    if scale == "ordinal":  # the middle rank of each value
        values = np.cumsum(often, axis=-1) - often / 2
    else:
        values = np.broadcast_to(values, often.shape)
    unlike = np.square(values[..., :, None] - values[..., None, :])
    if scale == "nominal":
        unlike = (unlike > 0).astype(np.float64)
    observed = (coincidences * unlike).sum(axis=(-1, -2))
    expected = np.einsum("tv,tvw,tw->t", often, unlike, often) / (often.sum(axis=-1) - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(expected > 0, 1 - observed / expected, np.nan)
