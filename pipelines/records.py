"""The nouns that every stage shares: Prompt, Settings, Candidate, Event."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """What was asked for."""

    text: str
    seconds: float = 10.0  # asked length of the sound

    @property
    def id(self) -> str:
        """The hash of the words and the length."""
        return digest({"text": self.text, "seconds": self.seconds})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How one candidate is made; together with the prompt and the model it fixes every byte."""

    model: str = "embedded"
    seed: int = 0
    steps: int = 25
    guidance: float = 4.5
    sampler: str = "euler"  # one of `limits.SAMPLERS`; each model has its own
    dtype: str = "float32"
    quality: int | None = None  # CosyAudio's level, 1 (poor) to 5 (good); None: not told


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One sound made for one prompt, with all that made it."""

    prompt: Prompt
    settings: Settings
    revision: str  # what weights: the hash of the checkpoint
    adapter: str | None = None  # the hash of the adapter on top, if any
    versions: dict[str, str] = field(default_factory=dict)
    audio: np.ndarray  # float32 [channels, samples]
    sample_rate: int  # Hz
    timings: dict[str, float] = field(default_factory=dict)  # seconds by part; not in the id

    @property
    def recipe(self) -> dict[str, Any]:
        """All that made it, as plain values; what is embedded in downloads."""
        return {
            "prompt": self.prompt.text,
            "seconds": self.prompt.seconds,
            **asdict(self.settings),
            "revision": self.revision,
            "adapter": self.adapter,
            "versions": self.versions,
        }

    @property
    def id(self) -> str:
        """The hash of what made it: the same request is the same candidate."""
        return digest(self.recipe)


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that sounds: a label, and from when to when, in seconds."""

    label: str
    onset: float
    offset: float


def digest(value: Any) -> str:
    """A short stable name for plain values: 20 hex digits of the SHA-256 of sorted JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:20]
