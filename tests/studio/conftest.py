"""A studio of sines for every test: a store in a folder of its own, nobody at work but the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.config import Config
from studio.services.backup.backup import Backup
from studio.services.services import Services
from studio.store.database import local_url
from studio.store.store import Store
from tests.studio.fake_place import FakePlace
from tests.studio.postgres import GIVEN, Cluster, fresh_schema, missing
from tests.studio.served import NASTY, Served, VoterOn
from tests.studio.sine_engines import SineEngines
from tests.studio.small_campaign import small_campaign


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """All defaults, but for the folder."""
    return Config(data=tmp_path / "data")


@pytest.fixture
def services(config: Config) -> Iterator[Services]:
    """Open services; their worker does a phase when the test says `work(services)`."""
    opened = Services(config, SineEngines(config))
    yield opened
    opened.close()


@pytest.fixture
def work():
    """Does every waiting phase, one after another."""

    def until_done(services: Services) -> None:
        while services.worker.run_next():
            pass

    return until_done


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL; skipped, with the reason, where there is none."""
    if reason := missing():
        pytest.skip(reason)
    if GIVEN:
        yield GIVEN
        return
    cluster = Cluster()
    yield cluster.url
    cluster.close()


@pytest.fixture
def postgres_url(postgres: str) -> Iterator[str]:
    """The address of an empty PostgreSQL, the test's own."""
    with fresh_schema(postgres) as url:
        yield url


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request, tmp_path_factory) -> Iterator[str]:
    """What Config.database is: a file's tests share one of each kind, and each test runs on both."""
    if request.param == "sqlite":
        yield local_url(tmp_path_factory.mktemp("database"))
        return
    with fresh_schema(request.getfixturevalue("postgres")) as url:
        yield url


@pytest.fixture(scope="module")
def either(database: str, tmp_path_factory) -> Iterator[Services]:
    """Open services on SQLite, then on PostgreSQL, for all tests of a file; nobody is too fast."""
    folder = tmp_path_factory.mktemp("data")
    config = Config(data=folder, database=database, votes_per_minute=100_000)
    opened = Services(config, SineEngines(config))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def strangers(tmp_path_factory) -> Iterator[tuple[Services, str]]:
    """A page for strangers, served over loopback; services on the same folder, and its address."""
    page = Served(
        data=tmp_path_factory.mktemp("served") / "data", on_space=True, votes_per_minute=100_000
    )
    opened = Services(page.config, SineEngines(page.config))
    page.open()
    yield opened, page.address
    page.close()
    opened.close()


@pytest.fixture
def browse(strangers):
    """Opens browsers of voters on that page; `join=False` for one that has not joined."""
    opened = []

    def open_one(campaign: str, *, join: bool = True) -> VoterOn:
        opened.append(VoterOn(strangers[1], campaign))
        if join:
            opened[-1].join()
        return opened[-1]

    yield open_one
    for voter in opened:
        voter.client.close()


@pytest.fixture(scope="session")
def nasty(strangers) -> str:
    """A campaign on that page with hostile words in it; its id."""
    prompts = [{"text": NASTY, "seconds": 0.2, "labels": [], "tags": []}] * 4
    wishes = {"owner": "e" * 32, "title": NASTY, "prompts": prompts, "votes_wanted": 1000}
    return small_campaign(strangers[0].store, **wishes)


@pytest.fixture
def place():
    """An empty place."""
    return FakePlace()


@pytest.fixture
def machine(tmp_path, place):
    """Makes studios: each name a disk of its own, each opening a process of its own."""
    opened = []

    def open_one(name: str = "one", there=None, **wishes) -> Backup:
        store = Store(tmp_path / name)
        config = Config(**{"backup_seconds": 0.02, **wishes})  # looks fifty times a second
        backup = Backup(store, config, there or place)
        opened.append(backup)
        return backup

    yield open_one
    for backup in opened:
        backup.close()
        backup.store.close()
