"""The systems of a campaign: models at settings, or folders of sounds, each under a short name."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.errors import StudioError
from studio.config import Config
from studio.services.compare.request import Side, completed
from studio.services.requests import check_making

MOST_SYSTEMS, NAME_LENGTH, TITLE_LENGTH = 12, 40, 80
LEAST = {"pairwise": 2, "mos": 2, "ovl_rel": 2, "integrity": 1, "temporal": 1}
MADE, FOLDER = "model", "folder"  # kinds
# Labels are there to learn from, and BATON weighs what a model itself draws from p(x | c)
# (papers/baton.txt, Eq. 5): sounds made with guidance teach the guidance, which sampling then adds
# once more. On dev that cost quality, whatever the labels said.
UNGUIDED, LABELLED = 1.0, ("integrity", "temporal")
ASKED = {"model", "steps", "guidance", "sampler", "title", "kind", "name"}


def check_systems(
    config: Config,
    systems: Sequence[Any],
    *,
    task: str,
    defaults: Callable[[str], tuple[int, float]],
    title_of: Callable[[str], str],
) -> tuple[dict[str, Any], ...]:
    """The systems as they are stored, each with a name of its own.

    Raises:
        StudioError: too few or too many, a setting out of its limits, the same system twice.
    """
    given = [systems] if isinstance(systems, str | Mapping) else list(systems or [])
    if not LEAST[task] <= len(given) <= MOST_SYSTEMS:
        raise StudioError(
            f"There {'is 1 system' if len(given) == 1 else f'are {len(given)} systems'}; "
            f"{task} needs {LEAST[task]} to {MOST_SYSTEMS}. A model at two settings counts as two."
        )
    usual = UNGUIDED if task in LABELLED else None
    made = [check_system(config, one, title_of, guidance=usual) for one in given]
    refuse_twice(made, defaults)
    return tuple(named(made))


def check_system(
    config: Config, asked: Any, title_of: Callable[[str], str], *, guidance: float | None = None
) -> dict[str, Any]:
    """One system, its numbers within the limits, without its final name.

    Args:
        config: the limits.
        asked: a model by name, or a row.
        title_of: how people call a model.
        guidance: what is usual here; None: the model's own.
    """
    told = {"model": asked} if isinstance(asked, str) else dict(asked)
    told = {key: value for key, value in told.items() if value is not None}
    if unknown := ", ".join(sorted(set(told) - ASKED)):
        raise StudioError(
            f"A system has {unknown[:80]}; give model, steps, guidance, sampler and title."
        )
    kind = told.pop("kind", MADE)
    name = str(told.pop("name", "") or told.get("model") or config.model)
    model = None if kind == FOLDER else str(told.pop("model", None) or config.model)
    title = " ".join(str(told.pop("title", "")).split())
    made = {"steps": None, "guidance": None, "sampler": None}
    if kind == MADE:
        if guidance is not None:
            told.setdefault("guidance", guidance)
        made = check_making(config, **told)
        title = title or titled(title_of(model), made)
    return {
        "name": slug(name),
        "title": (title or name)[:TITLE_LENGTH],
        "kind": kind,
        "model": model,
        **made,
    }


def titled(title: str, made: Mapping[str, Any]) -> str:
    """The model's title with the settings that are not its own."""
    parts = [title]
    if made["steps"] is not None:
        parts.append(f"{made['steps']} steps")
    if made["guidance"] is not None:
        parts.append(f"guidance {made['guidance']:g}")
    if made["sampler"] not in (None, "euler"):
        parts.append(made["sampler"])
    return ", ".join(parts)


def refuse_twice(
    systems: Sequence[Mapping[str, Any]], defaults: Callable[[str], tuple[int, float]]
) -> None:
    """A StudioError when two systems would make the very same sounds."""
    seen: dict[Side, str] = {}
    for system in systems:
        if system["kind"] == FOLDER:
            continue
        side = completed(side_of(system), defaults)
        if side in seen:
            raise StudioError(
                f"{seen[side]} and {system['title']} are the same model with the same settings; "
                "change the steps, the guidance or the sampler of one, or take it out."
            )
        seen[side] = system["title"]


def side_of(system: Mapping[str, Any]) -> Side:
    """A model and how it is asked."""
    return Side(**{name: system[name] for name in ("model", "steps", "guidance", "sampler")})


def named(systems: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The systems under names that differ: the second "embedded" becomes "embedded-2"."""
    taken: set[str] = set()
    found = []
    for system in systems:
        name, number = system["name"], 2
        while name in taken:
            name, number = f"{system['name']}-{number}", number + 1
        taken.add(name)
        found.append({**system, "name": name})
    return found


def slug(name: str) -> str:
    """A name in small letters, digits, dots and hyphens: no word of ours, such as #degraded, fits."""
    found = re.sub(r"[^a-z0-9.]+", "-", Path(name).name.lower()).strip("-.")
    return found[:NAME_LENGTH] or "system"
