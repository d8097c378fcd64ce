"""A study as files: its figures as JSON, the page that is written from them, and the adapter we ship."""

import json
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipelines.errors import StudioError
from pipelines.finetune.adapter_files import CARD, TENSORS, read_card
from pipelines.recipes.baton.material import write_json
from pipelines.recipes.baton.measures import TEST_JUDGE, openings
from pipelines.recipes.baton.page import page
from pipelines.recipes.baton.schedule import Study
from pipelines.recipes.budget import TOOK

FIGURES, PAGE = "study.json", "README.md"
BENCH = "bench.json"  # of tests.bench.bench_finetune, where somebody has put it beside
LIBRARIES = ("torch", "diffusers", "transformers", "peft", "numpy", "scipy")
FORMAT = 1


def write_page(study: Study, left: list[str]) -> Path:
    """Write what was found so far, as figures and as a page made of nothing else."""
    told = figures(study, left)
    write_json(study.results / FIGURES, told)
    path = study.results / PAGE
    part = path.with_suffix(".part")
    part.write_text(page(told))
    part.replace(path)
    return path


def figures(study: Study, left: list[str]) -> dict[str, Any]:
    """All that was found, with what it was found with."""
    shop, measures = study.shop, study.measures
    took = study.root / TOOK
    notes = [json.loads(line) for line in took.read_text().splitlines()] if took.exists() else []
    bench = study.root / BENCH
    adapter = study.trials.shipped() if study.gathered.is_ready else None
    return {
        "format": FORMAT,
        "judge": measures.judge,
        "split": measures.split,
        "is final": measures.judge == TEST_JUDGE,
        "settings": study.config.values,
        "sampling": {**shop.sampling, "dtype": shop.base.dtype},
        "revisions": {
            "model": shop.base.revision,
            "annotator": shop.annotator.revision,
            "reward CLAP": shop.reward_clap.revision,
            "evaluation CLAP": shop.evaluation_clap.revision,
        },
        "versions": {name: version(name) for name in LIBRARIES},
        "adapter": read_card(adapter).hash if adapter else None,
        "adapter bytes": read_card(adapter).size_bytes if adapter else None,
        "shrunk": read_card(adapter).record["shrunk"] if adapter else None,
        "seconds": sum(note["seconds"] for note in notes),
        "foretold": sum(note["foretold"] for note in notes),
        "left": left,
        "openings": openings() if measures.judge == TEST_JUDGE else [],
        "bench": json.loads(bench.read_text()) if bench.exists() else None,
        **study.found(),
    }


def publish(study: Study, folder: Path) -> None:
    """Copy the figures, the page and the adapter that we ship.

    Raises:
        StudioError: the headline is not finished, or was not judged by the test judge.
    """
    told = json.loads((study.results / FIGURES).read_text())
    if not told["is final"] or told["headline"] is None:
        raise StudioError(
            "Only a finished headline that the test judge heard is published; run with --final, "
            "with time enough."
        )
    adapter = study.trials.shipped()
    folder.mkdir(parents=True, exist_ok=True)
    for path in (adapter / TENSORS, adapter / CARD, study.results / FIGURES, study.results / PAGE):
        part = folder / f"{path.name}.part"
        shutil.copyfile(path, part)
        part.replace(folder / path.name)
