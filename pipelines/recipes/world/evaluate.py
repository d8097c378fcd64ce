"""Measure what is in assets: integrity, order, duration, distances, and the listeners themselves."""

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipelines.clap import load as load_clap
from pipelines.compare import frechet, kernel
from pipelines.generate.backend import Backend
from pipelines.generate.checkpoints import load
from pipelines.generate.sampling import run
from pipelines.generate.tangoflux_backend import TangoFluxBackend
from pipelines.intervals import bootstrap_mean, wilson
from pipelines.recipes.world.card import card, curves
from pipelines.records import Prompt, Settings
from pipelines.seeds import fork, numpy_generator, torch_generator
from pipelines.soundworld import listeners
from pipelines.soundworld.captions import write_caption
from pipelines.soundworld.events import LABELS
from pipelines.soundworld.listeners import Listener
from pipelines.soundworld.scenes import SCENE_KINDS, Scene, draw_scene, render_scene
from pipelines.soundworld.synthesis import SAMPLE_RATE
from pipelines.soundworld.verdicts import Verdict
from pipelines.soundworld.vocabulary import known_words

SCENES = 78  # of each kind: three for each event
DURATIONS = (3.0, 4.5, 6.0, 7.5, 9.0)  # seconds, asked for (papers/tangoflux.txt, A.8)
BATCH = 16
SEEDS = {"dev": 60_000_000, "test": 70_000_000}  # first scene seed of each split
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Heard:
    """Sounds for the scenes of one kind, from one source."""

    kind: str
    source: str  # real, autoencoded, or a model's name
    scenes: list[Scene]
    sounds: list[np.ndarray]  # float32 [1, samples] at 16 kHz


def draw_scenes(split: str, count: int = SCENES) -> dict[str, list[Scene]]:
    """The scenes that a split is measured on, by kind."""
    first = SEEDS[split]
    return {
        kind: [draw_scene(first + 1000 * n + i, split=split, kind=kind) for i in range(count)]
        for n, kind in enumerate(SCENE_KINDS)
    }


def generate_for(
    backend: Backend, scenes: list[Scene], *, steps: int, guidance: float, seed: int = 0
) -> list[np.ndarray]:
    """One sound per scene, from its clean caption and its length, each with a seed of its own."""
    jobs = [
        (
            Prompt(text=scene.caption, seconds=scene.seconds),
            Settings(
                model=backend.name,
                seed=fork(seed, "evaluate", scene.seed),
                steps=steps,
                guidance=guidance,
                dtype=backend.dtype,
            ),
        )
        for scene in scenes
    ]
    return [candidate.audio for candidate in run(backend, jobs, BATCH, None, None)]


def autoencode(backend: Backend, sounds: list[np.ndarray]) -> list[np.ndarray]:
    """Each sound through the backend's autoencoder and back, cut to its length."""
    made = []
    for start in range(0, len(sounds), BATCH):
        part = sounds[start : start + BATCH]
        longest = max(sound.shape[1] for sound in part)
        batch = torch.from_numpy(
            np.stack([np.pad(s, [(0, 0), (0, longest - s.shape[1])]) for s in part])
        )
        with torch.inference_mode():
            out = backend.decode(backend.encode(batch)).float().numpy()
        made += [o[:, : s.shape[1]] for o, s in zip(out, part, strict=True)]
    return made


def verdicts(listener: Listener, heard: Heard, caption: Callable[[Scene], str]) -> list[Verdict]:
    """The listener's verdict on each sound against a caption made of its scene."""
    hearings = []
    for start in range(0, len(heard.sounds), BATCH):
        hearings += listener.hear_all(heard.sounds[start : start + BATCH], SAMPLE_RATE)
    return [h.verdict(caption(s)) for h, s in zip(hearings, heard.scenes, strict=True)]


def shares(found: list[Verdict]) -> dict[str, Any]:
    """Integrity and order as shares with Wilson intervals; order over captions that state one."""
    ordered = [v.order for v in found if v.order is not None]
    out = {"integrity": asdict(wilson(sum(v.integrity for v in found), len(found)))}
    if ordered:
        out["order"] = asdict(wilson(sum(ordered), len(ordered)))
    return out


def listener_errors(listener: Listener, heard: list[Heard]) -> dict[str, Any]:
    """How often a listener is wrong on sounds whose truth is known.

    Misses: sound and caption agree and it says they do not. False passes: the caption names one
    event that does not sound (missing), or states the order backwards (swapped), and it agrees.
    """
    agree = [v for h in heard for v in verdicts(listener, h, lambda scene: scene.caption)]
    absent = [v for h in heard for v in verdicts(listener, h, caption_with_absent_event)]
    ordered = [h for h in heard if h.kind == "two in order"]
    swapped = [v for h in ordered for v in verdicts(listener, h, caption_backwards)]
    return {
        "miss": asdict(wilson(sum(not v.integrity for v in agree), len(agree))),
        "false pass, event missing": asdict(wilson(sum(v.integrity for v in absent), len(absent))),
        "false pass, order swapped": asdict(wilson(sum(bool(v.order) for v in swapped), len(swapped))),
    }  # fmt: skip


def caption_with_absent_event(scene: Scene) -> str:
    """The caption with its first event replaced by one that does not sound."""
    present = {event.label for event in scene.events}
    rng = numpy_generator(scene.seed, "absent event")
    labels = [str(rng.choice([x for x in LABELS if x not in present]))]
    labels += sorted(present)[1:]
    return write_caption(labels, ["and"] * (len(labels) - 1), [0] * len(labels))


def caption_backwards(scene: Scene) -> str:
    """The events of a scene in sequence, told in the opposite order."""
    labels = [event.label for event in sorted(scene.events, key=lambda event: -event.onset)]
    return write_caption(labels, ["followed by"] * (len(labels) - 1), [0] * len(labels))


def sounding_seconds(audio: np.ndarray) -> float:
    """When the sound ends: the end of the last 50 ms stretch within 40 dB of the loudest."""
    size = SAMPLE_RATE // 20
    frames = audio[0, : audio.shape[1] // size * size].reshape(-1, size)
    level = np.sqrt((frames**2).mean(axis=1))
    loud = np.flatnonzero(level > level.max() * 10 ** (-40 / 20))
    return float((loud[-1] + 1) * size / SAMPLE_RATE) if len(loud) else 0.0


def duration_errors(backend: TangoFluxBackend, *, steps: int, guidance: float) -> dict[str, Any]:
    """Asked length against the length that sounds when the whole 10.24 s are decoded."""
    rows = {}
    for seconds in DURATIONS:
        scenes = [draw_scene(75_000_000 + i, split="test", kind="one", seconds=seconds)
                  for i in range(26)]  # fmt: skip
        latents = backend.pipe(
            [scene.caption for scene in scenes],
            seconds=seconds,
            num_inference_steps=steps,
            guidance_scale=guidance,
            generator=torch_generator(int(10 * seconds), "duration"),
            output_type="latent",
        ).audios
        with torch.inference_mode():
            whole = backend.decode(latents).float().cpu().numpy()  # all 10.24 s, uncut
        ends = np.array([sounding_seconds(sound) for sound in whole])
        rows[str(seconds)] = {
            "sounds until": asdict(bootstrap_mean(ends, seed=1)),
            "median error": float(np.median(np.abs(ends - seconds))),
        }
    return rows


def distances(real: list[np.ndarray], made: list[np.ndarray], texts: list[str]) -> dict[str, Any]:
    """FAD, KAD and CLAP score by the evaluation CLAP, which no model and no listener trains."""
    clap = load_clap("evaluation")
    a, b = (clap.embed_audio(sounds, SAMPLE_RATE) for sounds in (real, made))
    words = clap.embed_text(texts)
    cosine = (b * words).sum(axis=1)
    return {
        "frechet": frechet.evaluate(a, b, embedder="CLAP-evaluation"),
        "kernel": kernel.evaluate(a, b, embedder="CLAP-evaluation"),
        "CLAP score": asdict(bootstrap_mean(cosine, seed=2)),
    }


def order_sensitivity(name: str, heard: Heard, source: str = "real") -> dict[str, Any]:
    """How often a CLAP prefers the true order to the swapped one, on real renders: 0.5 is deaf.

    Args:
        name: of the CLAP.
        heard: scenes of two events in order.
        source: which sounds these are, for the record.
    """
    clap = load_clap(name)
    audio = clap.embed_audio(heard.sounds, SAMPLE_RATE)
    true, false = (
        clap.embed_text([write_caption(labels, ["followed by"], [0, 0]) for labels in told])
        for told in zip(*(_both_orders(scene) for scene in heard.scenes), strict=True)
    )
    right = (audio * true).sum(1) > (audio * false).sum(1)
    apart = 1 - (true * false).sum(1)
    return {
        "sounds": source,
        "prefers the true order": asdict(wilson(int(right.sum()), len(right))),
        "cosine distance of swapped captions": asdict(bootstrap_mean(apart, seed=3)),
    }


def _both_orders(scene: Scene) -> tuple[list[str], list[str]]:
    labels = [event.label for event in sorted(scene.events, key=lambda event: event.onset)]
    return labels, labels[::-1]


def tune(*, count: int = 24) -> list[dict[str, Any]]:
    """Integrity and order on dev by guidance, by the annotator: how the default was chosen."""
    backend, annotator = load("embedded"), listeners.load("annotator")
    scenes = [s for kind, rows in draw_scenes("dev", count).items() if kind != "one" for s in rows]
    found = []
    for guidance in (2.0, 3.0, 4.5, 6.0):
        sounds = generate_for(backend, scenes, steps=backend.default_steps, guidance=guidance)
        heard = Heard("several", "embedded", scenes, sounds)
        row = shares(verdicts(annotator, heard, lambda scene: scene.caption))
        found.append({"guidance": guidance, **row})
        log.info("dev, guidance %s: %s", guidance, json.dumps(row))
    return found


def evaluate(assets: Path, root: Path, *, reason: str | None = None) -> dict[str, Any]:
    """Everything the model card says, on test combinations; writes evaluation.json and the card.

    Args:
        assets: holds the weights, receives the card.
        root: of the training runs, for the curves.
        reason: why the test judge is opened; None leaves it closed.
    """
    judges = {"annotator": listeners.load("annotator")}
    if reason:
        judges["test-judge"] = listeners.open_test_judge(reason)
    names = [
        n for n in ("embedded", "embedded-clean") if (assets / n / "model_index.json").exists()
    ]
    backends = {name: load(name) for name in names}
    heard = list(_everything_heard(backends))
    result: dict[str, Any] = {
        "scenes of each kind": SCENES,
        "events": len(LABELS),
        "words": len(known_words()),
        "settings": {n: [b.default_steps, b.default_guidance, b.dtype] for n, b in backends.items()},
        "revisions": {name: backend.revision for name, backend in backends.items()},
        "verdicts": {
            judge: [
                {"kind": h.kind, "source": h.source,
                 **shares(verdicts(listener, h, lambda scene: scene.caption))}
                for h in heard
            ]
            for judge, listener in judges.items()
        },
        "listener errors": {
            judge: {
                source: listener_errors(listener, [h for h in heard if h.source == source])
                for source in ("real", "autoencoded")
            }
            for judge, listener in judges.items()
        },
        "distances": {
            source: distances(_all(heard, "real"), _all(heard, source), _captions(heard, source))
            for source in ("real", "autoencoded", *names)
        },
        "order sensitivity": {
            name: order_sensitivity(
                name, next(h for h in heard if (h.kind, h.source) == ("two in order", "real"))
            )
            for name in ("reward", "evaluation")
        },
        "duration": {
            name: duration_errors(b, steps=b.default_steps, guidance=b.default_guidance)
            for name, b in backends.items()
        },
        "dev": tune(),
        "curves": {**_curves_before(assets), **curves(root)},
    }  # fmt: skip
    (assets / "embedded" / "evaluation.json").write_text(json.dumps(result, indent=1) + "\n")
    (assets / "embedded" / "README.md").write_text(card(result))
    return result


def _curves_before(assets: Path) -> dict[str, Any]:
    """The curves of the evaluation that is there, for parts whose runs are not on this machine."""
    path = assets / "embedded" / "evaluation.json"
    return json.loads(path.read_text())["curves"] if path.exists() else {}


def _everything_heard(backends: dict[str, Backend]):
    first = next(iter(backends.values()))
    for kind, scenes in draw_scenes("test").items():
        real = [render_scene(scene) for scene in scenes]
        yield Heard(kind, "real", scenes, real)
        yield Heard(kind, "autoencoded", scenes, autoencode(first, real))
        for name, backend in backends.items():
            log.info("%s: %s", name, kind)
            made = generate_for(
                backend, scenes, steps=backend.default_steps, guidance=backend.default_guidance
            )
            yield Heard(kind, name, scenes, made)


def _all(heard: list[Heard], source: str) -> list[np.ndarray]:
    return [sound for h in heard if h.source == source for sound in h.sounds]


def _captions(heard: list[Heard], source: str) -> list[str]:
    return [scene.caption for h in heard if h.source == source for scene in h.scenes]
