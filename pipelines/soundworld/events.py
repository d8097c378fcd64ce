"""The events of the world: how each AudioCaps label sounds, synthesised from random parameters."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipelines.soundworld import animals, machines, people, weather
from pipelines.soundworld.synthesis import SAMPLE_RATE, Generator, swell


@dataclass(frozen=True)
class EventKind:
    """One kind of event.

    `render(rng, seconds, spread)` gives [samples]; `spread` widens every parameter range
    around its middle: 1 in the ordinary world, more in the foreign one.
    """

    label: str
    render: Callable[[Generator, float, float], np.ndarray]
    level_db: float = 0.0  # loudness beside the others
    least_seconds: float = 0.9  # shorter than this it is not recognisable


_KINDS = [
    EventKind("Dog", animals.dog),
    EventKind("Cat", animals.cat, least_seconds=1.0),
    EventKind("Bird", animals.bird),
    EventKind("Duck", animals.duck),
    EventKind("Frog", animals.frog),
    EventKind("Cricket", animals.cricket, level_db=-1.0),
    EventKind("Clip-clop", animals.clip_clop, level_db=1.0, least_seconds=1.1),
    EventKind("Rain", weather.rain),
    EventKind("Thunder", weather.thunder, level_db=2.0, least_seconds=1.4),
    EventKind("Wind", weather.wind, level_db=1.0, least_seconds=1.2),
    EventKind("Waves, surf", weather.waves, level_db=1.0, least_seconds=1.4),
    EventKind("Drip", weather.drip),
    EventKind("Engine", machines.engine, level_db=1.0),
    EventKind("Helicopter", machines.helicopter, level_db=1.0, least_seconds=1.0),
    EventKind("Vehicle horn, car horn, honking", machines.car_horn),
    EventKind("Train horn", machines.train_horn, least_seconds=1.0),
    EventKind("Emergency vehicle", machines.siren, least_seconds=1.3),
    EventKind("Church bell", machines.church_bell, least_seconds=1.2),
    EventKind("Telephone bell ringing", machines.telephone),
    EventKind("Tick-tock", machines.tick_tock, level_db=-4.0, least_seconds=1.3),
    EventKind("Knock", people.knock, level_db=1.0),
    EventKind("Gunshot, gunfire", people.gunshot, level_db=-1.0),
    EventKind("Applause", people.applause),
    EventKind("Male speech, man speaking", people.man_speaking, least_seconds=1.1),
    EventKind("Female speech, woman speaking", people.woman_speaking, least_seconds=1.1),
    EventKind("Baby cry, infant cry", people.baby_cry, least_seconds=1.1),
]
EVENTS: dict[str, EventKind] = {kind.label: kind for kind in _KINDS}
LABELS: tuple[str, ...] = tuple(EVENTS)

REFERENCE_RMS = 10 ** (-25 / 20)  # of an event's loudest half second


def render_event(label: str, rng: Generator, seconds: float, spread: float = 1.0) -> np.ndarray:
    """One sounding of an event, levelled so that every kind is about as loud.

    Args:
        label: a key of EVENTS.
        rng: all the chance in it.
        seconds: length, at least the kind's `least_seconds` to be recognisable.
        spread: 1, or more for wider parameter ranges.

    Returns:
        float64 [samples] at 16 kHz, with soft ends.
    """
    kind = EVENTS[label]
    samples = int(seconds * SAMPLE_RATE)
    sound = np.asarray(kind.render(rng, seconds, spread))[:samples]
    sound = np.pad(sound, (0, samples - len(sound))) * swell(samples, 0.01, 0.03)
    half = SAMPLE_RATE // 2
    power = np.convolve(sound[::8] ** 2, np.full(half // 8, 8 / half), "same").max()
    level = REFERENCE_RMS * 10 ** (kind.level_db / 20)
    return sound * (level / np.sqrt(power + 1e-12))
