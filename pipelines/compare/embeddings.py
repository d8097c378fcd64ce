"""What a set of embeddings must be before a metric may use it."""

import numpy as np

from pipelines.errors import StudioError


def checked(rows: np.ndarray, *, least: int, name: str) -> np.ndarray:
    """The embeddings as float64 [rows, dimensions].

    Args:
        rows: one embedding per clip, or several.
        least: fewest rows that the metric can use.
        name: what to call the set in a message, e.g. "reference".

    Raises:
        StudioError: another shape, too few rows, values that are not numbers.
    """
    found = np.asarray(rows, dtype=np.float64)
    if found.ndim != 2 or found.shape[1] == 0:
        raise StudioError(
            f"The {name} embeddings have the shape {list(found.shape)}; give [clips, dimensions]."
        )
    if len(found) < least:
        raise StudioError(
            f"The {name} set holds {len(found)} clips; at least {least} are needed. Add clips."
        )
    if not np.isfinite(found).all():
        raise StudioError(
            f"The {name} embeddings hold values that are not numbers; "
            "look for broken clips and embed them again."
        )
    return found


def checked_pair(
    reference: np.ndarray, generated: np.ndarray, *, least: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """Both sets by `checked`, and of one dimension."""
    one = checked(reference, least=least, name="reference")
    other = checked(generated, least=least, name="generated")
    if one.shape[1] != other.shape[1]:
        raise StudioError(
            f"The reference embeddings have {one.shape[1]} dimensions and the generated ones "
            f"{other.shape[1]}; embed both with the same model."
        )
    return one, other


def owners(clips: np.ndarray | None, rows: np.ndarray, name: str) -> np.ndarray:
    """Which clip each row is of, counted from 0, int [rows].

    Args:
        clips: any whole number per row that tells the clips apart; None: every row is a clip.
        rows: the embeddings, [rows, dimensions].
        name: what to call the set in a message.

    Raises:
        StudioError: not one number a row.
    """
    if clips is None:
        return np.arange(len(rows))
    found = np.asarray(clips)
    if found.shape != (len(rows),):
        raise StudioError(
            f"The {name} set has {len(rows)} rows and {found.size} clip numbers; give one a row."
        )
    return np.unique(found, return_inverse=True)[1]


def counted(one: np.ndarray, of_one: np.ndarray, other: np.ndarray, of_other: np.ndarray) -> dict:
    """Clips, rows and dimensions of a reference and a generated set, for a result."""
    return {
        "reference_clips": int(of_one.max()) + 1,
        "generated_clips": int(of_other.max()) + 1,
        "reference_rows": len(one),
        "generated_rows": len(other),
        "dimensions": one.shape[1],
    }
