"""What embeddings say clip by clip: the CLAP score against the prompt, and diversity of a set."""

from typing import Any

import numpy as np

from pipelines.compare.embeddings import checked, checked_pair
from pipelines.compare.intervals import bootstrap_mean
from pipelines.errors import StudioError


def validate(audio: np.ndarray, text: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both sides as float64 unit vectors [clips, dimensions]; row i of each belongs together.

    Raises:
        StudioError: unusable embeddings, one side longer than the other, a row of zeros.
    """
    one, other = checked_pair(audio, text, least=1)
    if len(one) != len(other):
        raise StudioError(f"There are {len(one)} clips and {len(other)} texts; give one text each.")
    return _unit(one), _unit(other)


def cosines(audio: np.ndarray, text: np.ndarray) -> np.ndarray:
    """The cosine of each clip with its own text, [clips], from unit vectors; in [-1, 1]."""
    return (audio * text).sum(axis=1)


def evaluate_clap_score(
    audio: np.ndarray, text: np.ndarray, *, embedder: str, seed: int
) -> dict[str, Any]:
    """The mean cosine between clips and their prompts, with its bootstrap interval.

    Scores under different CLAP checkpoints cannot be compared: name the checkpoint.

    Args:
        audio: [clips, dimensions].
        text: [clips, dimensions].
        embedder: the CLAP that embedded both.
        seed: names the bootstrap draws.
    """
    found = bootstrap_mean(cosines(*validate(audio, text)), seed=seed)
    return {
        "metric": f"CLAP-score-{embedder}",
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "clips": found.count,
    }


def diversity(rows: np.ndarray) -> float:
    """The mean cosine distance of all pairs: 0 when all agree, about 1 when unrelated.

    With s the sum of n unit vectors, the mean cosine of pairs is (|s|^2 - n) / (n (n - 1)).

    Args:
        rows: [clips, dimensions], unit length, at least two.
    """
    n, total = len(rows), rows.sum(axis=0)
    return float(1 - (total @ total - n) / (n * (n - 1)))


def evaluate_diversity(rows: np.ndarray, *, embedder: str) -> dict[str, Any]:
    """How unlike each other the clips of one set are (one prompt's candidates, or a whole set)."""
    found = _unit(checked(rows, least=2, name="generated"))
    return {"metric": f"diversity-{embedder}", "value": diversity(found), "clips": len(found)}


def _unit(rows: np.ndarray) -> np.ndarray:
    """The rows brought to length 1."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if (lengths == 0).any():
        raise StudioError("An embedding is all zeros and has no direction; embed that clip again.")
    return rows / lengths
