"""The prompt sets that come with the studio, as lists that a comparison or a campaign can take."""

import csv
from functools import cache
from pathlib import Path
from typing import Any

from pipelines.errors import StudioError
from pipelines.prompts.orders import read_order_cell
from studio.services.requests import COLUMNS, read_prompt_file

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "prompts"
TITLES = {
    "order": "Two and three events in order",
    "together": "Two events together",
    "single": "Every event alone",
    "integrity": "Two events, as BATON's integrity task asks",
    "temporal": "Three events in order, as BATON's temporal task asks",
    "temporal-large": "Three events in order, twice as many",
    "demanding": "Fifty demanding scenes",
}
TAGS = {"multi_event": "multi-event", "temporal": "temporal"}  # columns that say yes or no


def prompt_sets() -> list[dict[str, Any]]:
    """Name, title and count of each set, those with a title first."""
    names = sorted(path.stem for path in FOLDER.glob("*.csv"))
    ordered = [*(name for name in TITLES if name in names), *(n for n in names if n not in TITLES)]
    return [
        {
            "name": name,
            "title": TITLES.get(name, name.replace("-", " ").capitalize()),
            "count": len(prompts_of(name)),
        }
        for name in ordered
    ]


def prompts_of(name: str) -> list[str]:
    """The prompts of the set of this name.

    Raises:
        StudioError: there is no such set.
    """
    known = sorted(path.stem for path in FOLDER.glob("*.csv"))
    if name not in known:
        raise StudioError(f"There is no prompt set {name[:40]!r}; choose {' or '.join(known)}.")
    return read_prompt_file(FOLDER / f"{name}.csv")


def read_prompt_rows(path: str | Path) -> list[dict[str, Any]]:
    """The prompts of a list, each with the labels and tags that a CSV gives it.

    Labels stand in a column of that name, parted by semicolons; tags are the kind and the columns
    multi_event and temporal, where they say yes. A column promises tells the order, as in "1<2; 1<3"
    for the labels as they stand; without it labels are sorted.

    Raises:
        StudioError: no list of prompts.
    """
    path = Path(path)
    words = read_prompt_file(path)
    if path.suffix.lower() == ".txt":
        return [{"text": text} for text in words]
    rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    names = {name.strip().lower(): name for name in (rows[0] if rows else {}) if name}
    column = next((names[name] for name in COLUMNS if name in names), None)
    if column is None:
        return [{"text": text} for text in words]
    found = []
    for row in rows:
        told = {key: (row[name] or "").strip() for key, name in names.items()}
        if text := (row[column] or "").strip():
            labels = [label.strip() for label in told.get("labels", "").split(";")]
            tags = [told.get("kind", "")]
            tags += [tag for key, tag in TAGS.items() if told.get(key, "").lower() == "yes"]
            labels, tags = list(filter(None, labels)), list(filter(None, tags))
            row = {"text": text, "labels": sorted(labels), "tags": tags}
            if (order := read_order_cell(told.get("promises", ""), len(labels))) is not None:
                row |= {"labels": labels, "order": order}
            found.append(row)
    return found


@cache
def known_rows() -> dict[str, dict[str, Any]]:
    """Every prompt of the studio's own sets by its text, with labels and tags."""
    rows = [row for path in sorted(FOLDER.glob("*.csv")) for row in read_prompt_rows(path)]
    return {" ".join(row["text"].split()): row for row in rows}
