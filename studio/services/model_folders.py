"""Folders of models that the page was told of: read, shown with their terms, remembered once taken."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import StudioError
from studio.services.accepted_terms import AcceptedTerms

if TYPE_CHECKING:
    from pipelines.generate.checkpoints import ModelInfo


@dataclass(frozen=True)
class ModelFolders:
    """What was taken here, by its path; a folder that is gone, or became another, is left out.

    Args:
        data: the data folder.
    """

    data: Path

    @property
    def path(self) -> Path:
        """The file that remembers."""
        return self.data / "model_folders.json"

    def look(self, given: str) -> dict[str, Any]:
        """What lies in a folder: its path, kind, terms, and the bytes of its weights in float32.

        Args:
            given: a path as it was pasted, perhaps in quotes or with ~.

        Raises:
            StudioError: no folder, none that can be read, or none of a model that is known.
        """
        from pipelines.generate.checkpoints import weights_bytes
        from pipelines.generate.layouts import known_layout

        folder = folder_of(given)
        kind = known_layout(folder)
        return {
            "path": str(folder),
            "title": folder.name,
            "licence": kind.licence,
            "note": kind.note,
            "bytes": weights_bytes(folder),
        }

    def take(self, given: str) -> "ModelInfo":
        """Remember a folder whose terms were read and accepted: it can be chosen from then on.

        Raises:
            StudioError: as `look`; or another model goes by this name already.
        """
        found = self.look(given)
        path = found["path"]
        for other in self._terms.read():
            if Path(other).name == found["title"] and other != path and Path(other).is_dir():
                raise StudioError(
                    f"A model called {found['title']!r} is in the list already, from {other}; rename "
                    "one of the two folders, so that their sounds can be told apart."
                )
        self._terms.accept(path, found["licence"])
        return next(model for model in self.models() if model.name == path)

    def models(self) -> "list[ModelInfo]":
        """The folders that were taken and are still there, under the terms that were accepted."""
        from pipelines.generate.checkpoints import ModelInfo
        from pipelines.generate.layouts import layout_of

        found = []
        for name, licence in self._terms.read().items():
            kind = layout_of(Path(name))
            if kind is not None and kind.licence == licence:
                found.append(
                    ModelInfo(
                        name=name,
                        title=Path(name).name,
                        path=Path(name),
                        licence=kind.licence,
                        note=kind.note,
                    )
                )
        return found

    @property
    def _terms(self) -> AcceptedTerms:
        return AcceptedTerms(self.path, "add the folders again")


def folder_of(given: str) -> Path:
    """The folder that a pasted path means, in full.

    Raises:
        StudioError: nothing was pasted, or there is no such folder.
    """
    text = given.strip().strip("\"'")
    if not text:
        raise StudioError("No folder is given; paste the path of a folder that holds a model.")
    try:
        place = Path(text).expanduser()
        if place.is_dir():
            next(place.iterdir(), None)  # may it be read?
            return place.resolve()
        is_file = place.is_file()
    except (OSError, RuntimeError) as error:
        raise StudioError(
            f"{text[:200]} cannot be read ({error}); give a folder on this machine that the studio "
            "may read."
        ) from error
    if is_file:
        raise StudioError(f"{text[:200]} is a file; give the folder that it lies in.")
    raise StudioError(
        f"There is no folder {text[:200]} on the machine that the studio runs on; give the full path "
        "of one that holds a model."
    )
