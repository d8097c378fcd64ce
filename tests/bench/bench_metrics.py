"""Seconds per distance: the nuclear norm against scipy's sqrtm in one run; FD and KAD by clips.

    python -m tests.bench.bench_metrics [--repeats 3] [--clips 100 300 1000 3000]

prints JSON. "sqrtm" is the distance as pytorch-fid has it: the square root of the product of the
covariances, with 1e-6 on their diagonals where it is not finite; "difference" is relative to it. FD is also timed with its
jackknife, as `evaluate` gives it, where there are more clips than dimensions. Times are the best of
the repeats, on otherwise idle cores.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.linalg import sqrtm

from pipelines.compare import frechet, kernel

SIZES = ((300, 300, 1024), (1000, 1000, 512))  # clips, clips, dimensions: OpenL3's and CLAP's
DIMENSIONS = 128  # of the embedded CLAP
JITTER = 1e-6


def rows(clips: int, dimensions: int, seed: int) -> np.ndarray:
    """Normal embeddings with a spectrum that falls, as those of real sounds do."""
    spread = 1 / np.sqrt(1 + np.arange(dimensions))
    return np.random.default_rng(seed).normal(seed % 2, 1, (clips, dimensions)) * spread


def best(call: Callable[[], float], repeats: int) -> tuple[float, float]:
    """The least seconds of the repeats, and what was computed."""
    times, found = [], 0.0
    for _ in range(repeats):
        started = time.perf_counter()
        found = call()
        times.append(time.perf_counter() - started)
    return min(times), found


def by_square_root(x: np.ndarray, y: np.ndarray) -> float:
    """The distance by a square root of a matrix."""
    one, other = np.cov(x.T), np.cov(y.T)
    offset = x.mean(axis=0) - y.mean(axis=0)
    root = sqrtm(one @ other)
    if not np.isfinite(root).all():
        noise = JITTER * np.eye(len(one))
        root = sqrtm((one + noise) @ (other + noise))
    root = np.real(np.trace(root))
    return float(offset @ offset + np.trace(one) + np.trace(other) - 2 * root)


def roots(repeats: int) -> list[dict[str, Any]]:
    """Both ways to the same number."""
    told = []
    for m, n, dimensions in SIZES:
        x, y = rows(m, dimensions, 1), rows(n, dimensions, 2)
        ours, value = best(lambda x=x, y=y: frechet.frechet_distance(x, y), repeats)
        theirs, expected = best(lambda x=x, y=y: by_square_root(x, y), repeats)
        told.append({
            "clips": [m, n], "dimensions": dimensions, "nuclear_norm_seconds": round(ours, 3),
            "sqrtm_seconds": round(theirs, 3), "times_faster": round(theirs / ours, 1),
            "difference": abs(value / expected - 1),
        })  # fmt: skip
        sys.stderr.write(f"{told[-1]}\n")
    return told


def costs(counts: list[int], repeats: int) -> list[dict[str, Any]]:
    """Seconds of FD, FD with its jackknife, and KAD with its interval, by clips in each set."""
    told = []
    for n in counts:
        x, y = rows(n, DIMENSIONS, 1), rows(n, DIMENSIONS, 2)
        row: dict[str, Any] = {"clips": [n, n], "dimensions": DIMENSIONS}
        row["fd_seconds"] = round(
            best(lambda x=x, y=y: frechet.frechet_distance(x, y), repeats)[0], 4
        )
        if n > DIMENSIONS:
            whole = best(lambda x=x, y=y: frechet.evaluate(x, y, embedder="CLAP")["value"], 1)
            row["fd_with_jackknife_seconds"] = round(whole[0], 3)
        kad = best(lambda x=x, y=y: kernel.evaluate(x, y, embedder="CLAP")["value"], repeats)
        row["kad_seconds"] = round(kad[0], 4)
        told.append(row)
        sys.stderr.write(f"{row}\n")
    return told


def main() -> None:
    """Measure and print."""
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--repeats", type=int, default=3)
    flags.add_argument("--clips", type=int, nargs="+", default=[100, 300, 1000, 3000])
    asked = flags.parse_args()
    told = {"roots": roots(asked.repeats), "costs": costs(asked.clips, asked.repeats)}
    sys.stdout.write(f"{json.dumps(told, indent=1)}\n")


if __name__ == "__main__":
    main()
