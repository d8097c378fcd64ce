"""Embeddings of files, kept in the data folder so that measuring again costs next to nothing."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.audio import read_audio
from pipelines.records import digest
from studio.services.sound_folders import Sound

if TYPE_CHECKING:
    from pipelines.embedders import Classifier, Embedder

ARITHMETIC = 1  # count up when an embedder's code gives other numbers for the same weights


class EmbeddingStore:
    """Rows by content of the file and by embedder: its name, the hash of its weights, its settings.

    Args:
        folder: where they are kept; it is made when first needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def rows(
        self, embedder: "Embedder", sounds: Sequence[Sound], on_sound: Callable[[str], None]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Float32 [rows, dimensions], and which of the sounds each row is of, int [rows]."""
        found = [self._kept(embedder, sound, "rows", embedder.embed, on_sound) for sound in sounds]
        clips = np.repeat(np.arange(len(found)), [len(rows) for rows in found])
        return np.concatenate(found), clips

    def logits(
        self, classifier: "Classifier", sounds: Sequence[Sound], on_sound: Callable[[str], None]
    ) -> np.ndarray:
        """Float32 [sounds, classes]."""
        return np.concatenate([
            self._kept(classifier, sound, "logits", classifier.logits, on_sound) for sound in sounds
        ])  # fmt: skip

    def _kept(
        self,
        embedder: "Embedder",
        sound: Sound,
        kind: str,
        embed: Callable[[Sequence[np.ndarray], int], np.ndarray],
        on_sound: Callable[[str], None],
    ) -> np.ndarray:
        path = self.folder / f"{self._key(embedder, sound.path, kind)}.npy"
        rows = read_rows(path)
        if rows is None:
            audio, rate = read_audio(sound.path)
            rows = embed([audio], rate)
            write_rows(path, rows)
        on_sound(f"{embedder.name}: {'classes' if kind == 'logits' else 'embeddings'}")
        return rows

    def _key(self, embedder: "Embedder", path: Path, kind: str) -> str:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        made: dict[str, Any] = {
            "file": content, "kind": kind, "arithmetic": ARITHMETIC, "embedder": embedder.name,
            "revision": embedder.revision, "settings": embedder.settings,
        }  # fmt: skip
        return digest(made)


def read_rows(path: Path) -> np.ndarray | None:
    """What is kept there; None when nothing is, or when it was cut short and must be made anew."""
    try:
        return np.load(path, allow_pickle=False)
    except (FileNotFoundError, EOFError, ValueError):
        return None


def write_rows(path: Path, rows: np.ndarray) -> None:
    """Keep rows; the file appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        np.save(file, rows, allow_pickle=False)
    part.replace(path)
