"""Results of scores and labels: OVL and REL, opinions, shares, agreement, against worked examples."""

import json

import pytest

from components.vote_figures import results_figure
from studio.services.results.results import Wish
from studio.visitors import HERE
from tests.studio.casting import cast, taken_back
from tests.studio.small_campaign import small_campaign

HUNDREDS = {"ann": ((80, 60, 20), (90, 70, 40)), "bea": ((70, 60, 50), (60, 60, 10))}


def scored(services, campaign, voter, prompt, values, aspects, take=0):
    """A vote that gives each system these values of each aspect."""
    scores = tuple(
        (place, aspect, value) for place, value in enumerate(values) for aspect in aspects
    )
    sides = tuple((f"s{place}", take) for place in range(len(values)))
    return cast(services.store, campaign, voter, prompt, sides, None, kind="set", scores=scores)


def labelled(services, campaign, voter, prompt, labels):
    """A vote that labels the takes of one system."""
    scores = tuple((place, "integrity", label) for place, label in enumerate(labels))
    sides = tuple(("s0", take) for take in range(len(labels)))
    return cast(services.store, campaign, voter, prompt, sides, None, kind="set", scores=scores)


@pytest.fixture
def hundreds(services):
    """Two people, two prompts, three systems, OVL and REL alike."""
    campaign = small_campaign(services.store, "ovl_rel", prompts=2)
    for voter, sets in HUNDREDS.items():
        for prompt, values in enumerate(sets):
            scored(services, campaign, voter, prompt, values, ("OVL", "REL"))
    return campaign


def test_ovl_and_rel_have_z_ranks_elo_and_means(services, hundreds):
    """Means of s0: (80 + 90 + 70 + 60) / 4 = 75; ranks of s0: 1, 1, 1, 1.5; mode 1.

    z of ann's 80: her mean is 60, her deviation sqrt((400 + 0 + 1600 + 900 + 100 + 400) / 6)
    = 23.805, so 0.840.
    """
    found = services.results.view(hundreds, HERE)
    assert [table["scale"] for table in found["tables"]] == ["OVL", "REL"]
    first = found["tables"][0]["systems"][0]
    assert first["system"] == "s0"
    assert first["mean"]["value"] == 75 and first["modes"] == [1]
    assert first["rank"]["value"] == pytest.approx(1.125)
    assert first["spread"] == {"low": 60, "q1": 67.5, "median": 75, "q3": 82.5, "high": 90}
    ranks = [row["rank"]["value"] for row in found["tables"][0]["systems"]]
    assert sum(ranks) == pytest.approx(6)
    assert found["verdict"][0].startswith("OVL: System s0 is first with a mean z-score of 0.8")
    assert "2 voters, 12 scores" in found["verdict"][0]
    json.dumps(found)


def test_a_vote_taken_back_and_an_excluded_voter_score_nothing(services, hundreds):
    """With bea left out s0's mean is (80 + 90) / 2; what cid took back never counts."""
    taken_back(services.store, scored(services, hundreds, "cid", 0, (0, 0, 0), ("OVL", "REL")))
    keys = {r["name"]: r["key"] for r in services.results.voters(hundreds, HERE)["voters"]}
    services.results.exclude(hundreds, HERE, reason="a test", voter=keys["voter 2"])
    found = services.results.view(hundreds, HERE)["tables"][0]
    assert found["raters"] == 1 and found["systems"][0]["mean"]["value"] == 85
    assert found["systems"][0]["mean"]["low"] is None  # one person tells nothing of others


def test_only_the_prompts_of_a_tag_are_read(services):
    """As the TangoFlux study's multi-event and temporal prompts."""
    prompts = [{"text": str(n), "seconds": 0.2, "labels": [], "tags": tags}
               for n, tags in enumerate((["temporal"], []))]  # fmt: skip
    campaign = small_campaign(services.store, "ovl_rel", prompts=0)
    definition = services.store.campaigns.get(campaign).definition | {"prompts": prompts}
    other = services.store.campaigns.add(HERE, definition).id
    for prompt, values in enumerate(((80, 60, 20), (10, 20, 30))):
        scored(services, other, "ann", prompt, values, ("OVL", "REL"))
    found = services.results.view(other, HERE, Wish(group="tag:temporal"))["tables"][0]
    assert {row["system"]: row["mean"]["value"] for row in found["systems"]} == {
        "s0": 80, "s1": 60, "s2": 20,
    }  # fmt: skip


def test_opinions_have_the_usual_interval_and_the_papers(services):
    """Two people, three prompts; at 0.96 the interval is wider than at 0.95."""
    campaign = small_campaign(services.store, "mos", systems=2, prompts=3)
    for voter, sets in {"ann": ((5, 3), (4, 3), (5, 2)), "bea": ((4, 4), (4, 2), (5, 3))}.items():
        for prompt, values in enumerate(sets):
            scored(services, campaign, voter, prompt, values, ("alignment", "quality"))
    found = services.results.view(campaign, HERE)
    row = found["tables"][1]["systems"][0]
    assert found["tables"][1]["scale"] == "quality" and row["system"] == "s0"
    assert row["mean"]["value"] == 4.5 and row["mean"]["level"] == 0.95
    assert row["paper"]["level"] == 0.96 and row["paper"]["low"] < row["mean"]["low"]
    difference = found["tables"][1]["differences"][0]
    assert difference["value"] == pytest.approx(4.5 - 17 / 6)


def test_labels_have_shares_by_system_and_by_group(services):
    """Ann: 1, 0, uncertain; bea: 1, 1, 0: three of six aligned, two not, one uncertain."""
    prompts = [{"text": "a", "seconds": 0.2, "labels": ["dog", "rain"], "tags": []},
               {"text": "b", "seconds": 0.2, "labels": ["dog"], "tags": []}]  # fmt: skip
    campaign = small_campaign(services.store, "integrity", systems=1, prompts=0, takes=3)
    definition = services.store.campaigns.get(campaign).definition | {"prompts": prompts}
    other = services.store.campaigns.add(HERE, definition).id
    labelled(services, other, "ann", 0, (1, 0, None))
    labelled(services, other, "bea", 0, (1, 1, 0))
    table = services.results.view(other, HERE)["tables"][0]
    shares = {n: table["whole"][n]["value"] for n in ("aligned", "not_aligned", "uncertain")}
    assert shares == pytest.approx({"aligned": 1 / 2, "not_aligned": 1 / 3, "uncertain": 1 / 6})
    assert {one["group"] for one in table["groups"]} == {"2 events"}
    assert table["systems"][0]["labels"] == 6
    figure = results_figure("labels", services.results.view(other, HERE))
    assert [bar["x"][0] for bar in figure["data"]] == pytest.approx([50, 100 / 3, 100 / 6])


def test_agreement_on_labels_is_krippendorffs(services):
    """Alike on two sounds, unlike on one: of the pairs 1,1 / 0,0 / 1,0 the alpha is 4/9.

    Coincidences: o11 = 2, o00 = 2, o10 = o01 = 1, so n1 = n0 = 3, n = 6; observed 2/6, expected
    2 * 3 * 3 / (6 * 5) = 3/5; alpha = 1 - (1/3) / (3/5) = 4/9.
    """
    campaign = small_campaign(services.store, "integrity", systems=1, prompts=1, takes=3)
    labelled(services, campaign, "ann", 0, (1, 0, 1))
    labelled(services, campaign, "bea", 0, (1, 0, 0))
    found = services.results.agreement(campaign, HERE)
    one = found["questions"][0]
    assert one["value"] == pytest.approx(4 / 9)
    assert (one["items"], one["raters"], one["scale"]) == (3, 2, "nominal")
    assert "alpha 0.44" in found["said"][0]
    dispute = services.results.disputed(campaign, HERE)["items"]
    assert [row["sounds"] for row in dispute] == [["s0 take 3"]]
    assert dispute[0]["answers"] == {"aligned": 1, "not aligned": 1}


def test_agreement_without_overlap_says_so(services):
    """One person on each item: nothing can agree."""
    campaign = small_campaign(services.store, "integrity", systems=1, prompts=2, takes=2)
    labelled(services, campaign, "ann", 0, (1, 0))
    labelled(services, campaign, "bea", 1, (1, 0))
    found = services.results.agreement(campaign, HERE)
    assert found["questions"][0]["value"] is None
    assert "two people or more judged 0 items" in found["said"][0]


def test_nothing_scored_is_said(services):
    """An empty campaign of every task has a verdict and no table."""
    for task in ("integrity", "temporal", "mos", "ovl_rel"):
        campaign = small_campaign(services.store, task)
        found = services.results.view(campaign, HERE)
        assert found["tables"] == [] and found["verdict"] == ["Nothing is scored yet."]
        assert services.results.agreement(campaign, HERE)["said"]
        assert services.results.voters(campaign, HERE)["voters"] == []
        assert services.results.disputed(campaign, HERE)["items"] == []
