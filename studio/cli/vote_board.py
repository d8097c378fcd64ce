"""`vote board`: what a campaign's votes say, as lines of JSON, and the figures as files."""

import argparse
import json
from pathlib import Path
from typing import Any

from pipelines.errors import StudioError
from studio.cli.telling import say, tell
from studio.services.results.results import Wish
from studio.services.services import Services
from studio.visitors import HERE

FIGURES_OF = {
    "pairwise": ("board", "wins", "elo"),
    "ovl_rel": ("scores", "z", "spread"),
    "mos": ("scores", "spread"),
    "integrity": ("labels",),
    "temporal": ("labels",),
}


def add_to(actions: Any) -> None:
    """The action and its flags."""
    make = actions.add_parser("board", help="what the votes of a campaign say")
    make.add_argument("campaign", metavar="ID")
    make.add_argument("--intervals", default="jackknife", help="jackknife, bootstrap or two-way")
    make.add_argument("--aspect", default="", help="a board of this aspect, such as relevance")
    make.add_argument("--tag", default="", metavar="GROUP", help="on these prompts alone, such as "
                      "tag:temporal or events:2")  # fmt: skip
    make.add_argument("--everything", action="store_true", help="with those who are left out")
    make.add_argument("--out", type=Path, help="folder for results.json and the plotly figures")
    make.set_defaults(do=board)


def board(services: Services, asked: argparse.Namespace) -> int:
    """One line for each system, one with all the rest; the verdict on the side."""
    if asked.out is not None and asked.out.is_file():
        raise StudioError(f"{asked.out} is a file; name a folder.")
    wish = Wish(
        aspect=asked.aspect,
        intervals=asked.intervals,
        group=asked.tag,
        with_excluded=asked.everything,
    )
    found = services.results.view(asked.campaign, HERE, wish)
    agreement = services.results.agreement(asked.campaign, HERE, wish)
    for row in (found.get("board") or {}).get("systems", []):
        tell(**row)
    for table in found.get("tables", []):
        for row in table["systems"]:
            tell(scale=table["scale"], **row)
    tell(**found, agreement=agreement["questions"])
    for sentence in [*found["verdict"], *found["notes"], *agreement["said"]]:
        say(sentence)
    if asked.out is not None:
        write(asked.out, found, agreement)
    return 0


def write(folder: Path, found: dict[str, Any], agreement: dict[str, Any]) -> None:
    """results.json, and a JSON file for each figure that there is something to draw of."""
    from components.vote_figures import results_figure

    folder.mkdir(parents=True, exist_ok=True)
    whole = json.dumps({**found, "agreement": agreement}, ensure_ascii=False, indent=1)
    (folder / "results.json").write_text(whole)
    if found.get("board") is None and not found.get("tables"):
        return
    scales = [table["scale"] for table in found.get("tables", [])] or [""]
    for name in FIGURES_OF[found["task"]]:
        for scale in scales:
            figure = results_figure(name, found, scale)
            file = "-".join(part for part in (name, scale.lower()) if part)
            (folder / f"{file}.json").write_text(json.dumps(figure, ensure_ascii=False))
