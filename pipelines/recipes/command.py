"""What the commands of long recipes share: how they answer, a study's flags, and how a study goes on."""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from pipelines.errors import StudioError
from pipelines.recipes.budget import Parted, carry_out


def answered(run: Callable[[argparse.Namespace], int], args: argparse.Namespace) -> int:
    """What a command exits with; 2, after its sentence, when the request cannot be met."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        return run(args)
    except StudioError as error:
        print(error, file=sys.stderr)
        return 2


def add_study_flags(
    parser: argparse.ArgumentParser,
    *,
    root: str,
    seeds: str,
    only: Sequence[str],
    only_means: str,
    published: str,
) -> None:
    """The flags that every study takes.

    Args:
        parser: of the command.
        root: where its files lie unless it is told.
        seeds: what `--seeds` counts.
        only: what can be done alone.
        only_means: what that is, in words.
        published: what comes of a final run, in words.
    """
    add = parser.add_argument
    add("--root", type=Path, default=Path(root), help=f"of all files, {root}")
    add("--budget", type=float, default=3600, help="seconds to spend, 3600")
    add("--seeds", type=int, help=seeds)
    add("--only", choices=only, help=only_means)
    add("--estimate", action="store_true", help="tell how long it takes, and end")
    add("--tiny", action="store_true", help="a few prompts and steps: does it run?")
    add("--final", action="store_true",
        help="measure the headline on test prompts by the test judge")  # fmt: skip
    add("--reason", default="", help="why the test judge is opened; is logged")
    add("--publish", type=Path, metavar="FOLDER", help=f"put {published} there, after a final run")
    add("--threads", type=int, default=1, help="torch threads, 1")


def prepare(args: argparse.Namespace) -> None:
    """Set the threads, once it is clear that a final run says why it is one.

    Raises:
        StudioError: it does not.
    """
    import torch

    if args.final and not args.reason.strip():
        raise StudioError(
            "--final opens the test judge, and every opening is logged with its reason; give "
            '--reason "…".'
        )
    torch.set_num_threads(args.threads)


def go_on(
    study: Parted,
    args: argparse.Namespace,
    write_page: Callable[[list[str]], Path],
    publish: Callable[[Path], None],
    *,
    aside: Callable[[], str] | None = None,
) -> int:
    """Tell what is left, do what the budget allows and write the page; 0.

    Args:
        study: what to do.
        args: with the flags of `add_study_flags`.
        write_page: given the names of the parts that are left; where the page lies.
        publish: given the folder, where one is told.
        aside: a line to print below the estimate.
    """
    args.root.mkdir(parents=True, exist_ok=True)
    left = [part for part in study.parts() if not part.is_done()]
    seconds = sum(part.seconds for part in left)
    print(f"{len(left)} parts are left, about {seconds:.0f} s on {args.threads} core(s); "
          f"the budget is {args.budget:.0f} s.", flush=True)  # fmt: skip
    if aside is not None:
        print(aside(), flush=True)
    if args.estimate:
        for part in left:
            print(f"{part.seconds:8.0f} s  {part.name}")
        return 0
    rest = carry_out(study, args.budget, lambda line: print(line, flush=True))
    page = write_page(rest)
    print(f"{len(rest)} parts are left." if rest else "Everything is done.", f"See {page}.")
    if args.publish is not None:
        publish(args.publish)
    return 0
