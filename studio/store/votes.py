"""Votes as they are remembered: who was shown what, what they heard, said, took back, and were told."""

from dataclasses import dataclass, field

from studio.store.campaigns import insert
from studio.store.candidates import now
from studio.store.database import Database

CAST, UNDO = "cast", "undo"  # what a row of votes does
PERSON, ACCOUNT, SIMULATED = "person", "account", "simulated"  # kinds of voters
IMPORTED = "imported"  # one more: their votes were cast in another studio


@dataclass(frozen=True, kw_only=True)
class Served:
    """One sound of a serving, in the order it is shown."""

    system: str
    take: int
    clip: str  # SHA-256 of the fair clip; never leaves the server before the vote
    token: str  # random; under this name alone the browser gets the sound
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
class Vote:
    """What was said of a serving, or that it was taken back; the highest revision counts."""

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
    outcome: str | None = None  # of pipelines.vote.battles.OUTCOMES, for a battle
    reason: str | None = None
    first_played: int | None = None  # place of the sound that was played first
    heard: tuple[int, ...] = ()  # ms of each sound that were played, in the order shown
    decision_ms: int | None = None
    interface: str = ""  # name and version of what sent it
    created_at: str = ""
    aspects: dict[str, str] = field(default_factory=dict)  # battle: aspect -> outcome
    scores: tuple[tuple[int, str, float | None], ...] = ()  # set: place, aspect, value


class VoteTable:
    """Voters, servings, hearings, votes and reveals; rows are only added, but for drafts."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def add_voter(self, voter: str, kind: str) -> None:
        """Remember a voter; one who is known stays."""
        with self.database.write() as rows:
            insert(rows, "voters", id=voter, kind=kind, created_at=now())
