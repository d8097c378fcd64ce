"""Kernel audio distance (KAD): how far two sets of embeddings are apart, without bias."""

from typing import Any, Literal

import numpy as np

from pipelines.compare.embeddings import checked_pair
from pipelines.compare.intervals import Z95
from pipelines.errors import StudioError

Bandwidth = Literal["reference", "kadtk-1.1"]
SCALE = 100.0  # what kadtk multiplies by since 2025-02-27; before that it was 1000


def validate(reference: np.ndarray, generated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both sets as float64 [clips, dimensions], or a StudioError; at least three clips each.

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
        reference: x, [clips, dimensions].
        generated: y, [clips, dimensions].
        bandwidth: of the Gaussian kernel, above 0.
        scale: only for reading; two sets alike give 0 on average at any scale.
    """
    within, among, across = _kernels(reference, generated, bandwidth)
    m, n = across.shape
    return float(scale * (_off_diagonal(within) / (m * (m - 1)) +
                          _off_diagonal(among) / (n * (n - 1)) - 2 * across.mean()))  # fmt: skip


def standard_error(
    reference: np.ndarray, generated: np.ndarray, *, bandwidth: float, scale: float = SCALE
) -> float:
    """The jackknife standard error of `kernel_distance`, each clip left out once."""
    within, among, across = _kernels(reference, generated, bandwidth)
    variance = _jackknife(within, across, _off_diagonal(among))
    variance += _jackknife(among, across.T, _off_diagonal(within))
    return float(scale * np.sqrt(variance))


def evaluate(
    reference: np.ndarray,
    generated: np.ndarray,
    *,
    embedder: str,
    bandwidth: Bandwidth = "reference",
    scale: float = SCALE,
) -> dict[str, Any]:
    """The distance with its interval and all that is needed to repeat it.

    Args:
        reference: [clips, dimensions].
        generated: [clips, dimensions].
        embedder: what embedded both sets; part of the name.
        bandwidth: the median distance of which set: "reference", as the paper says, or
            "kadtk-1.1", which takes the generated set as that release does.
        scale: see `kernel_distance`.

    Returns:
        metric, value, low and high (95 %), bandwidth, its rule, scale, clips, dimensions.

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
    value = kernel_distance(one, other, bandwidth=width, scale=scale)
    reach = Z95 * standard_error(one, other, bandwidth=width, scale=scale)
    return {
        "metric": f"KAD-{embedder}",
        "value": value,
        "low": value - reach,
        "high": value + reach,
        "bandwidth": width,
        "bandwidth_rule": bandwidth,
        "scale": scale,
        "reference_clips": len(one),
        "generated_clips": len(other),
        "dimensions": one.shape[1],
    }


def _kernels(x: np.ndarray, y: np.ndarray, bandwidth: float) -> tuple[np.ndarray, ...]:
    """k(x, x) [m, m], k(y, y) [n, n] and k(x, y) [m, n]."""
    from scipy.spatial.distance import cdist

    gamma = 1 / (2 * bandwidth**2)
    return tuple(np.exp(-gamma * cdist(a, b, "sqeuclidean")) for a, b in ((x, x), (y, y), (x, y)))


def _off_diagonal(kernel: np.ndarray) -> float:
    return float(kernel.sum() - np.trace(kernel))


def _jackknife(within: np.ndarray, across: np.ndarray, among: float) -> float:
    """The variance that comes from the clips of one set.

    Args:
        within: kernel of that set with itself, [m, m].
        across: kernel of that set with the other, [m, n].
        among: sum of the other set's kernel off the diagonal; constant here.
    """
    m, n = across.shape
    rows = within.sum(axis=1) - np.diag(within)
    left = (_off_diagonal(within) - 2 * rows) / ((m - 1) * (m - 2))
    crossed = (across.sum() - across.sum(axis=1)) / ((m - 1) * n)
    values = left + among / (n * (n - 1)) - 2 * crossed  # [m]: each clip left out
    return float((m - 1) / m * np.square(values - values.mean()).sum())
