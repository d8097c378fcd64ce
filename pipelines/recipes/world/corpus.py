"""The corpus: scenes of a split rendered once to disk, so that training reads and never renders."""

import json
import logging
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from pipelines.errors import StudioError
from pipelines.records import Event
from pipelines.soundworld.scenes import MAX_SECONDS, Scene, draw_scene, render_scene
from pipelines.soundworld.synthesis import SAMPLE_RATE

SAMPLES = int(MAX_SECONDS * SAMPLE_RATE)  # 163,840: every scene is padded to this with silence
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Corpus:
    """Rendered scenes: `audio` int16 [scenes, samples] on disk, `scenes` in memory."""

    audio: np.ndarray
    scenes: list[Scene]

    def sound(self, index: int) -> np.ndarray:
        """One scene as float32 [1, samples], padded with silence to 10.24 s."""
        return (self.audio[index].astype(np.float32) / 32767)[None]


def build_corpus(
    folder: Path,
    count: int,
    *,
    split: str,
    first_seed: int,
    foreign: bool = False,
    workers: int = 1,
) -> Corpus:
    """Draw and render scenes; a finished corpus is opened, not made again.

    Args:
        folder: where audio.npy and scenes.jsonl go.
        count: how many scenes.
        split: train, dev or test.
        first_seed: scene i has seed first_seed + i.
        foreign: the other world (see `draw_scene`).
        workers: processes that render.
    """
    if (folder / "scenes.jsonl").exists():
        corpus = open_corpus(folder)
        if len(corpus.scenes) != count:
            raise StudioError(
                f"{folder} holds {len(corpus.scenes)} scenes and {count} were asked for; "
                "remove the folder or ask for as many."
            )
        return corpus
    folder.mkdir(parents=True, exist_ok=True)
    scenes = [draw_scene(first_seed + i, split=split, foreign=foreign) for i in range(count)]
    audio = np.lib.format.open_memmap(
        folder / "audio.npy", mode="w+", dtype=np.int16, shape=(count, SAMPLES)
    )
    started = time.monotonic()
    with ProcessPoolExecutor(workers) as pool:
        for index, sound in enumerate(pool.map(_render_int16, scenes, chunksize=32)):
            audio[index, : len(sound)] = sound
            if index % 1000 == 999:
                left = (time.monotonic() - started) / (index + 1) * (count - index - 1)
                log.info("%s: %d of %d scenes, %.0f s left", folder.name, index + 1, count, left)
    audio.flush()
    part = folder / "scenes.part"
    part.write_text("".join(json.dumps(asdict(scene)) + "\n" for scene in scenes))
    part.rename(folder / "scenes.jsonl")  # last: its presence means the corpus is whole
    return open_corpus(folder)


def _render_int16(scene: Scene) -> np.ndarray:
    return np.round(render_scene(scene)[0] * 32767).astype(np.int16)


def open_corpus(folder: Path) -> Corpus:
    """A corpus made before.

    Raises:
        StudioError: it is not there, or not finished.
    """
    if not (folder / "scenes.jsonl").exists():
        raise StudioError(
            f"There is no finished corpus in {folder}; make it with the `corpus` part."
        )
    scenes = []
    for line in (folder / "scenes.jsonl").read_text().splitlines():
        row = json.loads(line)
        row["events"] = tuple(Event(**event) for event in row["events"])
        row["gains_db"], row["references"] = tuple(row["gains_db"]), tuple(row["references"])
        scenes.append(Scene(**row))
    return Corpus(np.load(folder / "audio.npy", mmap_mode="r"), scenes)
