"""How the command line reads numbers and tells results: JSON lines out, progress on the side."""

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any


def tell(**values: Any) -> None:
    """One result, as one line."""
    print(json.dumps(values, ensure_ascii=False), flush=True)


def say(sentence: str) -> None:
    """Something for the person, not for the pipe."""
    print(sentence, file=sys.stderr)


def number(text: str) -> float:
    """A number; whether it is a sensible one is for the request to say."""
    try:
        return int(text) if text.lstrip("+-").isdigit() else float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from error


def progress_teller() -> Callable[[float, str], None]:
    """Tells how far a run is, on standard error: each thing once, over and over on a terminal."""
    told: list[str] = []

    def tell_progress(share: float, note: str) -> None:
        line = f"{share:4.0%}  {note}"
        if [line] != told:
            told[:] = [line]
            is_screen = sys.stderr.isatty()
            print(f"{line:<70}", end="\r" if is_screen else "\n", file=sys.stderr, flush=True)

    return tell_progress
