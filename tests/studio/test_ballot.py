"""What is refused of a vote, and of voting too soon or too fast, each in a sentence."""

from datetime import UTC, datetime, timedelta

import pytest

from pipelines.errors import StudioError
from studio.refusals import Conflict, TooFast
from studio.services.vote.hearing import check_heard
from studio.services.vote.pace import Pace
from tests.studio.ballots import ballot, joined, scores, shown_to
from tests.studio.small_campaign import small_campaign


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": "1"}, "make a random UUID"),
        ({"outcome": "A"}, "allowed are a, b, tie, both_bad, skip"),
        ({"outcome": None}, "allowed are a, b"),
        ({"action": "delete"}, "allowed are cast and undo"),
        ({"system": "s0"}, "'system' is no field of a vote"),
        ({"aspects": ["quality"]}, "give an object"),
        ({"aspects": {"beauty": "a"}}, "no aspect of this campaign"),
        ({"aspects": {"quality": "skip"}}, "allowed are a, b, tie, both_bad"),
        ({"reason": "x" * 1001}, "at most 1000 characters"),
        ({"reason": 7}, "at most 1000 characters"),
        ({"heard": [1]}, "give the ms of 2 sounds"),
        ({"heard": [1, -1]}, "whole number, 0 to"),
        ({"heard": [1, True]}, "whole number, 0 to"),
        ({"heard": [1, 1e300]}, "whole number, 0 to"),
        ({"first_played": 2}, "first_played is 2"),
        ({"decision_ms": 0.5}, "decision_ms is 0.5"),
        ({"interface": "x" * 81}, "at most 80 characters"),
    ],
)
def test_each_fault_of_a_vote_is_a_sentence(services, changes, said):
    campaign = small_campaign(services.store, aspects=["quality"], prompts=1)
    voter = joined(services, campaign)
    serving = shown_to(services, campaign, voter)
    with pytest.raises(StudioError, match=said):
        services.voting.cast(ballot(serving, **changes), voter)
    assert services.store.votes.live(serving["id"]) is None


@pytest.mark.parametrize(
    ("task", "value", "said"),
    [
        ("integrity", 2, "allowed are 1, 0, and null"),
        ("integrity", True, "allowed are 1, 0, and null"),
        ("mos", 6, "1 to 5"),
        ("mos", 2.5, "in steps of 1"),
        ("mos", None, "must be a number"),
        ("ovl_rel", 100.5, "0 to 100"),
        ("ovl_rel", float("nan"), "must be a number"),
        ("ovl_rel", "70", "must be a number"),
    ],
)
def test_scores_stay_on_their_scale(services, task, value, said):
    campaign = small_campaign(services.store, task, prompts=1, takes=2)
    aspects = services.store.campaigns.get(campaign).definition["aspects"]
    voter = joined(services, campaign)
    serving = shown_to(services, campaign, voter)
    sent = ballot(serving, outcome=None, scores=scores(serving, aspects, value))
    with pytest.raises(StudioError, match=said):
        services.voting.cast(sent, voter)
    good = scores(serving, aspects, 1)
    for given, why in (
        (good[:-1], "has no score of"),
        ([*good, good[0]], "has two scores"),
        ([{**good[0], "place": 9}, *good[1:]], "places are 0 to"),
        ("none", "give a list"),
    ):
        with pytest.raises(StudioError, match=why):
            services.voting.cast(ballot(serving, outcome=None, scores=given), voter)
    assert services.voting.cast(ballot(serving, outcome="skip", scores=[]), voter)


def test_half_steps_are_an_option(services):
    campaign = small_campaign(services.store, "mos", half_steps=True)
    voter = joined(services, campaign)
    serving = shown_to(services, campaign, voter)
    given = scores(serving, ["alignment", "quality"], 3.5)
    assert services.voting.cast(ballot(serving, outcome=None, scores=given), voter)


def test_the_clock_of_hearing():
    """Two sounds of 10 s, 0.8 asked: 16 s must have passed since the first was fetched."""
    serving = type("S", (), {"clips": [type("C", (), {"seconds": 10.0})] * 2})
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    fetched = {0: begun.isoformat(), 1: (begun + timedelta(seconds=1)).isoformat()}
    for passed, claimed, fits in (
        (15.9, (8000, 8000), False),
        (16.0, (8000, 8000), True),
        (60.0, (8000, 7900), False),
        (60.0, (99999, 99999), True),
    ):
        moment = begun + timedelta(seconds=passed)
        if fits:
            check_heard(serving, claimed, fetched, 0.8, moment)
        else:
            with pytest.raises(Conflict):
                check_heard(serving, claimed, fetched, 0.8, moment)
    check_heard(serving, (0, 0), {}, 0)


def test_a_pace_fills_as_time_passes():
    """60 a minute, 2 at once: the third waits 1 s; a second later there is room for one."""
    moment = [0.0]
    pace = Pace(60, 2, clock=lambda: moment[0])
    pace.take("ann", "the next vote")
    pace.take("ann", "the next vote")
    with pytest.raises(TooFast, match="wait 1 s before the next vote"):
        pace.take("ann", "the next vote")
    pace.take("bob", "the next vote")
    moment[0] = 1.0
    pace.take("ann", "the next vote")
    with pytest.raises(TooFast):
        pace.take("ann", "the next vote")
