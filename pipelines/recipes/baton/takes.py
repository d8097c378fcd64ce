"""Sounds on disk, named by what makes them: made once, whole or not at all, and then only read."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from pipelines.generate.backend import Backend
from pipelines.generate.sampling import run
from pipelines.records import Prompt, Settings, digest
from pipelines.soundworld.scenes import Scene, render_scene

BATCH = 16
LOUDEST = 32767  # sounds are kept as 16-bit integers
log = logging.getLogger(__name__)

Jobs = Sequence[tuple[Prompt, Settings]]


def place_of(folder: Path, base: Backend, adapter: str | None, jobs: Jobs) -> Path:
    """Where the sounds of these jobs lie, or will.

    Args:
        folder: of all sounds.
        base: the model, or the one that the adapter is merged into.
        adapter: its hash, or None.
        jobs: what is asked for.
    """
    own = base.samplers[0]  # where none is named, so that the same sounds have one place
    told = [
        [asdict(prompt), replace(settings, sampler=settings.sampler or own).plain()]
        for prompt, settings in jobs
    ]
    return folder / f"{digest([base.revision, adapter, base.dtype, told])}.npz"


def make(path: Path, backend: Backend, jobs: Jobs, *, with_latents: bool = False) -> Path:
    """Generate the sounds of jobs, unless they are there; with what they were decoded from, if asked."""
    if not is_made(path, with_latents=with_latents):
        log.info("%s makes %d sounds", backend.name, len(jobs))
        latents: list[Tensor] = []
        made = list(run(backend, jobs, BATCH, None, None, latents.append if with_latents else None))
        if with_latents:
            place = latents_of(path)
            place.parent.mkdir(parents=True, exist_ok=True)
            part = place.with_suffix(".part")
            save_file({"latents": torch.cat(latents).half().cpu()}, part)
            part.replace(place)
        write(path, [candidate.audio for candidate in made])
    return path


def is_made(path: Path, *, with_latents: bool = False) -> bool:
    """Whether a file of sounds is there, and their latents where they are wanted."""
    return path.exists() and (not with_latents or latents_of(path).exists())


def latents_of(path: Path) -> Path:
    """Where the latents [sounds, T, C] of a file of sounds lie; float16, safetensors."""
    return path.with_name(f"{path.stem}-latents.safetensors")


def read_latents(path: Path) -> Tensor:
    """The latents of a file of sounds, float32 [sounds, T, C]."""
    return load_file(latents_of(path))["latents"].float()


def render(folder: Path, scenes: Sequence[Scene]) -> Path:
    """Where the real sounds of scenes lie; rendered unless they are there."""
    path = folder / f"{digest(['render', [asdict(scene) for scene in scenes]])}.npz"
    if not path.exists():
        log.info("%d scenes are rendered", len(scenes))
        write(path, [render_scene(scene) for scene in scenes])
    return path


def changed(path: Path, change: Callable[[list[np.ndarray]], list[np.ndarray]], name: str) -> Path:
    """Where the sounds of a file lie after a change of this name; made if they are not there yet."""
    place = path.with_name(f"{digest([path.stem, name])}.npz")
    if not place.exists():
        write(place, change(read(path)))
    return place


def write(path: Path, sounds: Sequence[np.ndarray]) -> None:
    """Keep sounds, float32 [1, samples] each, in [-1, 1]."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    whole = np.concatenate([sound[0] for sound in sounds])
    with part.open("wb") as file:
        np.savez(
            file,
            audio=np.round(np.clip(whole, -1, 1) * LOUDEST).astype(np.int16),
            lengths=np.array([sound.shape[1] for sound in sounds]),
        )
    part.replace(path)


def read(path: Path) -> list[np.ndarray]:
    """The sounds of a file, float32 [1, samples] each."""
    with np.load(path) as held:
        audio, lengths = held["audio"], held["lengths"]
    ends = np.cumsum(lengths)
    return [
        (audio[end - length : end].astype(np.float32) / LOUDEST)[None]
        for end, length in zip(ends, lengths, strict=True)
    ]
