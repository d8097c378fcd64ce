"""Named seeds: every random draw can be traced to one number and the words that forked it."""

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from pipelines.errors import StudioError

if TYPE_CHECKING:
    import torch

SEED_LIMIT = 2**31  # browsers hold integers below 2**53 exactly, and sliders fewer


def fork(seed: int, *names: str | int) -> int:
    """A seed for one purpose: `fork(7, "noise", 3)` never meets `fork(7, "text", 3)`.

    Args:
        seed: the parent seed, any integer.
        names: what the draw is for, outermost first.

    >>> fork(7, "noise") == fork(7, "noise"), fork(7, "noise") == fork(7, "text")
    (True, False)
    """
    words = "\x1f".join([str(int(seed)), *map(str, names)])
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:8], "big") % SEED_LIMIT


def numpy_generator(seed: int, *names: str | int) -> np.random.Generator:
    """A numpy generator for one named purpose."""
    return np.random.default_rng(fork(seed, *names))


def torch_generator(seed: int, *names: str | int) -> "torch.Generator":
    """A CPU torch generator for one named purpose; with no names, the seed itself is used."""
    import torch

    return torch.Generator().manual_seed(fork(seed, *names) if names else int(seed))


def check_seed(seed: int) -> int:
    """The seed as an int, or a StudioError when it is not a whole number in [0, 2**31)."""
    if isinstance(seed, bool) or seed != seed or int(seed) != seed or not 0 <= seed < SEED_LIMIT:
        raise StudioError(
            f"The seed is {seed}; it must be a whole number from 0 to {SEED_LIMIT - 1}."
        )
    return int(seed)
