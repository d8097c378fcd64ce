"""What scores and labels say: OVL and REL, mean opinions, shares of labels, by system and by group."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipelines.vote import scores
from studio.services.results.counted import Ballots, Scored, plural, scored
from studio.store.store import Store

METHOD = "scores-1"  # names how tables are made; tables of different methods are never mixed
LEVELS = (0.95, 0.96)  # the second is what BATON's Table 4 states


def score_tables(store: Store, ballots: Ballots) -> list[dict[str, Any]]:
    """TangoFlux's table for each aspect that has scores: z, ranks, Elo; the raw mean beside."""
    found = []
    for aspect, given in _given(store, ballots):
        table = scores.evaluate(
            given.system, given.voter, given.item, given.value, seed=ballots.seed, scale=aspect
        )
        table["flat_raters"] = [f"voter {int(rater) + 1}" for rater in table["flat_raters"]]
        for row in table["systems"]:
            mine = given.system == row["system"]
            row["mean"] = scores.estimated(given.value, given.voter, given.item, mine)
            row["spread"] = spread(given.value[mine])
        best_first(table["systems"], "z")
        found.append(table)
    return found


def opinion_tables(store: Store, ballots: Ballots) -> list[dict[str, Any]]:
    """Mean opinion scores for each aspect at each level, and the differences of systems."""
    found = []
    for aspect, given in _given(store, ballots):
        usual, paper = (
            scores.opinion(given.system, given.voter, given.item, given.value, level=level)
            for level in LEVELS
        )
        rows = [
            {
                "system": row["system"],
                "mean": {name: row[name] for name in ("value", "low", "high", "count", "level")},
                "paper": {name: other[name] for name in ("low", "high", "level")},
                "spread": spread(given.value[given.system == row["system"]]),
            }
            for row, other in zip(usual["systems"], paper["systems"], strict=True)
        ]
        best_first(rows, "mean")
        found.append(_counted(aspect, given) | {"systems": rows, "interval": usual["interval"],
                                                "differences": usual["differences"]})  # fmt: skip
    return found


def label_tables(
    store: Store, ballots: Ballots, groups: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """How often each label was given: over all, by system, and by group of prompts."""
    found = []
    for aspect, given in _given(store, ballots):
        everything = np.ones(len(given), dtype=bool)
        rows = [
            {"system": name, **_shares(given, given.system == name)}
            for name in ballots.systems
            if (given.system == name).any()
        ]
        best_first(rows, "aligned")
        by_group = [
            {"group": group["title"], **_shares(given, np.isin(given.prompt, group["prompts"]))}
            for group in groups
            if np.isin(given.prompt, group["prompts"]).any()
        ]
        table = {"whole": _shares(given, everything), "systems": rows, "groups": by_group}
        found.append(_counted(aspect, given) | table)
    return found


def verdict(
    task: str, tables: list[dict[str, Any]], titles: Mapping[str, str], who: str = "voter"
) -> list[str]:
    """Each aspect's best system in a sentence, with how many judged what."""
    if not tables:
        return ["Nothing is scored yet."]
    said = []
    for table in tables:
        name = {"ovl_rel": "z", "mos": "mean"}.get(task, "aligned")
        first = table["systems"][0]
        title = titles.get(first["system"], first["system"])
        what = "label" if task in ("integrity", "temporal") else "score"
        count = f"{plural(table['raters'], who)}, {plural(table['scores'], what)}"
        if name == "aligned":
            whole, best = _share(table["whole"]["aligned"]), _share(first["aligned"])
            is_one = len(table["systems"]) == 1
            leads = "" if is_one else f"{title} has the highest share, {best}; "
            said.append(f"{whole} of the sounds were called aligned; {leads}{count}.")
        else:
            value = first[name]
            said.append(f"{table['scale']}: {title} is first with {name_of(name)} "
                        f"{_with_ends(value)}; {_runner_up(table, titles, name)}{count}.")  # fmt: skip
    return said


def name_of(column: str) -> str:
    """What a column is called in a sentence."""
    return {"z": "a mean z-score of", "mean": "a mean of"}[column]


def best_first(rows: list[dict[str, Any]], column: str) -> None:
    """Sort in place; what has no value comes last."""
    rows.sort(key=lambda row: -np.inf if row[column]["value"] is None else row[column]["value"])
    rows.reverse()


def spread(value: np.ndarray) -> dict[str, float]:
    """The five numbers of a box: least, quarter, middle, three quarters, greatest."""
    ends = np.quantile(value, [0, 0.25, 0.5, 0.75, 1])
    return dict(zip(("low", "q1", "median", "q3", "high"), map(float, ends), strict=True))


def _given(store: Store, ballots: Ballots) -> list[tuple[str, Scored]]:
    """Each aspect of the campaign with its scores, if it has any; only labels may be uncertain."""
    definition, found = ballots.campaign.definition, []
    for aspect in definition["aspects"]:
        given = scored(store, ballots, aspect)
        if definition["task"] in ("mos", "ovl_rel"):
            told = ~np.isnan(given.value)
            given = Scored(**{name: column[told] for name, column in vars(given).items()})
        if len(given):
            found.append((aspect, given))
    return found


def _counted(aspect: str, given: Scored) -> dict[str, Any]:
    return {
        "scale": aspect,
        "scores": len(given),
        "raters": len(np.unique(given.voter)),
        "items": len(np.unique(given.item)),
    }


def _shares(given: Scored, mine: np.ndarray) -> dict[str, Any]:
    label = ["uncertain" if np.isnan(v) else int(v) for v in given.value[mine]]
    found = scores.label_shares(given.voter[mine], label)
    for share in (found["aligned"], found["not_aligned"], found["uncertain"]):
        if share["low"] is not None:  # Student's t does not know where shares end
            share |= {"low": max(0.0, share["low"]), "high": min(1.0, share["high"])}
    return found


def _share(found: Mapping[str, Any]) -> str:
    return _with_ends(found, 100, " %", 0)


def _with_ends(found: Mapping[str, Any], factor: float = 1, unit: str = "", digits: int = 2) -> str:
    """A figure with its interval, as people read it."""
    if found["value"] is None:
        return "unknown"
    value = f"{factor * found['value']:.{digits}f}{unit}".replace("-", "−")
    if found["low"] is None:
        return value
    ends = f"{factor * found['low']:.{digits}f}, {factor * found['high']:.{digits}f}"
    return f"{value} [{ends}]".replace("-", "−")


def _runner_up(table: Mapping[str, Any], titles: Mapping[str, str], column: str) -> str:
    if len(table["systems"]) < 2:
        return ""
    second = table["systems"][1]
    title = titles.get(second["system"], second["system"])
    return f"{title} follows with {_with_ends(second[column])}; "
