"""Results of campaigns: each view against the pure functions, who is left out, who may look."""

import json
import re

import pytest
from sqlalchemy import text

from components.vote_figures import results_figure
from pipelines.errors import StudioError
from pipelines.vote import board
from pipelines.vote.battles import read
from studio.refusals import NotAllowed, Unknown
from studio.services.results.counted import gather, outcomes_of
from studio.services.results.results import Wish
from studio.store.vote_columns import VoteColumns
from studio.visitors import HERE
from tests.studio.casting import cast, taken_back
from tests.studio.small_campaign import small_campaign

# (voter, prompt, sides, outcome): s0 is mostly better than s1, and s2 is worst
BATTLES = [
    ("ann", 0, ("s0", "s1"), "a"), ("ann", 1, ("s1", "s0"), "b"), ("ann", 2, ("s0", "s2"), "a"),
    ("bea", 0, ("s1", "s2"), "a"), ("bea", 1, ("s2", "s0"), "tie"), ("bea", 2, ("s0", "s1"), "b"),
    ("cid", 0, ("s0", "s1"), "a"), ("cid", 3, ("s2", "s1"), "both_bad"), ("cid", 1, ("s1", "s2"), "a"),
    ("dan", 0, ("s0", "s2"), "a"), ("dan", 2, ("s1", "s2"), "skip"), ("dan", 3, ("s0", "s1"), "a"),
]  # fmt: skip


@pytest.fixture
def services(either):
    """On SQLite and on PostgreSQL."""
    return either


@pytest.fixture
def voted(services):
    """A campaign with the battles above, and what enters no rating: gold and one system twice."""
    campaign = small_campaign(services.store, takes=2, with_gold=True, aspects=["quality"])
    for voter, prompt, sides, outcome in BATTLES:
        cast(services.store, campaign, voter, prompt, sides, outcome, aspects={"quality": "tie"})
    cast(services.store, campaign, "ann", 0, (("s1", 0), ("s1", 1)), "a", kind="same_system")
    sides = ("s0#degraded", "s0")
    cast(services.store, campaign, "ann", 0, sides, "b", kind="gold", answer=1)
    gone = cast(services.store, campaign, "eve", 0, ("s2", "s0"), "a")
    taken_back(services.store, gone)
    return campaign


def rows(battles):
    """As `battles.read` wants them."""
    return [
        {"voter": voter, "prompt": prompt, "system_a": a, "system_b": b, "outcome": outcome}
        for voter, prompt, (a, b), outcome in battles
    ]


@pytest.mark.parametrize("intervals", board.INTERVALS)
def test_the_board_is_the_pure_one(services, voted, intervals):
    """Gold, same-system and taken-back votes are in no rating; all else is as the science says."""
    found = services.results.view(voted, HERE, Wish(intervals=intervals))
    expected = board.evaluate(read(rows(BATTLES)), seed=1, intervals=intervals)
    sides = found["board"]["sides"]
    assert {k: v for k, v in found["board"].items() if k != "sides"} == expected
    assert sides["count"] == 10 and sides["value"] == 0.8  # of nine, and one of one system
    assert found["counts"]["by_kind"] == {"ab": 12, "same_system": 1, "gold": 1}
    assert found["counts"]["left_out"] == {"taken back": 1}
    assert found["counts"]["voters"] == 4
    assert json.loads(json.dumps(found)) == found


def test_the_verdict_says_who_leads_or_what_is_missing(services, voted):
    """Ten judged votes of four people do not tell s0 and s1 apart, and the sentence says so."""
    said = services.results.view(voted, HERE)["verdict"]
    assert "not yet apart" in said[0] and "System s0" in said[0]
    assert "4 voters, 10 votes" in said[0]
    empty = small_campaign(services.store)
    found = services.results.view(empty, HERE)
    assert found["board"] is None
    assert found["verdict"] == ["No vote says yet which of two systems is better."]


def test_a_clear_lead_is_said(services):
    """Ten people, each for s0 at least as often: the interval stays above nought."""
    campaign = small_campaign(services.store, systems=2)
    for voter in range(10):
        for prompt in range(4):
            outcome = "b" if prompt < voter % 3 else "a"
            cast(services.store, campaign, f"v{voter}", prompt, ("s0", "s1"), outcome)
    said = services.results.view(campaign, HERE)["verdict"][0]
    assert re.fullmatch(
        r"System s0 leads System s1 by \d+ points \[\+\d+, \+\d+\]; 10 voters, 40 votes\.", said
    ), said


def test_two_votes_do_not_make_two_systems_close(services):
    """One vote each way: a gap of nought, an interval of thousands, so nothing is known yet."""
    campaign = small_campaign(services.store, systems=2)
    for voter, outcome in enumerate("ab"):
        cast(services.store, campaign, f"v{voter}", 0, ("s0", "s1"), outcome)
    said = services.results.view(campaign, HERE)["verdict"][0]
    assert "too few votes to say how many more it takes" in said, said


def test_an_aspect_has_a_board_of_its_own(services, voted):
    """Everybody called quality equal; another aspect than the campaign's is refused."""
    found = services.results.view(voted, HERE, Wish(aspect="quality"))["board"]
    assert found["ties"] == found["votes"] == 12
    with pytest.raises(StudioError, match="no board of the aspect 'beauty'; choose from quality"):
        services.results.view(voted, HERE, Wish(aspect="beauty"))
    with pytest.raises(StudioError, match="Intervals by 'luck'"):
        services.results.view(voted, HERE, Wish(intervals="luck"))


def test_a_group_of_prompts_is_read_alone(services):
    """By tag, by how many events, by which events."""
    prompts = [
        {"text": "a", "seconds": 0.2, "labels": ["dog", "rain"], "tags": ["temporal"]},
        {"text": "b", "seconds": 0.2, "labels": ["dog"], "tags": []},
    ]
    campaign = small_campaign(services.store, prompts=2)
    definition = services.store.campaigns.get(campaign).definition | {"prompts": prompts}
    other = services.store.campaigns.add(HERE, definition).id
    cast(services.store, other, "ann", 0, ("s0", "s1"), "a")
    cast(services.store, other, "ann", 1, ("s0", "s1"), "b")
    found = services.results.view(other, HERE)
    names = {one["name"] for one in found["choices"]["groups"]}
    assert names == {"tag:temporal", "events:1"}  # of those with the same prompts the first
    for group, wins in (("tag:temporal", 1), ("events:1", 0), ("labels:dog, rain", 1)):
        one = services.results.view(other, HERE, Wish(group=group))
        assert one["board"]["wins"][0][1] == wins and one["counts"]["votes"] == 1
        assert one["counts"]["left_out"] == {"on other prompts": 1}
    with pytest.raises(StudioError, match="no group of prompts 'tag:x'"):
        services.results.view(other, HERE, Wish(group="tag:x"))


def test_exclusions_are_recorded_lifted_and_counted(services, voted):
    """Without ann and one vote of bea; the board beside says how it was with them; then lifted."""
    found = {row["name"]: row for row in services.results.voters(voted, HERE)["voters"]}
    assert list(found) == ["voter 1", "voter 2", "voter 3", "voter 4"]
    assert "ann" not in json.dumps(found)
    services.results.exclude(voted, HERE, reason="was the author", voter=found["voter 1"]["key"])
    single = services.store.votes.live_votes(voted, "bea")[2].id
    services.results.exclude(voted, HERE, reason="slip of the key", vote=single)
    view = services.results.view(voted, HERE)
    kept = [row for row in BATTLES if row[0] != "ann" and row != BATTLES[5]]
    expected = board.evaluate(read(rows(kept)), seed=1)
    assert view["board"]["systems"] == expected["systems"]
    assert view["counts"]["left_out"] == {
        "of excluded voters": 5, "excluded one by one": 1, "taken back": 1,
    }  # fmt: skip
    whole = services.results.view(voted, HERE, Wish(with_excluded=True))["board"]["systems"]
    points = {row["system"]: row["points"] for row in whole}
    assert {row["system"]: row["points_with"] for row in view["beside"]} == points
    with pytest.raises(StudioError, match="left out already"):
        services.results.exclude(voted, HERE, reason="again", voter=found["voter 1"]["key"])
    listed = services.results.voters(voted, HERE)
    assert listed["voters"][0]["excluded"]["reason"] == "was the author"
    assert listed["single"][0]["vote"] == single
    services.results.lift(voted, HERE, reason="it was not", voter=found["voter 1"]["key"])
    services.results.lift(voted, HERE, reason="no slip", vote=single)
    again = services.results.view(voted, HERE)
    assert "beside" not in again and again["counts"]["excluded"] == 0
    reasons = [one.reason for one in services.store.votes.exclusions(voted)]
    assert reasons == ["was the author", "slip of the key", "it was not", "no slip"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"reason": "x", "voter": "k"}, "1 characters"),
        ({"reason": "good enough", "voter": "nobody"}, "no such voter"),
        ({"reason": "good enough", "vote": "none"}, "no such vote"),
        ({"reason": "good enough"}, "either a voter"),
    ],
)
def test_an_exclusion_without_sense_is_refused(services, voted, asked, said):
    """Each with the sentence that says what to do."""
    with pytest.raises(StudioError, match=said):
        services.results.exclude(voted, HERE, **asked)


def test_forgetting_changes_the_board(services, voted):
    """Votes that were deleted are in nothing that is computed afterwards."""
    before = services.results.view(voted, HERE)
    with services.store.database.write() as writing:
        whose = {"voter": "bea", "campaign": voted}
        mine = "voter = :voter and campaign = :campaign"
        inside = f"delete from vote_aspects where vote in (select id from votes where {mine})"
        for question in (inside, f"delete from votes where {mine}"):
            writing.execute(text(question), whose)
    after = services.results.view(voted, HERE)
    expected = board.evaluate(read(rows([r for r in BATTLES if r[0] != "bea"])), seed=1)
    assert after["board"]["systems"] == expected["systems"]
    assert before["counts"]["votes"] - after["counts"]["votes"] == 3


def test_only_the_owner_sees_what_is_not_listed(services):
    """Nor does anybody else exclude, list voters, or read disputed items."""
    hidden = small_campaign(services.store, is_listed=False, owner="ann")
    shown = small_campaign(services.store, owner="ann")
    for look in (services.results.view, services.results.agreement, services.results.by_hour):
        with pytest.raises(NotAllowed, match="for its owner alone"):
            look(hidden, "bea")
        look(hidden, "ann")
        look(shown, "bea")
        with pytest.raises(Unknown, match="no such campaign"):
            look("nowhere", "bea")
    for act in (services.results.voters, services.results.disputed):
        with pytest.raises(NotAllowed, match="Only who made this campaign"):
            act(shown, "bea")
    with pytest.raises(NotAllowed, match="Only who made this campaign"):
        services.results.exclude(shown, "bea", reason="because", voter="x")
    with pytest.raises(NotAllowed, match="Only who made this campaign"):
        services.results.submit(services.worker, shown, "bea")


def test_simulated_votes_are_called_so(services):
    """The head of the results, its notes and its verdict say whose votes they are."""
    campaign = small_campaign(services.store, voters="simulated")
    cast(services.store, campaign, "sim", 0, ("s0", "s1"), "a")
    found = services.results.view(campaign, HERE)
    assert found["voters_are"] == "simulated"
    assert "no person voted" in found["notes"][0]
    assert "1 simulated voter, 1 vote" in found["verdict"][0]


def test_a_board_is_made_once_for_a_set_of_votes(services, voted, monkeypatch):
    """Asked again nothing is computed; one vote more and it is."""
    made = []
    evaluate = board.evaluate
    monkeypatch.setattr(
        "studio.services.results.pairwise.board.evaluate",
        lambda *args, **told: made.append(1) or evaluate(*args, **told),
    )
    for _ in range(3):
        services.results.view(voted, HERE)
    assert len(made) == 1
    cast(services.store, voted, "fay", 0, ("s0", "s1"), "a")
    services.results.view(voted, HERE)
    assert len(made) == 2


def test_disputed_items_are_told_with_a_warning(services, voted):
    """Prompt 0, s0 against s1: all three say s0; prompt 2: one each, so that comes first."""
    cast(services.store, voted, "cid", 2, ("s1", "s0"), "b")
    found = services.results.disputed(voted, HERE)
    assert "should not vote" in found["warning"]
    first = found["items"][0]
    assert first["prompt"] == "prompt 2" and first["disagreement"] == 1.0
    assert first["sounds"] == ["s0 take 1", "s1 take 1"]
    assert first["answers"] == {"first better": 1, "second better": 1}


def test_the_controlled_board_is_a_job_whose_result_is_kept(services, voted, work):
    """As heard and controlled stand side by side; a vote more makes it old."""
    assert services.results.view(voted, HERE)["controlled"] is None
    job = services.results.submit(services.worker, voted, HERE)
    assert services.results.submit(services.worker, voted, HERE) == job  # one at a time
    assert services.results.view(voted, HERE)["controlled"]["status"] == "waiting"
    work(services)
    found = services.results.view(voted, HERE)["controlled"]
    assert found["status"] == "done" and not found["is_old"]
    assert found["result"]["pulls"][0]["name"] == "side A"
    names = [pull["name"] for pull in found["result"]["pulls"]]
    assert "played loudness" in names and "source loudness" not in names  # gains differ, LUFS not
    assert {row["system"] for row in found["result"]["systems"]} == {"s0", "s1", "s2"}
    figure = results_figure("controlled", services.results.view(voted, HERE))
    assert [trace["name"] for trace in figure["data"]] == ["as heard", "controlled"]
    cast(services.store, voted, "fay", 0, ("s0", "s1"), "a")
    found = services.results.view(voted, HERE)["controlled"]
    assert found["is_old"] and "ask for it again" in found["said"][-1]


def test_columns_agree_with_the_rows(services, voted):
    """A fresh reader sees what the one of the studio sees."""
    fresh = VoteColumns(services.store.database).votes(voted)
    assert fresh.mark == services.store.columns.votes(voted).mark


def test_votes_that_come_while_one_reads_do_not_mix(services, voted):
    """Aspects read after a vote was taken back are still laid beside their own votes."""
    campaign = services.store.campaigns.get(voted)
    ballots = gather(services.store, campaign)
    before = outcomes_of(services.store, ballots, "quality")
    first = services.store.votes.live_votes(voted, "ann")[0]
    taken_back(services.store, first)
    cast(services.store, voted, "fay", 0, ("s0", "s1"), "a", aspects={"quality": "b"})
    after = outcomes_of(services.store, ballots, "quality")
    assert before.tolist() == ["tie"] * 12 + [""] * 2
    assert after.tolist() == ["", *before[1:].tolist()]


def test_a_side_that_sways_is_said(services):
    """Ten people who mostly take A: the sentence says so; in the fixture's votes it does not."""
    campaign = small_campaign(services.store, systems=2)
    for voter in range(10):
        for prompt in range(4):
            sides = ("s0", "s1") if prompt % 2 else ("s1", "s0")
            outcome = "b" if prompt == 0 and voter % 2 else "a"
            cast(services.store, campaign, f"v{voter}", prompt, sides, outcome)
    notes = services.results.view(campaign, HERE)["notes"]
    assert any(said.startswith("Side A won 88 %") for said in notes), notes


def test_nobody_is_told_of_a_side_that_does_not_sway(services, voted):
    """Eight of ten with four people is within chance, and so are two of two with two."""
    campaign = small_campaign(services.store, systems=2)
    for voter in range(2):
        cast(services.store, campaign, f"v{voter}", 0, ("s0", "s1"), "a")
    notes = services.results.view(campaign, HERE)["notes"]
    assert not [said for said in notes if "Side A" in said], notes
    assert not [said for said in services.results.view(voted, HERE)["notes"] if "Side A" in said]
