import dataclasses
import os
import signal
import time

import numpy as np
import pytest
from sqlalchemy import text

from pipelines.errors import StudioError
from studio.config import Config
from studio.services.backup import Backup
from studio.services.backup_places import Folder, PlaceError, place_of
from studio.services.backup_words import ago, whereabouts
from studio.store.segments import TABLES
from studio.store.store import Store
from tests.studio.fake_place import FakePlace, cast, served
from tests.studio.small_campaign import small_campaign

CALM = Config(backup_seconds=0.02)  # looks for what waits fifty times a second


def small(store: Store, **changes) -> str:
    """An open campaign of two systems and one prompt."""
    return small_campaign(store, systems=2, prompts=1, with_gold=True, **changes)


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
        backup = Backup(store, dataclasses.replace(CALM, **wishes), there or place)
        opened.append(backup)
        return backup

    yield open_one
    for backup in opened:
        backup.close()
        backup.store.close()


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


def test_an_empty_disk_gets_the_same_votes_and_sounds_that_play(machine, place):
    """What a Space has after a restart is what it had before: every row, every sound."""
    first = machine("one")
    campaign = small(first.store, takes=2)
    first.start()
    cast(first.store, campaign, "v1", 3)
    cast(first.store, campaign, "v2", 2)
    first.ship()
    assert first.state()["waiting"] == 0
    second = machine("two")
    second.start()
    assert remembered(second.store) == remembered(first.store)
    assert len(second.store.votes.live_votes(campaign)) == 5
    for sha256 in second.store.campaigns.sounds():
        audio, rate = second.store.clips.read(sha256)
        assert rate == 16000 and np.abs(audio).max() > 0.1
    assert second.state()["sentence"] == "All votes are backed up in a place of the test."
    puts = len(place.puts)
    second.ship()
    assert len(place.puts) == puts, "what came from the place is not sent to it again"


def test_it_goes_on_after_a_restart_and_both_lives_come_back(machine):
    """Boots write files of their own; a third disk gets the votes of both, and open servings."""
    first = machine("one")
    campaign = small(first.store)
    cast(first.store, campaign, "v1", 2)
    first.ship()
    second = machine("two")
    second.ship()
    shown = served(second.store, campaign, "v1")
    cast(second.store, campaign, "v1", 1)
    second.ship()
    third = machine("three")
    third.ship()
    assert remembered(third.store) == remembered(second.store)
    assert third.store.servings.get(shown.id) == shown


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


def test_a_duplicate_replay_changes_nothing(machine, place):
    """The same rows under another name, as two machines may have sent them."""
    first = machine()
    campaign = small(first.store)
    cast(first.store, campaign, count=3)
    first.ship()
    files = [first.segments.file(s) for s in all_segments(first)]
    before = remembered(first.store)
    twins = [dataclasses.replace(f, name=f.name.replace("-", "-twin-")) for f in files]
    assert first.segments.take_in(twins, "boot") == []
    assert remembered(first.store) == before
    assert not first.segments.has_rest()


def all_segments(backup: Backup):
    """Every segment of this studio."""
    with backup.store.database.write() as rows:
        rows.execute(text("update segments set is_stale = 1"))
    found = backup.segments.unsent()
    for segment in found:
        backup.segments.confirm(segment.name)
    return found


def test_a_damaged_segment_is_named_and_the_rest_comes_back(machine, place):
    """Cut short in the middle; what hangs on its rows cannot come back either, and is counted."""
    first = machine()
    campaign = small(first.store)
    first.ship()
    for voter in ("v1", "v2", "v3"):
        cast(first.store, campaign, voter, 2)
        first.ship()
    broken = next(name for name in place.segments() if b'"v2"' in place.files[name])
    place.files[broken] = place.files[broken][:-200]
    other = machine("two")
    other.start()
    assert {vote.voter for vote in other.store.votes.live_votes(campaign)} == {"v1", "v3"}
    assert other.state()["sentence"].endswith(
        f"Not everything could be brought back at the start: {broken}: it was cut short or changed."
    )


def test_rows_that_name_missing_ones_are_left_out_and_counted(machine, place):
    """Without the first segment there is no campaign: every other row names it, none comes back."""
    first = machine()
    campaign = small(first.store)
    first.ship()
    cast(first.store, campaign)
    first.ship()
    del place.files[min(place.segments(), key=lambda name: b'"campaigns"' not in place.files[name])]
    other = machine("two")
    other.ship()
    assert other.store.campaigns.latest() == []
    assert "name others that are not here" in other.left_out[0]


def test_a_sound_whose_bytes_were_changed_is_not_played(machine, place):
    """Its name is the hash of its bytes; the wrong ones are named and left."""
    first = machine()
    small(first.store)
    first.ship()
    wrong = next(name for name in place.files if name.startswith("sounds/"))
    place.files[wrong] = b"RIFF of someone else"
    other = machine("two")
    other.ship()
    assert other.left_out == [f"{wrong}: its bytes are not those that its name promises"]


def test_two_studios_do_not_mix_in_one_place(machine, place):
    """One that has campaigns of its own is told to take another place; nothing of it is sent."""
    first = machine("one")
    small(first.store)
    first.ship()
    other = machine("two")
    small(other.store)
    with pytest.raises(PlaceError, match="holds the votes of another studio.*place of its own"):
        other.ship()
    assert len(place.segments()) == 1


def test_a_space_is_the_same_studio_after_a_restart_that_the_place_slept_through(machine, place):
    """Its disk is new and the place away; what people begin meanwhile joins what was before."""
    space = {"on_space": True, "public_host": "ann-arena.hf.space"}
    first = machine("one", **space)
    campaign = small(first.store)
    cast(first.store, campaign)
    first.ship()
    place.is_away = True
    second = machine("two", **space)
    second._round()
    small(second.store, title="made meanwhile")
    assert second.state()["sentence"].endswith("failed.")
    place.is_away = False
    second._round()
    assert len(second.store.campaigns.latest()) == 2
    assert len(second.store.votes.live_votes(campaign)) == 1


def test_servings_of_two_lives_keep_both_their_votes(machine, place):
    """A disk from before, the place away: both lives gave a voter the number 1; one is renumbered."""
    first = machine("one")
    campaign = small(first.store)
    cast(first.store, campaign, "v1", 1)
    first.ship()
    old = machine("two")
    old.ship()
    cast(first.store, campaign, "v1", 1)
    first.ship()
    cast(old.store, campaign, "v1", 1)
    old.is_restored = False
    old.ship()
    shown = old.store.servings.of_voter(campaign, "v1")
    assert [one.serving.number for one in shown] == [0, 1, 2]
    assert all(one.is_voted for one in shown) and old.left_out == []


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
