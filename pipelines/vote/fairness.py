"""Sounds of one prompt made alike in all but what they sound like: loudness, rate, channels, length."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.audio import fit_length, resample
from pipelines.loudness import BLOCK_SECONDS, gain_to, integrated_lufs, turned

TARGET_LUFS = -23.0  # EBU R 128; what is quieter by nature brings its whole prompt down with it
PEAK_DBFS = -1.0  # room for what a converter overshoots between two samples
FLOOR_DBFS = -60.0  # a moment whose level lies under this is silence
MOMENT_SECONDS = 0.02  # silence is counted in moments of this length
FADE_SECONDS = 0.01  # where padding would begin with a click


@dataclass(frozen=True, kw_only=True)
class FairClip:
    """A sound as it is played, and what was done to its source."""

    audio: np.ndarray  # float32 [channels, samples], alike for all of a prompt
    gain_db: float
    lufs: float | None  # of the source, in the shape in which it is played; None: silent
    peak_dbfs: float | None  # of the source, likewise
    silence: float  # share of the source's own length
    seconds: float  # of the source, before padding
    unmatched: str | None = None  # why it is not as loud as the others

    @property
    def measures(self) -> dict[str, float | str | None]:
        """What is stored beside the clip."""
        found = {
            "gain_db": round(self.gain_db, 4),
            "lufs": self.lufs and round(self.lufs, 3),
            "peak_dbfs": self.peak_dbfs and round(self.peak_dbfs, 3),
            "silence": round(self.silence, 4),
            "seconds": round(self.seconds, 4),
        }
        return found if self.unmatched is None else {**found, "unmatched": self.unmatched}


def made_fair(sounds: Sequence[tuple[np.ndarray, int]]) -> tuple[list[FairClip], int]:
    """All sounds of a prompt, alike; and their sample rate in Hz.

    The rate is the highest among them, so are the channels, and the length is the longest; shorter
    ones end in silence. All become as loud as -23 LUFS, or as loud as all of them can be without a
    sample over -1 dBFS. What is silent has no loudness and stays as it is: `unmatched` says so.

    Args:
        sounds: each float32 [channels, samples] and its rate in Hz.
    """
    rate = max(rate for _, rate in sounds)
    channels = max(len(audio) for audio, _ in sounds)
    wide = [_shaped(audio, own, rate, channels) for audio, own in sounds]
    longest = max(audio.shape[1] for audio in wide)
    level = [_padded(audio, longest, rate) for audio in wide]
    loud = [integrated_lufs(audio, rate) for audio in level]
    peaks = [peak_dbfs(audio) for audio in level]
    target = common_target(loud, peaks)
    made = []
    for (source, own), audio, lufs, peak in zip(sounds, level, loud, peaks, strict=True):
        gain, why = _gain(audio, rate, lufs, peak, target)
        made.append(
            FairClip(
                audio=turned(audio, gain),
                gain_db=gain,
                lufs=lufs,
                peak_dbfs=peak,
                silence=silence_share(source, own),
                seconds=source.shape[1] / own,
                unmatched=why,
            )
        )
    return made, rate


def common_target(loud: Sequence[float | None], peaks: Sequence[float | None]) -> float:
    """How loud all can be, in LUFS.

    A click of -30 LUFS with a peak of 0 dBFS can only be turned down, by 1 dB: then all are at -31.

    >>> common_target([-18.0, -30.0, None], [-3.0, 0.0, None])
    -31.0
    """
    room = [
        lufs + PEAK_DBFS - peak
        for lufs, peak in zip(loud, peaks, strict=True)
        if lufs is not None and peak is not None
    ]
    return min([TARGET_LUFS, *room])


def peak_dbfs(audio: np.ndarray) -> float | None:
    """The highest sample, in dB of full scale; None where all is nought."""
    highest = float(np.abs(audio).max(initial=0.0))
    return float(20 * np.log10(highest)) if highest > 0 else None


def silence_share(audio: np.ndarray, rate: int) -> float:
    """Which share of a sound lies under -60 dBFS, in moments of 20 ms; the last may be shorter."""
    size = max(1, round(MOMENT_SECONDS * rate))
    power = np.square(audio, dtype=np.float64).mean(axis=0)
    starts = np.arange(0, len(power), size)
    lengths = np.diff(np.append(starts, len(power)))
    moments = np.add.reduceat(power, starts) / lengths
    is_silent = moments < 10 ** (FLOOR_DBFS / 10)
    return float((is_silent * lengths).sum() / len(power))


def _shaped(audio: np.ndarray, own: int, rate: int, channels: int) -> np.ndarray:
    """The sound at this rate with so many channels; mono is heard on every side alike."""
    sound = audio if own == rate else resample(audio, own, rate)
    if len(sound) == channels:
        return sound
    whole = sound if len(sound) == 1 else sound.mean(axis=0, keepdims=True)
    return np.repeat(whole, channels, axis=0)


def _padded(audio: np.ndarray, samples: int, rate: int) -> np.ndarray:
    """The sound with silence after it; a sound that stops short of silence fades over 10 ms."""
    size = min(round(FADE_SECONDS * rate), audio.shape[1])
    ends_loud = size and np.abs(audio[:, -1]).max() > 10 ** (FLOOR_DBFS / 20)
    if audio.shape[1] < samples and ends_loud:
        audio = audio.copy()
        audio[:, -size:] *= np.linspace(1, 0, size, dtype=np.float32)
    return fit_length(audio, samples)


def _gain(
    audio: np.ndarray, rate: int, lufs: float | None, peak: float | None, target: float
) -> tuple[float, str | None]:
    """The gain in dB for the target, or 0 and why there is none."""
    if lufs is None or peak is None:
        is_short = audio.shape[1] < BLOCK_SECONDS * rate
        return 0.0, "It is shorter than 0.4 s." if is_short else "It is silent."
    gain, is_equal = gain_to(audio, rate, lufs, target, most=PEAK_DBFS - peak)
    return (gain, None) if is_equal else (gain, "It could not be made as loud as the others.")
