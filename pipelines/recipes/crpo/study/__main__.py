"""`python -m pipelines.recipes.crpo.study`: CRPO on the embedded model, shown to work; go on at any time."""

import argparse
import logging
import sys
from dataclasses import replace
from pathlib import Path

from pipelines.errors import StudioError


def main(argv: list[str] | None = None) -> int:
    """Do what is left of the study; 0 when done or out of time, 2 when the request cannot be met."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.recipes.crpo.study", description=__doc__
    )
    add = parser.add_argument
    add("--root", type=Path, default=Path("runs/crpo-study"), help="of all files, runs/crpo-study")
    add("--baton", type=Path, metavar="FOLDER",
        help="a study of BATON whose candidates and labels are shared; default: made here")  # fmt: skip
    add("--budget", type=float, default=3600, help="seconds to spend, 3600")
    add("--seeds", type=int, help="runs of the headline, 5")
    add("--iterations", type=int, help="of each run, 5")
    add("--only", choices=["sampling", "headline"],
        help="what needs no training; that and the headline")  # fmt: skip
    add("--estimate", action="store_true", help="tell how long it takes, and end")
    add("--tiny", action="store_true", help="a few prompts and steps: does it run?")
    add("--final", action="store_true",
        help="measure the headline on test prompts by the test judge")  # fmt: skip
    add("--reason", default="", help="why the test judge is opened; is logged")
    add("--threads", type=int, default=1, help="torch threads, 1")
    args = parser.parse_args(argv)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        return _run(args)
    except StudioError as error:
        print(error, file=sys.stderr)
        return 2


def _run(args: argparse.Namespace) -> int:
    import torch

    from pipelines.recipes.budget import carry_out
    from pipelines.recipes.crpo.study.design import EMBEDDED_STUDY, TINY_STUDY
    from pipelines.recipes.crpo.study.publishing import write_page
    from pipelines.recipes.crpo.study.schedule import Shown

    if args.final and not args.reason.strip():
        raise StudioError(
            "--final opens the test judge, and every opening is logged with its reason; give "
            '--reason "…".'
        )
    torch.set_num_threads(args.threads)
    study = TINY_STUDY if args.tiny else EMBEDDED_STUDY
    if args.seeds is not None:
        study = replace(study, seeds=args.seeds)
    if args.iterations is not None:
        study = replace(study, run=replace(study.run, iterations=args.iterations))
    shown = Shown(
        args.root,
        study,
        baton=args.baton,
        is_final=args.final,
        reason=args.reason.strip(),
        only=args.only,
    )
    args.root.mkdir(parents=True, exist_ok=True)
    left = [part for part in shown.parts() if not part.is_done()]
    print(f"{len(left)} parts are left, about {sum(part.seconds for part in left):.0f} s on "
          f"{args.threads} core(s); the budget is {args.budget:.0f} s.", flush=True)  # fmt: skip
    if args.estimate:
        for part in left:
            print(f"{part.seconds:8.0f} s  {part.name}")
        return 0
    rest = carry_out(shown, args.budget, lambda line: print(line, flush=True))
    page = write_page(shown, rest)
    print(f"{len(rest)} parts are left." if rest else "Everything is done.", f"See {page}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
