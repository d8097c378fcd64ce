"""Animals: dog, cat, bird, duck, frog, cricket, and the clip-clop of a horse."""

import numpy as np

from pipelines.soundworld.ranges import between
from pipelines.soundworld.synthesis import (
    SAMPLE_RATE,
    Generator,
    band_noise,
    beats,
    decay,
    formants,
    harmonics,
    place,
    seconds_axis,
    swell,
)


def dog(rng: Generator, seconds: float, spread: float) -> np.ndarray:
    """Barks: short harmonic bursts that rise and fall in pitch, with a breath of noise."""
    out = np.zeros(int(seconds * SAMPLE_RATE))
    pitch = between(rng, 330, 620, spread)
    for at in beats(rng, seconds, (0.32, 0.6), 0.25):
        samples = int(between(rng, 0.13, 0.22, spread) * SAMPLE_RATE)
        t = np.linspace(0, 1, samples)
        curve = pitch * (0.75 + 0.6 * np.sin(np.pi * t**0.6)) * rng.uniform(0.95, 1.05)
        bark = harmonics(curve, 1 / np.arange(1, 12) ** 0.7)
        bark = formants(bark, [(900, 250), (1700, 400), (550, 200)])
        bark += 0.25 * bark.std() * band_noise(rng, samples, 600, 3000)
        place(out, bark * swell(samples, 0.015, 0.09), at)
    return out


def cat(rng: Generator, seconds: float, spread: float) -> np.ndarray:
    """Meows: one long vowel that opens and closes, pitch up and then down."""
    out = np.zeros(int(seconds * SAMPLE_RATE))
    pitch = between(rng, 560, 760, spread)
    for at in beats(rng, seconds, (0.85, 1.3), 0.15):
        samples = int(min(between(rng, 0.6, 0.85, spread), seconds) * SAMPLE_RATE)
        t = np.linspace(0, 1, samples)
        curve = pitch * (0.8 + 0.35 * np.sin(np.pi * t**0.8) - 0.2 * t)
        curve *= 1 + 0.012 * np.sin(2 * np.pi * 6 * seconds_axis(samples))
        open_mouth = np.sin(np.pi * np.clip(t * 1.1, 0, 1))
        bright = harmonics(curve, 1 / np.arange(1, 9) ** 0.4)
        dark = harmonics(curve, 1 / np.arange(1, 9) ** 2.0)
        meow = dark * (1 - open_mouth) + formants(bright, [(1250, 300), (2500, 500)]) * open_mouth
        place(out, meow * swell(samples, 0.08, 0.2), at)
    return out


def bird(rng: Generator, seconds: float, spread: float) -> np.ndarray:
    """Song: groups of fast whistled sweeps between 2.5 and 5 kHz."""
    out = np.zeros(int(seconds * SAMPLE_RATE))
    centre = between(rng, 2900, 4200, spread)
    rate = between(rng, 6, 10, spread)
    shape = rng.uniform(-1, 1)
    for group in beats(rng, seconds, (0.5, 0.85), 0.3):
        for number in range(rng.integers(2, 6)):
            samples = int(rng.uniform(0.05, 0.09) * SAMPLE_RATE)
            t = np.linspace(-1, 1, samples)
            curve = centre * (1 + 0.18 * shape * t + 0.12 * np.cos(np.pi * t))
            chirp = harmonics(curve, np.array([1.0, 0.08])) * swell(samples, 0.012, 0.02)
            place(out, chirp, group + number / rate)
    return out


def duck(rng: Generator, seconds: float, spread: float) -> np.ndarray:
    """Quacks: nasal, rough, flat in pitch, four or so a second at most."""
    out = np.zeros(int(seconds * SAMPLE_RATE))
    pitch = between(rng, 170, 240, spread)
    for at in beats(rng, seconds, (0.3, 0.48), 0.2):
        samples = int(between(rng, 0.15, 0.22, spread) * SAMPLE_RATE)
        t = np.linspace(0, 1, samples)
        curve = pitch * (1.12 - 0.25 * t)
        curve = curve * (1 + 0.03 * rng.standard_normal(samples).cumsum() / np.sqrt(samples))
        quack = formants(harmonics(curve, np.ones(26)), [(1150, 130), (2350, 220), (3100, 300)])
        rough = 1 + 0.5 * np.sign(np.sin(np.pi * pitch * seconds_axis(samples)))
        place(out, quack * rough * swell(samples, 0.02, 0.05), at)
    return out


def frog(rng: Generator, seconds: float, spread: float) -> np.ndarray:
    """Croaks: a pulse train of 25 to 45 Hz that rings at 600 to 1000 Hz."""
    out = np.zeros(int(seconds * SAMPLE_RATE))
    ring = between(rng, 620, 980, spread)
    pulses = between(rng, 26, 42, spread)
    click = np.sin(2 * np.pi * ring * seconds_axis(480)) * decay(480, 0.045)
    click += 0.5 * np.sin(2 * np.pi * 2.3 * ring * seconds_axis(480)) * decay(480, 0.03)
    for at in beats(rng, seconds, (0.65, 1.0), 0.2):
        count = int(between(rng, 0.32, 0.5, spread) * pulses)
        for number in range(count):
            loud = np.sin(np.pi * (number + 1) / (count + 1)) ** 0.5
            place(out, loud * click, at + number / pulses * (1 - 0.1 * number / count))
    return out


def cricket(rng: Generator, seconds: float, spread: float) -> np.ndarray:
    """Chirps: a very high, pure tone (4.2 to 5.4 kHz) in bursts of three to five pulses."""
    samples = int(seconds * SAMPLE_RATE)
    t = seconds_axis(samples)
    tone = np.sin(2 * np.pi * between(rng, 4400, 5600, spread) * t)
    chirps = between(rng, 2.2, 3.4, spread)
    trill = between(rng, 26, 36, spread)
    gate = ((t * chirps + rng.uniform()) % 1.0) < rng.uniform(0.4, 0.6)
    return tone * gate * np.clip(np.sin(np.pi * trill * t) ** 2, 0, 1)


def clip_clop(rng: Generator, seconds: float, spread: float) -> np.ndarray:
    """Hooves on stone: hollow knocks in a lilting pattern of four."""
    out = np.zeros(int(seconds * SAMPLE_RATE))
    step = between(rng, 0.2, 0.3, spread)
    pitches = between(rng, 900, 1300, spread) * np.array([1.0, 0.78, 1.07, 0.84])
    at, number = 0.02, 0
    while at < seconds - 0.1:
        samples = int(0.1 * SAMPLE_RATE)
        pitch = pitches[number % 4] * rng.uniform(0.97, 1.03)
        hoof = np.sin(2 * np.pi * pitch * seconds_axis(samples)) * decay(samples, 0.07)
        hoof += 0.6 * np.sin(2 * np.pi * 1.9 * pitch * seconds_axis(samples)) * decay(samples, 0.04)
        hoof += 0.3 * band_noise(rng, samples, 1500, 5000) * decay(samples, 0.015)
        place(out, hoof * rng.uniform(0.8, 1.1), at)
        at += step * (0.8 if number % 2 else 1.2) * rng.uniform(0.96, 1.04)
        number += 1
    return out
