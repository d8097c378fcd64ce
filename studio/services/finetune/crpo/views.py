"""What the page is told of a CRPO run: its iterations, its curves, what it learns from."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from studio.services.finetune.crpo.data import WORLD
from studio.services.finetune.crpo.settings import candidates_in, steps_in
from studio.services.finetune.run_folder import RunFolder

CURVES = (
    "loss", "preference_loss", "winning_loss", "losing_loss", "reference_winning_loss",
    "reference_losing_loss", "margin", "accuracy", "gradient_norm", "learning_rate",
)  # fmt: skip
BINS = 40
TOLD = ("winning_loss", "losing_loss", "margin", "accuracy")  # of an iteration's last steps


def iterations_of(
    run: RunFolder, settings: Mapping[str, Any], models: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Each iteration that was begun, first to last.

    Args:
        run: its folder.
        settings: of the run.
        models: those that are kept, by the hash of their adapter.
    """
    found = []
    for number in range(1, settings["iterations"] + 1):
        if not run.iteration(number).is_dir():
            break
        done = run.read(f"iteration-{number}/done.json")
        ranked = done or run.read(f"iteration-{number}/pairs.json")
        rewards = (ranked or {}).get("rewards") or {}
        if ranked is None:
            rewards = ranked_so_far(run.iteration(number))
        told = (done or {}).get("last", {})
        found.append(
            {
                "iteration": number,
                "is_done": done is not None,
                "pairs": None if ranked is None else ranked["summary"]["rows"],
                "origins": {} if ranked is None else ranked["summary"]["origins"],
                "left_out": {} if ranked is None else ranked["left_out"],
                "faults": {} if ranked is None else ranked["faults"],
                "rewards": {name: rewards.get(name) for name in ("winners", "losers", "gap")},
                "mean": fmean(rewards["all"]) if rewards.get("all") else None,
                "spread": counted(rewards["all"]) if rewards.get("all") else None,
                **{name: told.get(name) for name in TOLD},
                "adapter": None if done is None else done["adapter"],
                "model": None if done is None else models.get(done["adapter"]),
            }
        )
    return found


def counted(rewards: Sequence[float]) -> list[int]:
    """How many rewards fall into each of BINS equal parts of 0 to 1."""
    return np.histogram(rewards, np.linspace(0, 1, BINS + 1))[0].tolist()


def ranked_so_far(folder: Path) -> dict[str, float]:
    """The means of the best, of the worst and of their gap, over the candidates that are there."""
    best, worst = [], []
    for path in sorted((folder / "candidates").glob("part-*.safetensors")):
        by_prompt: dict[str, list[float]] = {}
        for row in rows_in(path):
            if row["fault"] is None:
                by_prompt.setdefault(row["prompt"], []).append(row["score"])
        for scores in by_prompt.values():
            if len(scores) > 1 and max(scores) > min(scores):
                best.append(max(scores))
                worst.append(min(scores))
    if not best:
        return {}
    return {"winners": fmean(best), "losers": fmean(worst), "gap": fmean(best) - fmean(worst)}


def rows_in(path: Path) -> list[dict[str, Any]]:
    """The candidates of a file, by its head alone: eight bytes of length, then JSON."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        told = json.loads(file.read(size))
    return json.loads(told["__metadata__"]["rows"])


def counts_of(data: Mapping[str, Any] | None, settings: Mapping[str, Any]) -> dict[str, Any]:
    """How many prompts, candidates and pairs a run has; nothing where that is not read yet."""
    if data is None:
        return {}
    origins = Counter(row["origin"] for row in data["pairs"])
    return {
        "prompts": data["bank"],
        "drawn": settings["prompts"] if data["bank"] else 0,
        "candidates": candidates_in(settings),
        "pairs": len(data["pairs"]),
        "votes": origins["votes"],
        "labels": origins["labels"],
        "given": origins["given"],
        "share": settings["given_share"],
        "campaigns": data["campaigns"],
        "folder": data["folder"],
        "is_world": data.get("source") == WORLD,
        "ranked_by": ranked_by(data, settings),
        "left_out": data["left_out"],
        "simulated": data["simulated"],
    }


def ranked_by(data: Mapping[str, Any], settings: Mapping[str, Any]) -> str | None:
    """What ranks the candidates, in words; None where there are none, or a run of before does not tell."""
    if "reward_title" not in data or not data["bank"] or settings["given_share"] == 1:
        return None
    title, weight = data["reward_title"], settings["reward_weight"]
    if title is None:
        return "CLAP"
    if weight == 1:
        return f"“{title}”"
    return f"{100 * weight:.0f} % “{title}” and {100 * (1 - weight):.0f} % CLAP"


def all_steps(
    settings: Mapping[str, Any], losses: Sequence[Mapping[str, Any]], given: int = 0
) -> int:
    """How many steps the run takes: those of an iteration are known once one is taken."""
    each = losses[-1]["steps"] if losses else steps_in(settings, given)
    return settings["iterations"] * each
