"""What both studies write of themselves: figures as JSON, a page made of nothing else, and copies of both."""

import json
import shutil
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipelines.errors import StudioError
from pipelines.recipes.baton.material import write_json
from pipelines.recipes.baton.measures import TEST_JUDGE, Measures, openings
from pipelines.recipes.baton.workshop import Workshop
from pipelines.recipes.budget import TOOK

FIGURES, PAGE = "study.json", "README.md"
LIBRARIES = ("torch", "diffusers", "transformers", "peft", "numpy", "scipy")
FORMAT = 1
Plain = dict[str, Any]


def found_with(root: Path, shop: Workshop, measures: Measures, left: list[str]) -> Plain:
    """What figures were found with: judge, models, versions and time.

    Args:
        root: of the study's files.
        shop: its models.
        measures: who hears what.
        left: the parts that were not done.
    """
    took = root / TOOK
    notes = [json.loads(line) for line in took.read_text().splitlines()] if took.exists() else []
    return {
        "format": FORMAT,
        "judge": measures.judge,
        "split": measures.split,
        "is final": measures.judge == TEST_JUDGE,
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
    }


def write_results(folder: Path, told: Plain, page: Callable[[Plain], str]) -> Path:
    """Write figures, then the page that is made of nothing else; where the page lies."""
    write_json(folder / FIGURES, told)
    path = folder / PAGE
    part = path.with_suffix(".part")
    part.write_text(page(json.loads((folder / FIGURES).read_text())))
    part.replace(path)
    return path


def publish_files(told: Plain, is_finished: bool, paths: Iterable[Path], folder: Path) -> None:
    """Copy the files of a final run.

    Args:
        told: its figures.
        is_finished: whether its headline is there.
        paths: what to copy.
        folder: where to.

    Raises:
        StudioError: the headline is not finished, or was not judged by the test judge.
    """
    if not told["is final"] or not is_finished:
        raise StudioError(
            "Only a finished headline that the test judge heard is published; run with --final, "
            "with time enough."
        )
    folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        part = folder / f"{path.name}.part"
        shutil.copyfile(path, part)
        part.replace(folder / path.name)
