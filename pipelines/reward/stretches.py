"""A CLAP that hears a sound stretch by stretch, and reads a prompt phrase by phrase, so that order shows.

One vector of a whole sound tells what is in it and hardly when. So the audio vector of a sound is the
whole's and those of its stretches, and the text vector of a prompt is the whole's and those of its
phrases, with what the words between them promise. `evidence` compares the two: is every phrase heard
somewhere, and do they come in the promised order?
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pipelines.clap.interface import TextAudioEmbedder

Phrased = tuple[Sequence[str], Sequence[int]]
PhrasesOf = Callable[
    [str], Phrased
]  # prompt -> its phrases; for each joint 1: in order, 0: no order

SECONDS = 2.0  # of a stretch: long enough to know an event by, short enough to tell two apart
STRETCHES, PHRASES = (
    16,
    6,
)  # at most; a longer sound has longer stretches, further phrases are not read
SHARPNESS = 10.0  # of the softmax over stretches: cosines differ by about 0.1 where an event sounds
EVIDENCE = ("least presence", "mean presence", "least order", "mean order", "order told")


@dataclass(frozen=True, kw_only=True)
class Stretches:
    """How the vectors of `Stretched` are laid out."""

    size: int  # numbers of one CLAP vector
    stretches: int = STRETCHES
    phrases: int = PHRASES

    @property
    def audio_size(self) -> int:
        """The whole sound, then its stretches; those that are not there are zeros."""
        return self.size * (1 + self.stretches)

    @property
    def text_size(self) -> int:
        """The whole prompt, then its phrases, then a number for each joint; zeros the same way."""
        return self.size * (1 + self.phrases) + self.phrases - 1

    def parted_text(self, text: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Phrases [..., phrases, size], joints [..., phrases - 1], and the rest [...]: the whole, a T5's."""
        start = self.size * (1 + self.phrases)
        phrases = text[..., self.size : start].unflatten(-1, (self.phrases, self.size))
        rest = torch.cat([text[..., : self.size], text[..., self.text_size :]], dim=-1)
        return phrases, text[..., start : self.text_size], rest

    def parted_audio(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Stretches [..., stretches, size] and the whole [..., size]."""
        stretches = audio[..., self.size :].unflatten(-1, (self.stretches, self.size))
        return stretches, audio[..., : self.size]


class Stretched:
    """A CLAP whose vectors hold the whole and its parts; the rest of its contract is the CLAP's own.

    Args:
        clap: embeds the whole, the stretches and the phrases.
        phrases_of: cuts a prompt.
    """

    def __init__(self, clap: TextAudioEmbedder, phrases_of: PhrasesOf) -> None:
        self.whole, self.phrases_of = clap, phrases_of
        self.layout = Stretches(size=clap.dimensions)
        self.engine, self.sample_rate, self.window = clap.engine, clap.sample_rate, clap.window
        self.as_16_bit = clap.as_16_bit
        self.revision = f"{clap.revision} by stretches of {SECONDS:g} s"

    @property
    def dimensions(self) -> int:
        """The length of an audio vector; a text vector has another, `layout.text_size`."""
        return self.layout.audio_size

    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        """float32 [texts, layout.text_size]; a prompt of one phrase has that phrase once more."""
        layout, cut = self.layout, [self.phrases_of(text) for text in texts]
        known = list(dict.fromkeys(p for phrases, _ in cut for p in phrases[: layout.phrases]))
        at = {phrase: n for n, phrase in enumerate(known)}
        rows = self.whole.embed_text(known)
        found = np.zeros((len(texts), layout.text_size), np.float32)
        found[:, : layout.size] = self.whole.embed_text(texts)
        for row, (phrases, joints) in zip(found, cut, strict=True):
            for n, phrase in enumerate(phrases[: layout.phrases]):
                row[layout.size * (n + 1) : layout.size * (n + 2)] = rows[at[phrase]]
            start = layout.size * (1 + layout.phrases)
            row[start : start + len(joints)] = joints[: layout.phrases - 1]
        return found

    def embed_audio(self, audio: Sequence[np.ndarray], sample_rate: int) -> np.ndarray:
        """float32 [clips, layout.audio_size] of clips [channels, samples]."""
        layout, found = self.layout, np.zeros((len(audio), self.layout.audio_size), np.float32)
        found[:, : layout.size] = self.whole.embed_audio(audio, sample_rate)
        for row, clip in zip(found, audio, strict=True):
            parts = cut_evenly(clip, round(SECONDS * sample_rate), layout.stretches)
            vectors = self.whole.embed_audio(parts, sample_rate)
            row[layout.size : layout.size * (1 + len(parts))] = vectors.reshape(-1)
        return found

    def score(self, audio: np.ndarray, sample_rate: int, text: str) -> float:
        """The cosine of the wholes, in [-1, 1]."""
        return self.whole.score(audio, sample_rate, text)


def cut_evenly(clip: np.ndarray, length: int, most: int) -> list[np.ndarray]:
    """Stretches that overlap by half or more, evenly placed from the start of a clip to its end.

    >>> [part.tolist() for part in cut_evenly(np.arange(6)[None], 2, 16)]
    [[[0, 1]], [[1, 2]], [[2, 3]], [[3, 4]], [[4, 5]]]

    Args:
        clip: [channels, samples].
        length: samples of a stretch; longer where otherwise more than `most` were needed.
        most: stretches.
    """
    samples = clip.shape[1]
    length = min(samples, max(length, -(-2 * samples // (most + 1))))
    count = min(most, -(-2 * (samples - length) // length) + 1)
    starts = np.linspace(0, samples - length, count).round().astype(int)
    return [clip[:, start : start + length] for start in starts]


def evidence(phrases: Tensor, joints: Tensor, stretches: Tensor) -> Tensor:
    """What tells whether each phrase is heard, and in the promised order: [..., 5], named in EVIDENCE.

    A phrase is present as far as the stretch that is nearest to it. It lies in time where its cosines
    are high: a softmax over stretches. The order of two phrases is the share of pairs of moments of
    which the earlier phrase's comes first, as `soundworld.verdicts.precedence` counts it, less one
    half: 0.5 when all of one lies before all of the other, 0 when they coincide or no order is told.

    Args:
        phrases: unit vectors [..., P, size]; zeros where there is no phrase.
        joints: [..., P - 1], 1 where the next phrase must come after, else 0.
        stretches: unit vectors [..., S, size], in time; zeros where there is none.
    """
    cosines = phrases @ stretches.transpose(-1, -2)  # [..., P, S]
    is_phrase = phrases.abs().sum(-1) > 0
    is_stretch = (stretches.abs().sum(-1) > 0)[..., None, :]
    cosines = cosines.masked_fill(~is_stretch, -torch.inf)
    nearest = cosines.amax(-1)  # [..., P]
    count = is_phrase.sum(-1).clamp_min(1)
    weights = (SHARPNESS * cosines).softmax(-1)
    before = weights.cumsum(-1) - weights
    one, other = weights[..., :-1, :], weights[..., 1:, :]
    order = (before[..., :-1, :] * other).sum(-1) + (one * other).sum(-1) / 2 - 0.5  # [..., P - 1]
    is_told = joints != 0
    told = is_told.sum(-1)
    parts = (
        nearest.masked_fill(~is_phrase, torch.inf).amin(-1),
        nearest.masked_fill(~is_phrase, 0).sum(-1) / count,
        order.masked_fill(~is_told, 0.5).amin(-1).where(told > 0, order.new_zeros(())),
        order.masked_fill(~is_told, 0).sum(-1) / told.clamp_min(1),
        (told > 0).to(order.dtype),
    )
    return torch.stack(parts, dim=-1)
