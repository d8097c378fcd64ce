"""Embeddings of sounds and prompts kept in one file per encoder, so that each is computed once."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from pipelines.clap.interface import TextAudioEmbedder
from pipelines.errors import Cancelled, StudioError

BATCH = 16


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """What turns prompts or sounds into vectors, and the name that its vectors are kept under."""

    name: str  # with the revision of its weights: other weights, other file
    embed: Callable[[Sequence], np.ndarray]  # items -> float32 [items, ...]


def text_of(clap: TextAudioEmbedder) -> Encoder:
    """CLAP's own text tower; a T5's states go in as an Encoder of one's own."""
    return Encoder(name=f"clap {clap.revision}", embed=clap.embed_text)


def side_by_side(one: Encoder, other: Encoder) -> Encoder:
    """The vectors of two encoders in one: CLAP's text with a T5's, which tells the order of words."""

    def embed(items: Sequence) -> np.ndarray:
        return np.concatenate([one.embed(items), other.embed(items)], axis=1)

    return Encoder(name=f"{one.name} + {other.name}", embed=embed)


class Kept(Mapping[str, np.ndarray]):
    """Vectors by key, in memory and in one file; a file of another encoder is refused.

    Args:
        path: the safetensors file; it is made at the first save.
        encoder: the encoder's name, which the file must bear.
    """

    def __init__(self, path: Path, encoder: str) -> None:
        self.path, self.encoder = path, encoder
        self._rows: dict[str, np.ndarray] = self._read()

    def __getitem__(self, key: str) -> np.ndarray:
        return self._rows[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, keys: Sequence[str], rows: np.ndarray) -> None:
        """Take vectors, float32 [keys, ...]; they are in the file after `save`.

        Raises:
            StudioError: another count or shape, or values that are not numbers.
        """
        if len(keys) != len(rows) or not np.isfinite(rows).all():
            raise StudioError(
                f"{self.encoder} gave {len(rows)} embeddings for {len(keys)} items, or some that "
                "are not numbers; look for broken sounds."
            )
        known = next(iter(self._rows.values()), None)
        if known is not None and len(rows) and rows.shape[1:] != known.shape:
            raise StudioError(
                f"{self.encoder} gave embeddings of {list(rows.shape[1:])} numbers, and those "
                f"that are kept have {list(known.shape)}; remove {self.path.name}."
            )
        self._rows.update(zip(keys, np.asarray(rows, np.float32), strict=True))

    def save(self) -> None:
        """Write all vectors, with those that another process wrote meanwhile, whole or not at all."""
        self._rows = self._read() | self._rows
        if not self._rows:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        told = {"encoder": self.encoder, "keys": json.dumps(list(self._rows))}
        part = self.path.with_suffix(f".{hashlib.sha256(told['keys'].encode()).hexdigest()[:8]}")
        part.write_bytes(save({"rows": np.stack(list(self._rows.values()))}, metadata=told))
        part.replace(self.path)

    def _read(self) -> dict[str, np.ndarray]:
        if not self.path.exists():
            return {}
        try:
            with safe_open(self.path, framework="np") as held:
                told, rows = held.metadata(), held.get_tensor("rows")
            keys = json.loads(told["keys"])
        except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
            raise StudioError(
                f"The embeddings in {self.path} cannot be read ({error}); remove the file, and "
                "they are computed again."
            ) from error
        if told["encoder"] != self.encoder:
            raise StudioError(
                f"{self.path} keeps embeddings by {told['encoder']}, not by {self.encoder}; give "
                "each encoder a file of its own."
            )
        return dict(zip(keys, rows, strict=True))


def kept_in(folder: Path, side: str, encoder: str) -> Kept:
    """The file of one encoder in a folder: "audio-clap-5f2c….safetensors"."""
    name = re.sub(r"[^A-Za-z0-9.]+", "-", encoder)
    return Kept(folder / f"{side}-{name}.safetensors", encoder)


def embed_clips(
    kept: Kept,
    clips: Mapping[str, Callable[[], tuple[np.ndarray, int]]],
    clap: TextAudioEmbedder,
    *,
    on_progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> None:
    """Embed the sounds that are not kept yet, and save; what was done before a stop is saved too.

    Args:
        kept: where they go.
        clips: by clip hash, what reads the sound: float32 [channels, samples] and Hz.
        clap: embeds them.
        on_progress: called with how many of how many new ones are done.
        should_stop: asked before each batch.

    Raises:
        Cancelled: a stop was asked for.
    """
    new = [key for key in clips if key not in kept]
    try:
        for start in range(0, len(new), BATCH):
            if should_stop is not None and should_stop():
                raise Cancelled()
            keys = new[start : start + BATCH]
            sounds = [clips[key]() for key in keys]
            for rate in {rate for _, rate in sounds}:
                at = [i for i, (_, own) in enumerate(sounds) if own == rate]
                rows = clap.embed_audio([sounds[i][0] for i in at], rate)
                kept.add([keys[i] for i in at], rows)
            if on_progress is not None:
                on_progress(start + len(keys), len(new))
    finally:
        kept.save()


def embed_texts(kept: Kept, texts: Sequence[str], encoder: Encoder) -> None:
    """Embed the prompts that are not kept yet, and save."""
    new = list(dict.fromkeys(text for text in texts if text not in kept))
    for start in range(0, len(new), BATCH):
        kept.add(new[start : start + BATCH], encoder.embed(new[start : start + BATCH]))
    if new:
        kept.save()
