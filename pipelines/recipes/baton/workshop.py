"""Everything that a study needs at hand: its root folder, and models that are loaded when first used."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from pipelines.clap import load as load_clap
from pipelines.clap.interface import TextAudioEmbedder
from pipelines.generate.backend import Backend
from pipelines.generate.checkpoints import load
from pipelines.recipes.adapted import adapted
from pipelines.recipes.baton.sets import Measured, Split, drawn_sets
from pipelines.recipes.baton.study import MODEL, StudyConfig
from pipelines.soundworld import listeners
from pipelines.soundworld.listeners import Listener


@dataclass(frozen=True)
class Workshop:
    """One study under one root; everything in it is named by what made it."""

    root: Path
    config: StudyConfig

    @cached_property
    def base(self) -> Backend:
        """The base, as it samples."""
        return load(MODEL)

    @cached_property
    def trainer(self) -> Backend:
        """The base in float32, to train on."""
        return load(MODEL, dtype=torch.float32)

    @cached_property
    def reward_clap(self) -> TextAudioEmbedder:
        """Hears for the reward model, and for nothing else."""
        return load_clap("reward")

    @cached_property
    def evaluation_clap(self) -> TextAudioEmbedder:
        """Hears for the figures, and never for the reward model."""
        return load_clap("evaluation")

    @cached_property
    def annotator(self) -> Listener:
        """The simulated listener that labels, and judges on dev."""
        return listeners.load("annotator")

    @cached_property
    def sets(self) -> dict[Split, dict[str, Measured]]:
        """The prompts that are measured, by split."""
        return {split: drawn_sets(split, self.config) for split in ("dev", "test")}

    def model(self, adapter: Path | None, name: str) -> Backend:
        """The base, or the base with an adapter, as it samples."""
        return self.base if adapter is None else adapted(self.base, MODEL, adapter, name=name)

    @property
    def sampling(self) -> dict[str, float | int]:
        """Steps and guidance of all that is measured."""
        config = self.config
        return {
            "steps": config.sampling_steps or self.base.default_steps,
            "guidance": config.guidance or self.base.default_guidance,
        }

    @property
    def takes(self) -> Path:
        """Where sounds lie."""
        return self.root / "sounds"
