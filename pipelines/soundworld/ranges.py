"""How a parameter is drawn: uniformly between two ends, which the foreign world moves apart."""

from pipelines.soundworld.synthesis import Generator


def between(rng: Generator, low: float, high: float, spread: float = 1.0) -> float:
    """A draw from the range, widened about its middle by `spread` but never beyond half of `low`.

    >>> import numpy as np
    >>> 2 <= between(np.random.default_rng(0), 2, 3) <= 3
    True
    """
    middle, half = (low + high) / 2, (high - low) / 2 * spread
    return float(rng.uniform(max(middle - half, low / 2), middle + half))
