"""The labels that the simulated annotator gives: 0, 1 or uncertain, with a person's errors.

Calibrated to BATON's Table 3 (papers/baton.txt): of 1,431 integrity labels 15.5 % were skipped, of
1,332 temporal ones 2.8 %.  Doubt falls on the sounds that are nearest to the line first, as it does
with people; slips are drawn at random.
"""

from dataclasses import dataclass
from typing import Literal

from pipelines.errors import StudioError
from pipelines.seeds import numpy_generator
from pipelines.soundworld.captions import read_caption
from pipelines.soundworld.listeners import Hearing

Task = Literal["integrity", "temporal"]
UNCERTAIN_SHARE = {"integrity": 0.155, "temporal": 0.028}  # Table 3, "Skip"
SLIP_SHARE = 0.04  # of the labels given, how many are the wrong way round; our assumption


@dataclass(frozen=True, kw_only=True)
class Label:
    """One simulated label. Never to be stored among people's."""

    value: int | None  # 1 aligned, 0 not, None uncertain
    doubt: float  # 0 clear .. 1 on the line
    simulated: bool = True


def doubt_of(hearing: Hearing, caption: str) -> float:
    """How close the least certain of the named events is to the line between heard and not.

    The evidence for an event is its mean probability over its best 0.4 s; 0.5 is the line (doubt
    1), 0 and 1 are clear (doubt 0). With no event named, 1.
    """
    reading = read_caption(caption)
    frames = 5  # 0.4 s at 12.5 frames a second
    doubts = []
    for name in reading.labels:
        row = sorted(hearing.probability[:, hearing.labels.index(name)], reverse=True)[:frames]
        evidence = float(sum(row)) / max(1, len(row))
        doubts.append(1 - abs(2 * evidence - 1))
    return max(doubts, default=1.0)


def annotate(hearings: list[Hearing], captions: list[str], *, task: Task, seed: int) -> list[Label]:
    """Labels of a batch of sounds.

    Args:
        hearings: what the annotator heard in each.
        captions: what each was made for.
        task: "integrity" (all named events sound) or "temporal" (and in the stated order).
        seed: of the slips.

    Raises:
        StudioError: another task, or lists of different lengths.
    """
    if task not in UNCERTAIN_SHARE:
        raise StudioError(f'There is no task "{task}"; label for integrity or temporal.')
    if len(hearings) != len(captions):
        raise StudioError(
            f"{len(hearings)} sounds and {len(captions)} captions; give as many of each."
        )
    doubts = [doubt_of(h, c) for h, c in zip(hearings, captions, strict=True)]
    skipped = round(UNCERTAIN_SHARE[task] * len(doubts))
    uncertain = set(sorted(range(len(doubts)), key=lambda i: (-doubts[i], i))[:skipped])
    rng = numpy_generator(seed, "slips", task)
    slips = rng.uniform(size=len(doubts)) < SLIP_SHARE
    out = []
    for i, (hearing, caption) in enumerate(zip(hearings, captions, strict=True)):
        verdict = hearing.verdict(caption)
        good = verdict.integrity and (task == "integrity" or verdict.order is not False)
        value = None if i in uncertain else int(good != bool(slips[i]))
        out.append(Label(value=value, doubt=doubts[i]))
    return out
