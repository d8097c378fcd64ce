"""How loud a sound is as it is heard, and the gain that makes it as loud as wished."""

import numpy as np

from pipelines.audio import resample

FILTER_RATE = 48_000  # Hz; BS.1770 gives its filters here, and near half a low rate they bend
BLOCK_SECONDS = 0.4  # BS.1770 measures in blocks of this length; a shorter clip has no loudness
TOLERANCE_LU = 0.01  # far below what anyone hears, so that rounding keeps within 0.1 LU
ROUNDS = 4  # turning down may drop blocks under the gate; two rounds have been enough


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


def turned(audio: np.ndarray, gain_db: float) -> np.ndarray:
    """The clip with a gain in dB."""
    return (audio * 10 ** (gain_db / 20)).astype(np.float32)


def gain_to(
    audio: np.ndarray, rate: int, lufs: float, target: float, *, most: float = 0.0
) -> tuple[float, bool]:
    """The gain in dB that brings a clip to the target, and whether it does within 0.1 LU.

    Loudness follows gain one to one but for the gate: what falls under -70 LUFS no longer counts.

    Args:
        audio: float32 [channels, samples].
        rate: Hz.
        lufs: how loud the clip is now.
        target: how loud it shall be, in LUFS.
        most: the highest gain that is allowed, in dB.
    """
    gain, reached = min(most, target - lufs), lufs
    for _ in range(ROUNDS):
        found = integrated_lufs(turned(audio, gain), rate)
        if found is None:
            return 0.0, False
        reached = found
        if abs(reached - target) < TOLERANCE_LU:
            break
        gain = min(most, gain + target - reached)
    return gain, abs(reached - target) < 0.1
