"""A mel spectrogram in decibels, for the eye: numpy only, so that a picture never waits for torch."""

from functools import lru_cache

import numpy as np

from pipelines.audio import fit_length, mono

BANDS = 96
WINDOW_SECONDS = 0.040  # short enough to see a knock, long enough to see a harmonic
COLUMNS = 480  # at most, over the whole sound
FLOOR_DB = -80  # below the loudest point


def mel_of_hz(hz: np.ndarray | float) -> np.ndarray | float:
    """Mel, HTK's formula: 2595 log10(1 + f / 700)."""
    return 2595 * np.log10(1 + np.asarray(hz) / 700)


def hz_of_mel(mel: np.ndarray | float) -> np.ndarray | float:
    """The inverse of `mel_of_hz`."""
    return 700 * (10 ** (np.asarray(mel) / 2595) - 1)


@lru_cache(maxsize=8)
def mel_filters(sample_rate: int, window: int, top_hz: float) -> np.ndarray:
    """Triangles, evenly spaced in mel from 0 Hz to `top_hz`: [BANDS, bins].

    Those above half the sample rate are empty.
    """
    edges = hz_of_mel(np.linspace(0, mel_of_hz(top_hz), BANDS + 2))  # Hz, [BANDS + 2]
    bins = np.fft.rfftfreq(window, 1 / sample_rate)  # Hz, [bins]
    rise = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    triangles = np.clip(np.minimum(rise, fall), 0, None)
    nearest = np.abs(bins - edges[1:-1, None]).argmin(1)  # a narrow triangle may miss every bin
    is_missed = (triangles.max(1) == 0) & (edges[1:-1] <= sample_rate / 2)
    triangles[np.arange(BANDS), nearest] = np.maximum(
        triangles[np.arange(BANDS), nearest], is_missed
    )
    return triangles / np.maximum(triangles.sum(1, keepdims=True), 1e-12)


def mel_spectrogram(
    audio: np.ndarray,
    sample_rate: int,
    *,
    seconds: float | None = None,
    top_hz: float | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """How loud each band is at each moment.

    Two sounds of any rates and lengths get the same bands and moments when they are given the
    same `seconds` and `top_hz`; beyond a sound's end, and above half its rate, there is silence.

    Args:
        audio: float32 [channels, samples].
        sample_rate: Hz.
        seconds: length to cover; None: the sound's own.
        top_hz: upper edge of the highest band; None: half the sample rate.

    Returns:
        decibels below full scale of a sine, int8 [BANDS, columns], not under -100; and the
        moment of each column, seconds, [columns].
    """
    sound = mono(audio).astype(np.float64)
    window = max(64, round(WINDOW_SECONDS * sample_rate))
    length = sound.size if seconds is None else round(seconds * sample_rate)
    step = max(WINDOW_SECONDS / 4, length / sample_rate / COLUMNS)  # seconds
    times = np.arange(int(length / sample_rate / step + 1e-6) + 1) * step
    starts = np.round(times * sample_rate).astype(int)
    sound = fit_length(sound, max(length, int(starts[-1]) + 1))
    padded = np.pad(sound, window // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[starts]  # [columns, window]
    shape = np.hanning(window)
    power = np.abs(np.fft.rfft(frames * shape)) ** 2 / (shape.sum() / 2) ** 2  # [columns, bins]
    mel = mel_filters(sample_rate, window, top_hz or sample_rate / 2) @ power.T  # [BANDS, columns]
    return np.round(10 * np.log10(np.maximum(mel, 1e-10))).astype(np.int8), times


def band_centres(sample_rate: int) -> np.ndarray:
    """The frequency of each band up to half the sample rate, Hz, [BANDS]."""
    return hz_of_mel(np.linspace(0, mel_of_hz(sample_rate / 2), BANDS + 2)[1:-1])
