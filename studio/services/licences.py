"""Licences of published models: shown before the first use, and remembered once they are accepted."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import StudioError
from studio.services.accepted_terms import AcceptedTerms

if TYPE_CHECKING:
    from pipelines.generate.catalogue import Published
    from pipelines.generate.checkpoints import ModelInfo


MEMORY = Path(__file__).parents[2] / "assets" / "memory.json"


def memory_floors() -> dict[str, dict[str, float]]:
    """The least memory of a device, in GB, by model and way of running, as it was computed."""
    return json.loads(MEMORY.read_text()) if MEMORY.is_file() else {}


@dataclass(frozen=True)
class Licences:
    """What was accepted here, by model.

    Args:
        data: the data folder.
    """

    data: Path

    @property
    def path(self) -> Path:
        """The file that remembers."""
        return self.data / "licences.json"

    def catalogue(self) -> list[dict[str, Any]]:
        """Every published model: its terms, its size, whether its licence was accepted here."""
        from pipelines.generate.catalogue import CATALOGUE

        accepted, floors = self._accepted(), memory_floors()
        return [
            {
                "name": model.name,
                "title": model.title,
                "licence": model.licence,
                "page": model.page,
                "gigabytes": model.gigabytes,
                "note": model.note,
                "memory_gb": floors.get(model.name, {}),
                "is_accepted": accepted.get(model.name) == model.licence,
            }
            for model in CATALOGUE.values()
        ]

    def models(self) -> "list[ModelInfo]":
        """The published models whose licence was accepted: they can be chosen."""
        from pipelines.generate.checkpoints import ModelInfo

        return [
            ModelInfo(
                name=each["name"],
                title=each["title"],
                path=Path(each["name"]),
                licence=each["licence"],
                note=each["note"],
            )
            for each in self.catalogue()
            if each["is_accepted"]
        ]

    def accept(self, name: str) -> "Published":
        """Remember that the licence of this model was read and accepted."""
        from pipelines.generate.catalogue import CATALOGUE

        if name not in CATALOGUE:
            raise StudioError(
                f"There is no published model {name[:80]!r}; known are {', '.join(CATALOGUE)}."
            )
        self._terms.accept(name, CATALOGUE[name].licence)
        return CATALOGUE[name]

    def check(self, name: str) -> None:
        """Nothing, or a StudioError where this published model's licence was not accepted here."""
        from pipelines.generate.catalogue import CATALOGUE

        model = CATALOGUE.get(name)
        if model is not None and self._accepted().get(name) != model.licence:
            raise StudioError(
                f"{model.title} comes on terms of its own: {model.licence}. Read them at "
                f"{model.page}; if you accept them, run `python -m studio.cli models accept {name}` "
                "or choose it under “More models” in Generate."
            )

    def _accepted(self) -> dict[str, str]:
        return self._terms.read()

    @property
    def _terms(self) -> AcceptedTerms:
        return AcceptedTerms(self.path, "accept the licences again")
