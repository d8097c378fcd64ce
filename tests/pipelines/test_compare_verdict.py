"""A comparison in sentences."""

import pytest

from pipelines.compare.pairs import summary
from pipelines.compare.verdict import beforehand, sentence, verdict

JUDGES = {"clap": "CLAP", "integrity": "listener", "order": "listener"}


def measure(name, value, low, high, *, p=None, higher=True, title=None):
    """A measure as `summary` (with p) or `sides` tells it."""
    found = {
        "name": name,
        "title": title or name,
        "higher_is_better": higher,
        "difference": {"value": value, "low": low, "high": high, "count": 20},
    }
    return found if p is None else {**found, "p_holm": p, "detectable": 0.311}


def test_better_worse_and_what_cannot_be_told():
    """Lower is better for a distance; diversity is neither; p rules where there is one."""
    scores = {
        "measures": [
            measure("clap", 0.2, 0.1, 0.3, p=0.01, title="CLAP score"),
            measure("order", 0.3, 0.05, 0.5, p=0.09, title="Order kept"),
        ]
    }
    distances = {
        "measures": [
            measure("fd", -0.1, -0.2, -0.05, higher=False, title="FD"),
            measure("kl", 0.1, 0.05, 0.2, higher=False, title="KL"),
            measure("diversity", -0.1, -0.2, -0.05, higher=None, title="Diversity"),
        ]
    }
    found = verdict(scores, distances)
    assert (found["better"], found["worse"]) == (["clap", "fd"], ["kl"])
    assert (found["neither"], found["unclear"]) == (["diversity"], ["order"])
    assert found["said"][0] == (
        "B is better: CLAP score +0.200 [+0.100, +0.300], FD −0.100 [−0.200, −0.050]."
    )
    assert found["said"][3] == (
        "What these 20 pairs cannot tell: Order kept +30 points of 100 [+5, +50]."
    )
    assert found["said"][4].startswith("The 3 distances (FD, KL, Diversity) are exploratory: ")
    assert "32 points of 100 for Order kept" in found["said"][5]
    alone = verdict(scores, {"measures": distances["measures"][:1]})
    assert not any("exploratory" in said for said in alone["said"] + verdict(scores, None)["said"])


def test_nothing_measured_nothing_said():
    """Before any score there is no verdict; where nothing differs that comes first."""
    assert verdict(None, None) is None
    found = verdict({"measures": [measure("clap", 0.0, -0.1, 0.1, p=1.0)]}, None)
    assert found["said"][0] == "By these pairs, neither side is better."


def test_a_distance_in_words():
    """Both heights, the interval, and the caution."""
    fd = {**measure("fd", -0.1, -0.2, 0.1, higher=False, title="FD"), "a": 0.5, "b": 0.4}
    assert sentence({**fd, "caution": "Few."}) == (
        "FD: A 0.500, B 0.400; 95 % interval of the change −0.200 to +0.100, 20 pairs; "
        "it holds 0: this may be chance. Few."
    )


def test_a_summary_knows_what_it_could_have_found():
    """Six of six turn for the better: 8 pairs find 81 points at best; equal CLAP scores find none."""
    a, b = {"clap": 0.1, "integrity": False}, {"clap": 0.1, "integrity": True}
    found = {row["name"]: row for row in summary([(a, b)] * 6 + [(a, a)] * 2, JUDGES)["measures"]}
    assert found["integrity"]["detectable"] == pytest.approx(0.802, abs=1e-3)
    assert found["clap"]["detectable"] is None


def test_beforehand():
    """Too few pairs are told so; others what they find at best, and as things go."""
    assert beforehand(1).startswith("1 pair cannot show")
    assert "58 points of 100" in beforehand(12)
    assert beforehand(12).endswith("of 76 points, if one in ten does.")
    assert "no gain is sure" in beforehand(8)
