"""The trainings of a study: each arm with each seed once, and what was heard while BATON trained."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from pipelines.clap.interface import TextAudioEmbedder
from pipelines.errors import StudioError
from pipelines.finetune.adapter_files import AdapterInfo, read_card
from pipelines.finetune.data import check_rows
from pipelines.finetune.latents import Cache, write_cache
from pipelines.finetune.shrinking import shrink_adapter
from pipelines.finetune.training import ADAPTER
from pipelines.recipes.baton.aligning import align, filled_cache
from pipelines.recipes.baton.material import Gathered
from pipelines.recipes.baton.study import BATON, HEADLINE, THREE, TWO, Arm
from pipelines.recipes.baton.workshop import Workshop
from pipelines.records import Prompt, digest


class Cosine:
    """The cosine of sound and prompt under one CLAP, to watch a training by."""

    name = trained_on = "cosine"

    def __init__(self, clap: TextAudioEmbedder) -> None:
        self.clap, self.revision = clap, clap.revision

    def score(self, clips: list[np.ndarray], sample_rate: int, texts: list[str]) -> np.ndarray:
        """Cosines, float32 [clips]."""
        return (self.clap.embed_audio(clips, sample_rate) * self.clap.embed_text(texts)).sum(1)


@dataclass(frozen=True)
class Trials:
    """All trainings over one material."""

    shop: Workshop
    gathered: Gathered

    def folder(self, arm: Arm, seed: int) -> Path:
        """Of one training: named by all that decides it."""
        plan = arm.plan(self.shop.config, seed)
        told = [plan.identity, check_rows(self.gathered.rows(arm)).digest, self.shop.base.revision]
        return self.shop.root / "trainings" / f"{arm.name}-{seed}-{digest(told)[:8]}"

    def adapter(self, arm: Arm, seed: int) -> Path | None:
        """The folder of the finished adapter, or None."""
        place = self.folder(arm, seed) / ADAPTER
        try:
            read_card(place)
        except StudioError:
            return None
        return place

    def shipped(self) -> Path | None:
        """The folder of the adapter that we ship; None before BATON's first training is done."""
        whole = self.adapter(HEADLINE[0], 0)
        if whole is None:
            return None
        own = read_card(whole).config
        rank = min(self.shop.config.shipped_rank, own.rank if own else 0)
        place = whole.with_name(f"{ADAPTER}-rank-{rank}")
        try:
            read_card(place)
        except StudioError:
            shrink_adapter(whole, place, rank=rank)
        return place

    def encode(self) -> None:
        """Latents and text states of everything that any arm needs; the candidates' are their own."""
        path, trainer = self.gathered.cache, self.shop.trainer
        write_cache(path, trainer, self.gathered.own_latents(), ())
        filled_cache(path, trainer, self.gathered.all_rows, self.gathered.sound)

    @property
    def is_encoded(self) -> bool:
        """Whether that is done."""
        path, rows = self.gathered.cache, self.gathered.all_rows
        if not path.exists():
            return False
        held = Cache(path, self.shop.base)
        said = {(row.caption, row.seconds) for row in rows}
        return all(row.key in held for row in rows) and said <= set(held.captions)

    @cached_property
    def heard(self) -> list[Prompt]:
        """Dev prompts that BATON's first training is heard on: those of two events, then of three."""
        count, sets = self.shop.config.listen, self.shop.sets["dev"]
        scenes = [scene for name in (TWO, THREE) for scene in _spread(sets[name].scenes, count)]
        return [Prompt(text=scene.caption, seconds=scene.seconds) for scene in scenes]

    def train(self, arm: Arm, seed: int) -> AdapterInfo | Path:
        """One training, or what is left of it."""
        plan = arm.plan(self.shop.config, seed)
        is_watched = arm.name == BATON and seed == 0
        return align(
            self.shop.trainer,
            self.gathered.rows(arm),
            self.gathered.sound,
            replace(plan, save_every=25),
            self.folder(arm, seed),
            cache=self.gathered.cache,
            listen=self.heard if is_watched else (),
            scorers={"clap": Cosine(self.shop.evaluation_clap)} if is_watched else None,
            sample_every=max(1, plan.steps // self.shop.config.moments),
        )


def _spread(rows: list, count: int) -> list:
    """So many rows, evenly over all of them, so that every kind of scene is among them."""
    places = np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int)
    return [rows[i] for i in places]
