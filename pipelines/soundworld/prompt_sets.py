"""Prompt sets for comparing models: captions of combinations that none of ours has trained on."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipelines.soundworld.captions import read_caption, write_caption
from pipelines.soundworld.events import LABELS
from pipelines.soundworld.scenes import draw_scene

COLUMNS = ("prompt", "kind", "labels", "seed")
LATEST = 100_000  # seeds looked through; a set is full long before


@dataclass(frozen=True)
class PromptSet:
    """How one set is drawn: so many scenes of each kind, from the dev split."""

    name: str
    counts: dict[str, int]  # by kind of scene


SETS = (
    PromptSet("order", {"two in order": 12, "three in order": 12}),
    PromptSet("together", {"two together": 12}),
    PromptSet("single", {"one": len(LABELS)}),
    PromptSet("integrity", {"two together": 10, "two in order": 10}),
    PromptSet("temporal", {"three in order": 24}),
    PromptSet("temporal-large", {"three in order": 48}),  # of pairs, the dev split has 23 in all
)


def rows_of(wanted: PromptSet) -> list[tuple[str, str, str, int]]:
    """The set as rows of COLUMNS; each combination of events once, no event much oftener than others.

    Combinations of two and three events come from the dev split, never from train or test; single
    events are in every split, and each comes once.
    """
    rows, met = [], set()
    for kind, count in wanted.counts.items():
        if kind == "one":
            rows += [(write_caption([label], [], [0]), kind, label, 0) for label in LABELS]
        else:
            rows += list(_drawn(kind, count, met))
    return rows


def _drawn(kind: str, count: int, met: set[frozenset]) -> Iterable[tuple[str, str, str, int]]:
    """Scenes of a kind, seed by seed, skipping those whose events have had their turn.

    `met` holds the combinations that came before, of any kind, and is added to.
    """
    uses, last = dict.fromkeys(LABELS, 0), len(met) + count
    size = 3 if kind == "three in order" else 2
    most = -(-count * size // len(LABELS)) + 1  # how often one event may come
    for seed in range(LATEST):
        if len(met) == last:
            return
        scene = draw_scene(seed, split="dev", kind=kind)
        labels = read_caption(scene.caption).labels
        if frozenset(labels) in met or any(uses[label] >= most for label in labels):
            continue
        met.add(frozenset(labels))
        for label in labels:
            uses[label] += 1
        yield scene.caption, kind, "; ".join(labels), seed


def text_of(wanted: PromptSet) -> str:
    """The set as CSV, as it lies in assets/prompts."""
    told = io.StringIO()
    table = csv.writer(told, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows(rows_of(wanted))
    return told.getvalue()


def write_sets(folder: Path) -> list[Path]:
    """Write every set into a folder, one CSV each; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{one.name}.csv" for one in SETS]
    for path, one in zip(paths, SETS, strict=True):
        path.write_text(text_of(one), encoding="utf-8")
    return paths
