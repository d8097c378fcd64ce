"""Engines without torch: a deterministic sine for a model, a counter of words for the judges."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from pipelines.errors import Cancelled, StudioError
from pipelines.records import Candidate, Event, Prompt, Settings
from studio.services.engines import Engines

RATE = 16000
MODELS = {"embedded": "Sine", "embedded-clean": "Clean sine", "broken": "Broken"}
LATER = "later-models.txt"
HOLD = "hold"  # while a file of this name is in the data folder, all but first sounds wait
KNOWN = {"a", "dog", "barks", "rain", "falls", "then", "followed", "by", "raining", "barking"}


class SineBackend:
    """Keeps the protocol of `pipelines.generate.backend`, as far as sampling goes."""

    revision, sample_rate, max_seconds = "r1", RATE, 10.24
    adapter, dtype = None, "float32"
    default_steps, default_guidance = 25, 4.5
    latent_shape = (128, 8)
    samplers = ("euler", "heun")

    def __init__(self, pause: float = 0.0, name: str = "embedded") -> None:
        self.pause = pause  # seconds per step
        self.name = name

    def check(self, prompts: Sequence[Prompt], settings: Sequence[Settings]) -> None:
        if any(len(prompt.text.split()) > 40 for prompt in prompts):
            raise StudioError("The prompt has too many words; embedded reads 40. Shorten it.")

    def unknown_words(self, text: str) -> list[str]:
        return [word for word in text.lower().split() if word not in KNOWN]

    def sample(
        self,
        prompts: Sequence[Prompt],
        settings: Sequence[Settings],
        *,
        on_step: Callable[[int, int], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> list[np.ndarray]:
        steps = settings[0].steps
        for step in range(steps):
            if should_stop and should_stop():
                raise Cancelled()
            if on_step:
                on_step(step + 1, steps)
            time.sleep(self.pause)
        return [sound(p, s) for p, s in zip(prompts, settings, strict=True)]


def sound(prompt: Prompt, settings: Settings) -> np.ndarray:
    """A sine whose pitch is the seed's, fading, with noise for the second half.

    The clean model's is a third higher and half as loud.
    """
    samples = round(prompt.seconds * RATE)
    t = np.arange(samples) / RATE
    noise = np.random.default_rng(settings.seed).normal(0, 0.1, samples) * (t > prompt.seconds / 2)
    pitch, level = (1.26, 0.5) if settings.model == "embedded-clean" else (1.0, 1.0)
    tone = 0.4 * np.sin(2 * np.pi * pitch * (200 + settings.seed % 800) * t) * np.exp(-t / 4)
    return (level * (tone + noise)).astype(np.float32)[None].clip(-1, 1)


@dataclass
class SineClap:
    revision: str = "c1"

    engine, sample_rate, window, as_16_bit = "sine", RATE, RATE, False
    dimensions, scale = 4, 10.0

    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        return np.stack([unit(np.cos(len(text) + np.arange(4.0))) for text in texts])

    def embed_audio(self, audio: Sequence[np.ndarray], sample_rate: int) -> np.ndarray:
        """The level of each quarter."""
        return np.stack([unit([np.abs(q).mean() for q in np.array_split(x[0], 4)]) for x in audio])

    def score(self, audio: np.ndarray, sample_rate: int, text: str) -> float:
        return float(np.sqrt(np.mean(audio[:, : sample_rate // 2] ** 2)))


@dataclass
class SineHearing:
    events: list[Event]

    def verdict(self, caption: str) -> Any:
        asked = [name for name in ("Dog", "Rain", "Bell") if name.lower() in caption.lower()]
        missing = [name for name in asked if name == "Bell"]
        order = None
        if {"Dog", "Rain"} <= set(asked):
            order = caption.lower().index("dog") < caption.lower().index("rain")
        pairs = [] if order is None else [("Dog", "Rain", order)]
        return SimpleNamespace(
            integrity=not missing, order=order, asked=asked, missing=missing, order_pairs=pairs
        )


def unit(values) -> np.ndarray:
    """Brought to length 1, as float32."""
    found = np.asarray(values, dtype=np.float32)
    return found / np.linalg.norm(found)


class HalfListener:
    """Hears a dog in the first half and rain in the second."""

    revision = "l1"

    def hear(self, audio: np.ndarray, sample_rate: int) -> SineHearing:
        half = audio.shape[1] / sample_rate / 2
        return SineHearing(
            [
                Event(label="Dog", onset=0.0, offset=half),
                Event(label="Rain", onset=half, offset=2 * half),
            ]
        )


class SineEngines(Engines):
    """`Engines` whose every model is made here; `missing` names those that are not there."""

    pause = 0.0
    missing: tuple[str, ...] = ()

    def models(self) -> list[Any]:
        later = self.config.data / LATER  # a line for each that came while the studio was open
        names = later.read_text().split() if later.is_file() else []
        return [
            SimpleNamespace(name=name, title=title, path="nowhere", licence="MIT", note="")
            for name, title in [*MODELS.items(), *((name, name.title()) for name in names)]
        ]

    def make(self, backend, wanted, *, on_progress, should_stop) -> Iterator[Candidate]:
        while len(wanted) > 1 and (self.config.data / HOLD).exists():
            if should_stop():
                raise Cancelled()
            time.sleep(0.02)
        for place, (prompt, made) in enumerate(wanted):
            started = time.perf_counter()
            [audio] = backend.sample(
                [prompt],
                [made],
                on_step=lambda k, n, done=place: on_progress(
                    (done + k / n) / len(wanted), f"step {k} of {n}"
                ),
                should_stop=should_stop,
            )
            timings = {"sample": time.perf_counter() - started}
            yield replace(self.unmade(backend, prompt, made), audio=audio, timings=timings)

    def id_of(self, backend, prompt, settings) -> str:
        return self.unmade(backend, prompt, settings).id

    def unmade(self, backend, prompt, settings) -> Candidate:
        return Candidate(
            prompt=prompt,
            settings=settings,
            revision=backend.revision,
            adapter=backend.adapter,
            versions={"numpy": np.__version__},
            audio=np.zeros((1, 0), np.float32),
            sample_rate=backend.sample_rate,
        )

    def nearest_known(self, word: str) -> str | None:
        return "dog" if word.startswith("d") else None

    def _load_backend(self, name: str) -> SineBackend:
        if name == "broken":
            raise StudioError("The checkpoint of broken cannot be read; copy it again.")
        return SineBackend(self.pause, name)

    def _load_clap(self, name: str) -> SineClap:
        if "clap" in self.missing:
            raise StudioError("There is no CLAP in assets/clap-reward; train it first.")
        return SineClap()

    def _load_listener(self, name: str) -> HalfListener:
        if "listener" in self.missing:
            raise StudioError("There is no listener in assets/annotator; train it first.")
        return HalfListener()
