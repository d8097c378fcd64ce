"""What every text-audio embedder can do, whichever engine computes it."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np


@runtime_checkable
class TextAudioEmbedder(Protocol):
    """Texts and clips as unit vectors of one space; their cosine is the CLAP score."""

    engine: str  # "transformers" or "laion"
    sample_rate: int  # Hz that it hears
    window: int  # samples in one window at that rate
    as_16_bit: bool  # whether clips are cut to 16-bit integers first
    revision: str  # hash of the weights, equal for equal files whatever the engine

    @property
    def dimensions(self) -> int:
        """The length of an embedding."""

    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors, float32 [texts, dimensions].

        Raises:
            StudioError: an empty text.
        """

    def embed_audio(self, audio: Sequence[np.ndarray], sample_rate: int) -> np.ndarray:
        """Unit vectors, float32 [clips, dimensions], of clips [channels, samples].

        A clip is mixed to mono, resampled by soxr and cut into fixed windows; the windows' vectors
        are averaged and brought back to unit length.

        Raises:
            StudioError: a clip without samples, or with values that are not numbers.
        """

    def score(self, audio: np.ndarray, sample_rate: int, text: str) -> float:
        """The cosine between a clip [channels, samples] and a text, in [-1, 1]."""
