"""`generate`: sounds for prompts, one line of JSON per candidate."""

import argparse
from pathlib import Path
from typing import Any

from pipelines.errors import StudioError
from studio.cli.telling import number, progress_teller, say, tell
from studio.services.services import Services
from studio.visitors import HERE


def add_to(verbs: Any) -> None:
    """The verb and its flags."""
    make = verbs.add_parser("generate", help="sounds for prompts")
    make.add_argument("prompts", nargs="*", metavar="PROMPT")
    make.add_argument("--prompts", dest="file", type=Path, help="a .txt or .csv with more of them")
    make.add_argument("--count", type=number, default=1, help="candidates per prompt")
    make.add_argument("--seed", type=number, help="of the first candidate (default: drawn)")
    make.add_argument("--seconds", type=number, default=10.0)
    make.add_argument("--steps", type=number, help="default: the model's own")
    make.add_argument("--guidance", type=number, help="default: the model's own")
    make.add_argument("--sampler", default="euler", help="euler or heun")
    make.add_argument("--model", help="a name from `models`, or the folder of a checkpoint")
    make.add_argument("--out", type=Path, help="also write the sounds into this folder")
    make.add_argument("--format", default="wav", help="wav or flac")
    make.add_argument("--no-scores", action="store_true", help="sounds only")
    make.set_defaults(do=generate)


def generate(services: Services, asked: argparse.Namespace) -> int:
    """One line per candidate."""
    prompts = [*asked.prompts, *(services.read_prompt_file(asked.file) if asked.file else [])]
    request = services.check(
        prompts,
        model=asked.model,
        seed=asked.seed,
        count=asked.count,
        seconds=asked.seconds,
        steps=asked.steps,
        guidance=asked.guidance,
        sampler=asked.sampler,
        is_judged=not asked.no_scores,
    )
    run = services.generate_now(HERE, request, progress_teller())
    for notice in run["notices"]:
        say(notice)
    for card in run["cards"]:
        path = services.path_of(card["id"], asked.out, asked.format)
        hearing = card["hearing"]
        scores = {"clap": card["clap"], **({} if hearing is None else hearing)}
        tell(
            id=card["id"],
            path=str(path),
            prompt=card["prompt"],
            seed=card["settings"]["seed"],
            scores=scores,
            settings=card["settings"],
            timings=card["timings"],
            clip=card["clip"],
        )
    if run["error"]:
        raise StudioError(run["error"])
    return 0 if run["status"] == "done" else 1
