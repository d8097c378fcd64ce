"""The folder of a run: what it is told, what it wrote, each file whole or not there."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import StudioError

DATA, FURTHER, TASK, ROWS = "data.json", "further.json", "task.json", "rows.json"
PROGRESS, RECORD, LOG, TOOK = "progress.json", "record.json", "log.txt", "took.json"
LOSSES, PROMPTS = "losses.jsonl", "prompts.json"


@dataclass(frozen=True)
class RunFolder:
    """One run's files, by name."""

    path: Path

    def read(self, name: str, default: Any = None) -> Any:
        """The values of a JSON file, or the default where it is not there.

        Raises:
            StudioError: it is there and cannot be read.
        """
        try:
            return json.loads((self.path / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return default
        except (OSError, ValueError) as error:
            raise StudioError(
                f"{name} of this run cannot be read ({error}); remove the run, and start it again."
            ) from error

    def write(self, name: str, values: Any) -> None:
        """Write a JSON file, whole or not at all.

        Raises:
            StudioError: no room on the disk.
        """
        part = self.path / f"{name}.{os.getpid()}.part"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with part.open("w", encoding="utf-8") as file:
                file.write(json.dumps(values, ensure_ascii=False, indent=1) + "\n")
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.path / name)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise StudioError(
                f"{name} of this run could not be written ({error.strerror}); free some disk space, "
                "and go on."
            ) from error

    def lines(self, name: str) -> list[dict[str, Any]]:
        """The rows of a JSON-lines file; a line that a kill cut short is not one."""
        try:
            text = (self.path / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        found = []
        for line in text.splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                break
        return found

    def losses(self) -> list[dict[str, Any]]:
        """A row for each step; of a run in iterations those of all, with steps counted through."""
        found, number = self.lines(LOSSES), 0
        while number == 0 or self.iteration(number).is_dir():
            number += 1
            rows, before = self.lines(f"iteration-{number}/training/{LOSSES}"), len(found)
            found += [
                {**row, "iteration": number, "step": before + row["step"]}
                for row in rows
            ]  # fmt: skip
        return found

    def iteration(self, number: int) -> Path:
        """The folder of an iteration, counted from 1."""
        return self.path / f"iteration-{number}"

    def took(self, part: str, seconds: float) -> None:
        """Add to the seconds that a part of the run has taken."""
        told = self.read(TOOK, {})
        self.write(TOOK, {**told, part: round(told.get(part, 0.0) + seconds, 3)})

    def all_took(self) -> dict[str, float]:
        """Seconds by part, the steps of the training among them."""
        steps = sum(line["seconds"] for line in self.losses())
        return {**self.read(TOOK, {}), **({"training": round(steps, 3)} if steps else {})}

    def last_lines(self, count: int) -> list[str]:
        """The end of the log."""
        try:
            text = (self.path / LOG).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return []
        return [line.rstrip() for line in text.splitlines() if line.strip()][-count:]
