"""CLAP's two engines on the same weights, one after the other in one run: clips per second.

    python -m tests.bench.bench_clap [--size tiny|base] [--clips 8] [--threads 1] [--repeats 3]

prints JSON: clips of 10 s per second by each engine, the best of the repeats, and how far apart
their vectors lie at most. The weights are random: HTSAT at its published widths, plain. Texts are
not timed.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from pipelines.clap import TextAudioEmbedder, load
from pipelines.seeds import numpy_generator
from tests.pipelines.laion_checkpoint import BASE, TINY, write_checkpoint, write_tokenizer

RATE, SECONDS = 48_000, 10


def main() -> None:
    """Write the checkpoint, load it twice, and time both."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--size", choices=["tiny", "base"], default="tiny")
    asked.add_argument("--clips", type=int, default=8)
    asked.add_argument("--threads", type=int, default=1)
    asked.add_argument("--repeats", type=int, default=3)
    given = asked.parse_args()
    torch.set_num_threads(given.threads)
    draws = numpy_generator(0, "bench").standard_normal((given.clips, 1, RATE * SECONDS))
    clips = list((0.1 * draws).astype(np.float32))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_tokenizer(folder)
        path = write_checkpoint(folder, TINY if given.size == "tiny" else BASE, is_fused=False)
        engines = [load(path, engine=engine) for engine in ("transformers", "laion")]
        for clap in engines:
            clap.embed_audio(clips[:1], RATE)  # warm
        timings = {clap.engine: timed(clap, clips, given.repeats) for clap in engines}
    (one, ours), (other, theirs) = timings.values()
    told = {
        "model": f"HTSAT-{given.size}",
        "clips": given.clips,
        "threads": given.threads,
        "clips_per_second": dict(zip(timings, (round(one, 2), round(other, 2)), strict=True)),
        "largest_difference": float(np.abs(ours - theirs).max()),
    }
    sys.stdout.write(json.dumps(told, indent=1) + "\n")


def timed(
    clap: TextAudioEmbedder, clips: list[np.ndarray], repeats: int
) -> tuple[float, np.ndarray]:
    """Clips per second in the fastest of the repeats, and the embeddings."""
    best = float("inf")
    for _ in range(repeats):
        began = time.perf_counter()
        rows = clap.embed_audio(clips, RATE)
        best = min(best, time.perf_counter() - began)
    return len(clips) / best, rows


if __name__ == "__main__":
    main()
