"""Columns of live votes: what counts, what came since the last look, what was undone or forgotten."""

import numpy as np
import pytest
from sqlalchemy import text

from studio.store.store import Store
from studio.store.vote_columns import CHUNK, VoteColumns
from tests.studio.casting import cast, taken_back
from tests.studio.small_campaign import small_campaign


@pytest.fixture
def store(either) -> Store:
    """On SQLite and on PostgreSQL."""
    return either.store


def outcomes(store: Store, campaign: str) -> list[str]:
    """The outcomes that count, in their order."""
    return store.columns.votes(campaign).of_way("outcome").tolist()


def test_live_votes_come_as_columns(store):
    """Each vote with its voter, prompt and sides, in the order they were stored."""
    campaign = small_campaign(store)
    cast(store, campaign, "ann", 1, ("s0", "s1"), "a", decision_ms=1200, first_played=1)
    cast(store, campaign, "bea", 0, ("s2", "s0"), "tie")
    cast(store, campaign, "ann", 2, ("s1", "s2"), "both_bad")
    found = store.columns.votes(campaign)
    assert [found.voters[v] for v in found.voter] == ["ann", "bea", "ann"]
    assert found.prompt.tolist() == [1, 0, 2]
    assert found.of_way("system_a").tolist() == ["s0", "s2", "s1"]
    assert found.of_way("system_b").tolist() == ["s1", "s0", "s2"]
    assert found.of_way("outcome").tolist() == ["a", "tie", "both_bad"]
    assert found.of_way("first_played").tolist() == [1, -1, -1]
    assert found.decision_ms.tolist() == [1200, -1, -1]
    assert (found.taken_back, found.changed) == (0, 0)
    assert store.columns.voters(campaign) == ["ann", "bea"]


def test_a_look_adds_what_came_since(store):
    """Appended, undone and cast anew after a first look: the same as a reader that never looked."""
    campaign, other = small_campaign(store), small_campaign(store)
    first = cast(store, campaign, "ann", 0, ("s0", "s1"), "a")
    cast(store, campaign, "bea", 0, ("s0", "s1"), "b")
    assert outcomes(store, campaign) == ["a", "b"]
    cast(store, other, "ann", 0, ("s0", "s1"), "tie")
    taken_back(store, first)
    assert outcomes(store, campaign) == ["b"]
    cast(store, campaign, "ann", 0, ("s0", "s1"), "tie", serving=first.serving)
    cast(store, campaign, "cid", 0, ("s0", "s1"), "a")
    again = cast(store, campaign, "cid", 1, ("s0", "s1"), "b")
    taken_back(store, again)
    fresh = VoteColumns(store.database).votes(campaign)
    assert outcomes(store, campaign) == ["b", "tie", "a"] == fresh.of_way("outcome").tolist()
    assert (fresh.taken_back, fresh.changed) == (2, 0)
    assert fresh.mark == store.columns.votes(campaign).mark


def test_forgotten_votes_drop_out(store):
    """Rows deleted behind the reader's back are gone at the next look, whatever else came."""
    campaign = small_campaign(store)
    for voter in ("ann", "bea", "cid"):
        cast(store, campaign, voter, 0, ("s0", "s1"), "a")
    store.columns.votes(campaign)
    with store.database.write() as rows:
        rows.execute(
            text("delete from votes where voter = 'bea' and campaign = :c"), {"c": campaign}
        )
    cast(store, campaign, "dan", 0, ("s0", "s1"), "b")  # as many rows as before
    found = store.columns.votes(campaign)
    assert [found.voters[v] for v in found.voter] == ["ann", "cid", "dan"]


def test_scores_and_aspects_belong_to_live_votes(store):
    """Scores of what was taken back are not read; an uncertain label is not a number."""
    campaign = small_campaign(store, "integrity", systems=1, takes=2)
    scores = ((0, "integrity", 1.0), (1, "integrity", None))
    sides = (("s0", 1), ("s0", 0))
    cast(store, campaign, "ann", 0, sides, None, kind="set", scores=scores)
    gone = cast(store, campaign, "bea", 0, sides, None, kind="set", scores=scores)
    taken_back(store, gone)
    columns, found = store.columns.scores(campaign)
    assert columns.of_way("outcome").tolist() == [""]
    assert found.row.tolist() == [0, 0]
    assert found.of_word(2).tolist() == ["1", "0"]  # the takes in the order shown
    assert np.isnan(found.value).tolist() == [False, True] and found.value[0] == 1
    pairs = small_campaign(store, aspects=["quality"])
    cast(store, pairs, "ann", 0, ("s0", "s1"), "a", aspects={"quality": "b"})
    _, said = store.columns.aspects(pairs)
    assert said.words == (("quality", "b"),) and said.row.tolist() == [0]


def test_many_rows_come_in_chunks(store, monkeypatch):
    """Nothing is lost or doubled where one chunk ends."""
    campaign = small_campaign(store)
    for number in range(7):
        cast(store, campaign, f"v{number % 3}", number % 4, ("s0", "s1"), "ab"[number % 2])
    whole = store.columns.votes(campaign)
    assert CHUNK > 7
    for size in (1, 3, 7):
        monkeypatch.setattr("studio.store.vote_columns.CHUNK", size)
        found = VoteColumns(store.database).votes(campaign)
        assert found.position.tolist() == whole.position.tolist()
        assert found.of_way("outcome").tolist() == whole.of_way("outcome").tolist()
        assert [found.voters[v] for v in found.voter] == [whole.voters[v] for v in whole.voter]


def test_a_campaign_without_votes_has_empty_columns(store):
    """Nothing is a fine number of votes."""
    campaign = small_campaign(store)
    assert len(store.columns.votes(campaign)) == 0
    assert store.columns.by_hour(campaign) == []
    _, scores = store.columns.scores(campaign)
    assert len(scores.row) == 0
