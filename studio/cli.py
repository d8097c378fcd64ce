"""The command line: what the tabs do, without a browser. JSON lines out, progress on the side.

Results go to standard output, one JSON object per line; progress goes to standard error. Exit code
0: done; 1: stopped or not finished; 2: the request was wrong, with one sentence that says how.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from pipelines.errors import StudioError
from studio.config import read_config
from studio.services.services import Services
from studio.visitors import HERE


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
            return serve(asked)
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


def tell(**values: Any) -> None:
    """One result, as one line."""
    print(json.dumps(values, ensure_ascii=False), flush=True)


def parser() -> Words:
    """All verbs and their flags."""
    top = Words(prog="python -m studio.cli", description=__doc__.splitlines()[0])
    top.add_argument("--data", type=Path, help="the data folder (default: BATON_DATA or ./data)")
    top.add_argument("--device", help="cpu, cuda or mps (default: the best one here)")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")

    verbs.add_parser("models", help="the checkpoints that are here").set_defaults(do=models)

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

    world = verbs.add_parser("world", help="the sound world that the embedded model learnt")
    ways = world.add_subparsers(dest="way", required=True, metavar="render")
    render = ways.add_parser("render", help="what a caption, or a random scene, should sound like")
    render.add_argument("caption", nargs="?", metavar="CAPTION")
    render.add_argument("--scene", type=number, metavar="SEED", help="a random scene instead")
    render.add_argument("--seed", type=number, default=0, help="of the render of a caption")
    render.add_argument("--seconds", type=number, default=10.0, help="of the render of a caption")
    render.add_argument("--out", type=Path, required=True, metavar="FILE")
    render.set_defaults(do=render_world)

    hear = verbs.add_parser("listen", help="what the simulated listener hears in files")
    hear.add_argument("files", nargs="+", type=Path, metavar="FILE")
    hear.add_argument("--prompt", help="judge integrity and order against this")
    hear.set_defaults(do=listen)

    rate = verbs.add_parser("score", help="how near a file and a prompt are, by CLAP")
    rate.add_argument("file", type=Path, metavar="FILE")
    rate.add_argument("--prompt", required=True)
    rate.set_defaults(do=score)

    page = verbs.add_parser("studio", help="the page, as app.py")
    page.add_argument("--port", type=number)
    page.add_argument("--host")
    return top


def number(text: str) -> float:
    """A number; whether it is a sensible one is for the request to say."""
    try:
        return int(text) if text.lstrip("+-").isdigit() else float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from error


def serve(asked: argparse.Namespace) -> int:
    """What app.py does."""
    from app import main as open_page

    return open_page(data=asked.data, device=asked.device, port=asked.port, host=asked.host)


def models(services: Services, asked: argparse.Namespace) -> int:
    """One line per checkpoint."""
    for found in services.models():
        tell(**{name: str(value) for name, value in vars(found).items()})
    return 0


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
        print(notice, file=sys.stderr)
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


def render_world(services: Services, asked: argparse.Namespace) -> int:
    """The file, its caption and its strong labels."""
    if (asked.caption is None) == (asked.scene is None):
        raise StudioError("Give a CAPTION in quotes, or --scene SEED, and not both.")
    if asked.scene is not None:
        tell(**services.world.render_scene(asked.scene, asked.out))
    else:
        tell(**services.world.render(asked.caption, asked.out, asked.seed, asked.seconds))
    return 0


def listen(services: Services, asked: argparse.Namespace) -> int:
    """One line per file."""
    for path in asked.files:
        tell(path=str(path), **services.world.listen(path, asked.prompt))
    return 0


def score(services: Services, asked: argparse.Namespace) -> int:
    """One line."""
    tell(
        path=str(asked.file), prompt=asked.prompt, **services.world.score(asked.file, asked.prompt)
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
