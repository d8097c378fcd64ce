"""A mel spectrogram in decibels, for the eye: numpy only, so that a picture never waits for torch."""

from functools import lru_cache

import numpy as np

from pipelines.audio import mono

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
def mel_filters(sample_rate: int, window: int) -> np.ndarray:
    """Triangles, evenly spaced in mel from 0 Hz to half the sample rate: [BANDS, bins]."""
    edges = hz_of_mel(np.linspace(0, mel_of_hz(sample_rate / 2), BANDS + 2))  # Hz, [BANDS + 2]
    bins = np.fft.rfftfreq(window, 1 / sample_rate)  # Hz, [bins]
    rise = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    triangles = np.clip(np.minimum(rise, fall), 0, None)
    nearest = np.abs(bins - edges[1:-1, None]).argmin(1)  # a narrow triangle may miss every bin
    triangles[np.arange(BANDS), nearest] = np.maximum(
        triangles[np.arange(BANDS), nearest], triangles.max(1) == 0
    )
    return triangles / triangles.sum(1, keepdims=True)


def mel_spectrogram(audio: np.ndarray, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """How loud each band is at each moment.

    Args:
        audio: float32 [channels, samples].
        sample_rate: Hz.

    Returns:
        decibels below full scale of a sine, int8 [BANDS, columns], not under -100; and the
        moment of each column, seconds, [columns].
    """
    sound = mono(audio).astype(np.float64)
    window = max(64, round(WINDOW_SECONDS * sample_rate))
    hop = max(window // 4, -(-sound.size // COLUMNS))
    padded = np.pad(sound, window // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]  # [columns, window]
    shape = np.hanning(window)
    power = np.abs(np.fft.rfft(frames * shape)) ** 2 / (shape.sum() / 2) ** 2  # [columns, bins]
    mel = mel_filters(sample_rate, window) @ power.T  # [BANDS, columns]
    decibels = 10 * np.log10(np.maximum(mel, 1e-10))
    times = np.arange(len(frames)) * hop / sample_rate
    return np.round(decibels).astype(np.int8), times


def band_centres(sample_rate: int) -> np.ndarray:
    """The frequency of each band, Hz, [BANDS]."""
    return hz_of_mel(np.linspace(0, mel_of_hz(sample_rate / 2), BANDS + 2)[1:-1])
