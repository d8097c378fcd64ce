"""A comparison as a folder to keep or to hand on: report, table, sounds, and a page to listen by."""

import json
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import StudioError
from studio.services.comparison_request import SIDES
from studio.services.comparison_views import ComparisonViews, file_name
from studio.services.downloads import Downloads


@dataclass(frozen=True)
class ComparisonFolder:
    """Writes all of a comparison that is there."""

    comparisons: ComparisonViews
    downloads: Downloads

    def write(self, comparison: str, folder: Path) -> dict[tuple[int, str], Path]:
        """Write everything; the path of each sound by its pair and side.

        Raises:
            StudioError: no room, or the folder may not be written.
        """
        report = self.comparisons.report(comparison)
        paths = {}
        for pair in report["pairs"]:
            for side in SIDES:
                name = file_name(pair["place"], side)
                pair[side]["file"] = f"sounds/{name}.wav"
        found = self.comparisons.all_sounds(comparison)
        try:
            (folder / "sounds").mkdir(parents=True, exist_ok=True)
            text = json.dumps(report, ensure_ascii=False, indent=1)
            (folder / "report.json").write_text(text + "\n", encoding="utf-8")
            table = self.comparisons.table(comparison)
            (folder / "pairs.csv").write_text(table, encoding="utf-8", newline="")
            for pair in report["pairs"]:
                for side in SIDES:
                    name = file_name(pair["place"], side)
                    path = self.downloads.save(found[name], folder / "sounds", called=name)
                    paths[pair["place"], side] = path
        except OSError as error:
            raise StudioError(
                f"{folder} cannot be written ({error.strerror}); free some disk space or choose "
                "another folder."
            ) from error
        return paths
