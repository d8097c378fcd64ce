"""What gives a sound a reward for a prompt: CLAP itself, a trained head, or both at a weight."""

import hashlib
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch

from pipelines.clap.interface import TextAudioEmbedder
from pipelines.errors import StudioError
from pipelines.reward.embeddings import Encoder, text_of
from pipelines.reward.head import RewardHead
from pipelines.reward.saved import Ground


class Scorer(Protocol):
    """Rewards in [0, 1] for sounds and the prompts that they were made for."""

    name: str  # as a table shows it
    revision: str  # what must be equal for two rewards to be compared
    trained_on: str  # whose judgement it learned, in words

    def score(
        self, clips: Sequence[np.ndarray], sample_rate: int, texts: Sequence[str]
    ) -> np.ndarray:
        """Rewards, float32 [clips].

        Args:
            clips: each [channels, samples].
            sample_rate: Hz, of all clips.
            texts: the prompt of each clip.
        """


class ClapScorer:
    """The reference reward: the cosine of sound and prompt, (1 + cos) / 2."""

    name = "CLAP"
    trained_on = "captions, no human judgement"

    def __init__(self, clap: TextAudioEmbedder) -> None:
        self.clap = clap
        self.revision = f"clap {clap.revision}"

    def score(
        self, clips: Sequence[np.ndarray], sample_rate: int, texts: Sequence[str]
    ) -> np.ndarray:
        """(1 + cosine) / 2: the order of the cosines, in [0, 1]."""
        _check_equal(clips, texts)
        cosines = (self.clap.embed_audio(clips, sample_rate) * self.clap.embed_text(texts)).sum(1)
        return ((1 + cosines) / 2).clip(0, 1).astype(np.float32)


class HeadScorer:
    """A trained head over its CLAP.

    Args:
        head: the head.
        ground: what it stands on, from `load_head`.
        clap: embeds the sounds.
        text: embeds the prompts; None: the CLAP itself.

    Raises:
        StudioError: other encoders than the head was trained on.
    """

    def __init__(
        self,
        head: RewardHead,
        ground: Ground,
        clap: TextAudioEmbedder,
        *,
        text: Encoder | None = None,
    ) -> None:
        self.head, self.ground, self.clap = head, ground, clap
        self.text = text or text_of(clap)
        given = (f"clap {clap.revision}", self.text.name)
        if given != (ground.audio, ground.text):
            raise StudioError(
                f"This reward model reads sounds by {ground.audio} and prompts by {ground.text}, "
                f"not by {given[0]} and {given[1]}; give it those, or train it again."
            )
        self.name = f"reward model, {ground.task}"
        self.revision = f"{fingerprint(head)} over {ground.audio}"
        listeners = "simulated listeners" if ground.simulated else "people"
        self.trained_on = f"{ground.task} judged by {listeners}"

    def score(
        self, clips: Sequence[np.ndarray], sample_rate: int, texts: Sequence[str]
    ) -> np.ndarray:
        """sigmoid of the head's logit."""
        _check_equal(clips, texts)
        text = torch.as_tensor(self.text.embed(texts), dtype=torch.float32)
        audio = torch.as_tensor(self.clap.embed_audio(clips, sample_rate), dtype=torch.float32)
        return self.head.reward(text, audio).numpy()


class MixedScorer:
    """(1 - weight) of one reward and weight of another.

    Raises:
        StudioError: a weight outside of [0, 1].
    """

    def __init__(self, one: Scorer, other: Scorer, *, weight: float) -> None:
        if not 0 <= weight <= 1:
            raise StudioError(f"The second reward counts for {weight}; give a share in [0, 1].")
        self.one, self.other, self.weight = one, other, weight
        self.name = f"{1 - weight:g} {one.name} + {weight:g} {other.name}"
        self.revision = f"{1 - weight:g} ({one.revision}) + {weight:g} ({other.revision})"
        self.trained_on = f"{one.trained_on}; {other.trained_on}"

    def score(
        self, clips: Sequence[np.ndarray], sample_rate: int, texts: Sequence[str]
    ) -> np.ndarray:
        """The weighted mean."""
        one = self.one.score(clips, sample_rate, texts)
        other = self.other.score(clips, sample_rate, texts)
        return (1 - self.weight) * one + self.weight * other


def best_of(rewards: Sequence[float], count: int = 1) -> list[int]:
    """The places of the highest rewards, best first; of equals the earlier one.

    >>> best_of([0.2, 0.9, 0.9, 0.5], 2)
    [1, 2]

    Raises:
        StudioError: fewer rewards than are asked for, or some that are not numbers.
    """
    found = np.asarray(rewards, np.float64)
    if not 1 <= count <= len(found) or not np.isfinite(found).all():
        raise StudioError(
            f"The best {count} of {len(found)} rewards cannot be told; give at least as many, all "
            "of them numbers."
        )
    return np.argsort(-found, kind="stable")[:count].tolist()


def fingerprint(head: RewardHead) -> str:
    """What names a head: the first 20 hexadecimal digits of the SHA-256 of its weights."""
    digest = hashlib.sha256()
    for name, tensor in sorted(head.state_dict().items()):
        digest.update(name.encode() + tensor.float().cpu().numpy().tobytes())
    return digest.hexdigest()[:20]


def _check_equal(clips: Sequence[np.ndarray], texts: Sequence[str]) -> None:
    if len(clips) != len(texts):
        raise StudioError(
            f"{len(clips)} sounds and {len(texts)} prompts; give a prompt for each sound."
        )
