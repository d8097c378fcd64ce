"""CRPO's study as files: its figures as JSON, and the page that is written from them."""

import json
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipelines.recipes.baton.material import write_json
from pipelines.recipes.baton.measures import TEST_JUDGE, openings
from pipelines.recipes.baton.publishing import FIGURES, LIBRARIES, PAGE
from pipelines.recipes.budget import TOOK
from pipelines.recipes.crpo.study.drawing import plots
from pipelines.recipes.crpo.study.page import page
from pipelines.recipes.crpo.study.schedule import Shown

FORMAT = 1


def write_page(shown: Shown, left: list[str]) -> Path:
    """Write what was found so far, as figures and as a page made of nothing else."""
    write_json(shown.results / FIGURES, figures(shown, left))
    told = json.loads((shown.results / FIGURES).read_text())
    path = shown.results / PAGE
    part = path.with_suffix(".part")
    part.write_text(page(told))
    part.replace(path)
    for name, drawn in plots(told).items():
        (shown.results / name).write_text(drawn)
    return path


def figures(shown: Shown, left: list[str]) -> dict[str, Any]:
    """All that was found, with what it was found with."""
    shop, measures = shown.shop, shown.measures
    took = shown.root / TOOK
    notes = [json.loads(line) for line in took.read_text().splitlines()] if took.exists() else []
    return {
        "format": FORMAT,
        "judge": measures.judge,
        "split": measures.split,
        "is final": measures.judge == TEST_JUDGE,
        "settings": shown.study.values,
        "rival": asdict(shown.study.rival()),
        "sampling": {**shop.sampling, "dtype": shop.base.dtype},
        "revisions": {
            "model": shop.base.revision,
            "annotator": shop.annotator.revision,
            "reward CLAP": shop.reward_clap.revision,
            "evaluation CLAP": shop.evaluation_clap.revision,
        },
        "versions": {name: version(name) for name in LIBRARIES},
        "seconds": sum(note["seconds"] for note in notes),
        "foretold": sum(note["foretold"] for note in notes),
        "left": left,
        "openings": openings() if measures.judge == TEST_JUDGE else [],
        "found": shown.found(),
    }
