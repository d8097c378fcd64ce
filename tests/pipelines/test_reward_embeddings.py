"""Embeddings are computed once, kept by encoder, and never mixed."""

import numpy as np
import pytest

from pipelines.errors import Cancelled, StudioError
from pipelines.reward.embeddings import (
    Encoder,
    Kept,
    embed_clips,
    embed_texts,
    kept_in,
    side_by_side,
    text_of,
)


class CountingClap:
    """Embeds a sound as its mean and its length, and counts what it was asked."""

    revision = "a1"

    def __init__(self) -> None:
        self.heard, self.read = 0, 0

    def embed_audio(self, audio, sample_rate):
        self.heard += len(audio)
        return np.array([[a.mean(), a.shape[1] / sample_rate] for a in audio], np.float32)

    def embed_text(self, texts):
        self.read += len(texts)
        return np.array([[len(text), 1.0] for text in texts], np.float32)


def sounds(count: int, rate: int = 8000):
    """Readers of constant sounds, by key."""
    return {
        f"k{i}": (lambda i=i: (np.full((1, 80), i / 100, np.float32), rate)) for i in range(count)
    }


def test_a_sound_is_embedded_once(tmp_path):
    """The second call, and a new process with the same file, ask the CLAP for new sounds only."""
    clap, steps = CountingClap(), []
    kept = kept_in(tmp_path, "audio", "clap a1")
    embed_clips(kept, sounds(20), clap, on_progress=lambda done, of: steps.append((done, of)))
    assert steps == [(16, 20), (20, 20)]
    again = kept_in(tmp_path, "audio", "clap a1")
    embed_clips(again, sounds(23), clap)
    assert clap.heard == 23 and len(again) == 23
    assert again["k7"].tolist() == pytest.approx([0.07, 0.01])
    assert [p.name for p in tmp_path.iterdir()] == ["audio-clap-a1.safetensors"]


def test_rates_may_differ_within_a_batch(tmp_path):
    """Sounds of two rates come out under their own keys."""
    kept = kept_in(tmp_path, "audio", "clap a1")
    mixed = sounds(3) | {"slow": lambda: (np.full((1, 80), 0.5, np.float32), 4000)}
    embed_clips(kept, mixed, CountingClap())
    assert kept["slow"].tolist() == pytest.approx([0.5, 0.02])
    assert kept["k2"].tolist() == pytest.approx([0.02, 0.01])


def test_what_was_done_before_a_stop_is_kept(tmp_path):
    """A stop after the first batch leaves its 16 in the file."""
    kept, seen = kept_in(tmp_path, "audio", "clap a1"), []
    with pytest.raises(Cancelled):
        embed_clips(
            kept, sounds(40), CountingClap(),
            on_progress=lambda *done: seen.append(done), should_stop=lambda: bool(seen),
        )  # fmt: skip
    assert len(kept_in(tmp_path, "audio", "clap a1")) == 16


def test_prompts_are_read_once_whoever_asks_twice(tmp_path):
    """Repeated prompts are read once; another text encoder has a file of its own."""
    clap = CountingClap()
    kept = kept_in(tmp_path, "text", text_of(clap).name)
    embed_texts(kept, ["rain", "dog", "rain"], text_of(clap))
    embed_texts(kept, ["rain", "wind"], text_of(clap))
    assert clap.read == 3 and set(kept) == {"rain", "dog", "wind"}
    t5 = Encoder(name="t5 c3", embed=lambda texts: np.ones((len(texts), 5), np.float32))
    other = kept_in(tmp_path, "text", t5.name)
    embed_texts(other, ["rain"], t5)
    assert other["rain"].shape == (5,) and kept["rain"].shape == (2,)


def test_two_encoders_stand_side_by_side():
    """CLAP's two numbers come first, then the other's three; the name tells both."""
    t5 = Encoder(name="t5 c3", embed=lambda texts: np.full((len(texts), 3), 5, np.float32))
    both = side_by_side(text_of(CountingClap()), t5)
    assert both.name == "clap a1 + t5 c3"
    assert both.embed(["rain"]).tolist() == [[4.0, 1.0, 5.0, 5.0, 5.0]]


def test_two_writers_lose_nothing(tmp_path):
    """What another process saved meanwhile is still there after ours is saved."""
    one, other = (kept_in(tmp_path, "audio", "clap a1") for _ in range(2))
    one.add(["x"], np.ones((1, 2)))
    other.add(["y"], np.zeros((1, 2)))
    one.save()
    other.save()
    assert set(kept_in(tmp_path, "audio", "clap a1")) == {"x", "y"}


def test_faults_have_sentences(tmp_path):
    """Another encoder's file, a broken file, another size, and what is not a number."""
    path = tmp_path / "v.safetensors"
    kept = Kept(path, "clap a1")
    kept.add(["x"], np.ones((1, 2)))
    kept.save()
    with pytest.raises(StudioError, match="by clap a1, not by clap b2"):
        Kept(path, "clap b2")
    with pytest.raises(StudioError, match=r"\[3\] numbers, and those that are kept have \[2\]"):
        kept.add(["y"], np.ones((1, 3)))
    with pytest.raises(StudioError, match="not numbers"):
        kept.add(["y"], np.full((1, 2), np.nan))
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(StudioError, match="remove the file"):
        Kept(path, "clap a1")
