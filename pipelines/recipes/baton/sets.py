"""The prompts that are measured: scenes of combinations that no training saw, with their real sounds."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from pipelines.errors import StudioError
from pipelines.recipes.baton.study import THREE, TWO, StudyConfig
from pipelines.records import Prompt, Settings
from pipelines.seeds import fork
from pipelines.soundworld.scenes import Scene, draw_scene

Split = Literal["dev", "test"]
FIRST = {"dev": 80_000_000, "test": 90_000_000}  # seeds that nothing else in this repository draws
KINDS = {TWO: ("two together", "two in order"), THREE: ("three in order",)}
PATIENCE = 100  # seeds looked at for each scene that is wanted


@dataclass(frozen=True)
class Measured:
    """One set: scenes whose clean captions are the prompts."""

    name: str
    scenes: list[Scene]

    @property
    def captions(self) -> list[str]:
        """The prompts."""
        return [scene.caption for scene in self.scenes]

    @property
    def groups(self) -> np.ndarray:
        """Which events each prompt asks for, whatever their order: prompts of a group are alike."""
        return np.array(
            [" + ".join(sorted(e.label for e in scene.events)) for scene in self.scenes]
        )


def drawn_sets(split: Split, config: StudyConfig) -> dict[str, Measured]:
    """Both sets of a split; no caption stands twice. Two events: half together, half in order.

    Raises:
        StudioError: more prompts were asked for than different captions were found.
    """
    found = {}
    for n, (name, kinds) in enumerate(KINDS.items()):
        scenes = []
        for k, kind in enumerate(kinds):
            first = FIRST[split] + 1_000_000 * n + 100_000 * k
            scenes += _drawn(
                split, kind, config.clips // len(kinds), first, {s.caption for s in scenes}
            )
        found[name] = Measured(name, scenes)
    return found


def _drawn(split: Split, kind: str, count: int, first: int, met: set[str]) -> list[Scene]:
    scenes = []
    for seed in range(first, first + PATIENCE * count):
        scene = draw_scene(seed, split=split, kind=kind)
        if scene.caption not in met:
            met.add(scene.caption)
            scenes.append(scene)
        if len(scenes) == count:
            return scenes
    raise StudioError(
        f"{count} prompts of {kind} were asked for and {len(scenes)} different ones were found on "
        f"{split}; ask for fewer."
    )


def jobs_of(
    scenes: list[Scene], noise: int, *, steps: int, guidance: float
) -> list[tuple[Prompt, Settings]]:
    """What every arm is asked: the scene's caption and length, from noise that all arms share.

    Args:
        scenes: what is asked for.
        noise: which of the noise seeds; the trainings of this number are measured on it.
        steps, guidance: alike for all arms.
    """
    return [
        (
            Prompt(text=scene.caption, seconds=scene.seconds),
            Settings(seed=fork(noise, "study noise", scene.seed), steps=steps, guidance=guidance),
        )
        for scene in scenes
    ]


def again(scenes: list[Scene], number: int) -> list[Scene]:
    """The same events at the same times, rendered anew: other barks of another dog."""
    return [replace(scene, seed=fork(number, "rendered anew", scene.seed)) for scene in scenes]
