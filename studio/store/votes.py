"""Votes as they are remembered: what voters said, took back and were told, and who is left out."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Row, text

from studio.refusals import Conflict, Unknown
from studio.store.campaigns import insert
from studio.store.candidates import now
from studio.store.database import Database
from studio.store.servings import Serving

CAST, UNDO = "cast", "undo"  # what a row of votes does
PERSON, ACCOUNT, SIMULATED = "person", "account", "simulated"  # kinds of voters
IMPORTED = "imported"  # a kind of voter too: whose votes came with a file


@dataclass(frozen=True, kw_only=True)
class Vote:
    """What was said of a serving, or that it was taken back; the highest revision counts.

    A vote on a set says in `system_a` or in `take_a` which item it judged: the system whose takes
    were compared with the prompt, or the take in which systems were compared.
    """

    id: str  # made by the client: the same vote sent twice is one
    serving: str
    campaign: str
    voter: str
    revision: int = 0
    action: str = CAST
    kind: str
    prompt: int
    system_a: str | None = None  # for a battle, so that a board reads this row alone
    system_b: str | None = None
    take_a: int | None = None
    take_b: int | None = None
    outcome: str | None = None  # of pipelines.vote.battles.OUTCOMES; for a set None or "skip"
    reason: str | None = None
    first_played: int | None = None  # place of the sound that was played first
    heard: tuple[int, ...] = ()  # ms of each sound that were played, in the order shown
    decision_ms: int | None = None
    interface: str = ""  # name and version of what sent it
    created_at: str = ""
    aspects: dict[str, str] = field(default_factory=dict)  # battle: aspect -> outcome
    scores: tuple[tuple[int, str, float | None], ...] = ()  # set: place, aspect, value


@dataclass(frozen=True, kw_only=True)
class Exclusion:
    """A voter or a vote that results leave out, or (`lifts`) no longer leave out."""

    id: str
    campaign: str
    voter: str | None
    vote: str | None
    reason: str
    made_by: str
    lifts: str | None  # the exclusion that ends with this row
    created_at: str


class VoteTable:
    """Voters, votes, reveals and exclusions; rows are only added."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def add_voter(self, voter: str, kind: str) -> None:
        """Remember a voter; one who is known stays."""
        with self.database.write() as rows:
            insert(rows, "voters", id=voter, kind=kind, created_at=now())

    def kind_of(self, voter: str) -> str | None:
        """PERSON, ACCOUNT, SIMULATED or IMPORTED; None for nobody we know."""
        with self.database.read() as rows:
            question = text("select kind from voters where id = :voter")
            return rows.execute(question, {"voter": voter}).scalar()

    def is_forgotten(self, voter: str) -> bool:
        """Whether this voter had everything deleted."""
        with self.database.read() as rows:
            question = text("select 1 from forgotten where voter = :voter")
            return rows.execute(question, {"voter": voter}).first() is not None

    def add(self, vote: Vote, serving: Serving) -> Vote:
        """Store a vote, or that one is taken back; on disk when this returns.

        Args:
            vote: revision and moment are filled in here.
            serving: what it is about; each score is stored with its sound's system and take.

        Returns:
            The vote as stored, now or when this id first came: the same vote is stored once.

        Raises:
            Conflict: the id belongs to another vote, the serving is voted, not voted, or revealed.
            Unknown: the serving was deleted.
        """
        with self.database.write() as rows:
            hold(rows, serving)
            known = read_votes(rows, "v.id = :id", {"id": vote.id})
            if known:
                return same_vote(known[0], vote)
            question = text(
                "select revision, action from votes where serving = :serving"
                " order by revision desc limit 1"
            )
            latest = rows.execute(question, {"serving": serving.id}).first()
            check_turn(vote, latest, is_revealed(rows, serving.id))
            revision = latest.revision + 1 if latest else 0
            stored = replace(vote, revision=revision, created_at=now())
            write_vote(rows, stored, serving)
        return stored

    def find(self, vote: str) -> Vote | None:
        """The row of this id, whether it counts or not."""
        with self.database.read() as rows:
            found = read_votes(rows, "v.id = :id", {"id": vote})
        return found[0] if found else None

    def live(self, serving: str) -> Vote | None:
        """The vote on this serving that counts, or None."""
        with self.database.read() as rows:
            found = read_votes(rows, f"v.serving = :serving and {LIVE}", {"serving": serving})
        return found[0] if found else None

    def live_votes(self, campaign: str, voter: str | None = None) -> list[Vote]:
        """The votes of a campaign (and of one voter) that count, the first first."""
        where = "v.campaign = :campaign" + (" and v.voter = :voter" if voter else "")
        values = {"campaign": campaign, **({"voter": voter} if voter else {})}
        with self.database.read() as rows:
            return read_votes(rows, f"{where} and {LIVE}", values)

    def last_voted(self, campaign: str, voter: str) -> str | None:
        """The serving that this voter voted on last, among those whose vote counts."""
        question = text(
            "select v.serving from votes v where v.voter = :voter and v.campaign = :campaign"
            f" and {LIVE} order by v.position desc limit 1"
        )
        with self.database.read() as rows:
            return rows.execute(question, {"voter": voter, "campaign": campaign}).scalar()

    def campaigns_of(self, voter: str) -> list[str]:
        """The campaigns in which a vote of this voter counts."""
        question = text(
            f"select distinct v.campaign from votes v where v.voter = :voter and {LIVE}"
        )
        with self.database.read() as rows:
            return list(rows.execute(question, {"voter": voter}).scalars())

    def is_revealed(self, serving: str) -> bool:
        """Whether the voter was told what made the sounds."""
        with self.database.read() as rows:
            return is_revealed(rows, serving)

    def reveal(self, serving: Serving) -> None:
        """Remember that the voter is told; from now on the vote is locked.

        Raises:
            Conflict: there is no vote that counts yet.
        """
        with self.database.write() as rows:
            hold(rows, serving)
            if not read_votes(rows, f"v.serving = :serving and {LIVE}", {"serving": serving.id}):
                raise Conflict("The sounds are named after the vote; vote or skip first.")
            insert(rows, "reveals", serving=serving.id, created_at=now())

    def tally(self, campaign: str, after: int = 0) -> tuple[list[Row], int]:
        """What the rows after this position add to a campaign's counts, and who was forgotten last.

        Each row has kind, prompt, system_a, take_a, system_b, take_b, outcome, the number of votes
        (fewer than none where some were taken back) and the highest position. The second value
        grows with every voter that is forgotten: then counts from before hold too much.
        """
        question = text(
            "select v.kind, v.prompt, v.system_a, v.take_a, v.system_b, v.take_b,"
            " case when v.action = 'cast' then v.outcome else (select p.outcome from votes p"
            " where p.serving = v.serving and p.revision = v.revision - 1) end as outcome,"
            " sum(case when v.action = 'cast' then 1 else -1 end) as votes,"
            " max(v.position) as position from votes v where v.campaign = :campaign and v.position > :after"
            " group by 1, 2, 3, 4, 5, 6, 7"
        )
        forgotten = text("select coalesce(max(position), 0) from forgotten")
        with self.database.read() as rows:
            found = list(rows.execute(question, {"campaign": campaign, "after": after}))
            return found, rows.execute(forgotten).scalar()

    def exclude(
        self,
        campaign: str,
        *,
        made_by: str,
        reason: str,
        voter: str | None = None,
        vote: str | None = None,
        lifts: str | None = None,
    ) -> str:
        """Leave a voter or a vote out of results from now on, or lift that; the row's id."""
        values = {"id": uuid.uuid4().hex, "campaign": campaign, "voter": voter, "vote": vote}
        values |= {"reason": reason, "made_by": made_by, "lifts": lifts, "created_at": now()}
        with self.database.write() as rows:
            insert(rows, "exclusions", **values)
        return values["id"]

    def exclusions(self, campaign: str) -> list[Exclusion]:
        """Every exclusion and every lift of a campaign, the first first."""
        names = ", ".join(Exclusion.__dataclass_fields__)
        question = text(
            f"select {names} from exclusions where campaign = :campaign order by position"
        )
        with self.database.read() as rows:
            found = rows.execute(question, {"campaign": campaign})
            return [Exclusion(**row._mapping) for row in found]


LIVE = (
    "v.action = 'cast' and not exists (select 1 from votes w where w.serving = v.serving"
    " and w.revision > v.revision)"
)
COLUMNS = tuple(n for n in Vote.__dataclass_fields__ if n not in ("aspects", "scores"))


def hold(rows: Connection, serving: Serving) -> None:
    """Until the transaction ends nobody else changes this serving.

    On PostgreSQL the campaign is held too, so that positions of votes become visible in their order
    and "what came after position p" misses none. SQLite has one writer anyway.
    """
    question = "select 1 from servings where id = :id"
    if rows.dialect.name == "postgresql":
        turn = text("select pg_advisory_xact_lock(hashtext(:campaign))")
        rows.execute(turn, {"campaign": serving.campaign})
        question += " for update"
    if rows.execute(text(question), {"id": serving.id}).first() is None:
        raise Unknown("These sounds are no longer here; go on with the next ones.")


def check_turn(vote: Vote, latest: Row | None, revealed: bool) -> None:
    """Refuse a second vote, an undo of nothing, and any change after the reveal."""
    is_voted = latest is not None and latest.action == CAST
    if revealed:
        raise Conflict("The sounds have been named, so this vote stays as it is.")
    if vote.action == CAST and is_voted:
        raise Conflict("There is a vote on these sounds already; undo it to vote again.")
    if vote.action == UNDO and not is_voted:
        raise Conflict("There is no vote on these sounds to undo.")


def same_vote(stored: Vote, sent: Vote) -> Vote:
    """The stored vote, if what was sent under its id says the same."""
    if replace(sent, revision=stored.revision, created_at=stored.created_at) != stored:
        raise Conflict("Another vote has this id already; send a new vote with an id of its own.")
    return stored


def is_revealed(rows: Connection, serving: str) -> bool:
    """Whether the serving is revealed, within a transaction."""
    question = text("select 1 from reveals where serving = :serving")
    return rows.execute(question, {"serving": serving}).first() is not None


def write_vote(rows: Connection, vote: Vote, serving: Serving) -> None:
    """The rows of one vote."""
    values = {name: getattr(vote, name) for name in COLUMNS}
    if not insert(rows, "votes", **{**values, "heard": json.dumps(vote.heard)}):
        raise Conflict("Another vote has this id already; send a new vote with an id of its own.")
    for aspect, outcome in vote.aspects.items():
        insert(rows, "vote_aspects", vote=vote.id, aspect=aspect, outcome=outcome)
    for place, aspect, value in vote.scores:
        sound = serving.clips[place]
        insert(
            rows,
            "vote_scores",
            vote=vote.id,
            place=place,
            system=sound.system,
            take=sound.take,
            aspect=aspect,
            value=value,
        )


def read_votes(rows: Connection, where: str, values: Mapping[str, Any]) -> list[Vote]:
    """The votes for which this holds, in the order they came, with aspects and scores."""
    names = ", ".join(f"v.{name}" for name in COLUMNS)
    found: Sequence[Row] = rows.execute(
        text(f"select {names} from votes v where {where} order by v.position"), values
    ).all()
    aspects: dict[str, dict[str, str]] = {row.id: {} for row in found}
    scores: dict[str, list[tuple[int, str, float | None]]] = {row.id: [] for row in found}
    if found:
        inside = f"(select v.id from votes v where {where})"
        said = text(f"select vote, aspect, outcome from vote_aspects where vote in {inside}")
        for row in rows.execute(said, values):
            aspects[row.vote][row.aspect] = row.outcome
        given = text(f"select vote, place, aspect, value from vote_scores where vote in {inside}")
        for row in rows.execute(given, values):
            scores[row.vote].append((row.place, row.aspect, row.value))
    return [
        Vote(
            **{**row._mapping, "heard": tuple(json.loads(row.heard))},
            aspects=aspects[row.id],
            scores=tuple(sorted(scores[row.id], key=lambda score: score[:2])),
        )
        for row in found
    ]
