"""Sounds to take away: WAV or FLAC with all that made them inside, one by one or as a zip."""

import json
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.audio import write_audio
from pipelines.errors import StudioError
from studio.store.candidates import StoredCandidate
from studio.store.store import Store

FORMATS = ("wav", "flac")


@dataclass(frozen=True)
class Downloads:
    """Files made on demand in a folder of their own; whoever asks deletes them when sent."""

    store: Store

    def file(self, candidate: StoredCandidate, kind: str) -> Path:
        """The candidate as a file of this kind, settings embedded.

        Raises:
            StudioError: another kind, or no room on the disk.
        """
        return self._write(candidate, check_kind(kind), self.new_folder())

    def save(
        self,
        candidate: StoredCandidate,
        folder: Path,
        kind: str = "wav",
        called: str | None = None,
    ) -> Path:
        """The same, into a folder of the person's own choice, under a name of their own."""
        return self._write(candidate, check_kind(kind), folder, called)

    def zip(
        self,
        candidates: list[StoredCandidate],
        kind: str,
        rankings: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Path:
        """All of them in one file, with their recipes as JSON lines.

        Args:
            candidates: at least one.
            kind: wav or flac.
            rankings: place, score and what ranked it, by the id of the candidate.
        """
        named = {name(candidate): candidate for candidate in candidates}
        return self.zip_named(named, kind, rankings)

    def zip_named(
        self,
        candidates: Mapping[str, StoredCandidate],
        kind: str,
        rankings: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Path:
        """The same under names of one's own, without the endings; they may name folders."""
        if not candidates:
            raise StudioError("There is no sound yet to take away; wait for the first.")
        folder, kind = self.new_folder(), check_kind(kind)
        target, lines = folder / "baton.zip", []
        try:
            with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as bundle:
                for called, candidate in candidates.items():
                    part, inside = self._write(candidate, kind, folder), f"{called}.{kind}"
                    bundle.write(part, inside)
                    part.unlink()
                    line = {"file": inside, **candidate.recipe}
                    if rankings and candidate.id in rankings:
                        line["ranking"] = rankings[candidate.id]
                    lines.append(json.dumps(line, ensure_ascii=False))
                bundle.writestr("recipes.jsonl", "\n".join(lines) + "\n")
        except OSError as error:
            target.unlink(missing_ok=True)
            raise StudioError(
                f"The zip could not be written ({error.strerror}); free some disk space."
            ) from error
        return target

    def new_folder(self) -> Path:
        """An empty folder for something on its way out; it is gone at the next start."""
        parent = self.store.folder / "outgoing"
        try:
            parent.mkdir(parents=True, exist_ok=True)
            return Path(tempfile.mkdtemp(dir=parent))
        except OSError as error:
            raise StudioError(
                f"There is no room for a download ({error.strerror}); free some disk space."
            ) from error

    def clear(self) -> None:
        """Delete files that were made and never sent."""
        shutil.rmtree(self.store.folder / "outgoing", ignore_errors=True)

    def _write(
        self, candidate: StoredCandidate, kind: str, folder: Path, called: str | None = None
    ) -> Path:
        audio, rate = self.store.clips.read(candidate.clip)
        target = folder / f"{called or name(candidate)}.{kind}"
        return write_audio(target, audio, rate, settings={"id": candidate.id, **candidate.recipe})


def name(candidate: StoredCandidate) -> str:
    """The file name without its ending: never a word of the prompt."""
    return f"baton-{candidate.id}"


def check_kind(kind: str) -> str:
    """The kind, if it can be written."""
    if kind not in FORMATS:
        raise StudioError(f"A download cannot be {kind[:20]!r}; choose wav or flac.")
    return kind
