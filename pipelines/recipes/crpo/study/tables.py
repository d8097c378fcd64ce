"""The tables of CRPO's study: headline, primary endpoints, aims, ways of one seed and their trends."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipelines.compare.crossed import Found, crossed_jackknife, crossed_mean
from pipelines.compare.significance import holm
from pipelines.recipes.baton.measures import Measures
from pipelines.recipes.baton.study import BASE, BATON, CODEC, CONTROL, REAL, THREE, TWO
from pipelines.recipes.baton.study import HEADLINE as RIVALS
from pipelines.recipes.baton.tables import (
    BOTH,
    MEANS,
    SEED,
    WHOLES,
    Heard,
    change,
    cut_of,
    failures,
    heard,
    of_mean,
    of_whole,
    row,
    together,
)
from pipelines.recipes.crpo.study.design import (
    AIM_GAP,
    PRIMARY,
    After,
    CrpoStudy,
    Endpoint,
    final_arm,
    headline_arms,
)

SETS = (TWO, THREE, BOTH)
Plain = dict[str, Any]
ByArm = Mapping[str, Mapping[str, Heard]]  # by set, then by arm


def figures_of(parts: Mapping[str, Heard]) -> dict[str, Plain]:
    """One row of a small table, from both sets: faults on each, what is of the sound on both."""
    both = together([parts[TWO], parts[THREE]])
    return {
        "integrity, two": of_mean("integrity", parts[TWO]).plain,
        "order, three": of_mean("order", parts[THREE]).plain,
        "CLAP": of_mean("CLAP", both).plain,
        "KL": of_mean("KL", both).plain,
        **{
            measure: of_whole(measure, lambda kept, m=measure: WHOLES[m](both, kept), both).plain
            for measure in ("FD", "IS")
        },
    }


def clap_gain(ours: Mapping[str, Heard], theirs: Mapping[str, Heard]) -> Plain:
    """By how much ours has the higher CLAP score on both sets, prompt by prompt."""
    one, other = (together([by[TWO], by[THREE]]) for by in (ours, theirs))
    return crossed_mean(one.grid.clap - other.grid.clap, one.groups).plain


def headline(measures: Measures, study: CrpoStudy) -> Plain:
    """The analogue of Table 1, primary endpoints and aims."""
    numbers = range(study.seeds)
    mine = {arm.name: arm for arm in headline_arms(study)}
    arms = {BASE: BASE, CONTROL: RIVALS[1], BATON: RIVALS[0], **mine, REAL: REAL, CODEC: CODEC}
    found = {
        name: {told: heard(measures, arm, name, numbers) for told, arm in arms.items()}
        for name in SETS
    }
    last = final_arm(study).name
    return {
        "judge": measures.judge,
        "split": measures.split,
        "seeds": study.seeds,
        "final": last,
        "titles": {name: arm.title for name, arm in mine.items()},
        "rows": {
            name: {told: row(one, name) for told, one in by.items()} for name, by in found.items()
        },
        "changes": {
            name: [
                {"of": last, "minus": other, **change(by[last], by[other], name)}
                for other in (BASE, CONTROL, BATON)
            ]
            for name, by in found.items()
        },
        "clips": {name: by[last].grid.clap.size for name, by in found.items()},
        "groups": {name: len(np.unique(by[last].groups)) for name, by in found.items()},
        "primary": primary(found, last),
        "aims": aims(found, last),
    }


def primary(found: ByArm, last: str) -> list[Plain]:
    """The endpoints that were fixed beforehand, against base and control, corrected by Holm."""
    rows = []
    for endpoint in PRIMARY:
        by = found[endpoint.on]
        for other in (BASE, CONTROL):
            ours, theirs, groups = _values(endpoint, by[last], by[other])
            rows.append({
                "measure": endpoint.measure, "on": endpoint.on, "against": other,
                "is failure": endpoint.is_failure,
                "ours": float(ours.mean()), "other": float(theirs.mean()),
                "change": crossed_mean(ours - theirs, groups).plain,
                "cut": cut_of(ours, theirs, groups).plain if endpoint.is_failure else None,
            })  # fmt: skip
    corrected = holm({str(n): one["change"]["p"] for n, one in enumerate(rows)})
    return [{**one, "p after Holm": corrected[str(n)]} for n, one in enumerate(rows)]


def _values(endpoint: Endpoint, ours: Heard, theirs: Heard) -> tuple[np.ndarray, ...]:
    """What an endpoint counts, of both, [p, s], and the groups of those prompts."""
    groups = ours.groups[ours.has_order] if endpoint.measure == "order" else ours.groups
    if endpoint.is_failure:
        return failures(ours, endpoint.measure), failures(theirs, endpoint.measure), groups
    return MEANS[endpoint.measure](ours), MEANS[endpoint.measure](theirs), groups


def aims(found: ByArm, last: str) -> list[Plain]:
    """What issue 6 asked for: order beyond BATON's at equal cost, and a third of the gap in CLAP."""
    three = found[THREE]
    ours, theirs = (MEANS["order"](three[name]) for name in (last, BATON))
    groups = three[last].groups[three[last].has_order]
    beyond = crossed_mean(ours - theirs, groups)
    rows = [_aim(f"order on {THREE}, above BATON's at equal cost", beyond, 0.0, beyond.value > 0)]
    both = found[BOTH]
    for name in (BASE, CONTROL):
        closed = _closed(both[last], both[name], both[REAL])
        what = f"gap in CLAP score from {name} to real sounds: share that is closed"
        rows.append(_aim(what, closed, AIM_GAP, closed.value >= AIM_GAP))
    return rows


def _closed(ours: Heard, low: Heard, real: Heard) -> Found:
    def share(kept: np.ndarray) -> float:
        mine, base, true = (one.grid.clap[kept].mean() for one in (ours, low, real))
        return float((mine - base) / (true - base))

    return crossed_jackknife(share, ours.groups, ours.grid.clap.shape[1], seed=SEED)


def _aim(what: str, found: Found, bound: float, is_met: bool) -> Plain:
    return {"what": what, **found.plain, "aim": bound, "met": bool(is_met)}


def ways(measures: Measures, arms: Sequence[After]) -> Plain:
    """Every way that is done, on dev prompts by the annotator, beside base, BATON and control."""
    known = {BASE: BASE, CONTROL: RIVALS[1], BATON: RIVALS[0], **{arm.name: arm for arm in arms}}
    parts = {
        told: {name: heard(measures, arm, name, [0], split="dev") for name in (TWO, THREE)}
        for told, arm in known.items()
        if arm == BASE or measures.has_take(arm, 0, "dev")
    }
    return {
        "rows": {told: figures_of(by) for told, by in parts.items()},
        "clap": {
            told: {other: clap_gain(by, theirs) for other, theirs in parts.items() if other != told}
            for told, by in parts.items()
        },
        "titles": {arm.name: arm.title for arm in arms},
    }
