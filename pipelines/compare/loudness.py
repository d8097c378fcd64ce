"""Equal loudness for a pair: how loud each is, and by how much the louder is turned down."""

from dataclasses import dataclass

import numpy as np

from pipelines.loudness import BLOCK_SECONDS, gain_to, integrated_lufs


@dataclass(frozen=True, kw_only=True)
class Match:
    """Gains that make two clips equally loud; 0 dB on both sides where that cannot be."""

    gain_a: float = 0.0  # dB, never above 0, so that nothing clips
    gain_b: float = 0.0
    lufs_a: float | None  # before the gain; None: silent or too short
    lufs_b: float | None
    unmatched: str | None = None  # why the two could not be made equal


def matched(a: np.ndarray, rate_a: int, b: np.ndarray, rate_b: int) -> Match:
    """The louder is turned down to the quieter.

    At -20 and -26 LUFS the first gets -6 dB and the second 0 dB.

    Args:
        a: float32 [channels, samples].
        rate_a: Hz.
        b: float32 [channels, samples].
        rate_b: Hz.
    """
    lufs_a, lufs_b = integrated_lufs(a, rate_a), integrated_lufs(b, rate_b)
    if lufs_a is None or lufs_b is None:
        why = _why_not(a, rate_a, lufs_a, b, rate_b, lufs_b)
        return Match(lufs_a=lufs_a, lufs_b=lufs_b, unmatched=why)
    if lufs_a > lufs_b:
        gain, is_equal = gain_to(a, rate_a, lufs_a, lufs_b)
        gains = {"gain_a": gain}
    else:
        gain, is_equal = gain_to(b, rate_b, lufs_b, lufs_a)
        gains = {"gain_b": gain}
    if not is_equal:
        why = "The two are so far apart in level that they could not be made equally loud."
        return Match(lufs_a=lufs_a, lufs_b=lufs_b, unmatched=why)
    return Match(**gains, lufs_a=lufs_a, lufs_b=lufs_b)


def _why_not(
    a: np.ndarray,
    rate_a: int,
    lufs_a: float | None,
    b: np.ndarray,
    rate_b: int,
    lufs_b: float | None,
) -> str:
    """Which of the two has no loudness, and why."""
    said = []
    for name, audio, rate, lufs in (("A", a, rate_a, lufs_a), ("B", b, rate_b, lufs_b)):
        if lufs is None:
            is_short = audio.shape[1] < BLOCK_SECONDS * rate
            said.append(f"{name} is {'shorter than 0.4 s' if is_short else 'silent'}")
    return f"Not made equally loud: {' and '.join(said)}."
