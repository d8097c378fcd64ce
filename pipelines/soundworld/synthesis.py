"""Sound from numbers: noises, tones, envelopes and resonances, all at 16 kHz, all from a generator."""

import numpy as np
from scipy import signal

SAMPLE_RATE = 16_000  # Hz; the whole embedded world

Generator = np.random.Generator


def seconds_axis(samples: int) -> np.ndarray:
    """The time of every sample, in seconds."""
    return np.arange(samples) / SAMPLE_RATE


def band_noise(rng: Generator, samples: int, low: float, high: float, order: int = 2) -> np.ndarray:
    """White noise through a Butterworth band-pass from `low` to `high` Hz, unit variance."""
    low, high = max(low, 10.0), min(high, 0.49 * SAMPLE_RATE)
    sos = signal.butter(order, [low, high], "bandpass", fs=SAMPLE_RATE, output="sos")
    noise = signal.sosfilt(sos, rng.standard_normal(samples))
    return noise / (noise.std() + 1e-9)


def coloured_noise(rng: Generator, samples: int, slope: float, low: float = 30.0) -> np.ndarray:
    """Noise whose power falls as 1 / f**slope above `low` Hz, unit variance."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    frequency = np.fft.rfftfreq(samples, 1 / SAMPLE_RATE)
    noise = np.fft.irfft(spectrum * np.maximum(frequency, low) ** (-slope / 2), samples)
    return noise / (noise.std() + 1e-9)


def smooth_random(rng: Generator, samples: int, rate: float) -> np.ndarray:
    """A slow random curve in [0, 1], with about `rate` bends per second (cosine between knots)."""
    knots = rng.uniform(0, 1, int(samples / SAMPLE_RATE * rate) + 4)
    position = seconds_axis(samples) * rate + rng.uniform(0, 1)
    index = position.astype(int)
    blend = 0.5 - 0.5 * np.cos(np.pi * (position - index))
    return knots[index] * (1 - blend) + knots[index + 1] * blend


def phase_of(frequency: np.ndarray) -> np.ndarray:
    """The running phase in radians of a frequency curve in Hz."""
    return 2 * np.pi * np.cumsum(frequency) / SAMPLE_RATE


def harmonics(frequency: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """A sum of sines at 1, 2, 3… times the frequency curve; those above 7.6 kHz are left out."""
    phase = phase_of(frequency)
    highest = float(frequency.max())
    tone = np.zeros(len(frequency))
    for number, weight in enumerate(weights, start=1):
        if number * highest < 7600:
            tone += weight * np.sin(number * phase)
    return tone


def decay(samples: int, seconds: float) -> np.ndarray:
    """An exponential that falls by 60 dB in the given time."""
    return np.exp(-6.9 * seconds_axis(samples) / seconds)


def swell(samples: int, attack: float, release: float) -> np.ndarray:
    """Up in `attack` seconds, level, down in `release` seconds: raised-cosine ends."""
    envelope = np.ones(samples)
    up, down = (min(int(t * SAMPLE_RATE), samples // 2) for t in (attack, release))
    if up:
        envelope[:up] = 0.5 - 0.5 * np.cos(np.pi * np.arange(up) / up)
    if down:
        envelope[-down:] = 0.5 + 0.5 * np.cos(np.pi * np.arange(down) / down)
    return envelope


def formants(sound: np.ndarray, peaks: list[tuple[float, float]]) -> np.ndarray:
    """The sound through parallel two-pole resonances, each (centre Hz, bandwidth Hz)."""
    out = np.zeros(len(sound))
    for centre, bandwidth in peaks:
        radius = np.exp(-np.pi * bandwidth / SAMPLE_RATE)
        angle = 2 * np.pi * centre / SAMPLE_RATE
        out += signal.lfilter(
            [(1 - radius) * 2], [1, -2 * radius * np.cos(angle), radius**2], sound
        )
    return out


def place(out: np.ndarray, piece: np.ndarray, at: float) -> None:
    """Add `piece` into `out` from `at` seconds on; what does not fit is cut."""
    start = int(at * SAMPLE_RATE)
    stop = min(len(out), start + len(piece))
    if stop > start:
        out[start:stop] += piece[: stop - start]


def beats(rng: Generator, seconds: float, gap: tuple[float, float], jitter: float) -> list[float]:
    """Moments from 0 on, one base gap drawn for the row, each gap off by up to `jitter` of it."""
    base = rng.uniform(*gap)
    times, now = [], 0.02
    while now < seconds - 0.12:
        times.append(now)
        now += base * (1 + rng.uniform(-jitter, jitter))
    return times or [0.0]
