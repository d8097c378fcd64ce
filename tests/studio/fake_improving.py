"""CRPO without a model, in place of its child: candidates' rewards, losses, samples, an adapter each."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipelines.audio import write_audio
from pipelines.errors import Cancelled
from pipelines.finetune.adapter_files import save_adapter
from pipelines.finetune.adapters import ATTENTION, AdapterConfig, attach, detach
from studio.jobs import Desk
from studio.services.finetune.run_folder import DATA, TASK
from studio.services.services import Services
from studio.store.jobs import Job
from tests.studio.fake_training import FluxTransformer2DModel

STEPS = 4  # of an iteration, whatever the plan says
CRPO_PACE = {"load": 1.0, "candidate": 0.2, "heard": 0.4, "step": 0.5, "pairs": 24,
             "base_mb": 500.0, "peak_mb": 900.0}  # fmt: skip


class FakeImproving:
    """The third phase, iteration by iteration.

    Args:
        services: whose runs it does.
        stops_after: the iteration after which it stops once, as if it was asked.
    """

    def __init__(self, services: Services, stops_after: int | None = None) -> None:
        self.services, self.stops_after = services, stops_after
        self.begun_at: list[int] = []

    def __call__(self, job: Job, desk: Desk) -> bool:
        run = self.services.finetune.run.folder(job.id)
        task, data = run.read(TASK), run.read(DATA)
        done = sum(1 for _ in run.path.glob("iteration-*/done.json"))
        self.begun_at.append(done)
        identity = {"identity": {"reward": "r"}, "versions": {"torch": "0"}}
        (run.path / "run.json").write_text(json.dumps(identity))
        hear(run.path, 0, task["listen"])
        for number in range(done + 1, task["settings"]["iterations"] + 1):
            if self.stops_after == number - 1:
                self.stops_after = None
                raise Cancelled()
            improve(run.iteration(number), number, data["prompts"], task["settings"]["seed"])
            hear(run.path, number, task["listen"])
            desk.tell(number / 10, f"iteration {number}")
        return True


def improve(place: Path, number: int, prompts: list[dict[str, Any]], seed: int) -> None:
    """All files of an iteration that the page reads."""
    (place / "training").mkdir(parents=True)
    rows = [{"prompt": one["text"], "origin": "ranked"} for one in prompts]
    told = {
        "summary": {"rows": len(rows), "origins": {"ranked": len(rows)}},
        "left_out": {}, "faults": {},
        "rewards": {"winners": 0.7, "losers": 0.5, "gap": 0.2, "all": [0.5, 0.7]},
    }  # fmt: skip
    (place / "pairs.json").write_text(json.dumps({**told, "rows": rows}))
    lines = [
        {
            "step": step, "steps": STEPS, "epoch": step / 2, "loss": 1.0 / step,
            "preference_loss": 0.6, "winning_loss": 0.3, "losing_loss": 0.4, "margin": 0.1,
            "reference_winning_loss": 0.35, "reference_losing_loss": 0.36, "accuracy": 0.75,
            "gradient_norm": 1.0, "learning_rate": 1e-3, "seconds": 0.2,
        }
        for step in range(1, STEPS + 1)
    ]  # fmt: skip
    (place / "training" / "losses.jsonl").write_text("".join(json.dumps(x) + "\n" for x in lines))
    torch.manual_seed(seed + number)
    denoiser, config = FluxTransformer2DModel(), AdapterConfig(rank=1, layers=(ATTENTION,))
    attach(denoiser, config, seed=seed + number)
    info = save_adapter(denoiser, place / "adapter", base="r1", config=config, record={})
    detach(denoiser)
    (place / "done.json").write_text(json.dumps({**told, "adapter": info.hash, "last": lines[-1]}))


def hear(folder: Path, number: int, prompts: list[dict[str, Any]]) -> None:
    """A moment: its sounds, and its line in samples.jsonl."""
    path, sounds = folder / "samples.jsonl", []
    kept = path.read_text() if path.exists() else ""
    if f'"iteration": {number},' in kept:
        return
    for n, prompt in enumerate(prompts):
        file = f"samples/iteration-{number}/{n}.wav"
        write_audio(folder / file, np.full((1, 1600), 0.1, np.float32), 16000)
        sounds.append({"prompt": prompt["text"], "seconds": prompt["seconds"], "seed": 1,
                       "file": file, "scores": {"clap": 0.6 + number / 100}})  # fmt: skip
    line = {"iteration": number, "means": {"clap": 0.6 + number / 100}, "sounds": sounds}
    path.write_text(kept + json.dumps(line) + "\n")


@contextmanager
def improved_here(services: Services, **how: Any) -> Iterator[FakeImproving]:
    """Runs of these services are done by a fake, and estimated by made-up paces."""
    fake = FakeImproving(services, **how)
    object.__setattr__(services.finetune.run, "child", fake)
    object.__setattr__(services.finetune.estimates, "probe", lambda *asked: dict(CRPO_PACE))
    yield fake
