"""How far each voter can be relied on, and whom the owner might leave out: proposals, never acts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.vote.battles import OUTCOMES, SKIP, A, B
from pipelines.vote.reliability import Checks, evaluate, share
from studio.services.results.counted import Ballots, aligned, key_of, percent
from studio.store.campaigns import DEGRADED
from studio.store.store import Store

SHOWN = 300  # voters at most, those with the most votes first


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When leaving a voter out is proposed; each speaks only when its interval is beyond doubt."""

    gold_asked: int = 5  # fewer tell nothing
    gold_guess: float = 0.5  # what guessing gives: proposed when the interval holds it
    hasty_share: float = 0.5  # proposed when more than half of the votes certainly came too soon
    side_share: float = 0.75  # proposed when three of four decided votes certainly go to one side


LIMITS = Limits()


def voters(store: Store, ballots: Ballots) -> dict[str, Any]:
    """The voters with the most votes: "voter 3", counts, checks, what is proposed and excluded."""
    columns, clips = ballots.columns, _seconds(store, ballots)
    excluded = {one.voter: one for one in ballots.excluded if one.voter}
    often = np.bincount(columns.voter, minlength=len(columns.voters))
    shown = [int(v) for v in np.argsort(-often, kind="stable")[:SHOWN] if often[v]]
    order = np.argsort(columns.voter, kind="stable")
    ends = np.cumsum(often)
    sounding = _sound_seconds(store, ballots, clips)
    rows = []
    for voter in shown:
        places = order[ends[voter] - often[voter] : ends[voter]]
        row = _row(ballots, places, sounding)
        found = excluded.get(columns.voters[voter])
        rows.append(
            {
                "name": f"voter {voter + 1}",
                "key": key_of(ballots.campaign.id, columns.voters[voter]),
                **row,
                "proposed": proposals(row),
                "excluded": found and {"reason": found.reason, "at": found.created_at},
            }
        )
    hidden = int((often > 0).sum()) - len(rows)
    note = [f"{hidden} voters with fewer votes are not listed."] if hidden else []
    return {"voters": rows, "notes": note, "single": _single(ballots)}


def proposals(row: Mapping[str, Any]) -> list[str]:
    """Why this voter might be left out, in sentences; mostly none."""
    said = []
    gold, hasty, side = row.get("gold"), row["hasty"], row.get("side_a_anywhere")
    if gold and gold["count"] >= LIMITS.gold_asked and gold["low"] <= LIMITS.gold_guess:
        said.append(
            f"{round(gold['value'] * gold['count'])} of {gold['count']} spoiled sounds were told "
            f"from the whole ones ({_ends(gold)}); guessing would do as well."
        )
    if hasty["count"] and hasty["low"] > LIMITS.hasty_share:
        said.append(
            f"{percent(hasty['value'])} of {hasty['count']} votes came sooner than the sounds last "
            f"({_ends(hasty)}); they cannot have been heard to the end."
        )
    if side and side["count"]:
        low, high = side["low"], side["high"]
        if low > LIMITS.side_share or high < 1 - LIMITS.side_share:
            name = "A" if low > LIMITS.side_share else "B"
            won = side["value"] if name == "A" else 1 - side["value"]
            said.append(
                f"{percent(won)} of {side['count']} decided votes went to side {name} ({_ends(side)} "
                "for side A), whatever stood there."
            )
    if row.get("is_flat"):
        said.append(f"All {row['scores']} scores are the same.")
    return said


def _ends(found: Mapping[str, Any]) -> str:
    return f"interval {percent(found['low'])} to {percent(found['high'])}"


def _row(ballots: Ballots, places: np.ndarray, sounding: np.ndarray) -> dict[str, Any]:
    """One voter's checks: of battles by `reliability.evaluate`, of sets by speed alone."""
    columns = ballots.columns
    ways = [columns.ways[at] for at in columns.way[places]]
    seconds = columns.decision_ms[places] / 1000
    if ballots.campaign.definition["task"] == "pairwise":
        codes = {name: at for at, name in enumerate(OUTCOMES)}
        answer = [_answer(way) if way.kind == "gold" else -1 for way in ways]
        checks = Checks(
            voter=["it"] * len(ways),
            kind=np.array([way.kind for way in ways]),
            outcome=np.array([codes.get(way.outcome, SKIP) for way in ways]),
            answer=np.array(answer),
            decision_seconds=np.where(seconds < 0, np.inf, seconds),
            sound_seconds=sounding[places],
        )
        found = evaluate(checks)[0]
        del found["voter"]
        if not np.isfinite(found["median_seconds"] or 0):
            found["median_seconds"] = None
        return found
    told = (seconds >= 0) & np.array([way.outcome != "skip" for way in ways])
    hasty = int((seconds < sounding[places])[told].sum())
    return {
        "votes": len(ways),
        "hasty": share(hasty, int(told.sum())),
        "median_seconds": float(np.median(seconds[told])) if told.any() else None,
    }


def _answer(way: Any) -> int:
    """The side of a gold battle that was not spoiled."""
    return B if way.system_a.endswith(DEGRADED) else A


def _seconds(store: Store, ballots: Ballots) -> dict[tuple[int, str, int], float]:
    """How long each sound of the campaign is played, by prompt, system and take."""
    sizes = store.servings.sizes(ballots.campaign.id)
    return {
        (clip.prompt, clip.system, clip.take): sizes[clip.clip][0] / sizes[clip.clip][1]
        for clip in store.campaigns.clips(ballots.campaign.id)
    }


def _sound_seconds(
    store: Store, ballots: Ballots, clips: Mapping[tuple[int, str, int], float]
) -> np.ndarray:
    """[votes]: how long all sounds of each vote last together."""
    columns = ballots.columns
    if ballots.campaign.definition["task"] != "pairwise":
        given = aligned(ballots, *store.columns.scores(ballots.campaign.id))
        total = np.zeros(len(columns))
        words = [given.words[at] for at in given.word]
        aspect = ballots.campaign.definition["aspects"][0]
        for at, (_, system, take, name) in zip(given.row, words, strict=True):
            if name == aspect:
                total[at] += clips.get((int(columns.prompt[at]), system, int(take)), 0.0)
        return total
    cells, place = np.unique(
        np.column_stack([columns.prompt, columns.way]), axis=0, return_inverse=True
    )
    lengths = np.zeros(len(cells))
    for at, (prompt, way) in enumerate(cells):
        of = columns.ways[way]
        sounds = ((of.system_a, of.take_a), (of.system_b, of.take_b))
        lengths[at] = sum(clips.get((int(prompt), *sound), 0.0) for sound in sounds)
    return lengths[place.ravel()]


def _single(ballots: Ballots) -> list[dict[str, str]]:
    """The votes that are excluded one by one."""
    return [
        {"vote": one.vote, "reason": one.reason, "at": one.created_at}
        for one in ballots.excluded
        if one.vote
    ]
