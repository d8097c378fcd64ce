"""From clips to fixed windows and back to one vector a clip; no window is drawn by chance."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pipelines.audio import mono, resample
from pipelines.errors import StudioError

BATCH = 16  # windows or texts that are embedded at once, so that long lists fit in memory


def fixed_windows(sound: np.ndarray, window: int, *, repeat: bool = False) -> list[np.ndarray]:
    """The fewest windows that cover a sound, evenly placed, the last one ending where it ends.

    Args:
        sound: [samples].
        window: samples in each window.
        repeat: fill a short sound with whole copies of itself before the silence.

    >>> [w.tolist() for w in fixed_windows(np.arange(5.0), 3)]
    [[0.0, 1.0, 2.0], [2.0, 3.0, 4.0]]
    """
    if len(sound) <= window:
        copies = window // len(sound) if repeat else 1
        filled = np.tile(sound, copies)
        return [np.pad(filled, (0, window - len(filled)))]
    count = -(-len(sound) // window)
    starts = np.linspace(0, len(sound) - window, count).round().astype(int)
    return [sound[start : start + window] for start in starts]


def heard(clip: np.ndarray, sample_rate: int, wanted_rate: int) -> np.ndarray:
    """A clip [channels, samples] as float32 [samples], mono, at the wanted rate in Hz.

    Raises:
        StudioError: a clip without samples, or with values that are not numbers.
    """
    if clip.ndim != 2 or clip.size == 0 or not np.isfinite(clip).all():
        raise StudioError(
            f"A clip to embed has the shape {list(clip.shape)} or holds values that are not "
            "numbers; give finite [channels, samples] with at least one sample."
        )
    sound = mono(clip)
    if sample_rate != wanted_rate:
        sound = resample(sound[None], sample_rate, wanted_rate)[0]
    return sound.astype(np.float32)


def sixteen_bit(sound: np.ndarray) -> np.ndarray:
    """What is left of a sound after 16-bit integers: clipped to [-1, 1], cut towards zero.

    laion-clap does so to every clip before it listens. It moves an embedding by about 2e-6, and by
    more where samples lie beyond [-1, 1].
    """
    return np.trunc(np.clip(sound, -1.0, 1.0) * np.float32(32767)) / np.float32(32767)


def embed_in_windows(
    clips: Sequence[list[np.ndarray]],
    embed: Callable[[np.ndarray], np.ndarray],
    dimensions: int,
) -> np.ndarray:
    """One unit vector a clip: the mean of its windows' vectors, brought back to unit length.

    Args:
        clips: the windows of each clip, all of one length.
        embed: [windows, samples] -> [windows, dimensions], at most `BATCH` windows at once.
        dimensions: the length of a vector.
    """
    windows = [window for own in clips for window in own]
    owners = [number for number, own in enumerate(clips) for _ in own]
    sums = np.zeros((len(clips), dimensions), np.float32)
    done = 0
    for part in parts(windows):
        rows = embed(np.stack(part))
        np.add.at(sums, owners[done : done + len(part)], rows)
        done += len(part)
    return sums / np.linalg.norm(sums, axis=1, keepdims=True)


def check_texts(texts: Sequence[str]) -> None:
    """Refuse an empty text."""
    for text in texts:
        if not text.strip():
            raise StudioError("A text to embed is empty; write what should be heard.")


def parts(items: Sequence[Any]) -> list[Sequence[Any]]:
    """A list in pieces of at most `BATCH`."""
    return [items[i : i + BATCH] for i in range(0, len(items), BATCH)]
