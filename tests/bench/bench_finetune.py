"""Fine-tuning steps with caches against the reference's way, and what a reference model costs.

    python -m tests.bench.bench_finetune [--steps 12] [--rows 16]

prints JSON. The reference's way encodes every clip and every caption again at each step; both ways
take the same rows, noise and adapter through the embedded model. A preference loss wants a reference
to compare with: here the adapter is switched off, there all weights are copied.
"""

import argparse
import copy
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipelines.finetune import training
from pipelines.finetune.adapters import AdapterConfig, adapter_parameters, attach, detach
from pipelines.finetune.data import Batches, Mix, Row
from pipelines.finetune.latents import Cache, encoded, write_cache
from pipelines.finetune.plans import Plan
from pipelines.generate.backend import Backend
from pipelines.generate.checkpoints import load
from pipelines.soundworld.scenes import draw_scene, render_scene

SCENES = 32


class Uncached(Cache):
    """What the reference does: the same doors, but all is encoded at each step."""

    def __init__(self, cache: Cache, backend: Backend, sounds: dict[str, np.ndarray]) -> None:
        self.device, self._latents = cache.device, cache._latents
        self.backend, self.sounds = backend, sounds

    def latents(self, keys: list[str]) -> torch.Tensor:
        """Encoded now."""
        longest = max(self.sounds[key].shape[1] for key in keys)
        batch = [
            np.pad(self.sounds[k], ((0, 0), (0, longest - self.sounds[k].shape[1]))) for k in keys
        ]
        return self.backend.encode(torch.from_numpy(np.stack(batch))).float()

    def text_states(self, captions: list[tuple[str, float]]) -> Any:
        """Read now."""
        with torch.no_grad():
            return self.backend.encode_text(*zip(*captions, strict=True))


def seconds_a_step(backend: Backend, rows: list[Row], cache: Cache, plan: Plan) -> list[float]:
    """Of every step but the first."""
    taken = []
    with tempfile.TemporaryDirectory() as folder:
        training.finetune(
            backend,
            rows,
            cache,
            plan,
            Path(folder),
            on_step=lambda told: taken.append(told.seconds),
        )
    return taken[1:]


def measure(steps: int, rows: int) -> dict[str, Any]:
    """Both ways in turn, and sizes."""
    backend = load("embedded", dtype=torch.float32)
    scenes = [draw_scene(95_000_000 + i, split="train") for i in range(SCENES)]
    sounds = {f"clip{i}": render_scene(scene) for i, scene in enumerate(scenes)}
    data = [
        Row(key=key, caption=scene.caption, seconds=scene.seconds)
        for key, scene in zip(sounds, scenes, strict=True)
    ]
    with tempfile.TemporaryDirectory() as folder:
        said = [(row.caption, row.seconds) for row in data]
        started = time.monotonic()
        cache = write_cache(
            Path(folder) / "cache.safetensors", backend, encoded(backend, sounds.items()), said
        )
        making = time.monotonic() - started
        plan = Plan(steps=steps, mix=Mix(data=rows, pretrain=0), beta=0.0, learning_rate=3e-4)
        Batches(data, plan.mix, seed=0, uses_pretrain=False).at(0)
        ways = {"cached": cache, "reference": Uncached(cache, backend, sounds)}
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for name in (*ways, *reversed(ways)):  # there and back, so that neither is always first
            taken[name] += seconds_a_step(backend, data, ways[name], plan)
    pace = {name: statistics.median(each) for name, each in taken.items()}
    return {
        "rows a step": rows,
        "steps measured": len(taken["cached"]),
        "seconds a step": {name: round(each, 3) for name, each in pace.items()},
        "times as fast": round(pace["reference"] / pace["cached"], 2),
        "seconds to make the cache": round(making, 1),
        "bytes": {
            "a clip, cached": cache.size.bytes_per_clip,
            "a caption, cached": cache.size.bytes_per_caption,
            "reference as a copy": size_of(copy.deepcopy(backend.denoiser).parameters()),
            "reference as adapter off": 0,
            **adapter_sizes(backend),
        },
    }


def size_of(parameters: Any) -> int:
    """Bytes of tensors."""
    return sum(value.nbytes for value in parameters)


def adapter_sizes(backend: Backend) -> dict[str, int]:
    """Bytes of an adapter by rank, as it is shipped in float16."""
    sizes = {}
    for rank in (1, 2, 4, 8, 16, 32):
        attach(backend.denoiser, AdapterConfig(rank=rank))
        sizes[f"adapter of rank {rank}"] = (
            size_of(adapter_parameters(backend.denoiser).values()) // 2
        )
        detach(backend.denoiser)
    return sizes


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rows", type=int, default=16)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    json.dump(measure(asked.steps, asked.rows), sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
