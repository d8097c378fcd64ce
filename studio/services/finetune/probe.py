"""A short probe of a training on this machine, in a process of its own: paces and memory, as JSON.

`python -m studio.services.finetune.probe BASE DEVICE RANK ROWS`; DEVICE and RANK may be "-".
"""

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.records import Prompt, Settings
from pipelines.seeds import numpy_generator
from studio.processes import Parent, end_of

CLIPS, STEPS, SECONDS = 4, 3, 10.0
CAPTION = "a dog barks"


def work(parent: Parent) -> None:
    """Measure, and write the paces as one line."""
    base, device, rank, rows = sys.argv[1:]
    found = probe(
        base,
        device=None if device == "-" else device,
        rank=None if rank == "-" else int(rank),
        rows=int(rows),
    )
    sys.stdout.write(json.dumps(found) + "\n")


def probe(base: str, *, device: str | None, rank: int | None, rows: int) -> dict[str, Any]:
    """Seconds and memory of the parts of a run.

    Args:
        base: the model.
        device: None: the best one here.
        rank: of the adapter; None: all weights.
        rows: of a step.

    Returns:
        load, make, score, encode and render in seconds (the last four for one sound), step in
        seconds for so many rows, base_mb and peak_mb of this process.
    """
    import torch

    from pipelines import clap
    from pipelines.generate import checkpoints
    from pipelines.recipes.baton.pretraining import pretraining_rows, pretraining_scenes

    load, backend = timed(lambda: checkpoints.load(base, device=device, dtype=torch.float32))
    seconds = min(SECONDS, backend.max_seconds)
    sampled(backend, seconds, 1)  # the first time costs what no later one does
    short, _ = timed(lambda: sampled(backend, seconds, 1))
    longer, sounds = timed(lambda: sampled(backend, seconds, 3))
    make = of_all_steps(short, longer, backend.default_steps) / CLIPS
    judge = clap.load("reward")
    score, _ = timed(lambda: judge.embed_audio(sounds, backend.sample_rate))
    _, scenes = pretraining_rows(pretraining_scenes(CLIPS, seed=0))
    render, _ = timed(lambda: list(scenes))
    before = peak_mb()
    encode, step = stepped(backend, sounds, rank, rows)
    return {
        "load": load,
        "make": make,
        "score": score / CLIPS,
        "render": render / CLIPS,
        "encode": encode / CLIPS,
        "step": step,
        "rows": rows,
        "base_mb": before,
        "peak_mb": peak_mb(),
    }


def of_all_steps(one: float, three: float, steps: int) -> float:
    """Seconds of a sampling of so many steps, from those of one step and of three.

    On a busy machine one step may have taken longer than three: then by three alone, never by less
    than nothing for a step.
    """
    more = (three - one) / 2 if three > one else three / 3
    return max(one, three) + max(steps - 3, 0) * more


def timed(do: Callable[[], Any]) -> tuple[float, Any]:
    """How many seconds something took, and what came of it."""
    started = time.perf_counter()
    found = do()
    return time.perf_counter() - started, found


def sampled(backend: Any, seconds: float, steps: int) -> list[np.ndarray]:
    """Some sounds by so few steps; with a little noise, as an untaught model may be silent."""
    prompts = [Prompt(text=CAPTION, seconds=seconds)] * CLIPS
    settings = [
        Settings(model=backend.name, seed=n, steps=steps, guidance=backend.default_guidance)
        for n in range(CLIPS)
    ]
    noise = numpy_generator(0, "probe")
    made = backend.sample(prompts, settings)
    return [sound + noise.normal(0, 0.1, sound.shape).astype(np.float32) for sound in made]


def stepped(
    backend: Any, sounds: list[np.ndarray], rank: int | None, rows: int
) -> tuple[float, float]:
    """Seconds of encoding the sounds, and of a step of so many rows."""
    from dataclasses import replace

    from pipelines.finetune.adapters import AdapterConfig
    from pipelines.finetune.data import Mix, Row
    from pipelines.finetune.plans import EMBEDDED
    from pipelines.finetune.training import finetune
    from pipelines.recipes.baton.aligning import filled_cache

    told: list[float] = []
    with tempfile.TemporaryDirectory(prefix="baton-probe-") as scratch:
        rows_of = [Row(key=str(n), caption=CAPTION, seconds=SECONDS) for n in range(CLIPS)]
        pairs = [(str(n), sound) for n, sound in enumerate(sounds)]
        path = Path(scratch) / "cache.safetensors"
        encode, cache = timed(lambda: filled_cache(path, backend, rows_of, pairs))
        plan = replace(
            EMBEDDED,
            beta=0.0,
            steps=STEPS,
            mix=Mix(data=rows, pretrain=0),
            adapter=None if rank is None else AdapterConfig(rank=rank),
            save_every=10 * STEPS,
        )
        finetune(
            backend, rows_of, cache, plan, Path(scratch) / "run",
            on_step=lambda step: told.append(step.seconds),
        )  # fmt: skip
    return encode, float(np.median(told[1:]))


def peak_mb() -> float:
    """The most memory that this process ever had, with the accelerator's, in MB."""
    import torch

    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    own = own / 1024 if sys.platform != "darwin" else own / 1024**2
    there = torch.cuda.max_memory_allocated() / 1024**2 if torch.cuda.is_available() else 0.0
    return own + there


if __name__ == "__main__":
    end_of(work)
