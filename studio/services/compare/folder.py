"""A comparison as a folder to keep or to hand on: report, table, sounds, and a page to listen by."""

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components import listening_page
from components.figures import plotly_script
from components.summary_table import distance_table, summary_table
from pipelines.errors import StudioError
from studio.services.compare.request import SIDES
from studio.services.compare.views import ComparisonViews, file_name
from studio.services.downloads import Downloads
from studio.store.candidates import StoredCandidate

SOUNDS = "sounds"


@dataclass(frozen=True)
class ComparisonFolder:
    """Writes all of a comparison that is there.

    `report.json`, `pairs.csv`, `measures.csv` and `summary.md` tell it, `sounds/a` and `sounds/b` have a WAV for each
    pair, and `index.html`, with what it needs in `page/`, opens by a double click.
    """

    comparisons: ComparisonViews
    downloads: Downloads

    def write(self, comparison: str, folder: Path) -> dict[tuple[int, str], Path]:
        """Write everything; the path of each sound by its pair and side.

        Raises:
            StudioError: no room, or the folder may not be written.
        """
        try:
            for name in (f"{SOUNDS}/a", f"{SOUNDS}/b", listening_page.PARTS):
                (folder / name).mkdir(parents=True, exist_ok=True)
            self._write_tables(comparison, folder)
            self._write_page(comparison, folder)
            return self._write_sounds(comparison, folder)
        except OSError as error:
            raise StudioError(
                f"{folder} cannot be written ({error.strerror}); free some disk space or choose "
                "another folder."
            ) from error

    def _write_tables(self, comparison: str, folder: Path) -> None:
        report = self.comparisons.report(comparison)
        for pair in report["pairs"]:
            for side in SIDES:
                pair[side]["file"] = f"{SOUNDS}/{file_name(pair['place'], side)}.wav"
        text = json.dumps(report, ensure_ascii=False, indent=1)
        (folder / "report.json").write_text(text + "\n", encoding="utf-8")
        if report["summary"]:
            (folder / "summary.md").write_text(summary_text(report), encoding="utf-8")
            measures = self.comparisons.measures(comparison)
            (folder / "measures.csv").write_text(measures, encoding="utf-8", newline="")
        table = self.comparisons.table(comparison)
        (folder / "pairs.csv").write_text(table, encoding="utf-8", newline="")

    def _write_sounds(self, comparison: str, folder: Path) -> dict[tuple[int, str], Path]:
        sounds, paths = self.comparisons.all_sounds(comparison), {}
        for (place, side), candidate in sounds.items():
            called = file_name(place, side)
            paths[place, side] = self.downloads.save(candidate, folder / SOUNDS, called=called)
        return paths

    def _write_page(self, comparison: str, folder: Path) -> None:
        view, sounds = self.comparisons.view(comparison), self.comparisons.all_sounds(comparison)
        shutil.copyfile(plotly_script(), folder / listening_page.PARTS / "plotly.min.js")
        for pair in view["pairs"]:
            both = {side: sounds[pair["place"], side] for side in SIDES}
            text = self._part(comparison, pair["place"], both)
            name = listening_page.part_name(pair["place"])
            (folder / name).write_text(text, encoding="utf-8")
        view["adapters"] = self.comparisons.adapters(comparison)
        (folder / "index.html").write_text(listening_page.index(view), encoding="utf-8")

    def _part(self, comparison: str, place: int, both: dict[str, Any]) -> str:
        """The script of one pair, its sounds packed without loss."""
        with tempfile.TemporaryDirectory() as scratch:
            packed = {side: self._packed(one, Path(scratch)) for side, one in both.items()}
        return listening_page.part(place, self.comparisons.picture(comparison, place), packed)

    def _packed(self, candidate: StoredCandidate, folder: Path) -> bytes:
        return self.downloads.save(candidate, folder, "flac").read_bytes()


def summary_text(report: dict[str, Any]) -> str:
    """The verdict, the measures and the distances as Markdown."""
    names = [report["request"][side]["title"] for side in SIDES]
    parts = [
        "".join(f"- {sentence}\n" for sentence in report["verdict"]["said"]),
        summary_table(report["summary"], *names),
    ]
    distances = report["distances"] or {"measures": [], "left_out": []}
    if distances["measures"]:
        told = f"Against {distances['reference']} {distances['classes']}\n"
        parts += [told, distance_table(distances, *names)]
    parts.append("".join(f"- {row['metric']}: {row['why']}\n" for row in distances["left_out"]))
    return "\n".join(part for part in parts if part)
