"""CLAP's audio tower as an embedder: FD-CLAP, KAD-CLAP; one unit vector a clip."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipelines.clap import TextAudioEmbedder, load
from pipelines.clap.checkpoint import SUFFIXES


class ClapEmbedder:
    """The audio side of any CLAP; clips longer than a window are averaged over fixed windows."""

    row_seconds = None

    def __init__(self, name: str, clap: TextAudioEmbedder) -> None:
        self.name = name
        self.clap = clap
        self.revision = clap.revision
        self.sample_rate = clap.sample_rate
        self.dimensions = clap.dimensions
        self.settings = {
            "engine": clap.engine,
            "sample_rate": clap.sample_rate,
            "window_seconds": clap.window / clap.sample_rate,
            "as_16_bit": clap.as_16_bit,
        }

    def embed(self, clips: Sequence[np.ndarray], sample_rate: int) -> np.ndarray:
        """Unit vectors, float32 [clips, dimensions]."""
        return self.clap.embed_audio(clips, sample_rate)


def open_this(key: str, weights: str | Path | None, device: str) -> ClapEmbedder:
    """ "clap-evaluation" and "clap-reward" from assets, "clap" from a path or a Hub id."""
    if weights is None:
        kind = key.removeprefix("clap-")
        return ClapEmbedder(f"CLAP-{kind}", load(kind, device=device))
    name = str(weights).partition("@")[0].rstrip("/").rpartition("/")[2]
    stem = name.rpartition(".")[0] if name.endswith(SUFFIXES) else name
    return ClapEmbedder(f"CLAP-{stem}", load(weights, device=device))
