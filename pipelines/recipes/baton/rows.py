"""Rows of D_data: what people labelled and what a reward model scored, or a creator's own folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.finetune.data import HUMAN, REWARD, Row


@dataclass(frozen=True, kw_only=True)
class Sound:
    """One candidate, or one clip of a folder."""

    key: str  # names its latents: `pipelines.finetune.latents.clip_hash`
    caption: str
    seconds: float  # that were asked for


def data_rows(
    labelled: Mapping[str, float], scored: Mapping[str, float], sounds: Sequence[Sound]
) -> list[Row]:
    """D_data of papers/baton.txt Eq. 7: r is the label where there is one, else the reward.

    Args:
        labelled: by key, the share of people who called the sound aligned, 0 to 1.
        scored: by key, the reward model's score, 0 to 1; not read where people labelled.
        sounds: all there are; one that nobody labelled or scored is left out, as is a repetition.
    """
    rows: dict[str, Row] = {}
    for sound in sounds:
        is_labelled = sound.key in labelled
        if sound.key in rows or not (is_labelled or sound.key in scored):
            continue
        rows[sound.key] = Row(
            key=sound.key,
            caption=sound.caption,
            seconds=sound.seconds,
            weight=float((labelled if is_labelled else scored)[sound.key]),
            origin=HUMAN if is_labelled else REWARD,
        )
    return list(rows.values())


def supervised_rows(sounds: Sequence[Sound]) -> list[Row]:
    """Plain fine-tuning on a creator's own sounds: each counts 1, each once."""
    rows = {
        (sound.key, sound.caption): Row(
            key=sound.key, caption=sound.caption, seconds=sound.seconds, weight=1.0, origin=HUMAN
        )
        for sound in sounds
    }
    return list(rows.values())
