"""Live votes as rows to hand on: what was shown, said and heard; voters by number, never by name."""

import hashlib
import json
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text

from pipelines.errors import StudioError
from studio.store.campaigns import insert
from studio.store.candidates import now
from studio.store.database import Database
from studio.store.votes import CAST, IMPORTED, UNDO

BATCH = 200  # imported votes in one transaction, so that people's own votes never wait long

COUNTS = "not exists (select 1 from votes l where l.serving = v.serving and l.revision > v.revision)"
LIVE = f"v.campaign = :campaign and v.action = '{CAST}' and {COUNTS}"
KNOWN = "v.voter not in (select voter from forgotten)"


@dataclass(frozen=True, kw_only=True)
class VoteRow:
    """One vote that counts."""

    id: str
    voter: int  # 1, 2, … in the order of first votes; who was excluded keeps the number
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
        undone = rows.execute(
            text(
                f"select count(*) from votes v where v.campaign = :campaign and {COUNTS}"
                f" and v.action = '{UNDO}' and {KNOWN}"
            ),
            {"campaign": campaign},
        ).scalar_one()
    numbers = {voter: place for place, voter in enumerate(dict.fromkeys(r.voter for r in found), 1)}
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


def add_imported_votes(
    database: Database,
    campaign: str,
    votes: Sequence[VoteRow],
    clips: dict[tuple[int, str, int], tuple[str, float]],
) -> int:
    """Remember votes of elsewhere; one that is there already stays. How many were new.

    Args:
        clips: hash and seconds of what was played, by prompt, system and take.

    Raises:
        StudioError: a vote of this id is in another campaign; nothing after it is added.
    """
    added = 0
    for start in range(0, len(votes), BATCH):
        with database.write() as rows:
            for vote in votes[start : start + BATCH]:
                added += _add_imported(rows, campaign, vote, clips)
    return added


def _add_imported(
    rows: Connection,
    campaign: str,
    vote: VoteRow,
    clips: dict[tuple[int, str, int], tuple[str, float]],
) -> bool:
    """The vote with its voter and serving, unless it is there."""
    home = rows.execute(text("select campaign from votes where id = :id"), {"id": vote.id}).scalar()
    if home == campaign:
        return False
    if home is not None:
        raise StudioError(
            f"The vote {vote.id[:40]!r} is in another campaign here already; votes are never in "
            "two. Nothing more was imported."
        )
    voter = hashlib.sha256(f"imported {campaign} {vote.voter}".encode()).hexdigest()[:32]
    insert(rows, "voters", id=voter, kind=IMPORTED, created_at=now())
    number = rows.execute(
        text("select count(*) from servings where campaign = :campaign and voter = :voter"),
        {"campaign": campaign, "voter": voter},
    ).scalar_one()
    serving = uuid.uuid4().hex
    insert(
        rows,
        "servings",
        id=serving,
        campaign=campaign,
        voter=voter,
        number=number,
        kind=vote.kind,
        prompt=vote.prompt,
        clips=json.dumps([_served(vote.prompt, sound, clips) for sound in vote.sounds]),
        answer=-1,
        nonce="",  # no vote can bring it: this serving was answered elsewhere
        created_at=vote.created_at,
    )
    _add_vote(rows, campaign, serving, voter, vote)
    return True


def _add_vote(rows: Connection, campaign: str, serving: str, voter: str, vote: VoteRow) -> None:
    pair = dict(zip("ab", vote.sounds, strict=False)) if vote.kind != "set" else {}
    insert(
        rows,
        "votes",
        id=vote.id,
        serving=serving,
        campaign=campaign,
        voter=voter,
        revision=0,
        action=CAST,
        kind=vote.kind,
        prompt=vote.prompt,
        **{f"system_{side}": system for side, (system, _) in pair.items()},
        **{f"take_{side}": take for side, (_, take) in pair.items()},
        outcome=vote.outcome,
        reason=vote.reason,
        first_played=vote.first_played,
        heard=json.dumps(vote.heard),
        decision_ms=vote.decision_ms,
        interface=vote.interface,
        created_at=vote.created_at,
    )
    for aspect, outcome in vote.aspects.items():
        insert(rows, "vote_aspects", vote=vote.id, aspect=aspect, outcome=outcome)
    for place, aspect, value in vote.scores:
        system, take = vote.sounds[place]
        values = {"place": place, "system": system, "take": take, "aspect": aspect}
        insert(rows, "vote_scores", vote=vote.id, value=value, **values)


def _served(
    prompt: int, sound: tuple[str, int], clips: dict[tuple[int, str, int], tuple[str, float]]
) -> dict[str, Any]:
    """A sound of a serving, as `store.votes.Served` has it; no token leads to it."""
    clip, seconds = clips[prompt, *sound]
    return {"system": sound[0], "take": sound[1], "clip": clip, "token": "", "seconds": seconds}


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
