"""Machines and signals: engine, helicopter, horns, siren, bells, telephone, clock."""

import numpy as np

from pipelines.soundworld.ranges import between
from pipelines.soundworld.synthesis import (
    SAMPLE_RATE,
    Generator,
    band_noise,
    beats,
    decay,
    harmonics,
    place,
    seconds_axis,
    smooth_random,
    swell,
)


def engine(rng: Generator, seconds: float, spread: float) -> np.ndarray:
    """Idling or revving: a buzz of 45 to 85 Hz with all its overtones, and a rattle."""
    samples = int(seconds * SAMPLE_RATE)
    curve = between(rng, 48, 78, spread) * (1 + 0.25 * smooth_random(rng, samples, 0.7))
    buzz = harmonics(curve, 1 / np.arange(1, 26) ** 0.55 * rng.uniform(0.5, 1.2, 25))
    pulse = 0.5 + 0.5 * np.sin(2 * np.pi * np.cumsum(curve / 2) / SAMPLE_RATE)
    return buzz + 0.8 * pulse * band_noise(rng, samples, 200, 1500)


def helicopter(rng: Generator, seconds: float, spread: float) -> np.ndarray:
    """Rotor: thumps of low noise, 9 to 14 a second, over a turbine's hum."""
    samples = int(seconds * SAMPLE_RATE)
    t = seconds_axis(samples)
    rate = between(rng, 9.5, 13.5, spread)
    phase = (t * rate) % 1.0
    thump = np.exp(-7 * phase)
    blades = band_noise(rng, samples, 60, 420) * thump + 0.6 * (
        band_noise(rng, samples, 700, 2200) * thump**2
    )
    return blades + 0.05 * np.sin(2 * np.pi * between(rng, 500, 700, spread) * t)


def car_horn(rng: Generator, seconds: float, spread: float) -> np.ndarray:
    """Honks: two reedy tones a third apart, in blasts."""
    out = np.zeros(int(seconds * SAMPLE_RATE))
    low = between(rng, 390, 470, spread)
    for at in beats(rng, seconds, (0.5, 0.9), 0.3):
        samples = int(between(rng, 0.28, 0.48, spread) * SAMPLE_RATE)
        weights = 1 / np.arange(1, 15) ** 0.35
        blast = sum(harmonics(np.full(samples, f), weights) for f in (low, 1.26 * low))
        place(out, blast * swell(samples, 0.02, 0.04), at)
    return out


def train_horn(rng: Generator, seconds: float, spread: float) -> np.ndarray:
    """One or two long blasts of a low chord."""
    out = np.zeros(int(seconds * SAMPLE_RATE))
    low = between(rng, 200, 262, spread)
    blast = max(0.8, min(between(rng, 1.3, 2.2, spread), seconds - 0.05))
    at = 0.0
    while at < seconds - 0.4:
        samples = int(min(blast, seconds - at) * SAMPLE_RATE)
        bend = 1 - 0.03 * np.exp(-seconds_axis(samples) / 0.1)
        weights = 1 / np.arange(1, 9) ** 0.9
        chord = sum(harmonics(low * ratio * bend, weights) for ratio in (1.0, 1.19, 1.5, 1.78))
        chord += 0.15 * band_noise(rng, samples, 400, 2500)
        place(out, chord * swell(samples, 0.07, 0.18), at)
        at += blast + rng.uniform(0.2, 0.4)
    return out


def siren(rng: Generator, seconds: float, spread: float) -> np.ndarray:
    """A wail that climbs and falls between about 600 and 1500 Hz."""
    samples = int(seconds * SAMPLE_RATE)
    t = seconds_axis(samples)
    rate = between(rng, 0.55, 1.1, spread)
    low, high = between(rng, 580, 700, spread), between(rng, 1300, 1600, spread)
    rise = 0.5 - 0.5 * np.cos(2 * np.pi * (rate * t + rng.uniform()))
    return harmonics(low * (high / low) ** rise, np.array([1, 0.35, 0.3, 0.12, 0.1]))


def church_bell(rng: Generator, seconds: float, spread: float) -> np.ndarray:
    """Strokes with a bell's own partials (hum, prime, tierce, quint, nominal), long in dying."""
    out = np.zeros(int(seconds * SAMPLE_RATE))
    nominal = between(rng, 560, 800, spread)
    for at in beats(rng, seconds, (0.9, 1.5), 0.08):
        samples = int(min(3.0, seconds) * SAMPLE_RATE)
        t = seconds_axis(samples)
        stroke = np.zeros(samples)
        for ratio, weight, length in (
            (0.5, 0.6, 3.0),
            (1.0, 0.8, 2.4),
            (1.19, 0.7, 2.0),
            (1.5, 0.3, 1.4),
            (2.0, 1.0, 1.2),
            (2.67, 0.4, 0.8),
            (4.05, 0.3, 0.5),
        ):
            partial = np.sin(2 * np.pi * nominal * ratio * t + rng.uniform(0, 6.28))
            stroke += weight * partial * decay(samples, length)
        place(out, stroke, at)
    return out


def telephone(rng: Generator, seconds: float, spread: float) -> np.ndarray:
    """An old bell telephone: two high partials struck 20 times a second, ring and pause."""
    samples = int(seconds * SAMPLE_RATE)
    t = seconds_axis(samples)
    pitch = between(rng, 1500, 1950, spread)
    strikes = (t * between(rng, 18, 24, spread)) % 1.0
    tone = np.sin(2 * np.pi * pitch * t) + 0.8 * np.sin(2 * np.pi * 1.31 * pitch * t)
    tone += 0.4 * np.sin(2 * np.pi * 2.4 * pitch * t)
    ring, pause = between(rng, 0.6, 0.95, spread), between(rng, 0.2, 0.35, spread)
    gate = (t % (ring + pause)) < ring
    return tone * np.exp(-2.2 * strikes) * gate


def tick_tock(rng: Generator, seconds: float, spread: float) -> np.ndarray:
    """A clock: dry clicks, high and low by turns, three to five a second."""
    out = np.zeros(int(seconds * SAMPLE_RATE))
    step = between(rng, 0.2, 0.32, spread)
    pitch = between(rng, 2300, 3200, spread)
    number, at = 0, 0.02
    while at < seconds - 0.05:
        samples = int(0.05 * SAMPLE_RATE)
        tone = pitch if number % 2 == 0 else 0.72 * pitch
        click = np.sin(2 * np.pi * tone * seconds_axis(samples)) * decay(samples, 0.03)
        click += 0.7 * band_noise(rng, samples, 1500, 7000) * decay(samples, 0.012)
        place(out, click, at)
        number, at = number + 1, at + step
    return out
