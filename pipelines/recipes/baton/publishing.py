"""BATON's study as files: its figures as JSON, the page that is written from them, and the adapter we ship."""

import json
from pathlib import Path
from typing import Any

from pipelines.finetune.adapter_files import CARD, TENSORS, read_card
from pipelines.recipes.baton.page import page
from pipelines.recipes.baton.schedule import Study
from pipelines.recipes.published import FIGURES, PAGE, found_with, publish_files, write_results

BENCH = "bench.json"  # of tests.bench.bench_finetune, where somebody has put it beside


def write_page(study: Study, left: list[str]) -> Path:
    """Write what was found so far, as figures and as a page made of nothing else."""
    return write_results(study.results, figures(study, left), page)


def figures(study: Study, left: list[str]) -> dict[str, Any]:
    """All that was found, with what it was found with."""
    bench = study.root / BENCH
    adapter = study.trials.shipped() if study.gathered.is_ready else None
    card = read_card(adapter) if adapter else None
    return {
        **found_with(study.root, study.shop, study.measures, left),
        "settings": study.config.values,
        "adapter": card.hash if card else None,
        "adapter bytes": card.size_bytes if card else None,
        "shrunk": card.record["shrunk"] if card else None,
        "bench": json.loads(bench.read_text()) if bench.exists() else None,
        **study.found(),
    }


def publish(study: Study, folder: Path) -> None:
    """Copy the figures, the page and the adapter that we ship; raises as `publish_files`."""
    told = json.loads((study.results / FIGURES).read_text())
    adapter = study.trials.shipped()
    paths = [adapter / TENSORS, adapter / CARD] if adapter else []
    paths += [study.results / FIGURES, study.results / PAGE]
    publish_files(told, told["headline"] is not None, paths, folder)
