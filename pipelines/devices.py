"""Where the arithmetic runs: which device, and which dtype is fastest there, by measurement."""

import os
import time
from functools import cache

import torch


def default_device() -> torch.device:
    """CUDA if there is one, then Apple's MPS, then the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def matmul_rate(device: torch.device, dtype: torch.dtype, *, size: int = 1024) -> float:
    """Measured floating-point operations per second of a square product of this size."""
    a = torch.ones(size, size, device=device, dtype=dtype)
    best = float("inf")
    for _ in range(4):
        started = time.perf_counter()
        (a @ a)[0, 0].item()  # .item() waits for the device
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best


@cache
def fastest_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where a probe finds it at least 1.5x as fast as float32, else float32."""
    if device.type == "mps":
        return torch.float32  # half precision is audibly noisy there (facts/tangoflux.md, 4)
    fast, plain = (matmul_rate(device, d) for d in (torch.bfloat16, torch.float32))
    return torch.bfloat16 if fast >= 1.5 * plain else torch.float32


def free_bytes(device: torch.device) -> int | None:
    """Memory that a model may still take there; None where it cannot be told (MPS)."""
    if device.type == "cuda":
        lent = "SPACES_ZERO_GPU" in os.environ  # there the device may not be touched outside a call
        return None if lent else torch.cuda.mem_get_info(device)[0]
    if device.type != "cpu":
        return None
    import psutil

    return psutil.virtual_memory().available
