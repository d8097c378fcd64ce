"""`python -m pipelines.recipes.world PART…`: train the embedded world's weights, resumable by step."""

import argparse
import logging
import sys
from pathlib import Path

from pipelines.errors import StudioError


def main(argv: list[str] | None = None) -> int:
    """Make the named parts in order; 0 when all are done, 2 when the request cannot be met."""
    from pipelines.recipes.world.parts import PARTS, Workshop

    parser = argparse.ArgumentParser(prog="python -m pipelines.recipes.world", description=__doc__)
    steps = [*PARTS, "publish", "evaluate", "sheet"]
    parser.add_argument("parts", nargs="+", choices=[*steps, "all"], help="what to make, in order")
    parser.add_argument("--root", type=Path, default=Path("runs/world"), help="corpora and runs")
    parser.add_argument("--assets", type=Path, default=Path("assets"), help="where weights go")
    parser.add_argument(
        "--threads", type=int, default=0, help="torch threads; 0 leaves the default"
    )
    parser.add_argument("--workers", type=int, default=2, help="processes that render scenes")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--begin-with", type=Path, metavar="FOLDER",
                        help="a published pipeline: its autoencoder, and its weights where `order` begins")  # fmt: skip
    parser.add_argument("--open-test-judge", metavar="REASON",
                        help="evaluate also with the test judge; the opening is logged")  # fmt: skip
    args = parser.parse_args(argv)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)
    if args.threads:
        import torch

        torch.set_num_threads(args.threads)
    workshop = Workshop(
        args.root, workers=args.workers, device=args.device, begin_with=args.begin_with
    )
    try:
        for part in steps if "all" in args.parts else args.parts:
            if part == "publish":
                from pipelines.recipes.world.publish import publish

                publish(workshop, args.assets)
            elif part == "evaluate":
                from pipelines.recipes.world.evaluate import evaluate

                evaluate(args.assets, workshop.root, reason=args.open_test_judge)
            elif part == "sheet":
                from pipelines.recipes.world.sheet import draw_sheet

                draw_sheet(args.assets)
            else:
                workshop.make(part)
    except StudioError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
