"""Scenes: one to three events, overlapping or in sequence, with strong labels and a caption.

A scene is drawn (who sounds, when, how loud, what is said of it) before it is rendered, so that
labels and captions cost nothing. A share of captions is wrong on purpose, and marked.
"""

import itertools
from dataclasses import dataclass, replace

import numpy as np

from pipelines.errors import StudioError
from pipelines.records import Event
from pipelines.seeds import fork, numpy_generator
from pipelines.soundworld.captions import (
    CONJUNCTIONS_THREE,
    CONJUNCTIONS_TWO,
    IN_ORDER,
    read_caption,
    write_caption,
)
from pipelines.soundworld.events import EVENTS, LABELS, render_event
from pipelines.soundworld.faults import spoil
from pipelines.soundworld.splits import split_of
from pipelines.soundworld.synthesis import SAMPLE_RATE

MAX_SECONDS = 10.24
SCENE_KINDS = {"one": 0.15, "two together": 0.22, "two in order": 0.28, "three in order": 0.35}


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What sounds, and what is said of it."""

    seed: int
    kind: str  # a key of SCENE_KINDS
    split: str  # train, dev, test
    seconds: float
    events: tuple[Event, ...]  # strong labels, in order of onset
    gains_db: tuple[float, ...]
    caption: str  # what a clean corpus would say
    noisy_caption: str  # what our web corpus says; equal to `caption` when fault is None
    fault: str | None = None  # keys of FAULTS, joined by commas
    spread: float = 1.0
    references: tuple[str, ...] = ()  # further captions of the same scene (foreign split)


def draw_scene(
    seed: int,
    *,
    split: str = "train",
    kind: str | None = None,
    foreign: bool = False,
    seconds: float | None = None,
) -> Scene:
    """A random scene of a split; the seed fixes everything.

    Args:
        seed: any whole number.
        split: train, dev or test: which combinations of events may come.
        kind: a key of SCENE_KINDS; None draws one.
        foreign: wider render ranges, other words, several references.
        seconds: length, 3 to 10.24; None draws one (30 % are 10 s).
    """
    rng = numpy_generator(seed, "scene", split, "foreign" if foreign else "home")
    if kind is None:
        kind = str(rng.choice(list(SCENE_KINDS), p=list(SCENE_KINDS.values())))
    labels = _draw_labels(rng, split, {"one": 1, "three in order": 3}.get(kind, 2))
    if seconds is None:
        shortest = {1: 3.0, 2: 3.5, 3: 5.5}[len(labels)]
        seconds = (
            10.0 if rng.uniform() < 0.3 else round(float(rng.uniform(shortest, MAX_SECONDS)), 2)
        )
    conjunctions = _draw_conjunctions(rng, kind)
    phrasing = [int(n) for n in rng.integers(0, 6, len(labels))]
    scene = Scene(
        seed=seed,
        kind=kind,
        split=split,
        seconds=seconds,
        events=_lay_out(rng, labels, conjunctions, seconds),
        gains_db=tuple(float(g) for g in rng.uniform(-2.5, 2.5, len(labels))),
        caption=write_caption(labels, conjunctions, phrasing, foreign=foreign),
        noisy_caption="",
        spread=1.5 if foreign else 1.0,
    )
    if foreign:
        more = [write_caption(labels, conjunctions, [n, n, n], foreign=True) for n in range(2)]
        return replace(scene, noisy_caption=scene.caption, references=tuple(more))
    noisy, fault = spoil(rng, labels, conjunctions, phrasing, split)
    return replace(scene, noisy_caption=noisy, fault=fault)


def _draw_labels(rng: np.random.Generator, split: str, count: int) -> list[str]:
    while True:
        labels = [str(label) for label in rng.choice(LABELS, count, replace=False)]
        if split_of(labels) == split or count == 1:
            return labels


def _draw_conjunctions(rng: np.random.Generator, kind: str) -> list[str]:
    if kind == "one":
        return []
    if kind == "three in order":
        return list(CONJUNCTIONS_THREE[rng.integers(len(CONJUNCTIONS_THREE))])
    in_order = kind == "two in order"
    return [str(rng.choice([c for c in CONJUNCTIONS_TWO if (c in IN_ORDER) == in_order]))]


def _lay_out(
    rng: np.random.Generator, labels: list[str], conjunctions: list[str], seconds: float
) -> tuple[Event, ...]:
    """Cut the time into stretches; events joined without order share one."""
    stretches: list[list[str]] = [[labels[0]]]
    for label, joint in zip(labels[1:], conjunctions, strict=True):
        if joint in IN_ORDER:
            stretches.append([label])
        else:
            stretches[-1].append(label)
    least = np.array([max(EVENTS[name].least_seconds for name in group) for group in stretches])
    gaps = rng.uniform(0.05, 0.25, len(stretches))  # silence before each stretch
    spare = max(0.0, seconds - float(least.sum() + gaps.sum()))
    used = spare * (rng.uniform(0.8, 1.0) if len(stretches) > 1 else rng.uniform(0.85, 1.0))
    lengths = least + used * rng.dirichlet(np.full(len(stretches), 4.0))
    events, now = [], 0.0
    for group, gap, length in zip(stretches, gaps, lengths, strict=True):
        now += float(gap)
        for label in group:
            slack = max(0.0, float(length) - EVENTS[label].least_seconds)
            late, early = (rng.uniform(0, 0.15) * slack for _ in range(2))
            onset, offset = now + late, min(now + float(length) - early, seconds)
            events.append(Event(label=label, onset=round(onset, 3), offset=round(offset, 3)))
        now += float(length)
    return tuple(events)


def render_scene(scene: Scene) -> np.ndarray:
    """The sound of a scene: float32 [1, samples] at 16 kHz, `scene.seconds` long, within [-1, 1]."""
    out = np.zeros(int(round(scene.seconds * SAMPLE_RATE)))
    for number, (event, gain) in enumerate(zip(scene.events, scene.gains_db, strict=True)):
        rng = numpy_generator(scene.seed, "render", scene.split, number, event.label)
        sound = render_event(event.label, rng, event.offset - event.onset, scene.spread)
        start = int(event.onset * SAMPLE_RATE)
        stop = min(len(out), start + len(sound))
        out[start:stop] += sound[: stop - start] * 10 ** (gain / 20)
    peak = np.abs(out).max()
    return (out * min(1.0, 0.99 / (peak + 1e-9)))[None].astype(np.float32)


def scene_of_caption(caption: str, seed: int, *, seconds: float = 10.0) -> Scene:
    """A scene that does what a caption says, for `cli world render`.

    Raises:
        StudioError: no event of the world is named, or more than three, or one twice.
    """
    reading = read_caption(caption)
    if not 1 <= len(reading.labels) <= 3 or len(set(reading.labels)) != len(reading.labels):
        raise StudioError(
            f'"{caption}" names {len(reading.labels)} events of the world '
            f"({', '.join(reading.labels) or 'none'}); name one to three different ones, such as "
            '"a dog barks followed by rain falling".'
        )
    shortest = 0.3 + sum(EVENTS[label].least_seconds + 0.25 for label in reading.labels)
    if not shortest <= seconds <= MAX_SECONDS:
        raise StudioError(
            f"{seconds} s were asked for; these events need {shortest:.1f} to {MAX_SECONDS} s."
        )
    joints = [
        "then" if (i, i + 1) in reading.order else "and" for i in range(len(reading.labels) - 1)
    ]
    rng = numpy_generator(seed, "caption scene", caption)
    kinds = {1: "one", 2: "two in order" if reading.order else "two together"}
    return Scene(
        seed=fork(seed, "caption scene", caption),
        kind=kinds.get(len(reading.labels), "three in order"),
        split=split_of(reading.labels),
        seconds=seconds,
        events=_lay_out(rng, list(reading.labels), joints, seconds),
        gains_db=(0.0,) * len(reading.labels),
        caption=caption,
        noisy_caption=caption,
    )


def all_combinations(count: int) -> list[tuple[str, ...]]:
    """Every unordered combination of so many labels, in a fixed order."""
    return list(itertools.combinations(LABELS, count))
