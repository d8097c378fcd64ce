"""`convert`: a published model as a diffusers folder, once, so that it opens without its own rules."""

import argparse
from pathlib import Path
from typing import Any

from studio.cli.telling import say, tell
from studio.services.services import Services


def add_to(verbs: Any) -> None:
    """The verb and its flags."""
    make = verbs.add_parser("convert", help="a published model as a diffusers folder")
    make.add_argument("model", help="a name from `models published`, or the path of its folder")
    make.add_argument("--out", type=Path, required=True, help="the folder to write; not there yet")
    make.set_defaults(do=convert)


def convert(services: Services, asked: argparse.Namespace) -> int:
    """One line: where it lies, what it is."""
    folder, licence = services.engines.convert(asked.model, asked.out)
    say(f"{asked.model}: {licence}.")
    tell(model=asked.model, path=str(folder), licence=licence)
    return 0
