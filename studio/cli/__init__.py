"""The command line: what the tabs do, without a browser. JSON lines out, progress on the side.

Results go to standard output, one JSON object per line; progress goes to standard error. Exit code
0: done; 1: stopped or not finished; 2: the request was wrong, with one sentence that says how.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from pipelines.errors import StudioError
from studio.cli import (
    compare,
    convert,
    evaluate,
    finetune,
    generate,
    judges,
    models,
    page,
    prompts,
    reward,
    vote,
    world,
)
from studio.config import read_config
from studio.services.services import Services

# Each file adds its own to the parser.
VERBS = (
    models, convert, generate, vote, reward, finetune, compare, evaluate, prompts, world, judges, page,
)  # fmt: skip


class Words(argparse.ArgumentParser):
    """A parser that says what is wrong in one sentence, exit code 2."""

    def error(self, message: str) -> NoReturn:
        """End with the sentence."""
        raise StudioError(f"{message[0].upper()}{message[1:]}; see {self.prog} --help.")


def main(
    arguments: Sequence[str] | None = None,
    open_services: Callable[..., Services] = lambda config: Services(config),
) -> int:
    """Do one verb; the exit status."""
    try:
        asked = parser().parse_args(arguments)
        if asked.verb == "studio":
            return asked.do(asked)
        config = read_config(os.environ, data=asked.data, device=asked.device)
        services = open_services(config)
        try:
            return asked.do(services, asked)
        finally:
            services.close()
    except StudioError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped from the keyboard.", file=sys.stderr)
        return 1


def parser() -> Words:
    """All verbs and their flags."""
    top = Words(prog="python -m studio.cli", description=__doc__.splitlines()[0])
    top.add_argument("--data", type=Path, help="the data folder (default: BATON_DATA or ./data)")
    top.add_argument("--device", help="cpu, cuda or mps (default: the best one here)")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    for file in VERBS:
        file.add_to(verbs)
    return top
