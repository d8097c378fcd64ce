import pytest

from tests.studio.served import Served, VoterOn
from tests.studio.small_campaign import small_campaign

pytestmark = pytest.mark.slow


def test_a_page_that_is_asked_to_end_ships_what_it_has_and_the_next_begins_with_it(tmp_path):
    """SIGTERM seconds after a vote; an empty disk; the voter goes on, the sounds play, votes count."""
    from studio.store.store import Store

    wishes = {"backup": f"folder:{tmp_path / 'place'}", "backup_seconds": 600.0}
    first = Served(data=tmp_path / "one", **wishes)
    store = Store(first.config.data)
    campaign = small_campaign(store, systems=2)
    store.close()
    first.open()
    voter = VoterOn(first.address, campaign)
    voter.join()
    stored = voter.vote(voter.next()).json()
    assert stored["backup"] == {"waiting": 1, "sentence": "1 vote not yet backed up."}
    open_one = voter.next()
    assert first.close() == 0

    second = Served(data=tmp_path / "two", **wishes)
    second.open()
    voter.client.base_url = second.address
    assert voter.get("/studio/backup").json()["sentence"] == (
        "All votes are backed up in the folder of the backup."
    )
    again = voter.next()
    assert again["id"] == open_one["id"] and again["position"] == 2
    progress = voter.vote(again).json()["progress"]
    assert (progress["mine"], progress["votes"]) == (2, 2)
    voter.client.close()
    assert second.close() == 0
