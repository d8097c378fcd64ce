"""D_pretrain of the embedded base: scenes that it was trained on, with the captions that it read."""

from collections.abc import Iterator, Sequence

import numpy as np

from pipelines.errors import StudioError
from pipelines.finetune.data import PRETRAIN, Row
from pipelines.recipes.world.parts import CORPORA
from pipelines.seeds import numpy_generator
from pipelines.soundworld.scenes import Scene, draw_scene, render_scene

CORPUS = CORPORA["flow"]  # what the base was trained on: no scene beside it
# Rows that are shown without their caption, as a tenth of the base's training was. They hold the side
# of guidance that knows no text where it was; without them it drifts, and on dev less was gained.
UNPROMPTED = 0.25


def pretraining_scenes(count: int, *, seed: int) -> list[Scene]:
    """Different scenes of the base's own training data, drawn evenly; their captions are the noisy ones.

    Args:
        count: how many.
        seed: names the draw.

    Raises:
        StudioError: fewer than one, or more than the base has seen.
    """
    if not 1 <= count <= CORPUS.count:
        raise StudioError(
            f"{count} scenes of the base's own data were asked for; it was trained on "
            f"{CORPUS.count:,}. Ask for 1 to {CORPUS.count:,}."
        )
    places = numpy_generator(seed, "pretraining").choice(CORPUS.count, count, replace=False)
    return [draw_scene(CORPUS.first_seed + int(i), split="train") for i in places]


def pretraining_rows(
    scenes: Sequence[Scene],
) -> tuple[list[Row], Iterator[tuple[str, np.ndarray]]]:
    """Rows of D_pretrain, and what makes their sounds one by one: key and float32 [1, samples].

    A quarter of the rows, always the same scenes, have an empty caption.

    A scene is rendered only when its sound is asked for (some 30 ms).
    """
    rows = [
        Row(
            key=key_of(scene),
            caption="" if is_unprompted(scene) else scene.noisy_caption,
            seconds=scene.seconds,
            origin=PRETRAIN,
        )
        for scene in scenes
    ]
    return rows, ((key_of(scene), render_scene(scene)) for scene in scenes)


def is_unprompted(scene: Scene) -> bool:
    """Whether a scene's row goes without its caption; its seed decides."""
    return bool(numpy_generator(scene.seed, "unprompted").uniform() < UNPROMPTED)


def key_of(scene: Scene) -> str:
    """The name of a scene's sound: the seed decides every sample."""
    return f"scene-{scene.split}-{scene.seed}"
