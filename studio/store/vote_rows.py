"""Live votes as rows to hand on: what was shown, said and heard; voters by number, never by name."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text

from studio.store.database import Database
from studio.store.votes import CAST, UNDO

COUNTS = (
    "not exists (select 1 from votes l where l.serving = v.serving and l.revision > v.revision)"
)
LIVE = f"v.campaign = :campaign and v.action = '{CAST}' and {COUNTS}"
KNOWN = "v.voter not in (select voter from forgotten)"


@dataclass(frozen=True, kw_only=True)
class VoteRow:
    """One vote that counts."""

    id: str
    voter: int  # 1, 2, … in the order of first votes, taken back or not; an exclusion moves none
    kind: str  # "ab", "same_system", "gold" or "set"
    prompt: int  # place in the definition's prompts
    sounds: tuple[tuple[str, int], ...]  # system and take of each, in the order shown
    outcome: str | None = None
    aspects: dict[str, str] = field(default_factory=dict)
    scores: tuple[tuple[int, str, float | None], ...] = ()  # place, aspect, value
    reason: str | None = None
    heard: tuple[int, ...] = ()  # ms
    first_played: int | None = None
    decision_ms: int | None = None
    interface: str = ""
    created_at: str


@dataclass(frozen=True, kw_only=True)
class VoteRows:
    """The votes of a campaign that count, and how many do not, by reason."""

    votes: tuple[VoteRow, ...]
    left_out: dict[str, int]


def read_votes(database: Database, campaign: str) -> VoteRows:
    """The live votes in the order they were cast; exclusions are applied and counted."""
    with database.read() as rows:
        found = rows.execute(
            text(
                "select v.id, v.voter, v.kind, v.prompt, v.outcome, v.reason, v.heard,"
                " v.first_played, v.decision_ms, v.interface, v.created_at, s.clips from votes v"
                f" join servings s on s.id = v.serving where {LIVE} and {KNOWN}"
                " order by v.position"
            ),
            {"campaign": campaign},
        ).all()
        aspects = _aspects(rows, campaign)
        scores = _scores(rows, campaign)
        voters, votes = excluded(rows, campaign)
        voters_in_order = rows.execute(
            text(
                f"select v.voter from votes v where v.campaign = :campaign and {KNOWN}"
                " group by v.voter order by min(v.position)"
            ),
            {"campaign": campaign},
        ).scalars()
        numbers = {voter: place for place, voter in enumerate(voters_in_order, 1)}
        undone = rows.execute(
            text(
                f"select count(*) from votes v where v.campaign = :campaign and {COUNTS}"
                f" and v.action = '{UNDO}' and {KNOWN}"
            ),
            {"campaign": campaign},
        ).scalar_one()
    kept = [row for row in found if row.voter not in voters and row.id not in votes]
    left_out = {"excluded": len(found) - len(kept), "taken back": undone}
    return VoteRows(
        votes=tuple(_vote(row, numbers[row.voter], aspects, scores) for row in kept),
        left_out={reason: count for reason, count in left_out.items() if count},
    )


def excluded(rows: Connection, campaign: str) -> tuple[set[str], set[str]]:
    """The voters and the single votes that are excluded and not let in again."""
    question = text(
        "select voter, vote from exclusions e where campaign = :campaign and lifts is null"
        " and not exists (select 1 from exclusions l where l.lifts = e.id)"
    )
    found = rows.execute(question, {"campaign": campaign}).all()
    return {row.voter for row in found} - {None}, {row.vote for row in found} - {None}


def _aspects(rows: Connection, campaign: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    question = text(
        "select a.vote, a.aspect, a.outcome from vote_aspects a join votes v on v.id = a.vote"
        " where v.campaign = :campaign order by a.vote, a.aspect"
    )
    for row in rows.execute(question, {"campaign": campaign}):
        found[row.vote][row.aspect] = row.outcome
    return found


def _scores(rows: Connection, campaign: str) -> dict[str, list[tuple[int, str, float | None]]]:
    found: dict[str, list] = defaultdict(list)
    question = text(
        "select s.vote, s.place, s.aspect, s.value from vote_scores s join votes v on v.id = s.vote"
        " where v.campaign = :campaign order by s.vote, s.place, s.aspect"
    )
    for row in rows.execute(question, {"campaign": campaign}):
        found[row.vote].append((row.place, row.aspect, row.value))
    return found


def _vote(row: Any, voter: int, aspects: dict, scores: dict) -> VoteRow:
    """A vote from its row and what belongs to it."""
    return VoteRow(
        id=row.id,
        voter=voter,
        kind=row.kind,
        prompt=row.prompt,
        sounds=tuple((clip["system"], clip["take"]) for clip in json.loads(row.clips)),
        outcome=row.outcome,
        aspects=dict(aspects.get(row.id, {})),
        scores=tuple(scores.get(row.id, ())),
        reason=row.reason,
        heard=tuple(json.loads(row.heard)),
        first_played=row.first_played,
        decision_ms=row.decision_ms,
        interface=row.interface,
        created_at=row.created_at,
    )
