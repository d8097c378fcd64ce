"""Static sets of pairs: our votes, BATON's labels, Audio-Alpaca's table, TangoFlux's list of files."""

import hashlib
import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.audio import read_audio
from pipelines.errors import StudioError
from pipelines.finetune.pairs import GIVEN, LABELS, VOTES, PairRow
from pipelines.recipes.crpo.ranking import fault_of
from pipelines.reward.labels import Example, Pair

MOST_SECONDS = 600  # of a sound that somebody else's set may hold

Sounds = Callable[[str], np.ndarray]


@dataclass(frozen=True)
class GivenSet:
    """Pairs that are there already, with what gives their sounds."""

    pairs: list[PairRow]
    sound: Sounds  # by key: float32 [channels, samples] at the model's rate
    left_out: dict[str, int] = field(default_factory=dict)  # pairs by reason


def pairs_of_votes(pairs: Sequence[Pair], seconds: Mapping[str, float]) -> list[PairRow]:
    """Preferences of people (or of simulated listeners, never both) as pairs.

    Args:
        pairs: from `reward.labels.read_pairs`; those without a majority are left out.
        seconds: the asked length of each prompt's sounds.
    """
    return [
        PairRow(
            prompt=pair.prompt,
            seconds=seconds[pair.prompt],
            chosen=pair.chosen,
            rejected=pair.rejected,
            gap=2 * pair.agreement - 1,
            origin=VOTES,
        )
        for pair in pairs
        if pair.agreement > 0.5
    ]


def pairs_of_labels(
    examples: Sequence[Example], seconds: Mapping[str, float], *, most: int | None = None
) -> list[PairRow]:
    """BATON's labels as preferences: what was called aligned before what was not, by prompt and task.

    arXiv 2412.21037, A.13. Every aligned sound meets every other one of its prompt and task; a sound
    that raters disagree about stands on the side of the majority, an even split on none.

    Args:
        examples: from `reward.labels.read_labels`.
        seconds: the asked length of each prompt's sounds.
        most: pairs of one prompt and task, taken so that every sound comes as evenly as it can;
            None: all.
    """
    sides: dict[tuple[str, str], tuple[list[Example], list[Example]]] = defaultdict(
        lambda: ([], [])
    )
    for example in sorted(examples, key=lambda e: (e.prompt, e.task, e.clip)):
        if example.target != 0.5:
            sides[example.prompt, example.task][example.target < 0.5].append(example)
    found: dict[tuple[str, str, str], PairRow] = {}
    for (prompt, _), (aligned, others) in sides.items():
        # Along the diagonals, so that the first pairs hold every sound once before any twice.
        met = [
            (aligned[i], others[(i + shift) % len(others)])
            for shift in range(len(others))
            for i in range(len(aligned))
        ]
        for one, other in met[:most]:
            row = PairRow(
                prompt=prompt,
                seconds=seconds[prompt],
                chosen=one.clip,
                rejected=other.clip,
                gap=one.target - other.target,
                origin=LABELS,
            )
            found.setdefault((prompt, one.clip, other.clip), row)
    return [row for key, row in found.items() if (key[0], key[2], key[1]) not in found]


def tangoflux_set(path: Path, *, sample_rate: int, sounds: Path | None = None) -> GivenSet:
    """A list as the published training reads it: captions, duration, chosen, reject.

    Args:
        path: a JSON array of objects; "rejected" is understood too, and "caption".
        sample_rate: Hz that the sounds are wanted at.
        sounds: the folder that must hold all of them; None: that of the list.

    Raises:
        StudioError: not such a list, or a sound that is not in the folder.
    """
    try:
        rows = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise StudioError(
            f"{path.name} is no JSON list that can be read ({error}); give one of objects with "
            "captions, duration, chosen and reject."
        ) from error
    if not isinstance(rows, list) or not rows:
        raise StudioError(f"{path.name} holds no list of pairs; give a JSON array of objects.")
    folder = (sounds or path.parent).resolve()
    files: dict[str, Path] = {}
    found = []
    for number, row in enumerate(rows, 1):
        prompt = _told(row, ("captions", "caption"), str, path, number)
        seconds = float(_told(row, ("duration",), (int, float), path, number))
        keys = []
        for names in (("chosen",), ("reject", "rejected")):
            file = (folder / _told(row, names, str, path, number)).resolve()
            if not file.is_relative_to(folder) or not file.is_file():
                raise StudioError(
                    f"Pair {number} of {path.name} names a sound that is not in {folder.name}; put "
                    "all sounds into that folder."
                )
            keys.append(_key(str(file.relative_to(folder))))
            files[keys[-1]] = file
        found.append(
            PairRow(prompt=prompt, seconds=seconds, chosen=keys[0], rejected=keys[1], origin=GIVEN)
        )
    return GivenSet(found, lambda key: read_audio(files[key], sample_rate=sample_rate)[0])


def _told(row: Any, names: Sequence[str], kind: Any, path: Path, number: int) -> Any:
    """A field of a row, under one of its names."""
    values = [row[name] for name in names if isinstance(row, dict) and name in row]
    is_right = bool(values) and isinstance(values[0], kind) and not isinstance(values[0], bool)
    if is_right and isinstance(values[0], (int, float)):
        is_right = 0 < values[0] <= MOST_SECONDS
    if is_right and isinstance(values[0], str):
        is_right = bool(values[0].strip())
    if not is_right:
        raise StudioError(
            f"Pair {number} of {path.name} has no usable {names[0]}; every pair needs captions, a "
            f"duration of up to {MOST_SECONDS} seconds, chosen and reject."
        )
    return values[0]


def _key(name: str) -> str:
    return f"given-{hashlib.sha256(name.encode()).hexdigest()[:20]}"


def alpaca_set(folder: Path, *, sample_rate: int, seconds: float = 10.0) -> GivenSet:
    """A table as Audio-Alpaca is published: parquet shards with prompt, chosen, rejected, strategy.

    Sounds stay in their shards and are decoded when they are asked for.

    Args:
        folder: of the shards.
        sample_rate: Hz that the sounds are wanted at.
        seconds: the length to ask for, which the table does not tell.

    Raises:
        StudioError: no shard, or one without these columns.
    """
    shards = sorted(folder.glob("*.parquet"))
    if not shards:
        raise StudioError(f"{folder.name} holds no .parquet file; give the folder of the shards.")
    found, places = [], {}
    for shard, row, prompt in _alpaca_rows(shards):
        keys = [_key(f"{shard.name} {row} {side}") for side in ("chosen", "rejected")]
        places |= {
            key: (shard, row, side) for key, side in zip(keys, ("chosen", "rejected"), strict=True)
        }
        found.append(
            PairRow(prompt=prompt, seconds=seconds, chosen=keys[0], rejected=keys[1], origin=GIVEN)
        )
    return GivenSet(found, lambda key: _alpaca_sound(*places[key], sample_rate))


def _alpaca_rows(shards: Sequence[Path]) -> Iterator[tuple[Path, int, str]]:
    import pyarrow as arrow
    from pyarrow import parquet

    for shard in shards:
        try:
            schema = parquet.read_schema(shard)
        except arrow.ArrowException as error:
            raise StudioError(
                f"{shard.name} is no parquet file ({error}); fetch it again."
            ) from error
        if missing := {"prompt", "chosen", "rejected"} - set(schema.names):
            raise StudioError(
                f"{shard.name} lacks the column {min(missing)}; Audio-Alpaca has prompt, chosen, "
                "rejected and strategy."
            )
        prompts = parquet.read_table(shard, columns=["prompt"]).column("prompt").to_pylist()
        for row, prompt in enumerate(prompts):
            if isinstance(prompt, str) and prompt.strip():
                yield shard, row, prompt


def _alpaca_sound(shard: Path, row: int, side: str, sample_rate: int) -> np.ndarray:
    ends = np.cumsum(_row_groups(shard))
    group = int(np.searchsorted(ends, row, side="right"))
    cell = _column(shard, group, side)[row - int(ends[group - 1] if group else 0)].as_py()
    content = cell.get("bytes") if isinstance(cell, dict) else None
    if not content:
        raise StudioError(
            f"Row {row + 1} of {shard.name} has no sound under {side}; fetch it again."
        )
    with tempfile.NamedTemporaryFile(suffix=".sound") as file:
        file.write(content)
        file.flush()
        return read_audio(file.name, sample_rate=sample_rate)[0]


@lru_cache(maxsize=64)
def _row_groups(shard: Path) -> tuple[int, ...]:
    """Rows of each group of a shard."""
    from pyarrow import parquet

    told = parquet.read_metadata(shard)
    return tuple(told.row_group(n).num_rows for n in range(told.num_row_groups))


@lru_cache(maxsize=2)  # both sides of the group that is being read
def _column(shard: Path, group: int, side: str) -> Any:
    from pyarrow import parquet

    return parquet.ParquetFile(shard).read_row_group(group, columns=[side]).column(side)


def without_faults(given: GivenSet, sample_rate: int) -> GivenSet:
    """The pairs of which both sounds can be heard; the others are counted by fault.

    Args:
        given: any set.
        sample_rate: Hz of its sounds.
    """
    keys = dict.fromkeys(key for row in given.pairs for key in (row.chosen, row.rejected))
    faults = {key: fault_of(given.sound(key), sample_rate) for key in keys}
    kept, left_out = [], dict(given.left_out)
    for row in given.pairs:
        why = faults[row.chosen] or faults[row.rejected]
        if why is None:
            kept.append(row)
        else:
            left_out[why] = left_out.get(why, 0) + 1
    return GivenSet(kept, given.sound, left_out)
