"""`python -m pipelines.recipes.baton`: BATON on the embedded model, shown to work; go on at any time."""

import argparse
import json
import sys
from dataclasses import replace

from pipelines.recipes.command import add_study_flags, answered, go_on, prepare

TABLES = ("5", "6", "7", "8", "13")


def main(argv: list[str] | None = None) -> int:
    """Do what is left of the study; 0 when done or out of time, 2 when the request cannot be met."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.recipes.baton", description=__doc__)
    add_study_flags(
        parser,
        root="runs/baton",
        seeds="trainings of each arm of the headline, 5",
        only=["headline", "ablations", *TABLES],
        only_means="this alone; a number is a table of the paper",
        published="the page, its figures and the first adapter",
    )
    return answered(_run, parser.parse_args(argv))


def _run(args: argparse.Namespace) -> int:
    from pipelines.recipes.baton.publishing import publish, write_page
    from pipelines.recipes.baton.schedule import Study
    from pipelines.recipes.baton.study import TINY, StudyConfig

    prepare(args)
    config = TINY if args.tiny else StudyConfig()
    if args.seeds is not None:
        config = replace(config, seeds=args.seeds)
    study = Study(
        args.root, config, is_final=args.final, reason=args.reason.strip(), only=args.only
    )

    def paces() -> str:
        return json.dumps({name: round(pace, 4) for name, pace in vars(study.paces).items()})

    return go_on(
        study,
        args,
        lambda left: write_page(study, left),
        lambda folder: publish(study, folder),
        aside=paces,
    )


if __name__ == "__main__":
    sys.exit(main())
