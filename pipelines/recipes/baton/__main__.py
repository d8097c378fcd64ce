"""`python -m pipelines.recipes.baton`: BATON on the embedded model, shown to work; go on at any time."""

import argparse
import json
import logging
import sys
from dataclasses import replace
from pathlib import Path

from pipelines.errors import StudioError

TABLES = ("5", "6", "7", "8", "13")


def main(argv: list[str] | None = None) -> int:
    """Do what is left of the study; 0 when done or out of time, 2 when the request cannot be met."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.recipes.baton", description=__doc__)
    parser.add_argument("--root", type=Path, default=Path("runs/baton"), help="of all files")
    parser.add_argument("--budget", type=float, default=3600, help="seconds to spend, 3600")
    parser.add_argument("--seeds", type=int, help="trainings of each arm of the headline, 5")
    parser.add_argument("--only", choices=["headline", "ablations", *TABLES],
                        help="this alone; a number is a table of the paper")  # fmt: skip
    parser.add_argument("--estimate", action="store_true", help="tell how long it takes, and end")
    parser.add_argument("--tiny", action="store_true", help="a few prompts and steps: does it run?")
    parser.add_argument("--final", action="store_true",
                        help="measure the headline on test prompts by the test judge")  # fmt: skip
    parser.add_argument("--reason", default="", help="why the test judge is opened; is logged")
    parser.add_argument("--publish", type=Path, metavar="FOLDER",
                        help="put the page, its figures and the first adapter there")  # fmt: skip
    parser.add_argument("--threads", type=int, default=1, help="torch threads, 1")
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

    from pipelines.recipes.baton.publishing import publish, write_page
    from pipelines.recipes.baton.schedule import Study
    from pipelines.recipes.baton.study import TINY, StudyConfig
    from pipelines.recipes.budget import carry_out

    if args.final and not args.reason.strip():
        raise StudioError(
            "--final opens the test judge, and every opening is logged with its reason; give "
            '--reason "…".'
        )
    torch.set_num_threads(args.threads)
    config = TINY if args.tiny else StudyConfig()
    if args.seeds is not None:
        config = replace(config, seeds=args.seeds)
    study = Study(
        args.root, config, is_final=args.final, reason=args.reason.strip(), only=args.only
    )
    args.root.mkdir(parents=True, exist_ok=True)
    left = [part for part in study.parts() if not part.is_done()]
    seconds = sum(part.seconds for part in left)
    print(f"{len(left)} parts are left, about {seconds:.0f} s on {args.threads} core(s); "
          f"the budget is {args.budget:.0f} s.")  # fmt: skip
    print(json.dumps({name: round(pace, 4) for name, pace in vars(study.paces).items()}))
    if args.estimate:
        for part in left:
            print(f"{part.seconds:8.0f} s  {part.name}")
        return 0
    rest = carry_out(study, args.budget, lambda line: print(line, flush=True))
    page = write_page(study, rest)
    print(f"{len(rest)} parts are left." if rest else "Everything is done.", f"See {page}.")
    if args.publish is not None:
        publish(study, args.publish)
    return 0


if __name__ == "__main__":
    sys.exit(main())
