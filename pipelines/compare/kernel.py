"""Kernel audio distance (KAD): how far two sets of embeddings are apart, without bias."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pipelines.compare.embeddings import checked_pair, counted, owners
from pipelines.compare.results import result
from pipelines.errors import StudioError
from pipelines.intervals import Z95

Bandwidth = Literal["reference", "kadtk-1.1"]
SCALE = 100.0  # what kadtk multiplies by since 2025-02-27; before that it was 1000
BLOCK = 1024  # rows of the kernel that are in memory at once


def validate(reference: np.ndarray, generated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both sets as float64 [rows, dimensions], or a StudioError; at least three rows each.

    Two would do for the value; its standard error leaves one out.
    """
    return checked_pair(reference, generated, least=3)


def median_distance(rows: np.ndarray) -> float:
    """The median of all pairwise Euclidean distances; of two middle ones the smaller.

    Raises:
        StudioError: it is 0, because more than half of the pairs are equal.
    """
    from scipy.spatial.distance import pdist

    distances = pdist(rows)
    middle = (len(distances) - 1) // 2
    found = float(np.partition(distances, middle)[middle])
    if found == 0:
        raise StudioError(
            "More than half of the clips embed alike, so the kernel has no width; "
            "look for copies in the set."
        )
    return found


def kernel_distance(
    reference: np.ndarray, generated: np.ndarray, *, bandwidth: float, scale: float = SCALE
) -> float:
    """The unbiased squared maximum mean discrepancy times a scale; may be below 0.

    scale * (sum_{i != j} k(x_i, x_j) / m(m-1) + sum_{i != j} k(y_i, y_j) / n(n-1)
             - 2 mean_{i, j} k(x_i, y_j)),   k(a, b) = exp(-|a - b|^2 / (2 bandwidth^2))
    (Gretton et al. 2012, equation 3; Chung et al. 2025, arXiv 2502.15602)

    Args:
        reference: x, [rows, dimensions].
        generated: y, [rows, dimensions].
        bandwidth: of the Gaussian kernel, above 0.
        scale: only for reading; two sets alike give 0 on average at any scale.
    """
    return scale * _distance(*_sides(reference, generated, None, None, bandwidth))


def standard_error(
    reference: np.ndarray,
    generated: np.ndarray,
    *,
    bandwidth: float,
    scale: float = SCALE,
    reference_clips: np.ndarray | None = None,
    generated_clips: np.ndarray | None = None,
) -> float:
    """The jackknife standard error of `kernel_distance`, each clip left out once, bandwidth held.

    Args:
        reference_clips, generated_clips: which clip each row is of; None: a row a clip.
    """
    one, other = _sides(reference, generated, reference_clips, generated_clips, bandwidth)
    return float(scale * np.sqrt(_jackknife(one, other) + _jackknife(other, one)))


def evaluate(
    reference: np.ndarray,
    generated: np.ndarray,
    *,
    embedder: str,
    bandwidth: Bandwidth = "reference",
    scale: float = SCALE,
    reference_clips: np.ndarray | None = None,
    generated_clips: np.ndarray | None = None,
) -> dict[str, Any]:
    """The distance with its interval and all that is needed to repeat it.

    Args:
        reference: [rows, dimensions].
        generated: [rows, dimensions].
        embedder: what embedded both sets; part of the name.
        bandwidth: the median distance of which set: "reference", as the paper says, or
            "kadtk-1.1", which takes the generated set as that release does.
        scale: see `kernel_distance`.
        reference_clips, generated_clips: which clip each row is of, where a clip has several.

    Returns:
        The shape of `pipelines.compare.results`; bandwidth, its rule and the scale in `settings`.

    Raises:
        StudioError: unusable embeddings, or another bandwidth rule.
    """
    one, other = validate(reference, generated)
    sources = {"reference": one, "kadtk-1.1": other}
    if bandwidth not in sources:
        raise StudioError(
            f"There is no bandwidth rule {bandwidth!r}; choose one of {', '.join(sources)}."
        )
    width = median_distance(sources[bandwidth])
    of_one = owners(reference_clips, one, "reference")
    of_other = owners(generated_clips, other, "generated")
    x, y = _sides(one, other, of_one, of_other, width)
    value = scale * _distance(x, y)
    has_error = min(len(x.own), len(y.own)) >= 3  # clips; leaving one of two out leaves no pair
    reach = Z95 * scale * np.sqrt(_jackknife(x, y) + _jackknife(y, x)) if has_error else None
    return result(
        f"KAD-{embedder}",
        value,
        bounds=None if reach is None else (value - reach, value + reach),
        interval="jackknife over clips, bandwidth held, normal law, 95 %"
        if has_error
        else "none: at least 3 clips a set are needed",
        higher_is_better=False,
        judge=embedder,
        counts=counted(one, of_one, other, of_other),
        settings={"bandwidth": width, "bandwidth_rule": bandwidth, "scale": scale},
    )


@dataclass(frozen=True)
class Side:
    """Sums of the kernel by clip of one set, the diagonal left out."""

    rows: np.ndarray  # int [clips], rows of each
    own: np.ndarray  # [clips], with every other row of the same set
    inner: np.ndarray  # [clips], of those the rows of the same clip
    across: np.ndarray  # [clips], with every row of the other set

    @property
    def pairs(self) -> int:
        """How many ordered pairs of rows the set has."""
        return int(self.rows.sum() * (self.rows.sum() - 1))


def _sides(
    x: np.ndarray,
    y: np.ndarray,
    of_x: np.ndarray | None,
    of_y: np.ndarray | None,
    bandwidth: float,
) -> tuple[Side, Side]:
    """Both sets, a block of rows at a time, so that patches by the ten thousand fit in memory."""
    of_x, of_y = owners(of_x, x, "reference"), owners(of_y, y, "generated")
    x, y = x - x.mean(axis=0), y - x.mean(axis=0)  # moving both together changes no distance
    own_x, inner_x = _within(x, of_x, bandwidth)
    own_y, inner_y = _within(y, of_y, bandwidth)
    across_x, across_y = np.zeros(len(x)), np.zeros(len(y))
    for start in range(0, len(x), BLOCK):
        kernel = _kernel(x[start : start + BLOCK], y, bandwidth)
        across_x[start : start + BLOCK] = kernel.sum(axis=1)
        across_y += kernel.sum(axis=0)
    one = Side(np.bincount(of_x), own_x, inner_x, np.bincount(of_x, across_x))
    return one, Side(np.bincount(of_y), own_y, inner_y, np.bincount(of_y, across_y))


def _within(
    rows: np.ndarray, of_clip: np.ndarray, bandwidth: float
) -> tuple[np.ndarray, np.ndarray]:
    """`own` and `inner` of a `Side`."""
    own, inner = np.zeros(len(rows)), np.zeros(len(rows))
    is_split = of_clip.max() + 1 < len(rows)  # whether any clip has more than one row
    for start in range(0, len(rows), BLOCK):
        part = slice(start, start + BLOCK)
        kernel = _kernel(rows[part], rows, bandwidth)
        own[part] = kernel.sum(axis=1) - 1  # k(x, x) = 1
        if is_split:
            same = of_clip[part, None] == of_clip[None]
            inner[part] = (kernel * same).sum(axis=1) - 1
    return np.bincount(of_clip, own), np.bincount(of_clip, inner)


def _kernel(x: np.ndarray, y: np.ndarray, bandwidth: float) -> np.ndarray:
    """k of every row of one with every row of the other, by |a|^2 + |b|^2 - 2 a b.

    Args:
        x, y: rows near 0, so that the difference of the squares keeps its digits.
    """
    squares = np.square(x).sum(axis=1)[:, None] + np.square(y).sum(axis=1) - 2 * (x @ y.T)
    return np.exp(np.maximum(squares, 0) / (-2 * bandwidth**2))


def _distance(x: Side, y: Side) -> float:
    crossed = x.across.sum() / (x.rows.sum() * y.rows.sum())
    return float(x.own.sum() / x.pairs + y.own.sum() / y.pairs - 2 * crossed)


def _jackknife(side: Side, other: Side) -> float:
    """The variance that comes from the clips of one set."""
    clips, left = len(side.rows), side.rows.sum() - side.rows  # [clips], rows without each
    within = (side.own.sum() - 2 * side.own + side.inner) / (left * (left - 1))
    crossed = (side.across.sum() - side.across) / (left * other.rows.sum())
    values = within - 2 * crossed  # [clips]; the other set's own part is the same in each
    return float((clips - 1) / clips * np.square(values - values.mean()).sum())
