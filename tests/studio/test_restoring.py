import dataclasses

import numpy as np
import pytest
from sqlalchemy import text

from studio.services.backup.backup import Backup
from studio.services.backup.places import PlaceError
from tests.studio.fake_place import cast, remembered, served, small, vote_on


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


def test_of_two_votes_on_one_serving_both_are_kept_and_the_returning_one_counts(machine):
    """One serving was open on both disks, and each life voted on it under an id of its own."""
    first = machine("one")
    campaign = small(first.store)
    first.store.votes.add_voter("v1", "person")
    serving = served(first.store, campaign, "v1")
    first.ship()
    old = machine("two")
    old.ship()
    mine = {}
    for backup in (first, old):
        vote = vote_on(serving)
        mine[backup] = backup.store.votes.add(vote, serving).id
    first.ship()
    old.is_restored = False
    old.ship()
    assert old.left_out == []
    assert old.store.votes.live(serving.id).id == mine[first]
    assert old.store.votes.find(mine[old]).revision == 0
