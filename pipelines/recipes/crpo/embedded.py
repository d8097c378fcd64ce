"""What CRPO needs on the embedded model: prompts of the world, the reward, and ears for each iteration."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from pipelines.clap import load as load_clap
from pipelines.clap.interface import TextAudioEmbedder
from pipelines.errors import StudioError
from pipelines.generate.backend import Backend
from pipelines.generate.checkpoints import load
from pipelines.recipes.baton.asking import asked_captions
from pipelines.recipes.baton.study import INTEGRITY, StudyConfig
from pipelines.recipes.baton.text import scorer_of
from pipelines.records import Prompt
from pipelines.reward.saved import load_head
from pipelines.reward.scorers import ClapScorer, MixedScorer, Scorer
from pipelines.seeds import fork
from pipelines.soundworld.scenes import draw_scene

MODEL = "embedded"
# Of the bank: what the base fails at most comes most. One event alone leaves nothing to rank but sound.
KINDS = {"three in order": 0.5, "two together": 0.25, "two in order": 0.25}
PATIENCE = 100  # scenes looked at for each prompt that is wanted


class Ears:
    """Models that are loaded when first used.

    Args:
        device: of this process; None: the first there is.
    """

    def __init__(self, device: torch.device | None = None) -> None:
        self.device = device

    @cached_property
    def trainer(self) -> Backend:
        """The base in float32, to train on."""
        return load(MODEL, device=self.device, dtype=torch.float32)

    @cached_property
    def sampler(self) -> Backend:
        """The base as it samples."""
        return load(MODEL, device=self.device)

    @cached_property
    def reward_clap(self) -> TextAudioEmbedder:
        """Hears for the reward, and for nothing else."""
        return load_clap("reward")

    @cached_property
    def evaluation_clap(self) -> TextAudioEmbedder:
        """Hears for the figures, and never for the reward."""
        return load_clap("evaluation")

    def reward(self, folder: Path | None, weight: float) -> Scorer:
        """CLAP, a trained reward model, or both.

        Args:
            folder: of the reward model; None: CLAP alone.
            weight: of the reward model, 0 to 1; the rest is CLAP's.

        Raises:
            StudioError: a reward model of other encoders.
        """
        clap = ClapScorer(self.reward_clap)
        if folder is None:
            return clap
        head, ground = load_head(folder)
        learnt = scorer_of(head, ground, self.reward_clap, lambda: self.trainer)
        return learnt if weight == 1 else MixedScorer(clap, learnt, weight=weight)


class Cosine:
    """The cosine of sound and prompt under one CLAP, to watch the iterations by."""

    name = trained_on = "cosine"

    def __init__(self, clap: TextAudioEmbedder) -> None:
        self.clap, self.revision = clap, clap.revision

    def score(
        self, clips: Sequence[np.ndarray], sample_rate: int, texts: Sequence[str]
    ) -> np.ndarray:
        """Cosines, float32 [clips]."""
        return (self.clap.embed_audio(clips, sample_rate) * self.clap.embed_text(texts)).sum(1)


def prompts_of(split: str, count: int, *, seed: int) -> list[Prompt]:
    """Different captions of a split with the lengths of their scenes, kinds by their shares.

    Args:
        split: train for the bank, dev to hear the iterations by.
        count: how many.
        seed: names the draw.

    Raises:
        StudioError: fewer different captions were found.
    """
    found: dict[str, Prompt] = {}
    left = count
    for place, (kind, share) in enumerate(KINDS.items()):
        wanted = left if place == len(KINDS) - 1 else min(left, round(share * count))
        left -= wanted
        end = len(found) + wanted
        for n in range(PATIENCE * wanted):
            if len(found) == end:
                break
            scene = draw_scene(fork(seed, "crpo prompts", split, kind, n), split=split, kind=kind)
            found.setdefault(scene.caption, Prompt(text=scene.caption, seconds=scene.seconds))
        if len(found) < end:
            raise StudioError(
                f"Only {len(found)} different prompts of the {split} split were found, of {count}; "
                "ask for fewer."
            )
    return list(found.values())


def bank_of(count: int, *, seed: int) -> list[Prompt]:
    """Captions of the train split where the base fails, half of each of BATON's tasks.

    They are chosen as BATON's are (`pipelines.recipes.baton.asking`), from draws of their own.

    Args:
        count: how many.
        seed: names the draw.

    Raises:
        StudioError: fewer different captions were found.
    """
    each = -(-count // 2)
    asked = asked_captions(StudyConfig(prompts=-(-each // 2), seed=fork(seed, "crpo bank")))
    tasks = [
        [one for one in asked if (one.task == INTEGRITY) == wanted] for wanted in (True, False)
    ]
    if min(len(task) for task in tasks) < each:
        raise StudioError(
            f"Only {len(asked)} different captions where the base fails were found, of {count}; ask "
            "for fewer."
        )
    mixed = [one for pair in zip(*tasks, strict=False) for one in pair]
    return [Prompt(text=one.text, seconds=one.seconds) for one in mixed[:count]]
