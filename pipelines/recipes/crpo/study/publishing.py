"""CRPO's study as files: its figures as JSON, the page and the plots that are made from them."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipelines.recipes.crpo.study.drawing import plots
from pipelines.recipes.crpo.study.page import page
from pipelines.recipes.crpo.study.schedule import Shown
from pipelines.recipes.published import FIGURES, PAGE, found_with, publish_files, write_results


def write_page(shown: Shown, left: list[str]) -> Path:
    """Write what was found so far, as figures, as a page made of nothing else, and as plots."""
    path = write_results(shown.results, figures(shown, left), page)
    for name, drawn in plots(_told(shown)).items():
        (shown.results / name).write_text(drawn)
    return path


def figures(shown: Shown, left: list[str]) -> dict[str, Any]:
    """All that was found, with what it was found with."""
    return {
        **found_with(shown.root, shown.shop, shown.measures, left),
        "settings": shown.study.values,
        "rival": asdict(shown.study.rival()),
        "found": shown.found(),
    }


def publish(shown: Shown, folder: Path) -> None:
    """Copy the figures, the page and its plots; raises as `publish_files`."""
    told = _told(shown)
    paths = [shown.results / name for name in (FIGURES, PAGE, *plots(told))]
    publish_files(told, "headline" in told["found"], paths, folder)


def _told(shown: Shown) -> dict[str, Any]:
    return json.loads((shown.results / FIGURES).read_text())
