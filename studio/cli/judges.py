"""`listen` and `score`: what the simulated listener and CLAP say of any file."""

import argparse
from pathlib import Path
from typing import Any

from studio.cli.telling import tell
from studio.services.services import Services


def add_to(verbs: Any) -> None:
    """Both verbs and their flags."""
    hear = verbs.add_parser("listen", help="what the simulated listener hears in files")
    hear.add_argument("files", nargs="+", type=Path, metavar="FILE")
    hear.add_argument("--prompt", help="judge integrity and order against this")
    hear.set_defaults(do=listen)

    rate = verbs.add_parser("score", help="how near a file and a prompt are, by CLAP")
    rate.add_argument("file", type=Path, metavar="FILE")
    rate.add_argument("--prompt", required=True)
    rate.add_argument(
        "--clap", metavar="NAME", help="reward, evaluation, a folder, a .pt file or a Hub id"
    )
    rate.add_argument("--engine", help="transformers (default) or laion, for LAION's .pt files")
    rate.add_argument(
        "--tokenizer", type=Path, metavar="FOLDER", help="roberta-base's, for LAION's .pt files"
    )
    rate.set_defaults(do=score)


def listen(services: Services, asked: argparse.Namespace) -> int:
    """One line per file."""
    for path in asked.files:
        tell(path=str(path), **services.world.listen(path, asked.prompt))
    return 0


def score(services: Services, asked: argparse.Namespace) -> int:
    """One line."""
    said = services.world.score(
        asked.file, asked.prompt, clap=asked.clap, engine=asked.engine, tokenizer=asked.tokenizer
    )
    tell(path=str(asked.file), prompt=asked.prompt, **said)
    return 0
