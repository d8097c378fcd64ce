"""Equal loudness for a pair: how loud each is, and by how much the louder is turned down."""

from dataclasses import dataclass

import numpy as np

from pipelines.audio import resample

FILTER_RATE = 48_000  # Hz; BS.1770 gives its filters here, and near half a low rate they bend
BLOCK_SECONDS = 0.4  # BS.1770 measures in blocks of this length; a shorter clip has no loudness
TOLERANCE_LU = 0.01  # far below what anyone hears, so that rounding keeps within 0.1 LU
ROUNDS = 4  # turning down may drop blocks under the gate; two rounds have been enough


@dataclass(frozen=True, kw_only=True)
class Match:
    """Gains that make two clips equally loud; 0 dB on both sides where that cannot be."""

    gain_a: float = 0.0  # dB, never above 0, so that nothing clips
    gain_b: float = 0.0
    lufs_a: float | None  # before the gain; None: silent or too short
    lufs_b: float | None
    unmatched: str | None = None  # why the two could not be made equal


def integrated_lufs(audio: np.ndarray, sample_rate: int) -> float | None:
    """How loud a clip is as it is played, in LUFS (ITU-R BS.1770-4, gated), by pyloudnorm.

    A mono clip is heard on both sides, so it counts as two equal channels: 3.01 LU louder than
    one channel alone.

    Args:
        audio: float32 [channels, samples].
        sample_rate: Hz.

    Returns:
        None for a clip that is shorter than 0.4 s, or silent.
    """
    import pyloudnorm

    if audio.shape[1] < BLOCK_SECONDS * sample_rate or not audio.any():
        return None
    sound = audio if sample_rate == FILTER_RATE else resample(audio, sample_rate, FILTER_RATE)
    heard = np.repeat(sound, 2, axis=0) if len(sound) == 1 else sound
    found = pyloudnorm.Meter(FILTER_RATE).integrated_loudness(heard.T.astype(np.float64))
    return float(found) if np.isfinite(found) else None


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
        gain, is_equal = _turned_down(a, rate_a, lufs_a, lufs_b)
        gains = {"gain_a": gain}
    else:
        gain, is_equal = _turned_down(b, rate_b, lufs_b, lufs_a)
        gains = {"gain_b": gain}
    if not is_equal:
        why = "The two are so far apart in level that they could not be made equally loud."
        return Match(lufs_a=lufs_a, lufs_b=lufs_b, unmatched=why)
    return Match(**gains, lufs_a=lufs_a, lufs_b=lufs_b)


def turned(audio: np.ndarray, gain_db: float) -> np.ndarray:
    """The clip with a gain in dB."""
    return (audio * 10 ** (gain_db / 20)).astype(np.float32)


def _turned_down(audio: np.ndarray, rate: int, lufs: float, target: float) -> tuple[float, bool]:
    """The gain in dB that brings a clip to the target, and whether it does.

    Loudness follows gain one to one but for the gate: what falls under -70 LUFS no longer counts.
    """
    gain, reached = target - lufs, lufs
    for _ in range(ROUNDS):
        found = integrated_lufs(turned(audio, gain), rate)
        if found is None:
            return 0.0, False
        reached = found
        if abs(reached - target) < TOLERANCE_LU:
            break
        gain = min(0.0, gain + target - reached)
    return gain, abs(reached - target) < 0.1


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
