"""Weather and water: rain, thunder, wind, waves, a drip."""

import numpy as np

from pipelines.soundworld.ranges import between
from pipelines.soundworld.synthesis import (
    SAMPLE_RATE,
    Generator,
    band_noise,
    beats,
    coloured_noise,
    decay,
    harmonics,
    phase_of,
    place,
    seconds_axis,
    smooth_random,
    swell,
)


def rain(rng: Generator, seconds: float, spread: float) -> np.ndarray:
    """A steady high hiss with single drops in it."""
    samples = int(seconds * SAMPLE_RATE)
    hiss = band_noise(rng, samples, between(rng, 2000, 3000, spread), 7800)
    drops = np.zeros(samples)
    for at in rng.uniform(0, seconds, int(seconds * between(rng, 25, 60, spread))):
        length = 160
        pitch = rng.uniform(2500, 6500)
        drop = np.sin(2 * np.pi * pitch * seconds_axis(length)) * decay(length, 0.008)
        place(drops, drop * rng.exponential(3.0), at)
    return hiss * (0.9 + 0.2 * smooth_random(rng, samples, 1.5)) + drops


def thunder(rng: Generator, seconds: float, spread: float) -> np.ndarray:
    """A crack or two, and a long low rumble that rolls away."""
    samples = int(seconds * SAMPLE_RATE)
    rumble = band_noise(rng, samples, 30, between(rng, 110, 170, spread))
    t = seconds_axis(samples)
    rolling = 0.35 + smooth_random(rng, samples, 3.0) ** 2
    out = 1.6 * rumble * rolling * np.minimum(t / 0.05, 1) * np.exp(-0.9 * t / max(seconds, 1.5))
    for at in rng.uniform(0, 0.35 * seconds, rng.integers(1, 4)):
        length = min(int(0.5 * SAMPLE_RATE), samples)
        crack = coloured_noise(rng, length, 1.2, 150) * decay(
            length, between(rng, 0.35, 0.6, spread)
        )
        place(out, 1.5 * crack, at)
    return out


def wind(rng: Generator, seconds: float, spread: float) -> np.ndarray:
    """Gusts: noise in a narrow band whose centre wanders between 250 and 900 Hz."""
    samples = int(seconds * SAMPLE_RATE)
    low = between(rng, 230, 320, spread)
    sweep = low * 2 ** (1.5 * smooth_random(rng, samples, 0.9))
    envelope = band_noise(rng, samples, 10, 45) + 1j * band_noise(rng, samples, 10, 45)
    howl = (envelope * np.exp(1j * phase_of(sweep))).real
    bed = band_noise(rng, samples, 100, 500)
    return (howl + 0.3 * bed) * (0.35 + smooth_random(rng, samples, 0.8))


def waves(rng: Generator, seconds: float, spread: float) -> np.ndarray:
    """Surf: broad noise that swells, breaks bright, and runs out."""
    samples = int(seconds * SAMPLE_RATE)
    t = seconds_axis(samples)
    period = between(rng, 2.0, 3.2, spread)
    phase = (t / period + rng.uniform(0, 0.3)) % 1.0
    shape = np.where(phase < 0.35, (phase / 0.35) ** 2, np.exp(-3.2 * (phase - 0.35)))
    deep = band_noise(rng, samples, 150, 900)
    foam = band_noise(rng, samples, 900, 4500)
    return deep * (0.25 + shape) + 0.8 * foam * shape**1.5


def drip(rng: Generator, seconds: float, spread: float) -> np.ndarray:
    """Single drops into water: short bubbles whose pitch rises."""
    out = np.zeros(int(seconds * SAMPLE_RATE))
    pitch = between(rng, 900, 1500, spread)
    for at in beats(rng, seconds, (0.3, 0.55), 0.3):
        samples = int(0.12 * SAMPLE_RATE)
        rise = pitch * rng.uniform(0.9, 1.1) * (1 + 1.1 * np.linspace(0, 1, samples) ** 1.2)
        bubble = harmonics(rise, np.array([1.0, 0.15])) * decay(samples, 0.16)
        place(out, bubble * swell(samples, 0.003, 0.02), at)
    return out
