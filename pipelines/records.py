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
    sampler: str | None = None  # one of `limits.SAMPLERS`; None: the model's own
    dtype: str = "float32"
    quality: int | None = None  # CosyAudio's level, 1 (poor) to 5 (good); None: not told
    guide_from: float = 0.0  # guidance only at noise levels from here …
    guide_to: float = 1.0  # … to here; all of them by default
    reuse: float = 0.0  # step caching: the drift at which the blocks run again; 0: at every step

    def plain(self) -> dict[str, Any]:
        """As JSON values; a shortcut that was not taken is not named."""
        told = asdict(self)
        return {name: told[name] for name in told if name not in SHORTCUTS or name in self.taken}

    @property
    def taken(self) -> tuple[str, ...]:
        """The shortcuts that make another sound, by their fields, where they are not off."""
        return tuple(name for name, off in SHORTCUTS.items() if getattr(self, name) != off)


SHORTCUTS = {"guide_from": 0.0, "guide_to": 1.0, "reuse": 0.0}  # what each is when it is off


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
            **self.settings.plain(),
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
