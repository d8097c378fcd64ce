"""A place for backups in memory, which fails when the test says so; and votes to put into it."""

import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import text

from studio.services.backup.places import PlaceError
from studio.store.segments import TABLES
from studio.store.servings import Served, Serving
from studio.store.store import Store
from studio.store.votes import PERSON, Vote
from tests.studio.small_campaign import small_campaign


class FakePlace:
    """Keeps bytes by name; each thing that is asked of it can be made to fail."""

    title = "a place of the test"
    least_pause, keeps_history = 0.0, True

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.history: list[dict[str, bytes]] = []
        self.faults: list[Exception] = []  # raised one after another, instead of doing it
        self.is_away = False
        self.loses_answers = False  # takes what it is given, and then says that it did not
        self.puts: list[list[str]] = []

    def open(self) -> None:
        self._answer()

    def names(self) -> set[str]:
        self._answer()
        return set(self.files)

    def fetch(self, names: Sequence[str], folder: Path) -> None:
        self._answer()
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(self.files[name])

    def put(self, files: Mapping[str, bytes | Path], why: str) -> None:
        self._answer()
        self.history.append(dict(self.files))
        for name, content in files.items():
            self.files[name] = content if isinstance(content, bytes) else content.read_bytes()
        self.puts.append(sorted(files))
        if self.loses_answers:
            raise PlaceError("the answer was lost")

    def drop_history(self) -> None:
        self._answer()
        self.history.clear()

    def segments(self) -> list[str]:
        """The names of the segments it has."""
        return sorted(name for name in self.files if name.startswith("votes/"))

    def _answer(self) -> None:
        if self.faults:
            raise self.faults.pop(0)
        if self.is_away:
            raise PlaceError("the place is away")


def cast(store: Store, campaign: str, voter: str = "v1", count: int = 1) -> list[str]:
    """Votes of one voter, each on a serving of its own; their ids."""
    store.votes.add_voter(voter, PERSON)
    store.servings.join(campaign, voter)
    votes = []
    for _ in range(count):
        serving = served(store, campaign, voter)
        votes.append(store.votes.add(vote_on(serving), serving).id)
    return votes


def vote_on(serving: Serving) -> Vote:
    """A vote for A, not yet stored."""
    return Vote(
        id=uuid.uuid4().hex,
        serving=serving.id,
        campaign=serving.campaign,
        voter=serving.voter,
        kind="ab",
        prompt=0,
        system_a="s0",
        system_b="s1",
        take_a=0,
        take_b=0,
        outcome="a",
        reason="clearer ${x}",
        heard=(200, 200),
        aspects={"quality": "a"},
    )


def served(store: Store, campaign: str, voter: str) -> Serving:
    """The next serving of a voter: the first two systems' sounds of the first prompt."""
    pair = [clip for clip in store.campaigns.clips(campaign) if clip.prompt == 0][:2]
    made = Serving(
        id=uuid.uuid4().hex,
        campaign=campaign,
        voter=voter,
        number=len(store.servings.of_voter(campaign, voter)),
        kind="ab",
        prompt=0,
        clips=tuple(
            Served(
                system=clip.system,
                take=clip.take,
                clip=clip.clip,
                token=uuid.uuid4().hex,
                seconds=0.2,
            )
            for clip in pair
        ),
        answer=-1,
        nonce=uuid.uuid4().hex,
        created_at="2026-01-01T00:00:00.000000+00:00",
    )
    assert store.servings.add(made)
    store.servings.hear(made.id, 0)
    return made


def small(store: Store, **changes) -> str:
    """An open campaign of two systems and one prompt."""
    return small_campaign(store, systems=2, prompts=1, with_gold=True, **changes)


def remembered(store: Store) -> dict[str, list]:
    """All that a backup is for, without places, which are each database's own."""
    found = {}
    with store.database.read() as rows:
        for table in TABLES:
            columns = list(rows.execute(text(f"select * from {table}")).keys())
            names = ", ".join(n for n in columns if n != "position")
            found[table] = sorted(map(repr, rows.execute(text(f"select {names} from {table}"))))
    return found


def until(is_so, patience: float = 5.0) -> None:
    """Wait for the other thread."""
    end = time.monotonic() + patience
    while not is_so():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.005)
