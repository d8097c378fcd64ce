"""The files of a reward model beside its head: what it learned from, its history, its figures."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.errors import StudioError
from pipelines.reward.labels import Material
from studio.services.reward.sources import Gathered, from_plain

if TYPE_CHECKING:
    from pipelines.reward.heldout import Rewards
    from pipelines.reward.training import Epoch

MATERIAL, HELD_OUT, FIGURES = "material.json", "heldout.json", "figures.json"
HISTORY = "history.jsonl"


def write_gathered(folder: Path, gathered: Gathered) -> None:
    """Keep what is learned from: votes that come later are not part of this training."""
    write(folder / MATERIAL, json.dumps(gathered.plain(), ensure_ascii=False))


def read_gathered(folder: Path) -> Gathered:
    """What is learned from.

    Raises:
        StudioError: the file is gone or broken.
    """
    return from_plain(read(folder / MATERIAL))


def write_heldout(
    folder: Path, labels: Sequence[int], pairs: Sequence[int], rewards: "Rewards"
) -> None:
    """Keep what was foretold of held-out material.

    Args:
        labels: the places of its examples in the material.
        pairs: the places of its pairs.
        rewards: of these.
    """
    found = {
        "labels": list(labels),
        "pairs": list(pairs),
        "rewards": {
            "labels": rewards.labels.tolist(),
            "pairs": rewards.pairs.tolist(),
            "folds": None if rewards.folds is None else rewards.folds.tolist(),
        },
    }
    write(folder / HELD_OUT, json.dumps(found))


def read_heldout(folder: Path) -> tuple[Material, "Rewards"]:
    """Held-out material, and its rewards."""
    from pipelines.reward.heldout import Rewards

    material, found = read_gathered(folder).material, read(folder / HELD_OUT)
    held = Material(
        examples=[material.examples[at] for at in found["labels"]],
        pairs=[material.pairs[at] for at in found["pairs"]],
    )
    told = found["rewards"]
    rewards = Rewards(
        labels=np.array(told["labels"], dtype=np.float64),
        pairs=np.array(told["pairs"], dtype=np.float64).reshape(-1, 2),
        folds=None if told["folds"] is None else np.array(told["folds"], dtype=np.int64),
    )
    return held, rewards


def write_figures(folder: Path, figures: Mapping[str, Any]) -> None:
    """Keep the figures."""
    write(folder / FIGURES, json.dumps(figures, ensure_ascii=False))


def read_figures(folder: Path) -> dict[str, Any] | None:
    """The figures; None before they are there."""
    return read(folder / FIGURES) if (folder / FIGURES).exists() else None


def write_history(folder: Path, history: "Sequence[Epoch]") -> None:
    """Keep the losses, a line for each epoch."""
    write(folder / HISTORY, "".join(json.dumps(asdict(epoch)) + "\n" for epoch in history))


def read_history(folder: Path) -> list[dict[str, Any]]:
    """The losses by epoch, so far."""
    path = folder / HISTORY
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write(path: Path, content: str) -> None:
    """Write a file whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.part")
        part.write_text(content, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise StudioError(
            f"The reward model could not be kept ({error.strerror}); free some disk space and train "
            "again."
        ) from error


def read(path: Path) -> dict[str, Any]:
    """A file of JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StudioError(
            f"{path.name} of this reward model cannot be read; remove the model and train again."
        ) from error
