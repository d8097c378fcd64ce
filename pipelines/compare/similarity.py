"""What embeddings say clip by clip: the CLAP score against the prompt, and diversity of a set."""

from dataclasses import replace
from typing import Any

import numpy as np

from pipelines.compare.embeddings import checked, checked_pair
from pipelines.compare.jackknife import LEAST, corrected, leave_out
from pipelines.compare.results import bounds, result
from pipelines.errors import StudioError
from pipelines.intervals import bootstrap_mean


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

    Some papers print it times 100. Scores under different CLAP checkpoints cannot be compared: name
    the checkpoint.

    Args:
        audio: [clips, dimensions].
        text: [clips, dimensions].
        embedder: the CLAP that embedded both; part of the name.
        seed: names the bootstrap draws.
    """
    found = bootstrap_mean(cosines(*validate(audio, text)), seed=seed)
    return result(
        f"CLAP-score-{embedder.removeprefix('CLAP-')}",
        found.value,
        bounds=bounds(found),
        interval="bootstrap over clips, 95 %",
        higher_is_better=True,
        judge=embedder,
        counts={"clips": found.count},
        settings={"seed": seed},
    )


def diversity(rows: np.ndarray) -> float:
    """The mean cosine distance of all pairs: 0 when all agree, about 1 when unrelated.

    With s the sum of n unit vectors, the mean cosine of pairs is (|s|^2 - n) / (n (n - 1)).

    Args:
        rows: [clips, dimensions], unit length, at least two.
    """
    n, total = len(rows), rows.sum(axis=0)
    return float(1 - (total @ total - n) / (n * (n - 1)))


def evaluate_diversity(rows: np.ndarray, *, embedder: str, seed: int = 0) -> dict[str, Any]:
    """How unlike each other the clips of one set are (one prompt's candidates, or a whole set).

    More is not always better: noise is diverse too.

    Args:
        rows: [clips, dimensions].
        embedder: what embedded them; part of the name.
        seed: names the groups of the jackknife.
    """
    found = _unit(checked(rows, least=2, name="generated"))
    value, limits = diversity(found), None
    if len(found) >= LEAST:
        side = leave_out(
            lambda kept: diversity(found[kept]), value, len(found), seed=seed, side="clips"
        )
        side = replace(side, bias=0.0)  # a mean over pairs has none
        limits = bounds(corrected(value, side, count=len(found)))
    return result(
        f"diversity-{embedder}",
        value,
        bounds=limits,
        interval=f"none: at least {LEAST} clips are needed"
        if limits is None
        else "delete-a-group jackknife, Student's t, 95 %",
        higher_is_better=None,
        judge=embedder,
        counts={"clips": len(found)},
        settings={"seed": seed},
    )


def _unit(rows: np.ndarray) -> np.ndarray:
    """The rows brought to length 1."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if (lengths == 0).any():
        raise StudioError("An embedding is all zeros and has no direction; embed that clip again.")
    return rows / lengths
