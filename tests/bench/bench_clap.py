"""CLAP's two engines on the same weights, one after the other in one run: clips per second.

python -m tests.bench.bench_clap [--size tiny|base] [--clips 8] [--threads 1] [--repeats 3]

The weights are random: HTSAT-tiny or HTSAT-base at their published widths, plain. Texts are not
timed. Prints one line per engine, the fastest of the repeats, and how far the numbers lie apart.
"""

import argparse
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
        print(f"HTSAT-{given.size}, {given.clips} clips of {SECONDS} s, {given.threads} threads")
        rows = [timed(clap, clips, given.repeats) for clap in engines]
    print(f"largest difference: {np.abs(rows[0] - rows[1]).max():.1e}")


def timed(clap: TextAudioEmbedder, clips: list[np.ndarray], repeats: int) -> np.ndarray:
    """The embeddings; prints the fastest of the repeats."""
    best = float("inf")
    for _ in range(repeats):
        began = time.perf_counter()
        rows = clap.embed_audio(clips, RATE)
        best = min(best, time.perf_counter() - began)
    print(f"{clap.engine:>12}: {len(clips) / best:6.2f} clips/s ({best:.2f} s)")
    return rows


if __name__ == "__main__":
    main()
