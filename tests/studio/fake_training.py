"""A training without a model, in place of the child: its losses, its samples and an adapter, as files."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from pipelines.audio import write_audio
from pipelines.errors import Cancelled
from pipelines.finetune.adapter_files import save_adapter
from pipelines.finetune.adapters import ATTENTION, AdapterConfig, attach
from studio.jobs import Desk
from studio.services.finetune.run_folder import ROWS, TASK
from studio.services.services import Services
from studio.store.jobs import Job
from tests.studio.casting import cast
from tests.studio.small_campaign import small_campaign

STEPS = 8  # that it takes, whatever the plan says
PACE = {
    "load": 1.0, "make": 0.1, "score": 0.05, "render": 0.02, "encode": 0.03, "step": 0.4,
    "rows": 32, "base_mb": 500.0, "peak_mb": 900.0,
}  # fmt: skip
CAPTIONS = ("a dog barks then rain falls", "a siren wails and wind blows", "a cat meows as a bell")


class FluxTransformer2DModel(nn.Module):
    """As small as an adapter can sit on."""

    def __init__(self) -> None:
        super().__init__()
        self.to_q = nn.Linear(4, 4)


class FakeTraining:
    """The third phase; it is a phase of a job, as the real one is.

    Args:
        services: whose runs it does.
        stops_at: the step at which it saves and stops, as if it was asked.
    """

    def __init__(self, services: Services, stops_at: int | None = None) -> None:
        self.services = services
        self.stops_at = stops_at
        self.begun_at: list[int] = []

    def __call__(self, job: Job, desk: Desk) -> bool:
        run = self.services.finetune.run.folder(job.id)
        task, rows = run.read(TASK), run.read(ROWS)
        lines = run.lines("losses.jsonl")
        self.begun_at.append(len(lines))
        for step in range(len(lines), STEPS):
            if step == self.stops_at:
                self.stops_at = None
                raise Cancelled()
            lines.append({
                "step": step + 1, "steps": STEPS, "epoch": (step + 1) / 4, "loss": 1 / (step + 1),
                "data_loss": 0.5, "pretrain_loss": None, "gradient_norm": 1.0,
                "learning_rate": 1e-3, "seconds": 0.2,
            })  # fmt: skip
            (run.path / "losses.jsonl").write_text("".join(json.dumps(x) + "\n" for x in lines))
            desk.tell(0.3 + step / 20, f"step {step + 1} of {STEPS}")
        self._hear(run, task)
        torch.manual_seed(task["plan"]["seed"])
        denoiser, config = FluxTransformer2DModel(), AdapterConfig(rank=1, layers=(ATTENTION,))
        attach(denoiser, config, seed=task["plan"]["seed"])
        record = {"rows": {"human": len(rows), "digest": "d"}, "versions": {"torch": "0"}}
        save_adapter(denoiser, run.path / "adapter", base="r1", config=config, record=record)
        return True

    def _hear(self, run: Any, task: dict[str, Any]) -> None:
        lines = []
        for step in (0, STEPS):
            sounds = []
            for number, prompt in enumerate(task["listen"]):
                file = f"samples/step-{step:07d}/{number}.wav"
                write_audio(run.path / file, np.full((1, 160), 0.1, np.float32), 16000)
                sounds.append({"prompt": prompt["text"], "seconds": prompt["seconds"], "seed": 1,
                               "file": file, "scores": {"clap": 0.6}})  # fmt: skip
            means = {"clap": 0.6 + step / 100}
            lines.append({"step": step, "epoch": step / 4, "means": means, "sounds": sounds})
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (run.path / "samples.jsonl").write_text(text)


@contextmanager
def trained_here(services: Services, **how: Any) -> Iterator[FakeTraining]:
    """Runs of these services are done by a fake training, and estimated by made-up paces."""
    fake = FakeTraining(services, **how)
    object.__setattr__(services.finetune.run, "child", fake)
    object.__setattr__(services.finetune.estimates, "probe", lambda *asked: dict(PACE))
    yield fake


def labelled(services: Services, ones: int = 2, zeros: int = 1, **wishes: Any) -> str:
    """A campaign of one rater's integrity labels, prompt by prompt: first ones, then zeros."""
    texts = [CAPTIONS[n % len(CAPTIONS)] for n in range(max(1, ones + zeros))]
    prompts = [
        {"text": f"{text}{' ' * (n // 3)}".strip() if n < 3 else f"{text} number {n}",
         "seconds": 0.5, "labels": [], "tags": []}
        for n, text in enumerate(texts)
    ]  # fmt: skip
    campaign = small_campaign(
        services.store, "integrity", 1, prompts, seconds=0.5, **{"title": "Labelled", **wishes}
    )
    for place in range(ones + zeros):
        label(services, campaign, place, float(place < ones))
    return campaign


def kept(services: Services) -> list[Any]:
    """The models that were trained here and kept, without the one that comes with the studio."""
    place = services.config.data / "adapters"
    return [one for one in services.engines.adapters.models() if one.path.parent == place]


def label(
    services: Services,
    campaign: str,
    prompt: int,
    value: float | None,
    voter: str = "a" * 32,
    task: str = "integrity",
) -> None:
    """One label of the first system's sound."""
    cast(services.store, campaign, voter, prompt, ("s0",), None, kind="set",
         scores=((0, task, value),))  # fmt: skip
