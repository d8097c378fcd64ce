"""The tables of one seed: what each part of BATON does, and whether the paper's trends hold here."""

from collections.abc import Sequence
from typing import Any

from pipelines.compare.crossed import crossed_mean
from pipelines.recipes.baton.aligning import read_moments
from pipelines.recipes.baton.measures import Measures
from pipelines.recipes.baton.paper import CLAIMS, paper_gain
from pipelines.recipes.baton.study import (
    BASE,
    BATON,
    HEADLINE,
    INTEGRITY,
    TASK_OF,
    THREE,
    TWO,
    Arm,
    StudyConfig,
    ablations,
)
from pipelines.recipes.baton.tables import BOTH, Heard, change, heard, row
from pipelines.recipes.baton.trials import Trials

NUMBER = 0  # the one training of each arm here, and its noise seed
Plain = dict[str, Any]


def ablation_rows(measures: Measures, done: Sequence[Arm]) -> Plain:
    """Every arm that is done, on the dev sets, by the annotator and the evaluation CLAP."""
    arms: dict[str, Arm | str] = {BASE: BASE, **{arm.name: arm for arm in (*HEADLINE, *done)}}
    found = {
        name: {
            told: heard(measures, arm, name, [NUMBER], split="dev") for told, arm in arms.items()
        }
        for name in (TWO, THREE, BOTH)
    }
    return {
        "rows": {name: {t: row(one, name) for t, one in by.items()} for name, by in found.items()},
        "changes": {
            name: {t: change(one, by[BATON], name) for t, one in by.items() if t != BATON}
            for name, by in found.items()
        },
        "clap": {
            TASK_OF[name]: {
                t: {o: clap_change(one, other) for o, other in by.items() if o != t}
                for t, one in by.items()
            }
            for name, by in found.items()
            if name != BOTH
        },
        "titles": {BASE: "base", **{arm.name: arm.title for arm in (*HEADLINE, *done)}},
    }


def clap_change(one: Heard, other: Heard) -> Plain:
    """By how much one has the higher CLAP score, prompt by prompt."""
    return crossed_mean(one.grid.clap - other.grid.clap, one.groups).plain


def arm_named(name: str, config: StudyConfig) -> str:
    """The arm that plays a row of the paper: BATON itself where the row has its beta."""
    return BATON if name == f"beta-{config.plan.beta:g}" else name


def trends(told: Plain, config: StudyConfig) -> list[Plain]:
    """The paper's claims in CLAP score, and the sign of each here; None where an arm is not done."""
    rows = []
    for table, task, better, worse in CLAIMS:
        mine, theirs = arm_named(better, config), arm_named(worse, config)
        by_arm = told["clap"][task]
        ours = by_arm.get(mine, {}).get(theirs)
        rows.append({
            "table": table, "task": task, "better": better, "worse": worse,
            "paper": paper_gain(table, task, better, worse),  # points of CLAP score in per cent
            "ours": None if ours is None else {k: ours[k] for k in ("value", "low", "high")},
            "agrees": None if ours is None else ours["value"] > 0,
            "is_clear": None if ours is None else ours["low"] > 0 or ours["high"] < 0,
        })  # fmt: skip
    return rows


def epochs(trials: Trials) -> list[Plain]:
    """The analogue of Figure 8: the evaluation CLAP's score on dev prompts by epoch, by task."""
    config = trials.shop.config
    moments = read_moments(trials.folder(HEADLINE[0], NUMBER))
    count = min(config.listen, config.clips)
    rows = []
    for moment in moments:
        scores = [sound["scores"]["clap"] for sound in moment["sounds"]]
        halves = {INTEGRITY: scores[:count], TASK_OF[THREE]: scores[count:]}
        rows.append({
            "step": moment["step"], "epoch": moment["epoch"],
            "clap": {task: sum(part) / len(part) for task, part in halves.items()},
            "prompts": count,
        })  # fmt: skip
    return rows


def arms_of(config: StudyConfig, only: str | None = None) -> tuple[Arm, ...]:
    """The ablations, or those of one table."""
    return tuple(arm for arm in ablations(config) if only in (None, arm.table))
