"""Somebody's set of preferences out of a zip: TangoFlux's list with its sounds, or Audio-Alpaca's shards."""

import json
import zipfile
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any

from pipelines.audio import write_audio
from pipelines.errors import StudioError
from studio.services.sound_folders import SUFFIXES
from studio.services.sound_zip import MOST_BYTES, checked, copy_out, wanted

LIST, SHARD = ".json", ".parquet"
RATE = 44_100  # Hz that sounds are kept at: TangoFlux's own
SIDES = ("chosen", "reject", "rejected")  # fields of a row that name a sound
PLACE = "the zip"  # what the folder of its sounds is called, as sentences name it
MOST_LIST = 100_000_000  # bytes of the list


def is_pair_set(bundle: zipfile.ZipFile) -> bool:
    """Whether a zip holds preferences and not a creator's own sounds."""
    kinds = {PurePosixPath(entry.filename).suffix.lower() for entry in wanted(bundle)}
    return bool(kinds & {LIST, SHARD})


def take_in_pairs(
    bundle: zipfile.ZipFile, scratch: Path, place: Path, most: int
) -> tuple[list[dict[str, Any]], dict[str, str], dict[str, int]]:
    """Write the sounds of all pairs that can be heard as 16-bit WAV.

    Args:
        bundle: the zip; no path of it is followed.
        scratch: a folder that is gone afterwards.
        place: where the sounds are to lie.
        most: pairs that it may hold.

    Returns:
        The pairs as plain values, the file of each sound by its key, and what was left out by reason.

    Raises:
        StudioError: no list or shards that can be read, both, or too many pairs.
    """
    from pipelines.recipes.crpo.sources import alpaca_set, tangoflux_set, without_faults

    found = [(entry, PurePosixPath(entry.filename.replace("\\", "/"))) for entry in wanted(bundle)]
    lists = [(entry, name) for entry, name in found if name.suffix.lower() == LIST]
    shards = [(entry, name) for entry, name in found if name.suffix.lower() == SHARD]
    if len(lists) + bool(shards) != 1:
        raise StudioError(
            f"The zip holds {len(lists)} JSON lists and {len(shards)} parquet shards; give one list "
            "with its sounds, as TangoFlux has it, or the shards of one set, as Audio-Alpaca has them."
        )
    if shards:
        left = MOST_BYTES
        for number, (entry, _) in enumerate(shards):
            left = copy_out(bundle, entry, scratch / f"{number:05d}{SHARD}", left)
        given = alpaca_set(scratch, sample_rate=RATE)
    else:
        path = list_in(bundle, scratch, found, *lists[0])
        given = tangoflux_set(path, sample_rate=RATE, sounds=scratch / PLACE)
    if len(given.pairs) > most:
        raise StudioError(f"The set holds {len(given.pairs)} pairs; at most {most} are taken.")
    given = without_faults(given, RATE)
    if not given.pairs:
        raise StudioError(
            "None of the pairs can be learned from: "
            + ", ".join(f"{count} {why}" for why, count in given.left_out.items())
            + ". Both sounds of a pair must be heard."
        )
    files = {}
    for key in dict.fromkeys(k for row in given.pairs for k in (row.chosen, row.rejected)):
        files[key] = f"{len(files):05d}.wav"
        write_audio(place / files[key], given.sound(key), RATE)
    return [asdict(row) for row in given.pairs], files, dict(given.left_out)


def list_in(
    bundle: zipfile.ZipFile,
    scratch: Path,
    found: list[tuple[zipfile.ZipInfo, PurePosixPath]],
    entry: zipfile.ZipInfo,
    name: PurePosixPath,
) -> Path:
    """The list with the names under which its sounds were copied out, beside them."""
    (scratch / PLACE).mkdir()
    path = scratch / checked(name.name)
    copy_out(bundle, entry, path, MOST_LIST)
    try:
        rows = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise StudioError(
            f"{path.name} is no JSON list that can be read; give one of objects with captions, "
            "duration, chosen and reject."
        ) from error
    left, copied = MOST_BYTES, {}
    for number, (sound, at) in enumerate(found):
        if at.suffix.lower() in SUFFIXES:
            copied[at] = f"{number}{at.suffix.lower()}"
            left = copy_out(bundle, sound, scratch / PLACE / copied[at], left)
    by_name: dict[str, set[str]] = {}
    for at, file in copied.items():
        by_name.setdefault(at.name, set()).add(file)

    def kept(told: Any) -> Any:
        """The file that a row means: by its path in the zip, else by a name that is there once."""
        if not isinstance(told, str):
            return told
        own = PurePosixPath(told.replace("\\", "/"))
        there = copied.get(name.parent / own) or copied.get(own)
        same = by_name.get(own.name, set())
        return there or (next(iter(same)) if len(same) == 1 else "not there")

    if isinstance(rows, list):
        rows = [
            {key: kept(value) if key in SIDES else value for key, value in row.items()}
            if isinstance(row, dict)
            else row
            for row in rows
        ]
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path
