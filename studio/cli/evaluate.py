"""`evaluate`: every metric that two folders of sounds allow; one line of JSON per metric."""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.errors import StudioError
from studio.cli.telling import number, progress_teller, say, tell
from studio.services.compare.measuring import METRICS, Wish
from studio.services.services import Services
from studio.services.sound_folders import captioned, read_captions, sounds_in


def add_to(verbs: Any) -> None:
    """The verb and its flags."""
    usual = Wish()
    make = verbs.add_parser("evaluate", help="distances, scores and verdicts of a folder of sounds")
    make.add_argument("folder", type=Path, metavar="DIR", help="the generated sounds")
    make.add_argument("--reference", type=Path, metavar="DIR", help="real sounds, for distances")
    make.add_argument(
        "--against", type=Path, metavar="DIR",
        help="another model's sounds of the same file names: the change in distance",
    )  # fmt: skip
    make.add_argument(
        "--captions", type=Path, metavar="FILE",
        help="CSV with the columns file and caption (default: the prompts inside our own files)",
    )  # fmt: skip
    make.add_argument(
        "--embedder", action="append", metavar="NAME[=WEIGHTS]", help="again for more than one"
    )
    make.add_argument(
        "--metric", action="append", metavar="NAME",
        help=f"again for more than one: {', '.join(METRICS)} (default: all that can be had)",
    )  # fmt: skip
    make.add_argument("--seed", type=number, default=usual.seed, help="of intervals and splits")
    make.add_argument("--splits", type=number, default=usual.splits, help="of the Inception score")
    make.add_argument("--direction", default=usual.direction, help="of KL")
    make.add_argument("--activation", default=usual.activation, help="of KL: softmax or sigmoid")
    make.add_argument("--bandwidth", default=usual.bandwidth, help="of KAD")
    make.add_argument(
        "--out", type=Path, metavar="FILE", help="also write the whole report as JSON"
    )
    make.set_defaults(do=evaluate)


def evaluate(services: Services, asked: argparse.Namespace) -> int:
    """One line per metric; a table for the person."""
    sets = {name: sounds_in(folder) for name, folder in folders_of(asked).items()}
    if asked.captions:
        sets["generated"] = captioned(sets["generated"], read_captions(asked.captions))
    report = services.evaluation.evaluate(
        sets["generated"],
        sets.get("reference", ()),
        wish_of(asked),
        against=sets.get("against", ()),
        on_progress=progress_teller(),
    )
    for found in report["results"]:
        tell(**found)
    if asked.out:
        write_report(asked.out, {"folders": {n: str(p) for n, p in folders_of(asked).items()},
                                 **report})  # fmt: skip
    for line in [*table(report["results"]), *report["notices"]]:
        say(line)
    for left in report["left_out"]:
        say(f"{left['metric']} left out: {left['why']}")
    return 0


def folders_of(asked: argparse.Namespace) -> dict[str, Path]:
    """The folders by what they are."""
    given = {"generated": asked.folder, "reference": asked.reference, "against": asked.against}
    return {name: folder for name, folder in given.items() if folder is not None}


def wish_of(asked: argparse.Namespace) -> Wish:
    """What the flags ask for."""
    return Wish(
        embedders=tuple(asked.embedder or Wish().embedders),
        metrics=None if asked.metric is None else tuple(asked.metric),
        seed=asked.seed,
        splits=asked.splits,
        direction=asked.direction,
        activation=asked.activation,
        bandwidth=asked.bandwidth,
    )


def table(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line per metric: value, interval, on how much."""
    rows = [("metric", "value", "95 % interval", "measured on")]
    for found in results:
        limits = "-" if found["low"] is None else f"{found['low']:.4g} to {found['high']:.4g}"
        rows.append((found["metric"], f"{found['value']:.4g}", limits, measured_on(found)))
    wide = [max(len(row[place]) for row in rows) for place in range(3)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, [*wide, 0], strict=True)).rstrip()
        for row in rows
    ]


def measured_on(found: Mapping[str, Any]) -> str:
    """How many of what; of a biased distance, what it is without its bias."""
    counts, detail = found["counts"], found["detail"]
    said = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items())
    if "generated_clips" in counts:
        said = f"{counts['generated_clips']} clips against {counts['reference_clips']}"
        if counts["generated_rows"] != counts["generated_clips"]:
            said += f" ({counts['generated_rows']} rows against {counts['reference_rows']})"
    if "unbiased" in detail:
        said += (
            f"; without its bias {detail['unbiased']:.4g}"
            f" [{detail['unbiased_low']:.4g}, {detail['unbiased_high']:.4g}]"
        )
    return said


def write_report(path: Path, report: Mapping[str, Any]) -> None:
    """The report as JSON."""
    try:
        path.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    except OSError as error:
        raise StudioError(
            f"{path} cannot be written ({error.strerror}); choose another."
        ) from error
