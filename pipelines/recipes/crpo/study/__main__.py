"""`python -m pipelines.recipes.crpo.study`: CRPO on the embedded model, shown to work; go on at any time."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from pipelines.recipes.command import add_study_flags, answered, go_on, prepare


def main(argv: list[str] | None = None) -> int:
    """Do what is left of the study; 0 when done or out of time, 2 when the request cannot be met."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.recipes.crpo.study", description=__doc__
    )
    add_study_flags(
        parser,
        root="runs/crpo-study",
        seeds="runs of the headline, 5",
        only=["sampling", "headline"],
        only_means="what needs no training; that and the headline",
        published="the page, its figures and plots",
    )
    parser.add_argument("--baton", type=Path, metavar="FOLDER",
        help="a study of BATON whose candidates and labels are shared; default: made here")  # fmt: skip
    parser.add_argument("--iterations", type=int, help="of each run, 5")
    return answered(_run, parser.parse_args(argv))


def _run(args: argparse.Namespace) -> int:
    from pipelines.recipes.crpo.study.design import EMBEDDED_STUDY, TINY_STUDY
    from pipelines.recipes.crpo.study.publishing import publish, write_page
    from pipelines.recipes.crpo.study.schedule import Shown

    prepare(args)
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
    return go_on(
        shown, args, lambda left: write_page(shown, left), lambda folder: publish(shown, folder)
    )


if __name__ == "__main__":
    sys.exit(main())
