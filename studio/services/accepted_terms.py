"""Licences that were read and accepted here: what of, which and when, in one file that is whole or not there."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipelines.errors import StudioError


@dataclass(frozen=True)
class AcceptedTerms:
    """Terms by what they are of.

    Args:
        path: the file that remembers.
        remedy: what to do where it cannot be read, after "remove it, and".
    """

    path: Path
    remedy: str

    def read(self) -> dict[str, str]:
        """The licence that was accepted, by what it is of.

        Raises:
            StudioError: the file cannot be read.
        """
        return {name: told["licence"] for name, told in self._kept().items()}

    def accept(self, name: str, licence: str) -> None:
        """Remember that this licence was accepted now; raises as `read`."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        kept = {**self._kept(), name: {"licence": licence, "accepted_at": now}}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(kept, indent=1) + "\n")
        part.replace(self.path)

    def _kept(self) -> dict[str, dict[str, str]]:
        if not self.path.is_file():
            return {}
        try:
            found = json.loads(self.path.read_text())
            return {
                str(name): {**told, "licence": str(told["licence"])} for name, told in found.items()
            }
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise StudioError(
                f"{self.path.name} in the data folder cannot be read ({error}); remove it, and "
                f"{self.remedy}."
            ) from error
