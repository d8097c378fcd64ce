"""The table of votes, on SQLite and on PostgreSQL: one row per id, one live vote per serving."""

import dataclasses
import threading
import uuid

import pytest
from sqlalchemy import event

from pipelines.errors import StudioError
from studio.refusals import Conflict, Unknown
from studio.store.candidates import now
from studio.store.servings import Served, Serving
from studio.store.store import Store
from studio.store.votes import PERSON, UNDO, Vote
from tests.studio.small_campaign import small_campaign


@pytest.fixture(scope="module")
def store(tmp_path_factory, database):
    opened = Store(tmp_path_factory.mktemp("data"), database)
    yield opened
    opened.close()


@pytest.fixture
def serving(store) -> Serving:
    """Two sounds put before Ann."""
    store.votes.add_voter("ann", PERSON)
    return serve(store, small_campaign(store), number=0)


def serve(store: Store, campaign: str, number: int, voter: str = "ann") -> Serving:
    name = uuid.uuid4().hex
    clips = tuple(
        Served(system=system, take=0, clip="00", token=name + 32 * digit, seconds=0.2)
        for system, digit in (("s0", "a"), ("s1", "b"))
    )
    made = Serving(
        id=name,
        campaign=campaign,
        voter=voter,
        number=number,
        kind="ab",
        prompt=0,
        clips=clips,
        answer=-1,
        nonce="n",
        created_at=now(),
    )
    assert store.servings.add(made)
    return made


def vote_on(serving: Serving, **changes) -> Vote:
    values = {
        "id": str(uuid.uuid4()),
        "serving": serving.id,
        "campaign": serving.campaign,
        "voter": serving.voter,
        "kind": serving.kind,
        "prompt": serving.prompt,
        "system_a": "s0",
        "system_b": "s1",
        "take_a": 0,
        "take_b": 0,
        "outcome": "a",
        "aspects": {"quality": "b"},
        "scores": ((0, "OVL", 70.0), (1, "OVL", None)),
        "heard": (200, 200),
    }
    return Vote(**{**values, **changes})


def taken_back(vote: Vote) -> Vote:
    return dataclasses.replace(
        vote, id=str(uuid.uuid4()), action=UNDO, outcome=None, aspects={}, scores=(), heard=()
    )


def test_a_vote_comes_back_as_it_was_stored(store, serving):
    stored = store.votes.add(vote_on(serving), serving)
    assert store.votes.live(serving.id) == stored == store.votes.find(stored.id)
    assert store.votes.live_votes(serving.campaign, "ann") == [stored]
    assert store.votes.last_voted(serving.campaign, "ann") == serving.id


def test_the_same_vote_sent_twice_is_one(store, serving):
    vote = vote_on(serving)
    assert store.votes.add(vote, serving) == store.votes.add(vote, serving)
    assert len(store.votes.live_votes(serving.campaign)) == 1


def test_the_same_id_with_other_content_is_refused(store, serving):
    vote = vote_on(serving)
    store.votes.add(vote, serving)
    for change in ({"outcome": "b"}, {"aspects": {}}, {"scores": ()}, {"reason": "louder"}):
        with pytest.raises(Conflict, match="Another vote has this id"):
            store.votes.add(dataclasses.replace(vote, **change), serving)
    assert store.votes.live(serving.id).outcome == "a"


def test_an_id_of_another_campaign_is_refused(store, serving):
    other = serve(store, small_campaign(store), number=0)
    store.votes.add(vote_on(serving, id="the same"), serving)
    with pytest.raises(Conflict, match="Another vote has this id"):
        store.votes.add(vote_on(other, id="the same"), other)


def test_twenty_at_once_make_one_live_vote(store, serving):
    """Each thread brings a vote of its own id; one is stored, nineteen are refused."""
    told: list[object] = []

    def cast() -> None:
        try:
            told.append(store.votes.add(vote_on(serving), serving))
        except Conflict as error:
            told.append(str(error))

    crowd = [threading.Thread(target=cast) for _ in range(20)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    assert sum(isinstance(one, Vote) for one in told) == 1 and len(told) == 20
    assert len(store.votes.live_votes(serving.campaign)) == 1


def test_an_undone_vote_may_be_given_anew(store, serving):
    first = store.votes.add(vote_on(serving), serving)
    undone = store.votes.add(taken_back(first), serving)
    assert (undone.revision, store.votes.live(serving.id)) == (1, None)
    assert not store.servings.of_voter(serving.campaign, "ann")[0].is_voted
    with pytest.raises(Conflict, match="no vote on these sounds to undo"):
        store.votes.add(taken_back(first), serving)
    again = store.votes.add(vote_on(serving, outcome="tie"), serving)
    assert (again.revision, store.votes.live(serving.id).outcome) == (2, "tie")
    assert store.votes.add(vote_on(serving, id=first.id), serving) == first  # still the same answer


def test_a_revealed_vote_is_locked(store, serving):
    with pytest.raises(Conflict, match="named after the vote"):
        store.votes.reveal(serving)
    vote = store.votes.add(vote_on(serving), serving)
    store.votes.reveal(serving)
    store.votes.reveal(serving)
    assert store.votes.is_revealed(serving.id)
    with pytest.raises(Conflict, match="stays as it is"):
        store.votes.add(taken_back(vote), serving)
    assert store.votes.live(serving.id) == vote


def test_undo_and_reveal_at_once_never_both_succeed(store, serving):
    """Over ten servings: either the vote is taken back or it is revealed and stays."""
    for number in range(1, 11):
        shown = serve(store, serving.campaign, number)
        vote, done = store.votes.add(vote_on(shown), shown), []

        def attempt(act, *values, done=done):
            try:
                act(*values)
                done.append(act)
            except Conflict:
                pass

        both = [
            threading.Thread(target=attempt, args=(store.votes.add, taken_back(vote), shown)),
            threading.Thread(target=attempt, args=(store.votes.reveal, shown)),
        ]
        for one in both:
            one.start()
        for one in both:
            one.join()
        assert len(done) == 1
        assert store.votes.is_revealed(shown.id) == (store.votes.live(shown.id) == vote)


def test_the_number_of_a_serving_is_given_once(store, serving):
    twin = dataclasses.replace(serving, id=uuid.uuid4().hex)
    assert not store.servings.add(twin)
    assert store.servings.get(twin.id) is None


def test_a_token_leads_to_its_sound_and_no_other_does(store, serving):
    assert store.servings.of_token(serving.clips[1].token) == (serving, 1)
    assert store.servings.of_token(serving.id + "c" * 32) is None
    assert store.servings.of_token("0" * 64) is None


def test_a_hearing_begins_once(store, serving):
    store.servings.hear(serving.id, 0)
    first = store.servings.hearings(serving.id)
    store.servings.hear(serving.id, 0)
    store.servings.hear(serving.id, 1)
    assert store.servings.hearings(serving.id)[0] == first[0] and len(first) == 1


def test_the_latest_draft_is_kept(store, serving):
    assert store.servings.draft(serving.id) is None
    store.servings.keep_draft(serving.id, {"scores": [1]})
    store.servings.keep_draft(serving.id, {"scores": [1, None], "words": "ä \u0000 \ud800"})
    assert store.servings.draft(serving.id)["words"] == "ä \u0000 \ud800"


def test_a_deleted_serving_takes_no_vote(store, serving):
    gone = dataclasses.replace(serving, id=uuid.uuid4().hex)
    with pytest.raises(Unknown, match="no longer here"):
        store.votes.add(vote_on(gone), gone)


def test_the_tally_adds_what_is_cast_and_takes_off_what_is_undone(store, serving):
    """a; then undone; then a tie on a second serving: nothing for a, 1 tie, read on from anywhere."""
    first = store.votes.add(vote_on(serving), serving)
    [row], _ = store.votes.tally(serving.campaign)
    assert (row.outcome, row.votes) == ("a", 1)
    store.votes.add(taken_back(first), serving)
    [later], _ = store.votes.tally(serving.campaign, row.position)
    assert (later.outcome, later.votes) == ("a", -1)
    other = serve(store, serving.campaign, 1)
    store.votes.add(vote_on(other, outcome="tie"), other)
    found = {row.outcome: row.votes for row in store.votes.tally(serving.campaign)[0]}
    assert found == {"a": 0, "tie": 1}


def test_exclusions_are_recorded_and_lifted_never_deleted(store, serving):
    first = store.votes.exclude(serving.campaign, made_by="here", reason="guessed", voter="ann")
    store.votes.exclude(serving.campaign, made_by="here", reason="did not", lifts=first)
    found = store.votes.exclusions(serving.campaign)
    assert [(one.voter, one.lifts) for one in found] == [("ann", None), (None, first)]


def test_no_question_of_the_door_reads_whole_tables(tmp_path):
    """SQLite's plan of each statement that a vote needs: by an index, whatever is stored."""
    store = Store(tmp_path / "data")
    store.votes.add_voter("ann", PERSON)
    serving = serve(store, small_campaign(store, prompts=1), number=0)
    plans, campaign = [], serving.campaign

    @event.listens_for(store.database.engine, "after_cursor_execute")
    def look(connection, cursor, statement, values, *_):
        if statement.startswith(("select", "insert")):
            cursor = cursor.connection.execute(f"explain query plan {statement}", values)
            plans.extend((statement, row[-1]) for row in cursor)

    vote = store.votes.add(vote_on(serving), serving)
    store.votes.add(taken_back(vote), serving)
    store.votes.last_voted(campaign, "ann")
    store.votes.tally(campaign, 1)
    store.servings.of_voter(campaign, "ann")
    store.servings.voted_count(campaign, "ann")
    store.servings.of_token(serving.clips[0].token)
    store.servings.hear(serving.id, 0)
    store.close()
    scans = [(plan, asked) for asked, plan in plans if plan.startswith("SCAN")]
    assert len(plans) > 15
    assert [scan for scan in scans if "forgotten" not in scan[1]] == []
    assert any("votes_by_voter (voter=? AND campaign=?)" in plan for _, plan in plans)


def test_a_full_disk_is_told_and_stores_nothing(tmp_path):
    """SQLite's own limit of pages plays the disk; the refusal is a sentence of status 503."""
    store = Store(tmp_path / "data")
    store.votes.add_voter("ann", PERSON)
    serving = serve(store, small_campaign(store, prompts=1), number=0)
    vote = vote_on(serving, reason="long " * 100_000)
    limit_pages(store, 1)  # raised by SQLite to what is used
    with pytest.raises(StudioError, match="did not take it") as caught:
        store.votes.add(vote, serving)
    assert caught.value.status == 503
    limit_pages(store, 1_000_000)
    assert store.votes.find(vote.id) is None
    assert store.votes.add(vote, serving).revision == 0
    store.close()


def limit_pages(store: Store, pages: int) -> None:
    """At most so many pages, for the one connection that a single thread uses."""
    with store.database.engine.connect() as rows:
        rows.exec_driver_sql(f"pragma max_page_count={pages}")
