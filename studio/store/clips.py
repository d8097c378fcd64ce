"""Sounds in a folder, each named by the SHA-256 of its own bytes: written once, never changed."""

import hashlib
import os
import re
import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipelines.audio import read_audio, write_audio
from pipelines.errors import StudioError

NAME = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A stored sound: the hash of its file, and its size."""

    sha256: str
    bytes: int
    sample_rate: int  # Hz
    channels: int
    samples: int


class ClipFolder:
    """16-bit WAV files under one folder, without any text in them."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def put(self, audio: np.ndarray, sample_rate: int) -> Clip:
        """Keep this sound; the same sound is kept once.

        Args:
            audio: float32 [channels, samples] in [-1, 1].
            sample_rate: Hz.

        Raises:
            StudioError: not numbers, or no room on the disk; nothing is left half written.
        """
        draft = write_audio(self.folder / f"draft-{uuid.uuid4().hex}.wav", audio, sample_rate)
        try:
            content = draft.read_bytes()
            name = hashlib.sha256(content).hexdigest()
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            target = self.path(name)
            target.parent.mkdir(exist_ok=True)
            draft.replace(target)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise StudioError(
                f"The clip could not be kept ({error.strerror}); free some disk space and "
                "generate again."
            ) from error
        return Clip(
            sha256=name,
            bytes=len(content),
            sample_rate=sample_rate,
            channels=audio.shape[0],
            samples=audio.shape[1],
        )

    def keep(self, sha256: str, content: bytes) -> None:
        """Keep a file whose bytes are known to be of this hash."""
        target = self.path(sha256)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f"draft-{uuid.uuid4().hex}.wav")
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)

    def path(self, sha256: str) -> Path:
        """Where the clip of this hash lies."""
        if not NAME.fullmatch(sha256):
            raise StudioError(f"{sha256[:80]!r} is no clip; a clip is named by 64 hex digits.")
        return self.folder / sha256[:2] / f"{sha256}.wav"

    def read(self, sha256: str) -> tuple[np.ndarray, int]:
        """The sound, float32 [channels, samples], and its sample rate in Hz."""
        return read_audio(self.path(sha256))
