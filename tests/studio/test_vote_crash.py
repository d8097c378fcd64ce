"""200 voters against the served studio, which is killed and begun again: no vote is lost or doubled."""

import asyncio

import pytest

from studio.store.store import Store
from tests.browser.served import Server, Studio
from tests.studio.crowd import Crowd, faults, trouble
from tests.studio.small_campaign import small_campaign

KILLS = 3  # tests/bench/bench_vote_door.py does 20
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server():
    begun = Server()
    yield begun
    begun.close()


def test_every_acknowledged_vote_is_there_once(server, tmp_path, database):
    """Killed three times at moments that a seed names, while 200 vote, undo and vote again."""
    folder = tmp_path / "data"
    store = Store(folder, database)
    campaign = small_campaign(store, systems=4, prompts=30, votes_wanted=10**6)
    store.close()
    studio = Studio(server, folder, database=database, votes_per_minute=10**6)
    crowd = Crowd(studio.port, campaign, seed=4)
    studio.open()
    try:
        asyncio.run(trouble(crowd, studio, KILLS))
    finally:
        studio.close()
    store = Store(folder, database)
    found = faults(store, crowd)
    store.close()
    assert set(found.values()) == {0}, found
    assert crowd.lost > 0 and len(crowd.told) > crowd.voters
