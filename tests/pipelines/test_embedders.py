"""Embedders: the registry's doors, and that each keeps the one interface."""

import numpy as np
import pytest

from pipelines.embedders import KNOWN, Classifier, Embedder, open_embedder
from pipelines.errors import StudioError


def noise(seconds: float, rate: int = 16_000, seed: int = 0) -> np.ndarray:
    """White noise at -20 dB, float32 [1, samples]."""
    draws = np.random.default_rng(seed).standard_normal((1, int(seconds * rate)))
    return (0.1 * draws).astype(np.float32)


def test_the_evaluation_clap_embeds_at_once():
    """One unit vector a clip, 128 long, named, with what decides it."""
    embedder = open_embedder("clap-evaluation")
    rows = embedder.embed([noise(1.0), noise(12.0, seed=1)], 16_000)
    assert rows.shape == (2, embedder.dimensions) == (2, 128) and rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert embedder.name == "CLAP-evaluation" and embedder.row_seconds is None
    assert isinstance(embedder, Embedder) and not isinstance(embedder, Classifier)
    assert embedder.settings == {
        "engine": "transformers", "sample_rate": 16_000, "window_seconds": 11.0
    }  # fmt: skip
    assert embedder.revision != open_embedder("clap-reward").revision


def test_unknown_names_and_absent_weights_get_a_sentence(tmp_path):
    """The sentence lists what is known, or names the file, its place and what to pass."""
    with pytest.raises(StudioError, match=r"no embedder 'clop'; choose one of clap-evaluation"):
        open_embedder("clop")
    for name, known in KNOWN.items():
        if known.published is None:
            with pytest.raises(StudioError, match="in our assets; give no others"):
                open_embedder(name, weights=tmp_path)
        else:
            assert "https://" in known.published
            with pytest.raises(StudioError, match=f"published weights: .*{name}=PATH"):
                open_embedder(name)
            with pytest.raises(StudioError, match="nowhere"):
                open_embedder(name, weights=tmp_path / "nowhere.pt")
