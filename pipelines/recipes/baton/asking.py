"""D_text: what is asked of the base, chosen where it fails."""

from dataclasses import dataclass

from pipelines.recipes.baton.study import INTEGRITY, TEMPORAL, StudyConfig
from pipelines.seeds import fork
from pipelines.soundworld.faults import BACKGROUND
from pipelines.soundworld.scenes import draw_scene
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
    with_background = round(config.background * count)
    plans = (
        (INTEGRITY, "two together", with_background, True),
        (INTEGRITY, "two in order", count - with_background, False),
        (TEMPORAL, "three in order", count, False),
    )
    found: list[Asked] = []
    met: set[str] = set()
    for task, kind, wanted, has_background in plans:
        mine = 0
        for n in range(PATIENCE * wanted):
            scene = draw_scene(fork(config.seed, "captions", kind, n), split="train", kind=kind)
            labels = [event.label for event in scene.events]
            is_wanted = not has_background or any(label in BACKGROUND for label in labels)
            if not is_wanted or scene.caption in met:
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
