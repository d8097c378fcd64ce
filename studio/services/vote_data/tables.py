"""Votes and scores as CSV, for spreadsheets and statistics."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studio.services.compare.views import cell_of
from studio.services.vote_data.material import PAIRWISE, Material, name_of
from studio.store.vote_rows import VoteRow

VOTES, SCORES = "votes.csv", "scores.csv"
PRIVATE = {  # for the owner's eyes: words of voters, their pace, and hashes that tell sounds apart
    "vote", "reason", "cast_at", "decision_ms", "heard_ms", "first_played", "interface",
    "sound", "sound_a", "sound_b",
}  # fmt: skip


def write_votes(material: Material, path: Path, *, is_public: bool = False) -> int:
    """A row per vote; how many.

    Args:
        is_public: leave out what is PRIVATE. With a sound's hash a voter could tell which system
            made what is being played.
    """
    return _write(path, (vote_cells(material, vote) for vote in material.votes.votes), is_public)


def write_scores(material: Material, path: Path, *, is_public: bool = False) -> int:
    """A row per score or label; how many. An uncertain label is an empty value."""
    return _write(path, material.scores(), is_public)


def vote_cells(material: Material, vote: VoteRow) -> dict[str, Any]:
    """A vote by column."""
    prompt = material.prompt(vote.prompt)
    cells = {
        "vote": vote.id,
        "voter": name_of(vote.voter),
        "cast_at": vote.created_at,
        "kind": vote.kind,
        "prompt_number": vote.prompt,
        "prompt": prompt["text"],
        "seconds": prompt["seconds"],
        "labels": "; ".join(prompt["labels"]),
        "tags": "; ".join(prompt["tags"]),
    }
    if material.task == PAIRWISE:
        for side, (system, take) in zip("ab", vote.sounds, strict=True):
            cells |= {f"system_{side}": system, f"take_{side}": take}
            cells[f"sound_{side}"] = material.sound(vote.prompt, system, take)
    else:
        cells["systems"] = "; ".join(f"{system}/{take}" for system, take in vote.sounds)
    cells["outcome"] = vote.outcome
    for aspect in material.campaign.definition["aspects"] if material.task == PAIRWISE else ():
        cells[f"aspect_{aspect}"] = vote.aspects.get(aspect)
    return cells | {
        "reason": vote.reason,
        "heard_ms": "; ".join(map(str, vote.heard)),
        "first_played": vote.first_played,
        "decision_ms": vote.decision_ms,
        "interface": vote.interface,
    }


def _write(path: Path, rows: Iterator[dict[str, Any]], is_public: bool) -> int:
    """The rows under their own column names, formulas made harmless; how many."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        for row in rows:
            told = {k: v for k, v in row.items() if not (is_public and k in PRIVATE)}
            if not count:
                table.writerow(told)
            table.writerow([cell_of(value) for value in told.values()])
            count += 1
    return count
