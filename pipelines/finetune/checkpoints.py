"""Checkpoints of a run: whole or not there, the last two and the chosen one kept."""

import os
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from pipelines.errors import StudioError

FOLDER, CHOSEN = "checkpoints", "chosen"
KEPT = 2


def save_checkpoint(folder: Path, step: int, state: dict[str, Any]) -> Path:
    """Write what a run needs to go on after this many steps; older ones but two are removed."""
    place = folder / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"step-{step:07d}.pt"
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        torch.save({"step": step, **state}, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    kept = {*steps_kept(folder)[-KEPT:], chosen_step(folder)}
    for each in steps_kept(folder):
        if each not in kept:
            (place / f"step-{each:07d}.pt").unlink()
    return path


def steps_kept(folder: Path) -> list[int]:
    """The steps that have a checkpoint, first to last."""
    return sorted(
        int(path.stem.removeprefix("step-")) for path in (folder / FOLDER).glob("step-*.pt")
    )


def choose(folder: Path, step: int) -> None:
    """Keep the checkpoint of this step whatever comes."""
    if step not in steps_kept(folder):
        there = ", ".join(map(str, steps_kept(folder))) or "none"
        raise StudioError(f"Step {step} has no checkpoint; there are {there}.")
    part = folder / FOLDER / f"{CHOSEN}.part"
    part.write_text(str(step))
    part.replace(folder / FOLDER / CHOSEN)


def chosen_step(folder: Path) -> int | None:
    """The step that was chosen, or None."""
    path = folder / FOLDER / CHOSEN
    return int(path.read_text()) if path.exists() else None


def load_checkpoint(folder: Path, step: int | None = None) -> dict[str, Any] | None:
    """The state after a step, the last by default; None where the run has not saved any."""
    steps = steps_kept(folder)
    if step is None and not steps:
        return None
    path = folder / FOLDER / f"step-{steps[-1] if step is None else step:07d}.pt"
    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except (OSError, RuntimeError, EOFError, UnpicklingError) as error:
        raise StudioError(
            f"The checkpoint {path.name} cannot be read; remove it to go on from the one before."
        ) from error
