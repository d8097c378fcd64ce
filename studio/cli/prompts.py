"""`prompts`: lists of prompts, written from label groups or taken from data sets that a person has."""

import argparse
from pathlib import Path
from typing import Any

from pipelines.errors import StudioError
from pipelines.prompts import audiocaps
from pipelines.seeds import check_seed
from studio.cli.telling import number, progress_teller, say, tell
from studio.services.prompt_writing.request import MOST_ALONE
from studio.services.services import Services
from studio.visitors import HERE

WAYS = ("labels", "caption")


def add_to(verbs: Any) -> None:
    """The verb, its ways and their flags."""
    prompts = verbs.add_parser("prompts", help="lists of prompts: written, or from your data sets")
    ways = prompts.add_subparsers(dest="way", required=True, metavar="{write,audiocaps}")
    add_write(ways.add_parser("write", help="captions from groups of labels, as BATON has them"))
    make = ways.add_parser("audiocaps", help="BATON's two-label and three-label test sets")
    make.add_argument("file", type=Path, metavar="FILE", help="AudioCaps' test.csv, or JSON lines")
    make.add_argument("--out", type=Path, required=True, metavar="FILE", help="a .csv to write")
    make.add_argument(
        "--labels", type=Path, metavar="FILE", help="AudioSet's segments of the clips"
    )
    make.add_argument(
        "--events", type=number, choices=(2, 3), help="one of the sets (default: both)"
    )
    make.add_argument("--by", choices=WAYS, help="what is counted (default: labels, where known)")
    make.add_argument("--in-order", action="store_true", help="of three, those that state an order")
    make.add_argument("--one-a-clip", action="store_true", help="one caption of each clip")
    make.add_argument("--most", type=number, metavar="N", help="draw so many of each set")
    make.add_argument("--seed", type=number, default=0, help="of that draw")
    make.set_defaults(do=from_audiocaps)


def add_write(make: argparse.ArgumentParser) -> None:
    """The flags of `prompts write`."""
    make.add_argument("--out", type=Path, required=True, metavar="FILE", help="a .csv to write")
    make.add_argument("--task", default="integrity", help="integrity: two events; temporal: three")
    make.add_argument("--count", type=number, default=40, help="captions")
    make.add_argument("--split", default="train", help="train, or held out: dev, test")
    make.add_argument(
        "--labels", type=Path, metavar="FILE",
        help="your labels: a .txt, or a .csv with label, says, saying (default: embedded events)",
    )  # fmt: skip
    make.add_argument("--writer", default="grammar", help="grammar, or model (BATON_LLM_MODEL)")
    make.add_argument("--seed", type=number, help="of groups and conjunctions (default: drawn)")
    make.set_defaults(do=write)


def write(services: Services, asked: argparse.Namespace) -> int:
    """One line with what was written, one for each caption that somebody should look at."""
    writing = services.prompt_writing
    wish = writing.check(
        task=asked.task, count=asked.count, split=asked.split, labels=label_file(asked.labels),
        writer=asked.writer, seed=asked.seed, most=MOST_ALONE,
    )  # fmt: skip
    found = writing.write_now(HERE, wish, progress_teller())
    try:
        asked.out.write_text(found["table"], encoding="utf-8")
    except OSError as error:
        raise StudioError(
            f"{asked.out} cannot be written ({error.strerror}); choose another."
        ) from error
    for number_, mark in found["marks"].items():
        say(f"Caption {number_}: {mark}")
    tell(
        path=str(asked.out), prompts=found["count"], task=wish.task, split=wish.split,
        seed=wish.seed, labels=len(wish.source.set.labels), by_model=found["by_model"],
    )  # fmt: skip
    if found["error"]:
        raise StudioError(found["error"])
    if wish.split == "train":
        say(f"To have them labelled: vote new --template baton-{wish.task} --prompts {asked.out}")
    else:
        say(f"To compare on them: compare A B --prompts {asked.out}")
    return 0


def label_file(path: Path | None) -> dict[str, str] | None:
    """A file of labels, unread but for its text."""
    if path is None:
        return None
    try:
        return {"name": path.name, "text": path.read_text(encoding="utf-8-sig")}
    except (OSError, UnicodeDecodeError) as error:
        raise StudioError(f"{path} cannot be read as text; give a .txt or .csv file.") from error


def from_audiocaps(services: Services, asked: argparse.Namespace) -> int:
    """The sets as one CSV, and one line of counts for each."""
    if asked.most is not None and (int(asked.most) != asked.most or asked.most < 1):
        raise StudioError(f"--most is {asked.most}; give a whole number from 1.")
    captions = audiocaps.read_captions(asked.file)
    if asked.labels:
        captions = audiocaps.with_labels(captions, asked.labels)
    way = asked.by or ("labels" if any(caption.labels for caption in captions) else "caption")
    chosen = {
        count: audiocaps.choose(
            captions, count, way=way, in_order=asked.in_order and count == 3,
            one_a_clip=asked.one_a_clip, most=asked.most, seed=check_seed(asked.seed),
        )
        for count in ([asked.events] if asked.events else audiocaps.SETS)
    }  # fmt: skip
    if not any(chosen.values()):
        raise StudioError(
            f"None of the {len(captions)} captions in {asked.file.name} joins two or three events; "
            "is it AudioCaps' test.csv?"
        )
    audiocaps.write_prompts(asked.out, chosen, way)
    for count, found in chosen.items():
        tell(
            set=audiocaps.SETS[count], prompts=len(found), of=len(captions), counted_by=way,
            in_paper=audiocaps.PICKED[count], path=str(asked.out),
        )  # fmt: skip
    say("The paper picked its prompts from such lists by hand; which ones, it does not say.")
    return 0
