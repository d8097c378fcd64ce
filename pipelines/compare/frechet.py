"""Fréchet distance between two sets of embeddings: FAD and FD, named by their embedder."""

from typing import Any

import numpy as np

from pipelines.compare.embeddings import checked_pair


def validate(reference: np.ndarray, generated: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both sets as float64 [clips, dimensions], or a StudioError; at least two clips each."""
    return checked_pair(reference, generated, least=2)


def frechet_distance(reference: np.ndarray, generated: np.ndarray) -> float:
    """The squared Fréchet distance of two Gaussians fitted to the sets; 0 when they agree.

    d^2 = |m1 - m2|^2 + Tr(S1 + S2 - 2 (S1 S2)^(1/2))   (Dowson & Landau 1982; Kilgour et al. 2019)

    with sample covariances (n - 1). For S1 = A^T A and S2 = B^T B, where A and B are the centred
    sets over sqrt(n - 1), the eigenvalues of S1 S2 = A^T A B^T B are those of (A B^T)(A B^T)^T, so
    Tr (S1 S2)^(1/2) is the sum of the singular values of A B^T: the nuclear norm. No square root
    of a matrix, no complex numbers, and it holds for fewer clips than dimensions.

    The value falls with the number of clips (it is biased upwards): compare sets of equal size.

    Args:
        reference: [clips, dimensions], at least two clips.
        generated: [clips, dimensions], at least two clips.
    """
    offset = reference.mean(axis=0) - generated.mean(axis=0)
    one, other = _root(reference), _root(generated)
    overlap = np.linalg.norm(one @ other.T, ord="nuc")
    spread = np.square(one).sum() + np.square(other).sum()  # Tr S1 + Tr S2
    return float(offset @ offset + spread - 2 * overlap)


def evaluate(reference: np.ndarray, generated: np.ndarray, *, embedder: str) -> dict[str, Any]:
    """The distance with all that is needed to read it.

    Args:
        reference: [clips, dimensions].
        generated: [clips, dimensions].
        embedder: what embedded both sets, e.g. "CLAP-evaluation"; it is part of the name, because
            values under different embedders cannot be compared.

    Returns:
        metric, value, clips in each set, dimensions.
    """
    one, other = validate(reference, generated)
    return {
        "metric": f"FAD-{embedder}",
        "value": frechet_distance(one, other),
        "reference_clips": len(one),
        "generated_clips": len(other),
        "dimensions": one.shape[1],
    }


def _root(rows: np.ndarray) -> np.ndarray:
    """A matrix A with A^T A the sample covariance, and at most as many rows as columns."""
    centred = (rows - rows.mean(axis=0)) / np.sqrt(len(rows) - 1)
    if len(centred) <= centred.shape[1]:
        return centred
    return np.linalg.qr(centred, mode="r")  # centred = Q R, so R^T R is the same covariance
