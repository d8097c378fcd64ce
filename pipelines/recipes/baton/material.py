"""What BATON learns from: captions, five candidates of each, labels of half, rewards of the rest."""

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipelines.finetune.data import PRETRAIN, Row, check_rows
from pipelines.finetune.latents import clip_hash, is_silent
from pipelines.recipes.baton import takes
from pipelines.recipes.baton.asking import Asked, asked_captions
from pipelines.recipes.baton.pretraining import key_of, pretraining_rows, pretraining_scenes
from pipelines.recipes.baton.rows import Sound, data_rows, supervised_rows
from pipelines.recipes.baton.study import HEADLINE, INTEGRITY, TEMPORAL, Arm, HeadKind
from pipelines.recipes.baton.text import stretched, t5_of
from pipelines.recipes.baton.workshop import Workshop
from pipelines.records import Prompt, Settings, digest
from pipelines.reward.embeddings import (
    Encoder,
    embed_clips,
    embed_texts,
    kept_in,
    side_by_side,
    text_of,
)
from pipelines.reward.head import HeadConfig, RewardHead, our_shape
from pipelines.reward.labels import Example, Material
from pipelines.reward.saved import Ground, load_head, save_head
from pipelines.reward.stretches import Stretched
from pipelines.reward.training import OURS, Vectors, train
from pipelines.seeds import fork
from pipelines.soundworld.labels import annotate
from pipelines.soundworld.scenes import Scene, render_scene
from pipelines.splits import split_of

TOGETHER = 40  # prompts whose candidates lie in one file
HEARD = 16
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Candidate(Sound):
    """One sound of D_data, with what it was asked for."""

    asked: Asked


@dataclass(frozen=True)
class Gathered:
    """The material of a study; each part is made when it is first asked for, and kept on disk."""

    shop: Workshop

    @property
    def folder(self) -> Path:
        """Of labels, embeddings, reward models and latents."""
        return self.shop.root / f"material-{self.shop.config.data_identity[:8]}"

    @cached_property
    def asked(self) -> list[Asked]:
        """The captions."""
        return asked_captions(self.shop.config)

    def jobs(self, part: int) -> list[tuple[Prompt, Settings]]:
        """What is asked of the base for one file of candidates."""
        config, base = self.shop.config, self.shop.base
        steps = self.shop.sampling["steps"]
        guidance = config.candidate_guidance or base.default_guidance
        return [
            (
                Prompt(text=one.text, seconds=one.seconds),
                Settings(
                    seed=fork(config.seed, "candidate", one.text, n), steps=steps, guidance=guidance
                ),
            )
            for one in self.asked[part * TOGETHER : (part + 1) * TOGETHER]
            for n in range(config.candidates)
        ]

    @property
    def parts(self) -> int:
        """Files of candidates."""
        return -(-len(self.asked) // TOGETHER)

    def part_path(self, part: int) -> Path:
        """Where a file of candidates lies, or will."""
        return takes.place_of(self.shop.takes, self.shop.base, None, self.jobs(part))

    def make_part(self, part: int) -> Path:
        """Generate one file of candidates, unless it is there."""
        return takes.make(self.part_path(part), self.shop.base, self.jobs(part), with_latents=True)

    def has_part(self, part: int) -> bool:
        """Whether it is there."""
        return takes.is_made(self.part_path(part), with_latents=True)

    def own_latents(self) -> Iterator[tuple[str, Tensor]]:
        """What the candidates were decoded from, by key, [T, C]: nothing is encoded again.

        A sound that goes through the autoencoder twice has lost some of its attacks, and a model
        that learns from it loses them too.
        """
        for part in range(self.parts):
            own = {place: key for key, (other, place) in self.places.items() if other == part}
            if own:
                held = takes.read_latents(self.make_part(part))
                yield from ((key, held[place]) for place, key in own.items())

    @cached_property
    def places(self) -> dict[str, tuple[int, int]]:
        """By key, where each candidate that is not silent lies: its file, and its place in it."""
        path = self.folder / "candidates.json"
        if not path.exists():
            found: dict[str, tuple[int, int]] = {}
            for part in range(self.parts):
                for n, sound in enumerate(takes.read(self.make_part(part))):
                    if not is_silent(sound):
                        found.setdefault(clip_hash(sound, self.shop.base.sample_rate), (part, n))
            write_json(path, found)
        return {key: tuple(place) for key, place in json.loads(path.read_text()).items()}

    @cached_property
    def candidates(self) -> list[Candidate]:
        """All of them, with their captions."""
        config, found = self.shop.config, []
        for key, (part, n) in self.places.items():
            asked = self.asked[part * TOGETHER + n // config.candidates]
            found.append(Candidate(key=key, caption=asked.text, seconds=asked.seconds, asked=asked))
        return found

    def sound(self, key: str) -> np.ndarray:
        """The sound of a row of D_data or of D_pretrain, float32 [1, samples]."""
        if key in self.places:
            part, n = self.places[key]
            return self.read_part(part)[n]
        return render_scene(self.scene_of[key])

    def read_part(self, part: int) -> list[np.ndarray]:
        """One file of candidates; the one that was read last stays in memory."""
        if self._last.get("part") != part:
            self._last.update(part=part, sounds=takes.read(self.make_part(part)))
        return self._last["sounds"]

    @cached_property
    def _last(self) -> dict[str, Any]:
        return {}

    @cached_property
    def labels(self) -> dict[str, int | None]:
        """Of the labelled half, by key: 1 aligned, 0 not, None uncertain; a simulated listener's."""
        path = self.folder / "labels.json"
        if not path.exists():
            found: dict[str, int | None] = {}
            for task in (INTEGRITY, TEMPORAL):
                mine = [c for c in self.candidates if c.asked.is_labelled and c.asked.task == task]
                hearings = []
                for start in range(0, len(mine), HEARD):
                    sounds = [self.sound(c.key) for c in mine[start : start + HEARD]]
                    hearings += self.shop.annotator.hear_all(sounds, self.shop.base.sample_rate)
                given = annotate(
                    hearings, [c.caption for c in mine], task=task, seed=self.shop.config.seed
                )
                found |= {c.key: label.value for c, label in zip(mine, given, strict=True)}
            write_json(path, found)
        return json.loads(path.read_text())

    @cached_property
    def clap(self) -> Stretched:
        """The reward CLAP in stretches; its vectors open with those of the whole."""
        return stretched(self.shop.reward_clap)

    def text_encoder(self, kind: HeadKind) -> Encoder:
        """CLAP's text, the generator's T5, or both."""
        clap = text_of(self.clap if kind.in_stretches else self.shop.reward_clap)
        if kind.text == "clap":
            return clap
        t5 = t5_of(self.shop.trainer)
        return t5 if kind.text == "t5" else side_by_side(clap, t5)

    @cached_property
    def heard(self) -> Mapping[str, np.ndarray]:
        """The reward CLAP's vectors of all candidates, in stretches."""
        clap, rate = self.clap, self.shop.base.sample_rate
        kept = kept_in(self.folder, "audio", f"clap {clap.revision}")
        clips = {key: (lambda key=key: (self.sound(key), rate)) for key in self.places}
        embed_clips(kept, clips, clap)
        return kept

    def heard_by(
        self, kind: HeadKind, vectors: Mapping[str, np.ndarray]
    ) -> Mapping[str, np.ndarray]:
        """As much of vectors in stretches as a kind of head hears."""
        if kind.in_stretches:
            return vectors
        return {key: own[: self.clap.layout.size] for key, own in vectors.items()}

    def read_texts(self, kind: HeadKind, texts: list[str]) -> Mapping[str, np.ndarray]:
        """The vectors of texts."""
        encoder = self.text_encoder(kind)
        kept = kept_in(self.folder, "text", encoder.name)
        embed_texts(kept, texts, encoder)
        return kept

    def head(self, kind: HeadKind) -> RewardHead:
        """The reward model that is trained on the labels, one for both tasks."""
        folder = self.folder / f"reward-{digest(kind.name)[:8]}"
        encoder = self.text_encoder(kind)
        clap = self.clap if kind.in_stretches else self.shop.reward_clap
        audio = f"clap {clap.revision}"
        if not (folder / "reward.json").exists():
            self._train_head(kind, folder, audio, encoder.name)
        return load_head(folder, audio=audio, text=encoder.name)[0]

    def _train_head(self, kind: HeadKind, folder: Path, audio: str, text: str) -> None:
        examples = self.examples
        texts = self.read_texts(kind, [e.prompt for e in examples])
        heard = self.heard_by(kind, self.heard)
        sizes = (len(next(iter(texts.values()))), len(next(iter(heard.values()))))
        shape = our_shape(*sizes, self.clap.layout if kind.in_stretches else None)
        if not kind.starts_as_clap:
            shape = HeadConfig(text_size=sizes[0], audio_size=sizes[1], standardised=True)
        held = [e for e in examples if split_of(e.group) == "dev"]
        found = train(
            Material(examples=[e for e in examples if split_of(e.group) != "dev"] or held),
            Material(examples=held),
            Vectors(texts=texts, clips=heard),
            shape,
            replace(OURS, loss=kind.loss),
            seed=self.shop.config.seed,
        )
        told = {"labels": len(examples), "early stopping": len(held), "kept epoch": found.kept}
        ground = Ground(
            audio=audio, text=text, task="integrity and temporal", simulated=True, trained_on=told
        )
        save_head(found.head, ground, folder)

    @property
    def examples(self) -> list[Example]:
        """The sounds of whose labels the listener was sure."""
        return [
            Example(prompt=c.caption, clip=c.key, target=float(self.labels[c.key]), raters=1,
                    task=c.asked.task, group=c.asked.group)
            for c in self.candidates
            if self.labels.get(c.key) is not None
        ]  # fmt: skip

    def rewards(self, kind: HeadKind, texts: list[str], clips: np.ndarray) -> np.ndarray:
        """What a reward model says of sounds: float [clips], of their vectors in stretches."""
        vectors = self.read_texts(kind, texts)
        text = torch.from_numpy(np.stack([vectors[one] for one in texts]))
        if not kind.in_stretches:
            clips = clips[:, : self.clap.layout.size]
        return self.head(kind).reward(text, torch.from_numpy(np.asarray(clips))).numpy()

    def rows(self, arm: Arm) -> list[Row]:
        """What an arm trains on; D_pretrain is the same for all."""
        if arm.name not in self._rows:
            self._rows[arm.name] = self._rows_of(arm)
        return self._rows[arm.name]

    @cached_property
    def _rows(self) -> dict[str, list[Row]]:
        return {}

    def _rows_of(self, arm: Arm) -> list[Row]:
        if arm.is_control:
            return self.control_rows + self.pretraining_rows
        labelled = {key: float(value) for key, value in self.labels.items() if value is not None}
        scored: dict[str, float] = {}
        others = [c for c in self.candidates if not c.asked.is_labelled]
        if arm.uses_reward:
            vectors = np.stack([self.heard[c.key] for c in others])
            found = self.rewards(arm.head, [c.caption for c in others], vectors)
            scored = {c.key: float(r) for c, r in zip(others, found, strict=True)}
        rows = data_rows(labelled if arm.uses_human else {}, scored, self.candidates)
        if not arm.has_feedback:
            rows = [replace(row, weight=1.0) for row in rows]
        return rows + self.pretraining_rows

    @cached_property
    def pretraining_rows(self) -> list[Row]:
        """D_pretrain."""
        return pretraining_rows(self.scenes)[0]

    @cached_property
    def scenes(self) -> list[Scene]:
        """Of D_pretrain."""
        config = self.shop.config
        return pretraining_scenes(config.pretraining, seed=config.seed)

    @cached_property
    def control_scenes(self) -> list[Scene]:
        """Of the base's own data, as many as BATON has sounds of D_data: gone through as often."""
        count = sum(row.origin != PRETRAIN for row in self.rows(HEADLINE[0]))
        return pretraining_scenes(count, seed=self.shop.config.seed)

    @cached_property
    def control_rows(self) -> list[Row]:
        """What the control has in the place of D_data: all with captions, each counting 1."""
        return supervised_rows(
            [
                Sound(key=key_of(scene), caption=scene.noisy_caption, seconds=scene.seconds)
                for scene in self.control_scenes
            ]
        )

    @cached_property
    def scene_of(self) -> dict[str, Scene]:
        """The scenes of D_pretrain and of the control by key."""
        return {key_of(scene): scene for scene in (*self.scenes, *self.control_scenes)}

    @property
    def is_ready(self) -> bool:
        """Whether labels and rewards of the headline are there."""
        return (self.folder / "ready.json").exists()

    def finish(self) -> None:
        """Label, embed, train the reward model; count what came of it."""
        told = check_rows(self.rows(HEADLINE[0]))
        write_json(self.folder / "ready.json", asdict(told))

    @property
    def cache(self) -> Path:
        """Latents and text states of all that any arm trains on."""
        return self.folder / "cache.safetensors"

    @property
    def all_rows(self) -> list[Row]:
        """Every candidate and every scene, to encode them once for all arms."""
        rows = data_rows({c.key: 1.0 for c in self.candidates}, {}, self.candidates)
        return rows + self.control_rows + self.pretraining_rows


def write_json(path: Path, value: object) -> None:
    """Keep plain values; the file is whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")
    part.replace(path)
