"""The paper's own figures (papers/tangoflux.txt, Tables 1 and 3 to 8, Figures 2 to 4), to compare trends with ours."""

from collections.abc import Mapping
from typing import Any

from pipelines.recipes.baton.study import BASE
from pipelines.recipes.crpo.study.design import (
    CRPO,
    DPO,
    GROUP,
    LABELS,
    OFFLINE,
    PERTURBED,
    CrpoStudy,
)

LAST = "last"  # stands for the number of the last iteration in the name of an arm
COLUMNS = ("FD", "KL", "CLAP")
Plain = dict[str, Any]
# By table, rows by the names of ours. Table 1 has two Fréchet distances; OpenL3's is told.
ROWS: dict[str, dict[str, tuple[float | None, ...]]] = {
    "1": {BASE: (80.2, 1.22, 0.431), f"{CRPO}-{LAST}": (75.1, 1.15, 0.480)},
    "3": {
        f"{CRPO}-{LAST}": (75.1, 1.15, 0.480),
        f"{CRPO}-1": (79.1, 1.18, 0.453),
        BASE: (80.2, 1.22, 0.431),
        f"{LABELS}-1": (80.5, 1.20, 0.437),
        f"{PERTURBED}-1": (80.0, 1.20, 0.448),  # Audio-Alpaca
    },
    "4": {"n-2-1": (80.0, 1.24, 0.443), f"{CRPO}-1": (79.1, 1.18, 0.453),
          "n-10-1": (77.0, 1.21, 0.455)},
    "5": {"N = 1": (75.0, 1.15, 0.480), "N = 5": (74.3, 1.14, 0.494),
          "N = 10": (75.8, 1.08, 0.499), "N = 15": (75.1, 1.11, 0.502)},
    "6": {"3": (77.7, 1.14, 0.479), "3.5": (76.1, 1.14, 0.481), "4": (74.9, 1.15, 0.476),
          "4.5": (75.1, 1.15, 0.480), "5": (74.6, 1.15, 0.472)},
    "7": {"heun": (75.3, 1.21, 0.474), "euler": (75.1, 1.16, 0.480)},
    "8": {f"{CRPO}-1": (79.1, 1.18, 0.453), f"{GROUP}-1": (79.6, 1.26, 0.448)},
}  # fmt: skip
# What the paper says, as pairs: the first scores higher in CLAP than the second. The figures' are read
# off their words, which give no numbers.
CLAIMS: tuple[tuple[str, str, str], ...] = (
    ("1", f"{CRPO}-{LAST}", BASE),
    ("3", f"{CRPO}-1", BASE),
    ("3", f"{CRPO}-{LAST}", f"{CRPO}-1"),
    ("3", f"{CRPO}-1", f"{LABELS}-1"),
    ("3", f"{CRPO}-1", f"{PERTURBED}-1"),
    ("3", f"{LABELS}-1", BASE),
    ("3", f"{PERTURBED}-1", BASE),
    ("4", "n-10-1", f"{CRPO}-1"),
    ("4", f"{CRPO}-1", "n-2-1"),
    ("8", f"{CRPO}-1", f"{GROUP}-1"),
    ("figure 2", f"{CRPO}-{LAST}", f"{OFFLINE}-{LAST}"),
    ("figure 2", f"{OFFLINE}-1", f"{OFFLINE}-{LAST}"),
    ("figure 3", f"{OFFLINE}-{LAST}", f"{DPO}-{LAST}"),
)
# Of the tables without training: table, the row above, the row below; each by its beginning or end.
DRAWN_CLAIMS: tuple[tuple[str, str, str], ...] = (
    ("5", "N = 5", "N = 1"),
    ("5", "N = 10", "N = 5"),
    ("5", "N = 15", "N = 10"),
    ("6", "3.5", "3"),
    ("6", "4.5", "5"),
    ("7", "euler", "heun"),
)


def trends(ways: Plain, study: CrpoStudy) -> list[Plain]:
    """The paper's claims about trained models, and the sign of each here; None where one is not done."""
    rows = []
    for table, better, worse in CLAIMS:
        mine, theirs = (name.replace(LAST, str(study.iterations)) for name in (better, worse))
        ours = ways["clap"].get(mine, {}).get(theirs)
        if mine != theirs:
            rows.append(_trend(table, mine, theirs, _gain(table, better, worse), ours))
    return rows


def drawn_trends(tables: Mapping[str, Plain | None]) -> list[Plain]:
    """The same of the tables without training; for Table 5 by every reward, for 7 at every cost.

    Args:
        tables: what was found, by the paper's number.
    """
    rows = []
    for table, better, worse in DRAWN_CLAIMS:
        found = tables.get(table)
        if found is None:
            continue
        for mine in found["clap"]:
            theirs = mine.replace(better, worse)
            if not _is(table, mine, better) or theirs not in found["clap"]:
                continue
            paper = _gain(table, better, worse)
            rows.append(_trend(table, mine, theirs, paper, found["clap"][mine][theirs]))
    return rows


def _is(table: str, name: str, told: str) -> bool:
    """Whether a row of ours is this one of the paper's."""
    ends = {"5": name.endswith(told), "6": name == told, "7": name.startswith(told)}
    return ends[table]


def _gain(table: str, better: str, worse: str) -> float | None:
    """By how much the paper has the first above the second in CLAP score; None: it gives no number."""
    rows = ROWS.get(table, {})
    if better not in rows or worse not in rows:
        return None
    return rows[better][-1] - rows[worse][-1]


def _trend(table: str, better: str, worse: str, paper: float | None, ours: Plain | None) -> Plain:
    return {
        "table": table, "better": better, "worse": worse, "paper": paper,
        "ours": None if ours is None else {k: ours[k] for k in ("value", "low", "high")},
        "agrees": None if ours is None else ours["value"] > 0,
        "is_clear": None if ours is None else bool(ours["low"] > 0 or ours["high"] < 0),
    }  # fmt: skip
