"""What is kept of a CRPO run: the record of an iteration, and what can be made again thrown away."""

import json
from collections import Counter
from typing import Any

from pipelines.records import digest
from studio.services.finetune.request import Wish
from studio.services.finetune.run_folder import DATA, PROMPTS, TASK, RunFolder
from studio.store.candidates import now
from studio.store.jobs import Job


def crpo_record(run: RunFolder, job: Job, wish: Wish, title: str, iteration: int) -> dict[str, Any]:
    """All there is to know of an iteration and of those before it.

    Args:
        run: its folder.
        job: of the run.
        wish: what was asked for.
        title: of the model.
        iteration: the last that counts, from 1.
    """
    from pipelines.finetune.adapter_files import read_card

    card = read_card(run.iteration(iteration) / "adapter")
    data, task = run.read(DATA), run.read(TASK)
    return {
        "id": job.id,
        "title": title,
        "recipe": wish.recipe,
        "iteration": iteration,
        "made_at": now(),
        "request": wish.plain(),
        "settings": wish.settings,
        "seed": wish.settings["seed"],
        "config": task["plan"],
        "base": {"name": wish.base, "revision": card.base},
        "data": {
            "campaigns": data["campaigns"],
            "folder": data["folder"],
            "simulated": data["simulated"],
            "left_out": data["left_out"],
            "source": data.get("source"),  # runs of before told neither this nor the title
            "bank": digest(data["prompts"] or run.read(PROMPTS, [])),
            "given": digest(data["pairs"]),
            "prompts": learned_from(run, iteration),
            "share": wish.settings["given_share"],
            "pairs": dict(Counter(row["origin"] for row in data["pairs"])),
            "reward": wish.reward,
            "reward_title": data.get("reward_title"),
            "reward_revision": run.read("run.json")["identity"]["reward"],
        },
        "iterations": [without_rewards(run, n) for n in range(1, iteration + 1)],
        "listened_to": task["listen"],
        "versions": run.read("run.json")["versions"],
        "adapter": {"hash": card.hash, "dtype": card.dtype, "bytes": card.size_bytes},
        "took": run.all_took(),
    }


def learned_from(run: RunFolder, iteration: int) -> list[str]:
    """The prompts of all pairs up to an iteration, each once, so that a comparison can tell new ones."""
    found: set[str] = set()
    for number in range(1, iteration + 1):
        told = run.read(f"iteration-{number}/pairs.json", {"rows": []})
        found |= {row["prompt"] for row in told["rows"]}
    return sorted(found)


def without_rewards(run: RunFolder, number: int) -> dict[str, Any]:
    """What an iteration came to, but for the reward of every single candidate."""
    told = run.read(f"iteration-{number}/done.json")
    rewards = told["rewards"] or {}
    return {**told, "rewards": {name: value for name, value in rewards.items() if name != "all"}}


def files_of_candidates(run: RunFolder) -> int:
    """How many files of candidates are there: how far a run without a step is."""
    return sum(1 for _ in run.path.glob("iteration-*/candidates/part-*.safetensors"))


def clear_caches(run: RunFolder) -> None:
    """Remove latents and candidates of a finished run, which can be made again from its seeds."""
    for pattern in ("iteration-*/cache.safetensors", "iteration-*/candidates/*.safetensors"):
        for path in run.path.glob(pattern):
            path.unlink(missing_ok=True)
    (run.path / "given.safetensors").unlink(missing_ok=True)
    for path in run.path.glob("iteration-*/training/checkpoints/*.pt"):
        path.unlink(missing_ok=True)


def rewards_of(run: RunFolder, iteration: int) -> list[float]:
    """The reward of every candidate of an iteration that is ranked."""
    path = run.iteration(iteration) / "pairs.json"
    told = json.loads(path.read_text())["rewards"] if path.is_file() else None
    return (told or {}).get("all", [])
