"""Campaigns as they are remembered: what is asked of whom, and the fair clips that are put to them."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, text

from studio.store.candidates import now
from studio.store.clips import Clip
from studio.store.database import Database

BUILDING, OPEN, CLOSED, FAILED = "building", "open", "closed", "failed"  # kinds of event too
REMOVED = "removed"  # one that nobody voted in; no list shows it
DEGRADED = "#degraded"  # ends the system's name of a sound that was spoiled on purpose, for gold


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """A campaign: its definition never changes, its status is the latest of its events."""

    id: str
    owner: str
    definition: dict[str, Any]
    status: str  # BUILDING, OPEN, CLOSED, FAILED or REMOVED
    said: str  # what came with the latest event, in words
    created_at: str  # ISO 8601, UTC


@dataclass(frozen=True, kw_only=True)
class CampaignClip:
    """One sound that a campaign may play: a system's take on a prompt, made fair."""

    campaign: str
    prompt: int  # place in the definition's prompts
    system: str
    take: int  # 0, 1, … of this system for this prompt
    clip: str  # SHA-256 of what is played: equal in loudness, rate, channels and length
    source: str  # SHA-256 of the sound as it was made
    candidate: str | None  # id, when the studio made it
    measures: dict[str, Any]  # gain_db, lufs, peak_dbfs, silence, seconds: of the source


class CampaignTable:
    """Campaigns, their events and their clips; rows are only added."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def add(self, owner: str, definition: Mapping[str, Any]) -> Campaign:
        """Remember a campaign; it is BUILDING until an event says otherwise."""
        values = {"id": uuid.uuid4().hex, "owner": owner, "created_at": now()}
        values["definition"] = json.dumps(dict(definition), ensure_ascii=False, sort_keys=True)
        with self.database.write() as rows:
            insert(rows, "campaigns", **values)
        return self.get(values["id"])

    def say(self, campaign: str, kind: str, said: str = "") -> None:
        """From now on the campaign's status is `kind`."""
        with self.database.write() as rows:
            add_event(rows, campaign, kind, said)

    def remove(self, campaign: str) -> int:
        """Show it no more, unless it has votes; how many it has."""
        with self.database.write() as rows:
            question = text("select count(*) from votes where campaign = :campaign")
            votes = rows.execute(question, {"campaign": campaign}).scalar_one()
            if not votes:
                add_event(rows, campaign, REMOVED, "Removed by who made it.")
        return votes

    def get(self, campaign: str) -> Campaign | None:
        """The campaign, or None."""
        found = self._find("where c.id = :id", {"id": campaign})
        return found[0] if found else None

    def latest(self) -> list[Campaign]:
        """All campaigns, the newest first."""
        return self._find("", {})

    def add_clip(self, clip: CampaignClip, files: Sequence[Clip]) -> None:
        """Remember a fair clip and the files it names; the same place twice is kept once."""
        made_at = now()
        with self.database.write() as rows:
            for file in files:
                rows.execute(
                    text(
                        "insert into clips values (:sha256, :bytes, :sample_rate, :channels,"
                        " :samples, :created_at) on conflict do nothing"
                    ),
                    {**vars(file), "created_at": made_at},
                )
            values = {**vars(clip), "measures": json.dumps(clip.measures), "created_at": made_at}
            insert(rows, "campaign_clips", **values)

    def clips(self, campaign: str) -> list[CampaignClip]:
        """The campaign's clips by prompt, system and take."""
        question = text(
            "select campaign, prompt, system, take, clip, source, candidate, measures"
            " from campaign_clips where campaign = :campaign order by prompt, system, take"
        )
        with self.database.read() as rows:
            found = rows.execute(question, {"campaign": campaign}).all()
        return [
            CampaignClip(**{**row._mapping, "measures": json.loads(row.measures)}) for row in found
        ]

    def sounds(self) -> set[str]:
        """SHA-256 of every sound that a campaign plays or that one was made from."""
        question = "select clip from campaign_clips union select source from campaign_clips"
        with self.database.read() as rows:
            return set(rows.execute(text(question)).scalars())

    def _find(self, where: str, values: Mapping[str, Any]) -> list[Campaign]:
        question = text(
            "select c.id, c.owner, c.definition, c.created_at, e.kind, e.said from campaigns c"
            " left join campaign_events e on e.position = (select max(position)"
            f" from campaign_events where campaign = c.id) {where} order by c.position desc"
        )
        with self.database.read() as rows:
            return [read_row(row) for row in rows.execute(question, values)]


def add_event(rows: Connection, campaign: str, kind: str, said: str) -> None:
    """Write down what became of a campaign."""
    values = {"id": uuid.uuid4().hex, "campaign": campaign, "kind": kind, "said": said}
    insert(rows, "campaign_events", **values, created_at=now())


def insert(rows: Connection, table: str, **values: Any) -> bool:
    """Add a row of these columns; whether it was added, for one that conflicts is left out."""
    names = ", ".join(values)
    places = ", ".join(f":{name}" for name in values)
    question = f"insert into {table} ({names}) values ({places}) on conflict do nothing"
    return rows.execute(text(question), values).rowcount > 0


def read_row(row: Row) -> Campaign:
    """A campaign from its row; one without an event is being built."""
    return Campaign(
        id=row.id,
        owner=row.owner,
        definition=json.loads(row.definition),
        status=row.kind or BUILDING,
        said=row.said or "",
        created_at=row.created_at,
    )
