"""The parts of a study in their order, what each will take, and as many of them as time allows."""

import json
import logging
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.finetune.latents import encoded, write_cache
from pipelines.finetune.training import finetune
from pipelines.generate.sampling import run as sample
from pipelines.recipes.baton.ablating import ablation_rows, arms_of, epochs, trends
from pipelines.recipes.baton.labelling import held_out, labels_table, reward_kinds
from pipelines.recipes.baton.material import Gathered, write_json
from pipelines.recipes.baton.measures import ANNOTATOR, TEST_JUDGE, Measures, final_takes
from pipelines.recipes.baton.pretraining import pretraining_rows, pretraining_scenes
from pipelines.recipes.baton.sets import Split, jobs_of
from pipelines.recipes.baton.study import (
    BASE,
    BATON,
    CODEC,
    HEADLINE,
    REAL,
    REFERENCE,
    SHIPPED,
    THREE,
    TWO,
    Arm,
    StudyConfig,
)
from pipelines.recipes.baton.tables import headline
from pipelines.recipes.baton.takes import BATCH
from pipelines.recipes.baton.trials import Trials
from pipelines.recipes.baton.workshop import Workshop
from pipelines.recipes.budget import Part, rounded
from pipelines.soundworld.synthesis import SAMPLE_RATE

PROBED_STEPS = 4
UNGUIDED = 0.55  # what a sound costs that needs no second answer of the denoiser
WATCHED = 1.3  # how much slower the training's own float32 model samples
TABLE_NAMES = ("headline", "held_out", "ablations", "trends")
Plain = dict[str, Any]
TABLES = 90.0  # seconds for the intervals of the headline, and 20 for those of one seed
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Paces:
    """Seconds of one core for one of each, as a short probe measured them."""

    sample: float  # a clip
    step: float  # of training
    hear: float  # a clip by a listener
    embed: float  # a clip by a CLAP
    encode: float  # a clip into latents
    render: float  # a scene


class Study:
    """A study under a root; all that was done before is found and not done again.

    Args:
        root: of all its files.
        config: what is compared.
        is_final: measure the headline on test prompts by the test judge, instead of dev and annotator.
        reason: why the test judge is opened; is logged.
        only: headline, ablations, or the number of one table of the paper; None: everything.
    """

    def __init__(
        self,
        root: Path,
        config: StudyConfig,
        *,
        is_final: bool = False,
        reason: str = "",
        only: str | None = None,
    ) -> None:
        self.root, self.config, self.reason, self.only = root, config, reason, only
        self.shop = Workshop(root, config)
        self.gathered = Gathered(self.shop)
        self.trials = Trials(self.shop, self.gathered)
        self.measures = Measures(self.shop, self.trials, TEST_JUDGE if is_final else ANNOTATOR)

    @cached_property
    def paces(self) -> Paces:
        """How quick this machine is now."""
        return probed(self.shop)

    @property
    def results(self) -> Path:
        """Where tables lie."""
        return self.root / f"results-{self.measures.judge}"

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The ablations that are wanted."""
        if self.only == "headline":
            return ()
        return arms_of(self.config, None if self.only in (None, "ablations") else self.only)

    def parts(self) -> Iterator[Part]:
        """Everything in its order."""
        yield from self.material()
        yield from self._headline()
        yield from self._held_out()
        yield from self._ablations()

    def material(self) -> Iterator[Part]:
        """Candidates, labels, rewards and latents: what every arm learns from."""
        config, paces, gathered = self.config, self.paces, self.gathered
        count = len(gathered.asked) * config.candidates
        is_guided = config.candidate_guidance is None or config.candidate_guidance > 1
        for part in range(gathered.parts):
            yield Part(
                f"candidates, file {part + 1} of {gathered.parts}",
                len(gathered.jobs(part)) * paces.sample * (1 if is_guided else UNGUIDED),
                lambda part=part: gathered.has_part(part),
                lambda part=part: gathered.make_part(part),
            )
        yield Part(
            "labels and rewards",
            count * (paces.hear / 2 + paces.embed) + 15,
            lambda: gathered.is_ready,
            gathered.finish,
        )
        yield Part(
            "latents",
            count * paces.encode + (count + config.pretraining) * (paces.render + paces.encode) + 5,
            lambda: gathered.is_ready and self.trials.is_encoded,
            self.trials.encode,
        )

    def _headline(self) -> Iterator[Part]:
        if self.only not in (None, "headline"):
            yield from (self.training(arm, 0) for arm in HEADLINE)
            return
        config, paces = self.config, self.paces
        for seed in range(config.seeds):
            for arm in HEADLINE:
                yield self.training(arm, seed)
            for told in (BASE, *HEADLINE, SHIPPED):
                yield self._sounds(told, seed, self.measures.split)
        clips = 2 * config.clips * config.seeds
        yield Part(
            "real sounds",
            clips * (2 * paces.render + paces.encode + paces.sample / 3),
            lambda: self._has("real"),
            self._real,
        )
        yield Part(
            "hearing by the " + self.measures.judge,
            clips * (7 * paces.embed + 6 * paces.hear),
            lambda: self._has("heard"),
            self._hear,
        )
        yield Part(
            "tables of the headline",
            TABLES,
            lambda: self.has_headline and self._is_of("headline", self._headline_takes()),
            self._headline_tables,
        )

    def training(self, arm: Arm, seed: int) -> Part:
        """One training of an arm."""
        seconds = self.config.plan.steps * self.paces.step + 3
        if arm.name == BATON and seed == 0:
            clips = 2 * self.config.listen * (self.config.moments + 1)
            seconds += clips * WATCHED * self.paces.sample
        return Part(
            f"{arm.name}, training {seed}",
            seconds,
            lambda: self.gathered.is_ready and self.trials.adapter(arm, seed) is not None,
            lambda: self.trials.train(arm, seed),
        )

    def _sounds(self, arm: Arm | str, number: int, split: Split) -> Part:
        told = arm if isinstance(arm, str) else arm.name
        return Part(
            f"{told}, sounds {number} on {split}",
            2 * self.config.clips * self.paces.sample + 2,
            lambda: self.gathered.is_ready and self.measures.has_take(arm, number, split),
            lambda: [self.measures.take(arm, n, number, split=split) for n in (TWO, THREE)],
        )

    def _real(self) -> None:
        for number in range(self.config.seeds):
            for name in (TWO, THREE):
                for arm in (REAL, CODEC, REFERENCE):
                    self.measures.take(arm, name, number)
        self._note("real")

    def _hear(self) -> None:
        wanted = final_takes(self.measures, HEADLINE, self.config.seeds)
        if self.measures.judge == TEST_JUDGE:
            self.measures.open_judge(wanted, self.reason)
        for take in wanted:
            self.measures.verdicts(take)
            self.measures.vectors(take)
        self._note("heard")

    @property
    def has_headline(self) -> bool:
        """Whether all sounds of the headline are there and were heard."""
        return self._has("heard")

    def _headline_takes(self) -> list[str]:
        """What the headline's tables are made of."""
        wanted = final_takes(self.measures, HEADLINE, self.config.seeds)
        return [take.path.stem for take in wanted]

    def _headline_tables(self) -> None:
        told = headline(self.measures, self.config.seeds)
        self._write("headline", told, self._headline_takes())

    def _has(self, name: str) -> bool:
        """Whether this was noted, of these very settings."""
        path = self.results / f"{name}.json"
        return path.exists() and json.loads(path.read_text()) == self._identity()

    def _note(self, name: str) -> None:
        write_json(self.results / f"{name}.json", self._identity())

    def _identity(self) -> Plain:
        """What decides the sounds of the headline."""
        folders = (
            [
                self.trials.folder(arm, seed).name
                for arm in HEADLINE
                for seed in range(self.config.seeds)
            ]
            if self.gathered.is_ready
            else []
        )
        told = {"trainings": folders, "clips": self.config.clips}
        return {**told, "shipped rank": self.config.shipped_rank, **self.shop.sampling}

    def _held_out(self) -> Iterator[Part]:
        paces, clips = self.paces, 2 * self.config.clips
        kinds = reward_kinds(tuple(arm.head for arm in self.arms))
        names = [kind.name for kind in kinds] + [f"guidance {self.config.candidate_guidance}"]
        yield Part(
            "labels and rewards of held-out sounds",
            clips * (2 * paces.hear + paces.embed + paces.sample) + 10 * len(kinds),
            lambda: self._is_of("held_out", names),
            lambda: self._write("held_out", held_out(self.measures, self.gathered, kinds), names),
        )

    def _ablations(self) -> Iterator[Part]:
        if self.only == "headline":
            return
        for arm in (BASE, *HEADLINE):
            yield self._sounds(arm, 0, "dev")
        for arm in self.arms:
            yield self.training(arm, 0)
            yield self._sounds(arm, 0, "dev")
        seconds = 20.0 + len(self.arms) * (4 + 4 * self.config.clips * self.paces.embed)
        yield Part(
            "tables of one seed",
            seconds,
            lambda: self._is_of("ablations", self._done()),
            self._ablate,
            closes=True,
        )

    def _done(self) -> list[str]:
        """The arms of one seed that were trained and heard."""
        if not self.gathered.is_ready:
            return []
        return [
            arm.name
            for arm in (*HEADLINE, *arms_of(self.config))
            if self.measures.has_take(arm, 0, "dev")
        ]

    def _ablate(self) -> None:
        done = self._done()
        if not {arm.name for arm in HEADLINE} <= set(done):
            return
        told = ablation_rows(self.measures, [a for a in arms_of(self.config) if a.name in done])
        self._write("trends", trends(told, self.config), done)
        self._write("ablations", {k: v for k, v in told.items() if k != "clap"}, done)

    def _write(self, name: str, value: Any, made_of: list[str]) -> None:
        write_json(self.results / f"{name}.json", {"made of": made_of, "found": rounded(value)})

    def _is_of(self, name: str, made_of: list[str]) -> bool:
        """Whether a table is there and made of this."""
        path = self.results / f"{name}.json"
        return path.exists() and json.loads(path.read_text())["made of"] == made_of

    def found(self) -> Plain:
        """Everything that was found so far, for the page; no headline of other settings' sounds."""
        told: Plain = {}
        for name in TABLE_NAMES:
            path = self.results / f"{name}.json"
            told[name] = json.loads(path.read_text())["found"] if path.exists() else None
        if not (self.has_headline and self._is_of("headline", self._headline_takes())):
            told["headline"] = None
        if self.gathered.is_ready:
            told["labels"] = labels_table(self.gathered)
            told["rows"] = json.loads((self.gathered.folder / "ready.json").read_text())
            told["epochs"] = epochs(self.trials)
        return told


def probed(shop: Workshop) -> Paces:
    """What this machine needs for one of each, by doing a few."""
    config = shop.config
    scenes = pretraining_scenes(BATCH, seed=config.seed)
    rows, pairs = pretraining_rows(scenes)
    render, sounds = _timed(lambda: list(pairs), BATCH)
    jobs = jobs_of(
        [replace(s, seconds=config.seconds or s.seconds) for s in scenes], 0, **shop.sampling
    )
    base, trainer, ear, clap = shop.base, shop.trainer, shop.annotator, shop.evaluation_clap
    made, _ = _timed(lambda: list(sample(base, jobs, BATCH, None, None)), BATCH)
    clips = [sound for _, sound in sounds]
    embed, _ = _timed(lambda: clap.embed_audio(clips, SAMPLE_RATE), BATCH)
    hear, _ = _timed(lambda: ear.hear_all(clips, SAMPLE_RATE), BATCH)
    encode, latents = _timed(lambda: list(encoded(trainer, sounds)), BATCH)
    with tempfile.TemporaryDirectory() as folder:
        said = [(row.caption, row.seconds) for row in rows]
        cache = write_cache(Path(folder) / "cache.safetensors", trainer, latents, said)
        # Every fourth sound of D_data has weight 0, of which no pass is made.
        data = [
            replace(row, origin="human", weight=float(n % 4 > 0))
            for n, row in enumerate(rows)
            if row.caption
        ]
        plan = replace(config.plan, steps=PROBED_STEPS, save_every=PROBED_STEPS)
        told: list[float] = []
        finetune(shop.trainer, data + rows, cache, plan, Path(folder) / "run",
                 on_step=lambda step: told.append(step.seconds))  # fmt: skip
    step = float(np.median(told[1:]))
    return Paces(sample=made, step=step, hear=hear, embed=embed, encode=encode, render=render)


def _timed(what: Callable[[], Any], count: int) -> tuple[float, Any]:
    """Seconds for one of so many, and what came of it."""
    started = time.perf_counter()
    found = what()
    return (time.perf_counter() - started) / count, found
