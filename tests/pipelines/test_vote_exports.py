"""Votes as training rows: what is kept, what is left out and why, and that no phrasing crosses."""

import pytest

from pipelines.errors import StudioError
from pipelines.vote import exports


def vote(outcome: str, clips=("k1", "k2"), prompt="a dog barks", **more) -> dict:
    """One person's vote on two sounds."""
    row = {"prompt": prompt, "clip_a": clips[0], "clip_b": clips[1], "outcome": outcome}
    return row | {"kind": "ab", "seconds": 10.0} | more


def test_votes_on_two_sounds_come_together():
    """k2 wins on side B, then on side A; k1 once: 2 of 3, whichever side it sat on."""
    found, unread = exports.pairs(
        [vote("b"), vote("a", ("k2", "k1")), vote("a"), vote("skip"), vote("a", kind="gold")]
    )
    (pair,) = found
    assert (pair.chosen, pair.rejected, pair.votes) == ("k2", "k1", 3)
    assert pair.agreement == pytest.approx(2 / 3) and unread == {"skip": 1, "gold": 1}
    (row,) = exports.preferences(found).rows
    assert row["prompt"] == "a dog barks" and (row["chosen"], row["rejected"]) == ("k2", "k1")
    assert exports.tangoflux(found).rows == [
        {"captions": "a dog barks", "duration": 10.0, "chosen": "k2", "reject": "k1"}
    ]


def test_a_sound_is_never_chosen_over_itself():
    """Two systems that make the same bytes leave nothing to choose: counted, never a pair."""
    assert exports.pairs([vote("a", ("k1", "k1"))]) == ([], {"the same sound twice": 1})


@pytest.mark.parametrize(
    ("outcomes", "reason", "asked"),
    [
        (["tie", "tie", "a"], "tie", {"ties": True}),
        (["both_bad", "both_bad", "b"], "both bad", {"both_bad": True}),
        (["a", "a", "b", "b", "b"], None, {}),
        (["a", "a", "b", "b", "b", "tie"], "low agreement", {"least_agreement": 0.5}),
        (["a", "both_bad"], "both bad", {"both_bad": True}),
        (["a"], None, {}),
    ],
)
def test_what_never_trains_unless_asked(outcomes, reason, asked):
    """Ties, both bad and low agreement stay out, are counted by reason, and come when asked for."""
    found, _ = exports.pairs([vote(outcome) for outcome in outcomes])
    plain = exports.preferences(found)
    assert plain.left_out == ({reason: 1} if reason else {})
    assert len(plain.rows) == (reason is None)
    assert len(exports.preferences(found, exports.Rules(**asked)).rows) == 1


@pytest.mark.parametrize("outcomes", [["tie"], ["both_bad"], ["a", "b"], ["tie", "a", "b"]])
def test_without_a_lean_nothing_trains_even_when_asked(outcomes):
    """No sound won more often: there is nothing to choose, whatever the rules."""
    found, _ = exports.pairs([vote(outcome) for outcome in outcomes])
    rules = exports.Rules(ties=True, both_bad=True, least_agreement=0.0)
    assert exports.preferences(found, rules).left_out == {"no lean": 1}


def test_too_few_votes_is_a_reason():
    """A rule may ask for several votes on a pair."""
    found, _ = exports.pairs([vote("a")])
    assert exports.tangoflux(found, exports.Rules(least_votes=2)).left_out == {"too few votes": 1}


def test_simulated_votes_are_never_mixed_with_peoples():
    """One simulated row among people's is an error that counts both."""
    with pytest.raises(StudioError, match="1 votes are simulated and 1 are of people"):
        exports.pairs([vote("a"), vote("a", simulated=True)])
    assert exports.pairs([vote("a", simulated=True)])[0]


def label(value, clip="k1", task="integrity", **more) -> dict:
    """One person's label of one sound."""
    row = {"prompt": "dog then rain", "clip": clip, "label": value, "task": task, "rater": "ann"}
    return row | {"labels": ["Dog", "Rain"]} | more


def test_triplets_keep_uncertain():
    """BATON's triplets: text, sound, label, nothing dropped; a label that is none is refused."""
    found = exports.triplets([label(1), label("uncertain"), label(0, "k2")])
    assert [row["label"] for row in found.rows] == [1, "uncertain", 0]
    assert {row["group"] for row in found.rows} == {"labels: dog + rain"}
    for wrong in (2, True, "yes"):
        with pytest.raises(StudioError, match="allowed are 0, 1 and uncertain"):
            exports.triplets([label(wrong)])


def test_unpaired_rows_follow_the_majority():
    """1, 1, 0 is true; 1, 0 has no lean; uncertain alone is left out; tasks are kept apart."""
    rows = [label(1), label(1), label(0), label(1, "k2"), label(0, "k2"), label("uncertain", "k3")]
    found = exports.unpaired([*rows, label(0, task="temporal")])
    assert [(r["completion"], r["task"], r["label"]) for r in found.rows] == [
        ("k1", "integrity", True),
        ("k1", "temporal", False),
    ]
    assert found.left_out == {"no lean": 1, "uncertain": 1}


def test_no_phrasing_of_the_same_events_crosses_a_split():
    """Any order of the labels, any wording, and a row that forgot its labels: one group, one split."""
    rows = [
        vote("a", prompt="a dog barks, then rain", labels=["Dog", "Rain"]),
        vote("a", prompt="rain while a dog barks", labels=["rain", "Dog "]),
        vote("a", ("k3", "k4"), prompt="rain while a dog barks"),
    ]
    found, _ = exports.pairs(rows)
    groups = {row["group"] for row in exports.preferences(found).rows}
    assert groups == {"labels: dog + rain"}
    with pytest.raises(StudioError, match="belongs to one group"):
        exports.label_groups([rows[0], rows[0] | {"labels": ["Cat"]}])
