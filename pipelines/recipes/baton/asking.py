"""D_text: what is asked of the base, chosen where it fails."""

from dataclasses import dataclass
from functools import partial

from pipelines.recipes.baton.study import INTEGRITY, TEMPORAL, StudyConfig
from pipelines.seeds import fork
from pipelines.soundworld.faults import BACKGROUND, LOOSE
from pipelines.soundworld.scenes import Scene, draw_scene
from pipelines.splits import group_of

PATIENCE = 100  # scenes looked at for each caption that is wanted


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One caption of D_text."""

    text: str
    seconds: float
    task: str
    is_labelled: bool  # its sounds are labelled; else they are scored
    group: str


def asked_captions(config: StudyConfig) -> list[Asked]:
    """D_text: captions of both tasks, of combinations of the train split; every other is labelled."""
    count = 2 * config.prompts
    together, ordered = (round(share * count) for share in config.background)
    plans = [
        (INTEGRITY, "two together", together, names_background),
        (INTEGRITY, "two together", count - together, lambda scene: not names_background(scene)),
    ]
    for cell, fits in ((ordered, True), (count - ordered, False)):
        loose = round(config.loose * cell)
        plans += [
            (TEMPORAL, "three in order", wanted, partial(is_cell, background=fits, loose=says_then))
            for wanted, says_then in ((loose, True), (cell - loose, False))
        ]
    found: list[Asked] = []
    met: set[str] = set()
    for task, kind, wanted, is_wanted in plans:
        mine = 0
        for n in range(PATIENCE * wanted):
            scene = draw_scene(fork(config.seed, "captions", kind, n), split="train", kind=kind)
            labels = [event.label for event in scene.events]
            if scene.caption in met or not is_wanted(scene):
                continue
            met.add(scene.caption)
            found.append(
                Asked(
                    text=scene.caption,
                    seconds=config.seconds or scene.seconds,
                    task=task,
                    is_labelled=mine % 2 == 0,
                    group=group_of(scene.caption, labels),
                )
            )
            mine += 1
            if mine == wanted:
                break
    return found


def names_background(scene: Scene) -> bool:
    """Whether one of its events is a background, which the base often drops."""
    return any(event.label in BACKGROUND for event in scene.events)


def is_cell(scene: Scene, *, background: bool, loose: bool) -> bool:
    """Whether it names a background or not, and whether a joint of its caption is a loose one or not.

    The base's own captions use loose joints without meaning an order.
    """
    is_loose = any(f" {joint} " in scene.caption for joint in LOOSE)
    return names_background(scene) == background and is_loose == loose
