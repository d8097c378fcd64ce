"""Servings as they are remembered: who joined, what each voter was shown and fetched, their drafts."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Row, text

from studio.store.campaigns import insert
from studio.store.candidates import now
from studio.store.database import Database

TOKEN_START = 32  # a token begins with its serving's id, so that one look finds the sound


@dataclass(frozen=True, kw_only=True)
class Served:
    """One sound of a serving, in the order it is shown."""

    system: str
    take: int
    clip: str  # SHA-256 of the fair clip; never leaves the server before the vote
    token: str  # random after the serving's id; under this name alone the browser gets the sound
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Serving:
    """What one voter is shown once: sounds of one prompt, in an order of its own."""

    id: str
    campaign: str
    voter: str
    number: int  # 0, 1, …: how many this voter was shown in the campaign before
    kind: str  # "ab", "same_system", "gold", or "set" for the tasks that score each sound
    prompt: int  # place in the definition's prompts
    clips: tuple[Served, ...]  # two for a battle, A first
    answer: int  # for gold the place of the better sound, else -1
    nonce: str  # a vote on this serving must bring it
    created_at: str


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A serving of a voter, and whether a vote on it counts now."""

    serving: Serving
    is_voted: bool


class ServingTable:
    """Joins, servings, hearings and drafts; rows are only added, but for drafts."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def join(self, campaign: str, voter: str) -> None:
        """Remember that this voter takes part in the campaign."""
        with self.database.write() as rows:
            insert(rows, "joins", campaign=campaign, voter=voter, created_at=now())

    def has_joined(self, campaign: str, voter: str) -> bool:
        """Whether this voter takes part in the campaign."""
        question = text("select 1 from joins where campaign = :campaign and voter = :voter")
        with self.database.read() as rows:
            return (
                rows.execute(question, {"campaign": campaign, "voter": voter}).first() is not None
            )

    def add(self, serving: Serving) -> bool:
        """Remember it; False when this voter already has a serving of this number."""
        clips = json.dumps([asdict(clip) for clip in serving.clips], ensure_ascii=False)
        with self.database.write() as rows:
            return insert(rows, "servings", **{**vars(serving), "clips": clips})

    def get(self, serving: str) -> Serving | None:
        """The serving of this id, or None."""
        question = text(f"select {COLUMNS} from servings s where s.id = :id")
        with self.database.read() as rows:
            found = rows.execute(question, {"id": serving}).first()
        return read_serving(found) if found else None

    def of_token(self, token: str) -> tuple[Serving, int] | None:
        """The serving in which a sound has this token, and the sound's place; or None."""
        found = self.get(token[:TOKEN_START])
        places = {clip.token: place for place, clip in enumerate(found.clips)} if found else {}
        return (found, places[token]) if token in places else None

    def of_voter(self, campaign: str, voter: str) -> list[Shown]:
        """All that this voter was shown in the campaign, the first first."""
        question = text(
            f"select {COLUMNS}, (select action from votes v where v.serving = s.id"
            " order by revision desc limit 1) as action from servings s"
            " where s.campaign = :campaign and s.voter = :voter order by s.number"
        )
        with self.database.read() as rows:
            found = rows.execute(question, {"campaign": campaign, "voter": voter}).all()
        return [Shown(serving=read_serving(r), is_voted=r.action == "cast") for r in found]

    def voted_count(self, campaign: str, voter: str) -> int:
        """How many servings of this voter have a vote that counts."""
        question = text(
            "select count(*) from servings s join votes v on v.serving = s.id"
            " where s.campaign = :campaign and s.voter = :voter and v.action = 'cast'"
            " and not exists (select 1 from votes w where w.serving = s.id"
            " and w.revision > v.revision)"
        )
        with self.database.read() as rows:
            return rows.execute(question, {"campaign": campaign, "voter": voter}).scalar()

    def sizes(self, campaign: str) -> dict[str, tuple[int, int]]:
        """Samples and sample rate in Hz of what a campaign plays, by clip."""
        question = text(
            "select distinct sha256, samples, sample_rate from clips join campaign_clips"
            " on clip = sha256 where campaign = :campaign"
        )
        with self.database.read() as rows:
            found = rows.execute(question, {"campaign": campaign})
            return {row.sha256: (row.samples, row.sample_rate) for row in found}

    def hear(self, serving: str, place: int) -> None:
        """Remember when this sound was first fetched."""
        if place in self.hearings(serving):
            return
        with self.database.write() as rows:
            insert(rows, "hearings", serving=serving, place=place, created_at=now())

    def hearings(self, serving: str) -> dict[int, str]:
        """When each sound of a serving was first fetched, by place; ISO 8601, UTC."""
        question = text("select place, created_at from hearings where serving = :serving")
        with self.database.read() as rows:
            return {r.place: r.created_at for r in rows.execute(question, {"serving": serving})}

    def keep_draft(self, serving: str, answer: Any) -> str:
        """Keep an answer that is not yet sent, in place of the one before; when it was kept."""
        kept_at = now()
        question = text(
            "insert into drafts values (:serving, :answer, :kept_at) on conflict (serving)"
            " do update set answer = :answer, updated_at = :kept_at"
        )
        values = {"serving": serving, "answer": json.dumps(answer), "kept_at": kept_at}
        with self.database.write() as rows:
            rows.execute(question, values)
        return kept_at

    def draft(self, serving: str) -> Any:
        """The answer that was kept last, or None."""
        question = text("select answer from drafts where serving = :serving")
        with self.database.read() as rows:
            found = rows.execute(question, {"serving": serving}).scalar()
        return None if found is None else json.loads(found)


COLUMNS = ", ".join(f"s.{name}" for name in Serving.__dataclass_fields__)


def read_serving(row: Row) -> Serving:
    """A serving from its row."""
    values: Mapping[str, Any] = {name: row._mapping[name] for name in Serving.__dataclass_fields__}
    clips = tuple(Served(**clip) for clip in json.loads(row.clips))
    return Serving(**{**values, "clips": clips})
