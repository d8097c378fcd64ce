"""What is heard in every clip: an embedding by the evaluation CLAP, a verdict by a simulated judge.

Everything is kept by the name of the sounds' file, so nothing is heard twice; the test judge is
opened in one place, `open_judge`, once all sounds that it shall judge are on disk.
"""

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipelines.errors import StudioError
from pipelines.finetune.adapter_files import read_card
from pipelines.generate.backend import Backend
from pipelines.recipes.baton import takes
from pipelines.recipes.baton.sets import Measured, Split, again, jobs_of
from pipelines.recipes.baton.study import BASE, CODEC, REAL, REFERENCE, SHIPPED, THREE, TWO, Arm
from pipelines.recipes.baton.trials import Trials
from pipelines.recipes.baton.workshop import Workshop
from pipelines.records import digest
from pipelines.soundworld.events import LABELS
from pipelines.soundworld.lexicon import phrases
from pipelines.soundworld.listeners import Listener, open_test_judge
from pipelines.soundworld.synthesis import SAMPLE_RATE

BATCH = 16
ANNOTATOR, TEST_JUDGE = "annotator", "test-judge"
ANEW = 100  # number of the first rendering of the reference; those of the real arm are others
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Take:
    """One arm's sounds for one set, from one noise seed."""

    arm: str
    on: Measured
    number: int  # of the noise seed, and of the training
    path: Path  # of the sounds


@dataclass(frozen=True)
class Grid:
    """What was measured of one arm on one set; p prompts, s seeds."""

    integrity: np.ndarray  # bool [p, s]
    order: np.ndarray  # float [p, s]; 1 holds, 0 not, nan: the caption states none
    vectors: np.ndarray  # [p, s, dimensions], unit length
    clap: np.ndarray  # [p, s], cosine with the caption


@dataclass(frozen=True)
class Measures:
    """Makes, keeps and reads what is heard."""

    shop: Workshop
    trials: Trials
    judge: str = ANNOTATOR

    @property
    def split(self) -> Split:
        """Whose prompts the headline is measured on."""
        return "test" if self.judge == TEST_JUDGE else "dev"

    def take(self, arm: Arm | str, name: str, number: int, *, split: Split | None = None) -> Take:
        """The sounds of an arm, made if they are not there.

        Args:
            arm: a trained one; or base, shipped, real, autoencoded, reference.
            name: of the set.
            number: of the noise seed; a trained arm's training of that number answers.
            split: whose prompts; None: the headline's.
        """
        on = self.shop.sets[split or self.split][name]
        if arm in (REAL, CODEC, REFERENCE):
            return Take(arm, on, number, self._real(arm, on, number))
        adapter = None if arm == BASE else self._adapter(arm, number)
        take, jobs = self._asked(arm, on, number, adapter)
        if not take.path.exists():
            takes.make(take.path, self._model(adapter, take.arm), jobs)
        return take

    def has_take(self, arm: Arm | str, number: int, split: Split) -> bool:
        """Whether the sounds of both sets are there."""
        adapter = None if arm == BASE else self._found(arm, number)
        if adapter is None and arm != BASE:
            return False
        sets = self.shop.sets[split].values()
        return all(self._asked(arm, on, number, adapter)[0].path.exists() for on in sets)

    def _asked(
        self, arm: Arm | str, on: Measured, number: int, adapter: Path | None
    ) -> tuple[Take, takes.Jobs]:
        """What a model is asked, and where its answer lies or will."""
        jobs = jobs_of(on.scenes, number, **self.shop.sampling)
        worn = None if adapter is None else read_card(adapter).hash
        path = takes.place_of(self.shop.takes, self.shop.base, worn, jobs)
        return Take(arm if isinstance(arm, str) else arm.name, on, number, path), jobs

    def _found(self, arm: Arm | str, seed: int) -> Path | None:
        """The adapter of an arm's training, or the one that we ship, whatever the seed."""
        return self.trials.shipped() if isinstance(arm, str) else self.trials.adapter(arm, seed)

    def _adapter(self, arm: Arm | str, seed: int) -> Path:
        place = self._found(arm, seed)
        if place is None:
            raise StudioError(
                f"{arm if isinstance(arm, str) else arm.title}, training {seed}, is not finished; run the study again to go on."
            )
        return place

    def _model(self, adapter: Path | None, name: str) -> Backend:
        if self._loaded.get("adapter") != (adapter, name):
            self._loaded.update(adapter=(adapter, name), model=self.shop.model(adapter, name))
        return self._loaded["model"]

    @cached_property
    def _loaded(self) -> dict[str, Any]:
        return {}

    def _real(self, arm: str, on: Measured, number: int) -> Path:
        first = ANEW if arm == REFERENCE else 0
        scenes = again(on.scenes, first + number)
        path = takes.render(self.shop.takes, scenes)
        if arm != CODEC:
            return path
        return takes.changed(path, lambda sounds: autoencode(self.shop.base, sounds), CODEC)

    def vectors(self, take: Take) -> np.ndarray:
        """The evaluation CLAP's, float32 [clips, dimensions], unit length."""
        clap = self.shop.evaluation_clap
        path = self.shop.root / "vectors" / f"{take.path.stem}-{clap.revision[:8]}.npy"
        if not path.exists():
            sounds, found = takes.read(take.path), []
            for start in range(0, len(sounds), BATCH):
                found.append(clap.embed_audio(sounds[start : start + BATCH], SAMPLE_RATE))
            keep(path, np.concatenate(found))
        return np.load(path)

    def verdict_path(self, take: Take, judge: str) -> Path:
        """Where a judge's verdicts on a take lie: named by the sounds and the captions."""
        name = digest([take.path.stem, take.on.captions])
        return self.shop.root / "verdicts" / judge / f"{name}.npy"

    def verdicts(self, take: Take, judge: str | None = None) -> np.ndarray:
        """[clips, 2]: whether every event sounds; whether the stated order holds, nan for none.

        Raises:
            StudioError: the test judge has not heard them; only `open_judge` lets it.
        """
        judge = judge or self.judge
        path = self.verdict_path(take, judge)
        if not path.exists():
            if judge == TEST_JUDGE:
                raise StudioError("The test judge has not heard these sounds; run with --final.")
            keep(path, judged(self.shop.annotator, take))
        return np.load(path)

    def open_judge(self, wanted: Sequence[Take], reason: str) -> int:
        """Let the test judge hear what it has not heard yet; the one place that opens it.

        Args:
            wanted: all takes of the final evaluation, whose sounds are on disk.
            reason: is logged beside the judge.

        Returns:
            How many takes it heard; 0: it was not opened.
        """
        new = [take for take in wanted if not self.verdict_path(take, TEST_JUDGE).exists()]
        if not new:
            return 0
        listener = open_test_judge(reason)
        log.info("the test judge is opened for %d takes", len(new))
        for take in new:
            keep(self.verdict_path(take, TEST_JUDGE), judged(listener, take))
        return len(new)

    def grid(
        self, arm: Arm | str, name: str, numbers: Sequence[int], *, split: Split | None = None
    ) -> Grid:
        """What was measured of an arm on a set; on another split than the headline's by the annotator."""
        judge = self.judge if split in (None, self.split) else ANNOTATOR
        return self.grid_of([self.take(arm, name, n, split=split) for n in numbers], judge)

    def grid_of(self, found: Sequence[Take], judge: str) -> Grid:
        """What was measured of takes of one set, each a column."""
        verdicts = np.stack([self.verdicts(take, judge) for take in found], axis=1)
        vectors = np.stack([self.vectors(take) for take in found], axis=1)
        texts = self.texts(found[0].on.captions)
        return Grid(
            integrity=verdicts[..., 0] == 1,
            order=verdicts[..., 1],
            vectors=vectors,
            clap=(vectors * texts[:, None]).sum(-1),
        )

    def texts(self, captions: list[str]) -> np.ndarray:
        """The evaluation CLAP's vectors of captions, float32 [captions, dimensions]."""
        return self.shop.evaluation_clap.embed_text(captions)

    @cached_property
    def classes(self) -> np.ndarray:
        """The evaluation CLAP's vectors of every event of the world, [events, dimensions]."""
        clap = self.shop.evaluation_clap
        return clap.embed_text([phrases(label, foreign=False)[0].finite for label in LABELS])

    @cached_property
    def sharpness(self) -> float:
        """What the evaluation CLAP multiplies its cosines by."""
        return self.shop.evaluation_clap.scale

    def logits(self, vectors: np.ndarray) -> np.ndarray:
        """Which event a sound is nearest to, zero-shot: [..., events]."""
        return self.sharpness * vectors @ self.classes.T


def autoencode(backend: Backend, sounds: list[np.ndarray]) -> list[np.ndarray]:
    """Each sound through the autoencoder and back, cut to its length."""
    return [sound for part in _parts(sounds) for sound in _through(backend, part)]


@torch.inference_mode()
def _through(backend: Backend, part: list[np.ndarray]) -> list[np.ndarray]:
    longest = max(sound.shape[1] for sound in part)
    batch = np.stack([np.pad(s, ((0, 0), (0, longest - s.shape[1]))) for s in part])
    made = backend.decode(backend.encode(torch.from_numpy(batch))).float().cpu().numpy()
    return [out[:, : s.shape[1]] for out, s in zip(made, part, strict=True)]


def judged(listener: Listener, take: Take) -> np.ndarray:
    """[clips, 2], as `Measures.verdicts`."""
    sounds, rows = takes.read(take.path), []
    captions = iter(take.on.captions)
    for part in _parts(sounds):
        for hearing in listener.hear_all(part, SAMPLE_RATE):
            found = hearing.verdict(next(captions))
            rows.append([found.integrity, np.nan if found.order is None else found.order])
    return np.array(rows, dtype=np.float64)


def _parts(sounds: list[np.ndarray]) -> Iterator[list[np.ndarray]]:
    for start in range(0, len(sounds), BATCH):
        yield sounds[start : start + BATCH]


def keep(path: Path, values: np.ndarray) -> None:
    """Write an array, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.save(file, values)
    part.replace(path)


def final_takes(measures: Measures, arms: Sequence[Arm], seeds: int) -> list[Take]:
    """All that the headline is measured on: the base, each arm, what we ship, and the real sounds."""
    every = (BASE, *arms, SHIPPED, REAL, CODEC)
    return [
        measures.take(arm, name, number)
        for arm in every
        for number in range(seeds)
        for name in (TWO, THREE)
    ]


def openings() -> list[dict[str, str]]:
    """The log beside the test judge."""
    path = Path(__file__).parents[3] / "assets" / "test-judge" / "openings.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]
