"""A folder that `datasets` loads: parquet with the sounds inside, by configuration and split.

The parquet is written batch by batch with pyarrow, under the schema of the `datasets` features:
their own encoder of sounds would decode every file to write it again, and wants a codec for it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.splits import SHARES
from studio.services.vote_data.formats import (
    Rows,
    Wish,
    preference_rows,
    split_of_prompt,
    triplet_rows,
    unpaired_rows,
)
from studio.services.vote_data.material import LABELS, PAIRWISE, Material
from studio.services.vote_data.tables import vote_cells
from studio.store.clips import ClipFolder

FOLDER = "data"
BATCH = 32  # rows held in memory at once, which is a row group; each may hold two sounds of 10 s
PLAIN_BATCH = 20_000  # the same of rows without sounds
AUDIO, CLASS = "audio", ("not aligned", "aligned", "uncertain")  # 0 and 1 as BATON has them
WORDS, COUNT, NUMBER, YES = "string", "int32", "float64", "bool"

PREFERENCES = {
    "prompt": WORDS, "chosen": AUDIO, "rejected": AUDIO, "seconds": NUMBER, "votes": COUNT,
    "agreement": NUMBER, "group": WORDS, "chosen_sound": WORDS, "rejected_sound": WORDS,
}  # fmt: skip
BATTLES = {  # of the columns of votes.csv; words and pace of voters stay in the studio
    "vote": WORDS, "voter": WORDS, "kind": WORDS, "prompt_number": COUNT, "prompt": WORDS,
    "system_a": WORDS, "take_a": COUNT, "sound_a": WORDS, "system_b": WORDS, "take_b": COUNT,
    "sound_b": WORDS, "outcome": WORDS,
}  # fmt: skip
TRIPLETS = {
    "prompt": WORDS, "audio": AUDIO, "label": CLASS, "task": WORDS, "rater": WORDS, "group": WORDS,
    "sound": WORDS,
}  # fmt: skip
UNPAIRED = {
    "prompt": WORDS, "completion": AUDIO, "label": YES, "task": WORDS, "votes": COUNT,
    "agreement": NUMBER, "group": WORDS, "sound": WORDS,
}  # fmt: skip
SCORES = {
    "vote": WORDS, "voter": WORDS, "prompt_number": COUNT, "prompt": WORDS, "place": COUNT,
    "system": WORDS, "take": COUNT, "sound": WORDS, "aspect": WORDS, "value": NUMBER,
}  # fmt: skip
SOUNDS = {
    "prompt_number": COUNT, "prompt": WORDS, "seconds": NUMBER, "system": WORDS, "take": COUNT,
    "audio": AUDIO, "sound": WORDS, "source_seconds": NUMBER, "gain_db": NUMBER, "lufs": NUMBER,
    "peak_dbfs": NUMBER, "silence": NUMBER,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Written:
    """What one configuration, or one form of lines, holds."""

    name: str
    counts: Mapping[str, int]  # rows by split
    left_out: Mapping[str, int]
    is_parquet: bool = False


def write_datasets(
    material: Material, wish: Wish, clips: ClipFolder, folder: Path
) -> list[Written]:
    """Write every configuration that the task has; the first is the usual one."""
    written = []
    for name, columns, rows in _configurations(material, wish):
        for split, found in rows.by_split.items():
            path = folder / FOLDER / name / f"{split}.parquet"
            write_parquet(path, columns, found, clips)
        told = {"counts": rows.counts, "left_out": rows.left_out}
        written.append(Written(name=name, is_parquet=True, **told))
    return written


def write_parquet(
    path: Path, columns: Mapping[str, Any], rows: Iterable[Mapping[str, Any]], clips: ClipFolder
) -> None:
    """Rows as parquet; a column of sounds is given hashes and holds the bytes of the files."""
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    schema = _features(columns).arrow_schema
    sounds = [name for name, kind in columns.items() if kind == AUDIO]
    path.parent.mkdir(parents=True, exist_ok=True)
    with ParquetWriter(path, schema, compression="zstd") as table:
        for batch in _batches(rows, BATCH if sounds else PLAIN_BATCH):
            filled = [{**row, **{n: _bytes_of(clips, row[n]) for n in sounds}} for row in batch]
            table.write_batch(pyarrow.RecordBatch.from_pylist(filled, schema=schema))


def _configurations(material: Material, wish: Wish) -> Iterator[tuple[str, dict[str, Any], Rows]]:
    """Name, columns and rows of each."""
    if material.task == PAIRWISE:
        yield "preferences", PREFERENCES, _preferences(material, wish)
        asked = material.campaign.definition["aspects"]
        columns = {**BATTLES, **{f"aspect_{aspect}": WORDS for aspect in asked}}
        yield "votes", columns, _by_prompt(material, _battles(material, columns))
    elif material.task in LABELS:
        yield "triplets", TRIPLETS, _triplets(triplet_rows(material))
        yield "unpaired", UNPAIRED, _named(unpaired_rows(material, wish), "completion")
    else:
        yield "scores", SCORES, _by_prompt(material, material.scores())
    yield "sounds", SOUNDS, _by_prompt(material, _sounds(material))


def _battles(material: Material, columns: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every vote on two sounds, the sounds by the names that they have in the other tables."""
    for vote in material.votes.votes:
        cells = vote_cells(material, vote)
        yield {name: cells[name] for name in columns}


def _preferences(material: Material, wish: Wish) -> Rows:
    seconds = {p["text"]: p["seconds"] for p in material.campaign.definition["prompts"]}
    rows = preference_rows(material, wish)
    told = {
        split: [
            {
                **row,
                "seconds": seconds[row["prompt"]],
                "chosen_sound": row["chosen"],
                "rejected_sound": row["rejected"],
            }
            for row in found
        ]
        for split, found in rows.by_split.items()
    }
    return Rows(by_split=told, left_out=rows.left_out)


def _triplets(rows: Rows) -> Rows:
    """Labels as the codes of CLASS."""
    coded = {
        split: [
            {**row, "label": 2 if row["label"] == "uncertain" else row["label"]} for row in found
        ]
        for split, found in rows.by_split.items()
    }
    return _named(Rows(by_split=coded, left_out=rows.left_out), "audio")


def _named(rows: Rows, column: str) -> Rows:
    """The hash of the sound in a column of its own too."""
    told = {
        split: [{**row, "sound": row[column]} for row in found]
        for split, found in rows.by_split.items()
    }
    return Rows(by_split=told, left_out=rows.left_out)


def _by_prompt(material: Material, rows: Iterable[dict[str, Any]]) -> Rows:
    """Rows on the side of their prompt."""
    found: dict[str, list] = defaultdict(list)
    for row in rows:
        found[split_of_prompt(material.prompt(row["prompt_number"]))].append(row)
    return Rows(by_split={name: found[name] for name in SHARES if name in found}, left_out={})


def _sounds(material: Material) -> Iterator[dict[str, Any]]:
    """Every sound of the campaign, spoiled ones too, with what was measured of its source."""
    for (prompt, system, take), clip in material.clips.items():
        told, name = material.prompt(prompt), material.sound(prompt, system, take)
        measured = {
            key: clip.measures.get(key) for key in ("gain_db", "lufs", "peak_dbfs", "silence")
        }
        yield {
            "prompt_number": prompt,
            "prompt": told["text"],
            "seconds": told["seconds"],
            "system": system,
            "take": take,
            "audio": name,
            "sound": name,
            "source_seconds": clip.measures.get("seconds"),
            **measured,
        }


def _features(columns: Mapping[str, Any]) -> Any:
    """The same columns as `datasets.Features`."""
    from datasets import Audio, ClassLabel, Features, Value

    kinds = {AUDIO: Audio(), CLASS: ClassLabel(names=list(CLASS))}
    return Features({name: kinds.get(kind) or Value(kind) for name, kind in columns.items()})


def _bytes_of(clips: ClipFolder, sound: str) -> dict[str, Any]:
    return {"bytes": clips.path(sound).read_bytes(), "path": f"{sound}.wav"}


def _batches(rows: Iterable[Mapping[str, Any]], most: int) -> Iterator[list[Mapping[str, Any]]]:
    batch: list[Mapping[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == most:
            yield batch
            batch = []
    if batch:
        yield batch
