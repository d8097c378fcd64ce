"""Votes of elsewhere taken in: each once, under a voter of their own, in a campaign of their own."""

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from sqlalchemy import Connection, text

from pipelines.errors import StudioError
from studio.store.campaigns import DEGRADED, Campaign, CampaignClip, insert
from studio.store.candidates import now
from studio.store.database import Database
from studio.store.servings import Served, Serving
from studio.store.vote_rows import VoteRow
from studio.store.votes import IMPORTED, Vote, write_vote

BATCH = 200  # votes in one transaction, so that people's own votes never wait long
Places = Mapping[tuple[int, str, int], CampaignClip]  # by prompt, system and take


def add_imported_votes(
    database: Database, campaign: Campaign, votes: Sequence[VoteRow], clips: Places
) -> int:
    """Remember the votes; one that is there already stays. How many were new.

    Raises:
        StudioError: a vote of this id is in another campaign; nothing after it is added.
    """
    added = 0
    for start in range(0, len(votes), BATCH):
        with database.write() as rows:
            for vote in votes[start : start + BATCH]:
                added += _add(rows, campaign, vote, clips)
    return added


def _add(rows: Connection, campaign: Campaign, vote: VoteRow, clips: Places) -> bool:
    """The vote with its voter and serving, unless it is there."""
    home = rows.execute(text("select campaign from votes where id = :id"), {"id": vote.id}).scalar()
    if home == campaign.id:
        return False
    if home is not None:
        raise StudioError(
            f"The vote {vote.id[:40]!r} is in another campaign here already; a vote is never in "
            "two. Nothing more was imported."
        )
    voter = hashlib.sha256(f"imported {campaign.id} {vote.voter}".encode()).hexdigest()[:32]
    insert(rows, "voters", id=voter, kind=IMPORTED, created_at=now())
    serving = _serving(rows, campaign.id, voter, vote, clips)
    sounds = json.dumps([asdict(sound) for sound in serving.clips], ensure_ascii=False)
    insert(rows, "servings", **{**vars(serving), "clips": sounds})
    write_vote(rows, _vote(campaign, serving, vote), serving)
    return True


def _serving(rows: Connection, campaign: str, voter: str, vote: VoteRow, clips: Places) -> Serving:
    """What the vote is about; no token leads to its sounds and no nonce opens it."""
    question = text("select count(*) from servings where campaign = :campaign and voter = :voter")
    number = rows.execute(question, {"campaign": campaign, "voter": voter}).scalar_one()
    played = [clips[vote.prompt, system, take] for system, take in vote.sounds]
    return Serving(
        id=uuid.uuid4().hex,
        campaign=campaign,
        voter=voter,
        number=number,
        kind=vote.kind,
        prompt=vote.prompt,
        clips=tuple(
            Served(
                system=clip.system,
                take=clip.take,
                clip=clip.clip,
                token="",
                seconds=float(clip.measures.get("seconds") or 0.0),
            )
            for clip in played
        ),
        answer=_answer(vote),
        nonce="",
        created_at=vote.created_at,
    )


def _vote(campaign: Campaign, serving: Serving, row: VoteRow) -> Vote:
    """The same vote as `store.votes` has it."""
    (system, take), *others = row.sounds
    ends = {}
    if row.kind != "set":
        ends = {"system_a": system, "take_a": take}
        ends |= {"system_b": others[0][0], "take_b": others[0][1]}
    elif campaign.definition["task"] in ("integrity", "temporal"):
        ends = {"system_a": system}
    else:
        ends = {"take_a": take}
    return Vote(
        id=row.id,
        serving=serving.id,
        campaign=campaign.id,
        voter=serving.voter,
        kind=row.kind,
        prompt=row.prompt,
        outcome=row.outcome,
        reason=row.reason,
        first_played=row.first_played,
        heard=row.heard,
        decision_ms=row.decision_ms,
        interface=row.interface,
        created_at=row.created_at,
        aspects=dict(row.aspects),
        scores=row.scores,
        **ends,
    )


def _answer(vote: VoteRow) -> int:
    """For gold the place of the sound that was not spoiled, else -1."""
    whole = [n for n, (system, _) in enumerate(vote.sounds) if not system.endswith(DEGRADED)]
    return whole[0] if vote.kind == "gold" and len(whole) == 1 else -1
