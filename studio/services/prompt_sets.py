"""The prompt sets that come with the studio, as lists that a comparison can take."""

from pathlib import Path
from typing import Any

from pipelines.errors import StudioError
from studio.services.requests import read_prompt_file

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "prompts"
TITLES = {
    "order": "Two and three events in order",
    "together": "Two events together",
    "single": "Every event alone",
}


def prompt_sets() -> list[dict[str, Any]]:
    """Name, title and count of each set, those with a title first."""
    names = sorted(path.stem for path in FOLDER.glob("*.csv"))
    ordered = [*(name for name in TITLES if name in names), *(n for n in names if n not in TITLES)]
    return [
        {
            "name": name,
            "title": TITLES.get(name, name.replace("-", " ").capitalize()),
            "count": len(prompts_of(name)),
        }
        for name in ordered
    ]


def prompts_of(name: str) -> list[str]:
    """The prompts of the set of this name.

    Raises:
        StudioError: there is no such set.
    """
    known = sorted(path.stem for path in FOLDER.glob("*.csv"))
    if name not in known:
        raise StudioError(f"There is no prompt set {name[:40]!r}; choose {' or '.join(known)}.")
    return read_prompt_file(FOLDER / f"{name}.csv")
