"""Integrity, order, what is dropped, and the shape of every result."""

import json

import numpy as np
import pytest

from pipelines.compare import events, frechet, kernel, probabilities, similarity
from pipelines.compare.events import Heard
from pipelines.compare.results import KEYS
from pipelines.errors import StudioError

CLIPS = [
    Heard(asked=("Dog", "Rain"), order=(("Dog", "Rain", True),)),
    Heard(asked=("Dog", "Rain"), order=(("Dog", "Rain", False),)),
    Heard(asked=("Dog", "Rain"), missing=("Rain",), order=(("Dog", "Rain", False),)),
    Heard(asked=("Bell", "Rain", "Dog"), missing=("Rain", "Dog")),
    Heard(asked=("Bell",)),
    Heard(asked=()),
]


def test_integrity_by_hand():
    """Of five clips that ask for an event three have all: 3/5; of the three with two, 2/3."""
    found = events.evaluate_integrity(CLIPS, listener="annotator (simulated)")
    assert found["metric"] == "integrity-annotator (simulated)"
    assert (found["value"], found["counts"]) == (0.6, {"clips": 5, "unread": 1})
    assert (found["low"], found["high"]) == pytest.approx((0.2307, 0.8824), abs=1e-4)  # Wilson
    by_length = {n: v["value"] for n, v in found["detail"]["by_number_of_events"].items()}
    assert by_length == {"1": 1.0, "2": pytest.approx(2 / 3), "3": 0.0}


def test_what_is_dropped_by_hand():
    """Rain is missing in 2 of 4, Dog in 1 of 4, Bell never; the second of two in 1 of 3."""
    rates = events.miss_rates(CLIPS)
    assert {label: (r.value, r.count) for label, r in rates.items()} == {
        "Rain": (0.5, 4), "Dog": (0.25, 4), "Bell": (0.0, 2),
    }  # fmt: skip
    assert list(rates) == ["Rain", "Dog", "Bell"]
    places = events.dropped_places(CLIPS)
    assert {place: (r.value, r.count) for place, r in places.items()} == {
        "1 of 2": (0.0, 3), "2 of 2": (pytest.approx(1 / 3), 3),
        "1 of 3": (0.0, 1), "2 of 3": (1.0, 1), "3 of 3": (1.0, 1),
    }  # fmt: skip


def test_a_label_named_twice_counts_once_by_label_and_twice_by_place():
    """A dog, then a dog: one label asked once, two places."""
    clips = [Heard(asked=("Dog", "Dog"), missing=("Dog",))]
    assert events.miss_rates(clips)["Dog"].count == 1
    assert {p: r.value for p, r in events.dropped_places(clips).items()} == {
        "1 of 2": 1.0, "2 of 2": 1.0,
    }  # fmt: skip


def test_order_by_hand():
    """Three clips state an order, one keeps it: 1/3; of the two that are whole: 1/2."""
    found = events.evaluate_order(CLIPS, listener="annotator (simulated)")
    assert (found["value"], found["counts"]["clips"]) == (pytest.approx(1 / 3), 3)
    assert found["detail"]["given_integrity"]["value"] == 0.5
    assert found["detail"]["given_integrity"]["count"] == 2
    assert found["detail"]["pairs_that_hold"] == pytest.approx(1 / 3)


def test_a_missing_event_breaks_an_order_that_it_is_no_part_of():
    """A bell before rain, as a dog barks: bell and rain are in order, the dog is not there."""
    kept = Heard(asked=("Bell", "Rain", "Dog"), order=(("Bell", "Rain", True),))
    lost = Heard(asked=kept.asked, missing=("Dog",), order=kept.order)
    assert events.evaluate_order([kept, lost], listener="a person")["value"] == 0.5
    assert events.order([kept, lost], given_integrity=True).value == 1


def test_order_of_clips_that_are_never_whole():
    """Given integrity there is nothing to count: None, not 0 and not 1."""
    found = events.evaluate_order(CLIPS[2:3], listener="a person")
    assert (found["value"], found["detail"]["given_integrity"]) == (0.0, None)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: events.evaluate_integrity([Heard(asked=())], listener="x"), "None of the 1 capt"),
        (lambda: events.evaluate_order(CLIPS[3:], listener="x"), "None of the 2 captions states"),
        (
            lambda: events.validate([Heard(asked=("Dog",), missing=("Rain",))]),
            "asks for Dog speaks of Rain",
        ),
    ],
)
def test_bad_input_is_refused_in_a_sentence(call, message):
    """No caption that can be read, none with an order, labels that were not asked for."""
    with pytest.raises(StudioError, match=message):
        call()


ROWS = np.random.default_rng(0).normal(size=(30, 4))
RESULTS = {
    "fd": lambda: frechet.evaluate(ROWS, ROWS + 1, embedder="CLAP"),
    "fd change": lambda: frechet.evaluate_change(ROWS, ROWS + 1, ROWS, embedder="CLAP", seed=1),
    "kad": lambda: kernel.evaluate(ROWS, ROWS + 1, embedder="CLAP"),
    "kl": lambda: probabilities.evaluate_divergence(ROWS, ROWS[::-1], classifier="AST", seed=1),
    "is": lambda: probabilities.evaluate_inception(ROWS, classifier="AST"),
    "clap": lambda: similarity.evaluate_clap_score(ROWS, ROWS + 1, embedder="CLAP", seed=1),
    "diversity": lambda: similarity.evaluate_diversity(ROWS, embedder="CLAP"),
    "integrity": lambda: events.evaluate_integrity(CLIPS, listener="a person"),
    "order": lambda: events.evaluate_order(CLIPS, listener="a person"),
}


@pytest.mark.parametrize("name", RESULTS)
def test_every_result_has_the_one_shape(name):
    """The same keys, plain values, the judge in the name, counts, and an interval or why not."""
    found = RESULTS[name]()
    assert tuple(found) == KEYS
    assert found == json.loads(json.dumps(found))
    assert found["judge"]["name"] in found["metric"] or found["metric"].startswith("CLAP-score")
    assert all(count > 0 for key, count in found["counts"].items() if key != "unread")
    if found["low"] is None:
        assert found["interval"].startswith("none: ") and found["high"] is None
    else:
        assert found["low"] <= found["value"] <= found["high"]
