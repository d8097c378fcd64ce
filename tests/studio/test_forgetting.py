import pytest
from sqlalchemy import text

from studio.config import Config
from studio.refusals import NotAllowed, Unknown
from studio.services.backup.backup import Backup
from studio.services.vote.forgetting import Forgetting
from studio.services.vote.voting import Voting
from studio.store.forgetting import THEIRS, forget
from studio.store.migrations import VOTE_TABLES
from studio.store.store import Store
from studio.store.votes import PERSON
from studio.voters import Voter
from tests.studio.fake_place import FakePlace, cast
from tests.studio.small_campaign import small_campaign


@pytest.fixture
def store(tmp_path):
    """A campaign with three votes of v1, one of them revealed and one excluded, and two of v2."""
    opened = Store(tmp_path / "data")
    opened.campaign = small_campaign(opened, systems=2, prompts=1)
    first, *_ = cast(opened, opened.campaign, "v1", 3)
    cast(opened, opened.campaign, "v2", 2)
    shown = opened.servings.of_voter(opened.campaign, "v1")
    opened.votes.reveal(shown[0].serving)
    opened.servings.keep_draft(shown[1].serving.id, {"reason": "a secret thought"})
    mine = opened.votes.exclude(opened.campaign, made_by="here", reason="hasty", voter="v1")
    opened.votes.exclude(opened.campaign, made_by="here", reason="not so", lifts=mine)
    opened.votes.exclude(opened.campaign, made_by="here", reason="odd", vote=first)
    opened.votes.exclude(opened.campaign, made_by="here", reason="other", voter="v2")
    yield opened
    opened.close()


def rows_of(store: Store) -> dict[str, int]:
    """How many rows each table has."""
    with store.database.read() as rows:
        return {
            table: rows.execute(text(f"select count(*) from {table}")).scalar()
            for table in [*VOTE_TABLES, "drafts"]
        }


def test_nothing_of_a_voter_is_left_and_all_of_the_others(store):
    """Each table that names voters, servings or votes; the campaign itself stays."""
    before = rows_of(store)
    assert forget(store.database, "v1") == 3
    after = rows_of(store)
    gone = {
        table: before[table] - after[table] for table in before if before[table] != after[table]
    }
    assert gone == {
        "voters": 1,
        "joins": 1,
        "servings": 3,
        "hearings": 3,
        "votes": 3,
        "vote_aspects": 3,
        "reveals": 1,
        "exclusions": 3,
        "drafts": 1,
        "forgotten": -1,
    }
    assert {vote.voter for vote in store.votes.live_votes(store.campaign)} == {"v2"}
    assert forget(store.database, "v1") == 0


def test_every_table_that_names_a_voter_is_thought_of():
    """A table added later must be deleted from too: whatever names a voter, a serving or a vote."""
    naming = {
        table
        for table, columns in VOTE_TABLES.items()
        if any(name in columns for name in ("voter text", "serving text", "vote text"))
    }
    assert naming - {"forgotten"} <= set(THEIRS)


def test_deleted_rows_are_overwritten_on_the_disk(store):
    """The words of a draft and the voter's reasons are in no file of the database any more."""
    folder = store.folder
    forget(store.database, "v1")
    left = b"".join(path.read_bytes() for path in folder.glob("studio.db*"))
    assert b"a secret thought" not in left
    assert b"clearer" in left, "the other voter's reasons stay"


def test_the_backup_is_written_anew_without_them(store, tmp_path):
    """Only the segments that held rows of theirs; also its history; and no disk gets them back."""
    place = FakePlace()
    backup = Backup(store, Config(), place)
    backup.ship()
    cast(store, store.campaign, "v2", 1)
    backup.ship()
    untouched = place.segments()
    touched = next(name for name in untouched if b'"v1"' in place.files[name])
    said = Forgetting(store, backup).forget(["v1"])
    assert said["deleted"] == 3
    assert said["sentence"].startswith(
        "3 votes and all that was stored with them were deleted. The"
    )
    assert backup.state()["waiting"] == 0, "the others' votes are backed up all the while"
    backup.ship()
    assert place.history == [] or all(b'"v1"' not in c for f in place.history for c in f.values())
    names = [name for name in place.segments() if b'"v1"' in place.files[name]]
    assert len(names) == 1 and b'"forgotten"' in place.files[names[0]]
    assert b'"v2"' in place.files[touched], "the others' rows stay in the segment"
    other = Store(tmp_path / "other")
    Backup(other, Config(), place).ship()
    assert {v.voter for v in other.votes.live_votes(store.campaign)} == {"v2"}
    assert other.votes.is_forgotten("v1") and len(other.votes.live_votes(store.campaign)) == 3
    other.close()


def test_a_kill_before_the_backup_was_written_anew_is_made_up_for(store):
    """What must be rewritten is a column of the segment, not a thought of the process."""
    place = FakePlace()
    Backup(store, Config(), place).ship()
    forget(store.database, "v1")
    Backup(store, Config(), place).ship()
    assert b'"outcome": "a"' in b"".join(place.files.values())
    assert not any(b'"voter": "v1"' in c for c in place.files.values() if b'"votes"' in c)


def test_an_old_segment_of_another_machine_does_not_bring_them_back(store, tmp_path):
    """The name in `forgotten` goes before every row, in whatever order segments are read."""
    place = FakePlace()
    Backup(store, Config(), place).ship()
    old = dict(place.files)
    forget(store.database, "v1")
    Backup(store, Config(), place).ship()
    place.files |= {name: old[name] for name in old if name.startswith("votes/")}
    other = Store(tmp_path / "other")
    backup = Backup(other, Config(), place)
    backup.ship()
    assert backup.left_out == []
    assert {v.voter for v in other.votes.live_votes(store.campaign)} == {"v2"}
    assert other.votes.kind_of("v1") is None
    other.close()


def test_a_forgotten_voter_is_refused_everywhere(store):
    """In words that say why, and nothing is stored."""
    voting = Voting(store, Config(), Backup(store, Config()))
    voter = Voter(id="v1", kind=PERSON)
    serving = store.servings.of_voter(store.campaign, "v1")[0].serving
    forget(store.database, "v1")
    before = rows_of(store)
    for refused in (
        lambda: voting.join(store.campaign, voter),
        lambda: voting.next(store.campaign, voter),
        lambda: voting.draft(serving.id, voter, {}),
        lambda: voting.cast({"serving": serving.id, "nonce": serving.nonce}, voter),
        lambda: voting.reveal(serving.id, voter),
    ):
        with pytest.raises(NotAllowed, match="Your votes were deleted, as you asked"):
            refused()
    with pytest.raises(Unknown):
        voting.sound(serving.clips[0].token * 2, voter)
    assert rows_of(store) == before


def test_who_never_voted_is_told_so(store):
    """Nothing is stored about them, not even that they asked."""
    said = Forgetting(store, Backup(store, Config())).forget(["stranger"])
    assert said == {"deleted": 0, "sentence": "Nothing is stored about you here."}
    assert rows_of(store)["forgotten"] == 0


def test_on_either_database_nothing_of_a_voter_is_left(either):
    """The same on PostgreSQL, where rows are held one by one instead of the whole file."""
    store = either.store
    campaign = small_campaign(store, systems=2, prompts=1)
    first, *_ = cast(store, campaign, "gone", 2)
    cast(store, campaign, "stays", 1)
    store.votes.exclude(campaign, made_by="here", reason="odd", vote=first)
    assert either.forgetting.forget(["gone"])["deleted"] == 2
    assert {vote.voter for vote in store.votes.live_votes(campaign)} == {"stays"}
    assert store.votes.kind_of("gone") is None and store.votes.is_forgotten("gone")
    assert store.votes.exclusions(campaign) == []
    assert store.servings.of_voter(campaign, "gone") == []
