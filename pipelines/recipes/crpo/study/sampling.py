"""The tables that need no training: best of N, guidance, Euler against Heun, control of duration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.compare.crossed import crossed_mean
from pipelines.compare.probabilities import softmax
from pipelines.finetune.adapter_files import read_card
from pipelines.finetune.latents import SILENT_PEAK
from pipelines.generate.backend import Backend
from pipelines.recipes.baton import takes
from pipelines.recipes.baton.measures import ANNOTATOR, Grid, Measures, Take
from pipelines.recipes.baton.sets import Measured, jobs_of
from pipelines.recipes.baton.study import REFERENCE, THREE, TWO
from pipelines.recipes.baton.tables import Heard
from pipelines.recipes.crpo.study.design import CrpoStudy
from pipelines.recipes.crpo.study.listening import scored
from pipelines.recipes.crpo.study.tables import clap_gain, figures_of
from pipelines.records import Prompt, Settings
from pipelines.reward.scorers import Scorer
from pipelines.seeds import fork
from pipelines.soundworld.scenes import Scene, draw_scene, render_scene
from pipelines.soundworld.synthesis import SAMPLE_RATE

FRAME = 0.02  # seconds: what sounds is looked for in pieces of this length
NEAR = 0.5  # seconds: so near to the asked length a sound adheres to it
FIRST_TIMED = 85_000_000  # seeds of the scenes of asked lengths; nothing else draws them
Plain = dict[str, Any]
Parts = dict[str, Heard]  # by set


@dataclass(frozen=True)
class Sampler:
    """A model that answers a few dev prompts of each set in different ways.

    Args:
        measures: keeps what is heard.
        study: how many prompts.
        adapter: of the model; None: the base.
        name: of the model.
    """

    measures: Measures
    study: CrpoStudy
    adapter: Path | None
    name: str

    @property
    def model(self) -> Backend:
        """As it samples."""
        return self.measures.shop.model(self.adapter, self.name)

    def take(self, on: Measured, jobs: takes.Jobs) -> Take:
        """The sounds of jobs, made if they are not there."""
        shop = self.measures.shop
        worn = None if self.adapter is None else read_card(self.adapter).hash
        path = takes.place_of(shop.takes, shop.base, worn, jobs)
        if not path.exists():
            takes.make(path, self.model, jobs)
        return Take(self.name, on, 0, path)

    def places(self, name: str) -> np.ndarray:
        """Which prompts of a set are drawn: evenly, so that every kind is among them."""
        count = len(self.measures.shop.sets["dev"][name].scenes)
        return np.linspace(0, count - 1, self.study.drawn).round().astype(int)

    def few(self, name: str) -> list[Scene]:
        """The scenes of those prompts."""
        scenes = self.measures.shop.sets["dev"][name].scenes
        return [scenes[i] for i in self.places(name)]

    def beside(self, name: str, grid: Grid) -> Heard:
        """What was measured of these prompts, beside what really sounds there."""
        measures, places = self.measures, self.places(name)
        take = measures.take(REFERENCE, name, 0, split="dev")
        real = measures.vectors(take)
        return Heard(
            grid=grid,
            groups=take.on.groups[places],
            reference=real.astype(np.float64),
            chances=softmax(measures.logits(grid.vectors).astype(np.float64)),
            true_chances=softmax(measures.logits(real[places][:, None]).astype(np.float64)),
        )

    def answered(self, changes: Mapping[str, Any]) -> Parts:
        """What comes of settings that differ so from those of all that is measured."""
        found = {}
        for name in (TWO, THREE):
            scenes = self.few(name)
            asked = jobs_of(scenes, 0, **self.measures.shop.sampling)
            jobs = [(prompt, replace(settings, **changes)) for prompt, settings in asked]
            take = self.take(Measured(name, scenes), jobs)
            found[name] = self.beside(name, self.measures.grid_of([take], ANNOTATOR))
        return found


def best_of(sampler: Sampler, scorers: Mapping[str, Scorer]) -> Plain:
    """Table 5: of N sounds the one that a reward puts first, for growing N and each reward."""
    most = max(sampler.study.best_of)
    parts: dict[str, Parts] = {}
    for name in (TWO, THREE):
        grid, rewards = _many(sampler, name, most, scorers)
        for reward, given in rewards.items():
            for n in sampler.study.best_of:
                at = given[:, :n].argmax(1)[:, None]
                picked = Grid(
                    integrity=np.take_along_axis(grid.integrity, at, 1),
                    order=np.take_along_axis(grid.order, at, 1),
                    vectors=np.take_along_axis(grid.vectors, at[..., None], 1),
                    clap=np.take_along_axis(grid.clap, at, 1),
                )
                parts.setdefault(f"{reward}, N = {n}", {})[name] = sampler.beside(name, picked)
    return _told(parts)


def _many(
    sampler: Sampler, name: str, most: int, scorers: Mapping[str, Scorer]
) -> tuple[Grid, dict[str, np.ndarray]]:
    """Many sounds of each prompt as one grid [prompts, sounds], and their rewards."""
    scenes, shop = sampler.few(name), sampler.measures.shop
    jobs = [
        (prompt, replace(settings, seed=fork(0, "best of", prompt.id, n)))
        for prompt, settings in jobs_of(scenes, 0, **shop.sampling)
        for n in range(most)
    ]
    every = Measured(name, [scene for scene in scenes for _ in range(most)])
    take = sampler.take(every, jobs)
    flat = sampler.measures.grid_of([take], ANNOTATOR)
    shape = (len(scenes), most)
    grid = Grid(
        integrity=flat.integrity.reshape(shape),
        order=flat.order.reshape(shape),
        vectors=flat.vectors.reshape(*shape, -1),
        clap=flat.clap.reshape(shape),
    )
    sounds = takes.read(take.path)
    rewards = {r: scored(one, sounds, every.captions).reshape(shape) for r, one in scorers.items()}
    return grid, rewards


def guidances(sampler: Sampler) -> Plain:
    """Table 6: the same noise at different strengths of guidance."""
    return _told({f"{g:g}": sampler.answered({"guidance": g}) for g in sampler.study.guidances})


def solvers(sampler: Sampler) -> Plain:
    """Table 7: as many evaluations of the denoiser by Euler's steps as by Heun's."""
    parts = {}
    for count in sampler.study.evaluations:
        parts[f"euler, {count}"] = sampler.answered({"sampler": "euler", "steps": count})
        # Each of Heun's steps takes two, but for the last.
        steps = {"sampler": "heun", "steps": (count + 1) // 2}
        parts[f"heun, {count}"] = sampler.answered(steps)
    return _told(parts)


def _told(parts: Mapping[str, Parts]) -> Plain:
    first = next(iter(parts.values()))
    return {
        "rows": {label: figures_of(by) for label, by in parts.items()},
        "clap": {
            label: {
                other: clap_gain(by, theirs) for other, theirs in parts.items() if other != label
            }
            for label, by in parts.items()
        },
        "prompts": {name: len(one.groups) for name, one in first.items()},
    }


def durations(sampler: Sampler) -> Plain:
    """A.8, Figure 5: how long the sound is that comes, by how long it was asked for; and real ones."""
    rows = []
    for asked in sampler.study.durations:
        scenes = timed_scenes(asked, sampler.study.timed)
        sampling = sampler.measures.shop.sampling
        jobs = [
            (Prompt(text=s.caption, seconds=asked),
             Settings(seed=fork(0, "timed", s.seed), **sampling))
            for s in scenes
        ]  # fmt: skip
        made = takes.read(sampler.take(Measured("timed", scenes), jobs).path)
        ours = np.array([ends_at(sound) for sound in made])
        real = np.array([ends_at(render_scene(scene)) for scene in scenes])
        rows.append({
            "asked": asked, "sounds": len(scenes),
            "made": spread_of(ours), "real": spread_of(real),
            "adhere": crossed_mean((ours >= asked - NEAR)[:, None].astype(float)).plain,
            "real adhere": crossed_mean((real >= asked - NEAR)[:, None].astype(float)).plain,
        })  # fmt: skip
    return {"rows": rows, "near": NEAR}


def timed_scenes(seconds: float, count: int) -> list[Scene]:
    """Dev scenes of one event of this length, with different captions where there are enough."""
    first = FIRST_TIMED + round(1000 * seconds)
    return [
        draw_scene(first + 100_000 * n, split="dev", kind="one", seconds=seconds)
        for n in range(count)
    ]


def ends_at(sound: np.ndarray) -> float:
    """Seconds from the start to the last piece of 20 ms that rises above -60 dBFS.

    Args:
        sound: float32 [1, samples].
    """
    size = int(FRAME * SAMPLE_RATE)
    loud = np.abs(sound[0])
    pieces = np.pad(loud, (0, -len(loud) % size)).reshape(-1, size).max(1) >= SILENT_PEAK
    return float(
        min(len(loud), size * (1 + int(pieces.nonzero()[0].max(initial=-1)))) / SAMPLE_RATE
    )


def spread_of(values: Sequence[float] | np.ndarray) -> Plain:
    """Mean and quartiles in seconds."""
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
    return {"mean": float(np.mean(values)), "low": float(low), "median": float(middle),
            "high": float(high)}  # fmt: skip
