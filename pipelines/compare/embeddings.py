"""What a set of embeddings must be before a metric may use it."""

import numpy as np

from pipelines.errors import StudioError


def checked(rows: np.ndarray, *, least: int, name: str) -> np.ndarray:
    """The embeddings as float64 [clips, dimensions].

    Args:
        rows: one embedding per clip.
        least: fewest clips that the metric can use.
        name: what to call the set in a message, e.g. "reference".

    Raises:
        StudioError: another shape, too few clips, values that are not numbers.
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
