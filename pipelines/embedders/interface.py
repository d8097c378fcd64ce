"""What a metric may ask of an embedder; classifiers give class logits too."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np


@runtime_checkable
class Embedder(Protocol):
    """Sounds to vectors.

    Values under different embedders, weights or settings cannot be compared, so a result carries
    `name`, `revision` and `settings`.
    """

    name: str  # as in results: "CLAP-evaluation", "PANNs-16k", "VGGish"
    revision: str  # hash of the weights
    settings: dict[str, object]  # plain values: rate, windows, layer; what else decides the vectors
    sample_rate: int  # Hz that it hears; it resamples what it is given
    dimensions: int
    row_seconds: float | None  # None: one row a clip; else one row for that many seconds of it

    def embed(self, clips: Sequence[np.ndarray], sample_rate: int) -> np.ndarray:
        """Vectors, float32 [rows, dimensions], the clips in their order.

        One row a clip where `row_seconds` is None; else every clip adds its own rows, at least one,
        one after the other. Give one clip at a time to know which rows are whose. The same clip
        gives the same rows whatever stands beside it.

        Args:
            clips: each float32 [channels, samples] in [-1, 1].
            sample_rate: Hz, of all clips.

        Raises:
            StudioError: a clip without samples, or with values that are not numbers.
        """


@runtime_checkable
class Classifier(Embedder, Protocol):
    """An embedder that also tells AudioSet's classes."""

    classes: int

    def logits(self, clips: Sequence[np.ndarray], sample_rate: int) -> np.ndarray:
        """Class logits, float32 [clips, classes], one row a clip, before softmax or sigmoid.

        Raises:
            StudioError: a clip without samples, or with values that are not numbers.
        """
