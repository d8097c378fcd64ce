"""Simulated listeners: they hear which event sounds when. Never to be mixed with people."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from pipelines.audio import fit_length, mono, resample
from pipelines.errors import StudioError
from pipelines.records import Event
from pipelines.soundworld.events import LABELS
from pipelines.soundworld.synthesis import SAMPLE_RATE
from pipelines.soundworld.verdicts import Verdict, judge_activity

ASSETS = Path(__file__).parents[2] / "assets"
FRAME_SAMPLES = 1280  # 12.5 decisions a second
GAP_FRAMES = 4  # pauses up to 0.32 s inside an event are bridged
LEAST_FRAMES = 3  # shorter blips (under 0.24 s) are dropped


@dataclass(frozen=True, kw_only=True)
class Hearing:
    """What a listener made of one sound."""

    times: np.ndarray  # [frames], seconds, middle of each
    probability: np.ndarray  # [frames, events], 0..1
    activity: np.ndarray  # bool [frames, events]
    labels: tuple[str, ...]
    events: list[Event]  # by onset

    def verdict(self, caption: str) -> Verdict:
        """Integrity and order of this sound against a caption."""
        return judge_activity(self.activity, self.labels, SAMPLE_RATE / FRAME_SAMPLES, caption)


class Listener:
    """An ear with a threshold.

    Args:
        name: who it is.
        ear: a network of `pipelines.soundworld.hearing`.
        threshold: probability from which an event counts as sounding.
        revision: hash of its weights.
    """

    def __init__(self, name: str, ear, threshold: float = 0.5, revision: str = "") -> None:
        self.name, self.ear, self.threshold = name, ear.eval(), threshold
        self.revision = revision

    def hear(self, audio: np.ndarray, sample_rate: int) -> Hearing:
        """Listen to one sound.

        Args:
            audio: [channels, samples], any length up to a minute.
            sample_rate: Hz.
        """
        return self.hear_all([audio], sample_rate)[0]

    def hear_all(self, sounds: list[np.ndarray], sample_rate: int) -> list[Hearing]:
        """Listen to several sounds of any lengths, in one batch."""
        import torch

        singles = [mono(sound)[None] for sound in sounds]
        if sample_rate != SAMPLE_RATE:
            singles = [resample(sound, sample_rate, SAMPLE_RATE) for sound in singles]
        longest = max(sound.shape[1] for sound in singles)
        longest += -longest % FRAME_SAMPLES
        batch = np.concatenate([fit_length(sound, longest) for sound in singles])
        with torch.inference_mode():
            probability = self.ear(torch.from_numpy(batch)).sigmoid().numpy()
        lengths = [-(-sound.shape[1] // FRAME_SAMPLES) for sound in singles]
        return [self._hearing(p[:n]) for p, n in zip(probability, lengths, strict=True)]

    def _hearing(self, probability: np.ndarray) -> Hearing:
        active = np.stack(
            [tidy(column >= self.threshold) for column in probability.T], axis=1
        )  # [frames, events]
        seconds = FRAME_SAMPLES / SAMPLE_RATE
        events = [
            Event(label=label, onset=round(start * seconds, 2), offset=round(stop * seconds, 2))
            for label, column in zip(LABELS, active.T, strict=True)
            for start, stop in runs(column)
        ]
        return Hearing(
            times=(np.arange(len(active)) + 0.5) * seconds,
            probability=probability,
            activity=active,
            labels=LABELS,
            events=sorted(events, key=lambda event: (event.onset, event.label)),
        )


def runs(active: np.ndarray) -> list[tuple[int, int]]:
    """The stretches of True as (start, stop).

    >>> runs(np.array([0, 1, 1, 0, 1], bool))
    [(1, 3), (4, 5)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], active.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def tidy(active: np.ndarray) -> np.ndarray:
    """Bridge short pauses, then drop short blips."""
    out = active.copy()
    stretches = runs(active)
    for (_, stop), (start, _) in zip(stretches, stretches[1:], strict=False):
        if start - stop <= GAP_FRAMES:
            out[stop:start] = True
    for start, stop in runs(out):
        if stop - start < LEAST_FRAMES:
            out[start:stop] = False
    return out


def load(name: str = "annotator", *, folder: Path | None = None) -> Listener:
    """The annotator, who labels and serves on dev. The test judge has a door of its own.

    Raises:
        StudioError: another name, or its weights are not there.
    """
    if name == "test-judge":
        raise StudioError(
            "The test judge is opened by a final evaluation only: use open_test_judge, which logs it."
        )
    if name != "annotator":
        raise StudioError(f'There is no listener "{name}"; the listener to use is "annotator".')
    from pipelines.soundworld.hearing import AnnotatorEar

    return _load(name, AnnotatorEar, folder or ASSETS / "annotator")


def open_test_judge(reason: str, *, folder: Path | None = None) -> Listener:
    """The judge of final comparisons; every opening is written to `openings.jsonl` beside it.

    Args:
        reason: what is judged, in a sentence.
        folder: where the judge lives; assets/test-judge by default.
    """
    from pipelines.soundworld.hearing import TestJudgeEar

    folder = folder or ASSETS / "test-judge"
    listener = _load("test-judge", TestJudgeEar, folder)
    with (folder / "openings.jsonl").open("a") as lines:
        row = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "reason": reason}
        lines.write(json.dumps(row) + "\n")
    return listener


def _load(name: str, kind: type, folder: Path) -> Listener:
    if not (folder / "config.json").exists():
        raise StudioError(
            f"The weights of the {name} are not in {folder}; "
            f"train them with `python -m pipelines.recipes.world {name}`, or restore assets/."
        )
    import torch

    ear = kind.from_pretrained(folder, torch_dtype=torch.float32)
    weights = sorted(folder.glob("*.safetensors"))
    revision = hashlib.sha256(b"".join(path.read_bytes() for path in weights)).hexdigest()[:20]
    return Listener(name, ear, revision=revision)
