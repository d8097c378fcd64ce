import os
import signal
import time

import pytest

from pipelines.errors import StudioError
from studio.config import Config
from studio.services.backup.places import Folder, PlaceError, place_of
from studio.services.backup.words import ago, whereabouts
from studio.store.store import Store
from tests.studio.fake_place import cast, remembered, small, until


def test_a_segment_is_closed_by_votes_or_by_time(machine, place):
    """Two votes are too few to be sent at once; with the third they are, whatever the time."""
    backup = machine("one", backup_votes=3, backup_seconds=60.0)
    campaign = small(backup.store)
    backup.start()
    before = len(place.segments())
    for votes in (1, 2):
        cast(backup.store, campaign)
        backup.notice()
        time.sleep(0.05)
        assert backup.waiting == votes and len(place.segments()) == before
    assert backup.state()["sentence"] == "2 votes not yet backed up."
    cast(backup.store, campaign)
    backup.notice()
    until(lambda: backup.waiting == 0)
    assert len(place.segments()) == before + 1


def test_what_is_no_vote_is_sent_too(machine, place):
    """A campaign that nobody voted in yet is on the other machine after the usual time."""
    backup = machine()
    backup.start()
    campaign = small(backup.store)
    until(lambda: not backup.segments.has_rest() and not backup.segments.unsent())
    other = machine("two")
    other.start()
    assert other.store.campaigns.get(campaign).status == "open"


def test_an_error_that_passes_is_told_and_mended(machine, place):
    """The sentence says how many wait, since when and why; then all is well again."""
    backup = machine()
    campaign = small(backup.store)
    backup.ship()
    place.faults = [PlaceError("503 of the place")]
    cast(backup.store, campaign, count=12)
    backup._round()
    assert backup.state()["waiting"] == 12
    told = "12 votes not yet backed up; the last try, 0 s ago, failed: 503 of the place."
    assert backup.state()["sentence"] == told
    backup._round()
    assert backup.state()["sentence"] == "All votes are backed up in a place of the test."


def test_a_lasting_error_keeps_everything_here_and_waits_longer_each_time(machine, place):
    """Pauses grow to five minutes; no segment is closed meanwhile but the first."""
    backup = machine()
    campaign = small(backup.store)
    backup.ship()
    place.is_away = True
    pauses = []
    for _ in range(9):
        cast(backup.store, campaign)
        backup._round()
        pauses.append(backup._pause())
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert backup.waiting == 9 and len(backup.segments.unsent()) == 1
    place.is_away = False
    backup._round()
    assert backup.waiting == 0
    other = machine("two")
    other.ship()
    assert remembered(other.store) == remembered(backup.store)


def test_a_fault_of_our_own_does_not_end_the_thread(machine, place):
    """It is told as ours, logged under a reference, and the next round goes on."""
    backup = machine()
    campaign = small(backup.store)
    backup.ship()
    cast(backup.store, campaign)
    place.faults = [ZeroDivisionError("a slip")]
    backup._round()
    assert "this is our fault, not yours; the log has it under" in backup.state()["sentence"]
    backup._round()
    assert backup.state()["waiting"] == 0


def test_a_process_that_dies_before_the_place_is_up_loses_nothing(machine, place, tmp_path):
    """Votes of a life that never reached the place are sent by the next one."""
    place.is_away = True
    first = machine()
    first.start()
    campaign = small(first.store)
    votes = cast(first.store, campaign, count=4)
    place.is_away = False
    again = machine()  # the same disk; the first is as good as dead
    again.start()
    assert again.waiting == 0
    other = machine("two")
    other.start()
    assert [vote.id for vote in other.store.votes.live_votes(campaign)] == votes


def test_a_kill_between_upload_and_confirmation_doubles_nothing(machine, place):
    """The place has the segment, we do not know it: the same bytes are sent under the same name."""
    first = machine()
    campaign = small(first.store)
    first.ship()
    cast(first.store, campaign, count=2)
    place.loses_answers = True
    first._round()
    assert first.waiting == 2
    kept = dict(place.files)
    place.loses_answers = False
    again = machine()
    again.start()
    assert again.waiting == 0 and place.files == kept
    other = machine("two")
    other.start()
    assert remembered(other.store) == remembered(first.store)


def test_the_last_segment_is_shipped_when_asked_to_end(machine, place):
    """Whatever the pause would have been; and not for longer than it may take."""
    backup = machine("one", backup_seconds=60.0)
    campaign = small(backup.store)
    backup.start()
    cast(backup.store, campaign, count=2)
    assert backup.close() is True
    other = machine("two")
    other.start()
    assert len(other.store.votes.live_votes(campaign)) == 2


def test_an_end_does_not_wait_for_a_place_that_hangs(machine, place):
    """It is given up after the patience, and said."""
    backup = machine()
    campaign = small(backup.store)
    backup.start()
    place.put = lambda files, why: time.sleep(0.4)
    cast(backup.store, campaign)
    backup.notice()
    begun = time.monotonic()
    assert backup.close(patience=0.05) is False
    assert time.monotonic() - begun < 0.3
    backup.thread.join()


def test_telling_the_state_costs_microseconds(machine):
    """Every vote's answer holds it."""
    backup = machine()
    begun = time.perf_counter()
    for _ in range(1000):
        backup.state()
        backup.notice()
    assert (time.perf_counter() - begun) / 1000 < 100e-6


def test_a_killed_process_leaves_what_the_next_one_sends(machine, place, tmp_path):
    """SIGKILL in the middle of casting: each vote that was acknowledged reaches the place."""
    store = Store(tmp_path / "one")
    campaign = small(store)
    store.close()
    told, tells = os.pipe()
    child = os.fork()
    if not child:
        try:
            mine = Store(tmp_path / "one")
            for number in range(1000):
                for vote in cast(mine, campaign, f"v{number}"):
                    os.write(tells, f"{vote}\n".encode())
        finally:
            os._exit(1)
    acknowledged = b""
    while acknowledged.count(b"\n") < 20:
        acknowledged += os.read(told, 4096)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(tells)
    while more := os.read(told, 4096):
        acknowledged += more
    os.close(told)
    again = machine("one")
    again.start()
    other = machine("two")
    other.start()
    found = {vote.id for vote in other.store.votes.live_votes(campaign)}
    assert set(acknowledged.decode().split()) <= found


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({}, "studio.db, on this machine alone"),
        ({"on_space": True}, "will be lost when the Space restarts. The Space's owner can set"),
        ({"on_space": True, "backup": "bucket:a/b"}, "The backup is off, because HF_TOKEN is not"),
        ({"backup": "dataset:a/b"}, "on this machine alone. The backup is off, because HF_TOKEN"),
    ],
)
def test_without_a_place_it_is_said_where_votes_live(tmp_path, wishes, words):
    """Plainly, and on a Space without the folder's name."""
    config = Config(data=tmp_path / "data", **wishes)
    assert words in whereabouts(config, place_of(config), is_sqlite=True)
    assert ("studio.db" in whereabouts(config, None, is_sqlite=True)) is not config.on_space


def test_postgresql_is_a_place_of_its_own():
    """And a backup that does nothing there is not kept quiet."""
    told = whereabouts(Config(backup="folder:/x"), None, is_sqlite=False)
    assert "PostgreSQL" in told and "BATON_BACKUP is for SQLite" in told


def test_a_backup_that_names_no_place_is_refused():
    """The sentence shows the three forms."""
    for text_ in ("s3:bucket", "dataset:only-a-name", "folder:", "dataset:../../etc"):
        with pytest.raises(StudioError, match="must be dataset:name/set, bucket:name/bucket or"):
            place_of(Config(backup=text_, hub_token="t"))
    assert isinstance(place_of(Config(backup="folder:/x")), Folder)


def test_how_long_ago():
    """Seconds, then minutes, then hours."""
    assert [ago(s) for s in (0.4, 59, 60, 3599, 7300)] == [
        "0 s ago",
        "59 s ago",
        "1 min ago",
        "59 min ago",
        "2 h ago",
    ]
