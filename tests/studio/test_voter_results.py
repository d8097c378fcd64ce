"""Reliability of voters: gold, speed and sides, and when leaving out is proposed."""

import pytest

from studio.services.results.voters import proposals
from studio.visitors import HERE
from tests.studio.casting import cast
from tests.studio.small_campaign import small_campaign

GOLD = ("s0", "s0#degraded")


@pytest.fixture
def campaign(services):
    """Three systems, gold, sounds of 0.2 s."""
    return small_campaign(services.store, prompts=10, takes=2, with_gold=True)


def rows_of(services, campaign):
    """The voters' rows by name."""
    return {row["name"]: row for row in services.results.voters(campaign, HERE)["voters"]}


def test_gold_is_right_where_the_whole_sound_won(services, campaign):
    """Ann is right on both sides; bea always takes A and so is right half the time."""
    for prompt in range(10):
        sides = GOLD if prompt % 2 else GOLD[::-1]
        right = "a" if prompt % 2 else "b"
        for voter, outcome in (("ann", right), ("bea", "a")):
            cast(services.store, campaign, voter, prompt, sides, outcome, kind="gold",
                 answer="ab".index(right), decision_ms=900)  # fmt: skip
    found = rows_of(services, campaign)
    assert found["voter 1"]["gold"]["value"] == 1 and found["voter 1"]["proposed"] == []
    assert found["voter 2"]["gold"]["value"] == 0.5
    assert "5 of 10 spoiled sounds" in found["voter 2"]["proposed"][0]


def test_votes_sooner_than_the_sounds_last_are_hasty(services, campaign):
    """Two sounds of 0.2 s need 400 ms; a vote without its time is not called hasty."""
    for prompt in range(10):
        cast(services.store, campaign, "ann", prompt, ("s0", "s1"), "a", decision_ms=399)
        cast(services.store, campaign, "bea", prompt, ("s1", "s0"), "tie", decision_ms=401)
        cast(services.store, campaign, "cid", prompt, ("s1", "s0"), "tie")
    found = rows_of(services, campaign)
    assert [found[f"voter {n}"]["hasty"]["value"] for n in (1, 2, 3)] == [1, 0, 0]
    assert any("cannot have been heard" in said for said in found["voter 1"]["proposed"])
    assert found["voter 2"]["proposed"] == []
    assert found["voter 1"]["median_seconds"] == pytest.approx(0.399)


def test_who_scores_in_no_time_is_hasty_too(services):
    """A set of three sounds of 0.2 s needs 600 ms."""
    campaign = small_campaign(services.store, "ovl_rel")
    scores = tuple((place, aspect, 50.0) for place in range(3) for aspect in ("OVL", "REL"))
    for voter, ms in (("ann", 599), ("bea", 601)):
        sides = ("s2", "s0", "s1")
        cast(services.store, campaign, voter, 0, sides, None, kind="set", scores=scores,
             decision_ms=ms)  # fmt: skip
    found = rows_of(services, campaign)
    assert [found[name]["hasty"]["value"] for name in ("voter 1", "voter 2")] == [1, 0]


def test_one_side_always_is_proposed_and_chance_is_not():
    """30 of 30 for A is beyond doubt; 20 of 30 is not."""
    nothing = {"count": 0, "value": None, "low": None, "high": None}
    always = {"count": 30, "value": 1.0, "low": 0.89, "high": 1.0}
    often = {"count": 30, "value": 0.67, "low": 0.49, "high": 0.81}
    row = {"gold": nothing, "hasty": nothing, "side_a_anywhere": always}
    assert "100 % of 30 decided votes went to side A" in proposals(row)[0]
    assert proposals({**row, "side_a_anywhere": often}) == []
    never = {"count": 30, "value": 0.0, "low": 0.0, "high": 0.11}
    assert "went to side B" in proposals({**row, "side_a_anywhere": never})[0]
