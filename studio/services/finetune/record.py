"""The whole record of a run whose labels or sounds were weighted: what it was, and what it came to."""

import hashlib
from collections.abc import Sequence
from typing import Any

from pipelines.records import digest
from studio.services.finetune.request import Wish
from studio.services.finetune.run_folder import DATA, FURTHER, ROWS, TASK, RunFolder
from studio.store.candidates import now
from studio.store.jobs import Job


def record_of(run: RunFolder, job: Job, wish: Wish, title: str) -> dict[str, Any]:
    """All there is to know of a finished run."""
    from pipelines.finetune.adapter_files import read_card

    card, data, task = read_card(run.path / "adapter"), run.read(DATA), run.read(TASK)
    further = run.read(FURTHER, {"revision": None, "sounds": []})
    losses = (run.path / "losses.jsonl").read_bytes()
    return {
        "id": job.id,
        "title": title,
        "recipe": wish.recipe,
        "made_at": now(),
        "request": wish.plain(),
        "settings": wish.settings,
        "seed": wish.settings["seed"],
        "plan": task["plan"],
        "base": {"name": wish.base, "revision": card.base},
        "data": {
            **card.record["rows"],
            "campaigns": data["campaigns"],
            "folder": data["folder"],
            "simulated": data["simulated"],
            "left_out": data["left_out"],
            "judged": digest(data["sounds"]),
            "prompts": prompts_in(run.read(ROWS)),
            "reward": wish.reward,
            "reward_revision": further["revision"],
            "pretraining": task["pretraining"],
        },
        "listened_to": task["listen"],
        "versions": card.record["versions"],
        "adapter": {"hash": card.hash, "dtype": card.dtype, "bytes": card.size_bytes},
        "losses_sha256": hashlib.sha256(losses).hexdigest(),
        "took": run.all_took(),
    }


def prompts_in(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The prompts that a run learned from, each once, so that a comparison can tell new ones."""
    return sorted({row["caption"] for row in rows if row["origin"] != "pretrain"})
