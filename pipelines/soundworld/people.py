"""People and what they do: knocking, shots, applause, speech, a baby's cry."""

import numpy as np

from pipelines.soundworld.ranges import between
from pipelines.soundworld.synthesis import (
    SAMPLE_RATE,
    Generator,
    band_noise,
    beats,
    coloured_noise,
    decay,
    formants,
    harmonics,
    place,
    seconds_axis,
    swell,
)

VOWELS = (
    (730, 1090, 2440),
    (270, 2290, 3010),
    (300, 870, 2240),
    (530, 1840, 2480),
    (570, 840, 2410),
)
# first three formants in Hz of a, i, u, e, o (Peterson and Barney 1952, men)


def knock(rng: Generator, seconds: float, spread: float) -> np.ndarray:
    """Knuckles on a door: rows of three or four wooden thuds."""
    out = np.zeros(int(seconds * SAMPLE_RATE))
    pitch = between(rng, 170, 300, spread)
    step = between(rng, 0.15, 0.22, spread)
    row_gap = between(rng, 0.3, 0.5, spread)
    at = 0.02
    while at < seconds - 0.15:
        for _ in range(rng.integers(3, 5)):
            samples = int(0.14 * SAMPLE_RATE)
            t = seconds_axis(samples)
            thud = np.sin(2 * np.pi * pitch * t) * decay(samples, 0.11)
            thud += 0.6 * np.sin(2 * np.pi * 2.4 * pitch * t) * decay(samples, 0.06)
            thud += 0.4 * band_noise(rng, samples, 300, 1800) * decay(samples, 0.02)
            place(out, thud * rng.uniform(0.85, 1.1), at)
            at += step
        at += row_gap
    return out


def gunshot(rng: Generator, seconds: float, spread: float) -> np.ndarray:
    """Shots: a full-band crack with a short roar and an echo."""
    out = np.zeros(int(seconds * SAMPLE_RATE))
    for at in beats(rng, seconds, (0.5, 0.95), 0.3):
        samples = int(0.5 * SAMPLE_RATE)
        shot = 1.4 * rng.standard_normal(samples) * decay(samples, 0.09)
        shot += coloured_noise(rng, samples, 1.0, 80) * decay(
            samples, between(rng, 0.3, 0.5, spread)
        )
        place(out, shot, at)
        place(out, 0.3 * shot, at + rng.uniform(0.08, 0.13))
    return out


def applause(rng: Generator, seconds: float, spread: float) -> np.ndarray:
    """Many hands: short claps, each with its own resonance, hundreds a second at random."""
    samples = int(seconds * SAMPLE_RATE)
    out = np.zeros(samples)
    claps = []
    for _ in range(24):
        length = int(0.02 * SAMPLE_RATE)
        centre = between(rng, 900, 1800, spread)
        clap = band_noise(rng, length, 0.7 * centre, 1.5 * centre) * decay(length, 0.018)
        claps.append(clap)
    density = between(rng, 60, 110, spread)
    for at in rng.uniform(0, seconds, int(seconds * density)):
        place(out, claps[rng.integers(24)] * rng.uniform(0.3, 1.2), at)
    return out


def _speech(
    rng: Generator, seconds: float, spread: float, pitch: float, tract: float
) -> np.ndarray:
    out = np.zeros(int(seconds * SAMPLE_RATE))
    at = 0.0
    while at < seconds - 0.08:
        for number in range(rng.integers(3, 7)):
            samples = int(between(rng, 0.13, 0.22, spread) * SAMPLE_RATE)
            curve = pitch * (1.12 - 0.05 * number) * np.linspace(1.04, 0.95, samples)
            curve = curve * rng.uniform(0.94, 1.06)
            first, second, third = VOWELS[rng.integers(len(VOWELS))]
            voice = harmonics(curve, 1 / np.arange(1, 36) ** 0.9)
            peaks = [(tract * first, 90), (tract * second, 120), (tract * third, 180)]
            vowel = formants(voice, peaks) * swell(samples, 0.03, 0.05)
            place(out, vowel / (vowel.std() + 1e-9), at)
            at += samples / SAMPLE_RATE
            if rng.uniform() < 0.45:
                hiss = band_noise(rng, int(0.07 * SAMPLE_RATE), 3000, 7000)
                place(out, 0.35 * hiss * swell(len(hiss), 0.02, 0.02), at)
                at += rng.uniform(0.05, 0.08)
            if at > seconds - 0.08:
                break
        at += between(rng, 0.1, 0.25, spread)
    return out


def man_speaking(rng: Generator, seconds: float, spread: float) -> np.ndarray:
    """Babble of vowels and hisses on a low pitch (90 to 130 Hz)."""
    return _speech(rng, seconds, spread, between(rng, 88, 125, spread), 1.0)


def woman_speaking(rng: Generator, seconds: float, spread: float) -> np.ndarray:
    """The same on a higher pitch (195 to 250 Hz), from a shorter vocal tract."""
    return _speech(rng, seconds, spread, between(rng, 200, 250, spread), 1.18)


def baby_cry(rng: Generator, seconds: float, spread: float) -> np.ndarray:
    """Wails: long open vowels around 450 Hz that rise, waver and break off."""
    out = np.zeros(int(seconds * SAMPLE_RATE))
    pitch = between(rng, 410, 520, spread)
    for at in beats(rng, seconds, (0.75, 1.05), 0.15):
        samples = int(between(rng, 0.55, 0.75, spread) * SAMPLE_RATE)
        t = np.linspace(0, 1, samples)
        curve = pitch * (0.9 + 0.2 * np.sin(np.pi * t**0.7))
        curve *= 1 + 0.02 * np.sin(2 * np.pi * 8 * seconds_axis(samples))
        wail = formants(harmonics(curve, np.ones(14)), [(1100, 180), (2900, 350), (4100, 500)])
        wail += 0.05 * wail.std() * rng.standard_normal(samples)
        place(out, wail * swell(samples, 0.06, 0.12), at)
    return out
