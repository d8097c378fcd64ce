"""Captions: BATON's grammar forwards (writing) and backwards (reading), and the order they state."""

import pytest

from pipelines.soundworld.captions import (
    CONJUNCTIONS_THREE,
    CONJUNCTIONS_TWO,
    order_pairs,
    read_caption,
    write_caption,
)
from pipelines.soundworld.events import LABELS
from pipelines.soundworld.lexicon import phrases
from pipelines.soundworld.vocabulary import known_words, nearest_known, unknown_words


@pytest.mark.parametrize("foreign", [False, True])
@pytest.mark.parametrize("joint", CONJUNCTIONS_TWO)
def test_what_is_written_with_two_events_is_read_back(joint, foreign):
    """Every label and phrasing survives writing and reading, with the order of its conjunction."""
    for number, first in enumerate(LABELS):
        second = LABELS[(number + 7) % len(LABELS)]
        for choice in range(3):
            text = write_caption([first, second], [joint], [choice, choice], foreign=foreign)
            found = read_caption(text)
            assert found.labels == (first, second), text
            assert found.order == order_pairs([joint]), text


@pytest.mark.parametrize("joints", CONJUNCTIONS_THREE)
def test_what_is_written_with_three_events_is_read_back(joints):
    """The same for every pair of conjunctions of Table 11."""
    for number, first in enumerate(LABELS):
        labels = [first, LABELS[(number + 5) % len(LABELS)], LABELS[(number + 11) % len(LABELS)]]
        text = write_caption(labels, list(joints), [0, 1, 2])
        found = read_caption(text)
        assert found.labels == tuple(labels), text
        assert found.order == order_pairs(joints), text


def test_order_is_partial():
    """Worked by hand: only ordering conjunctions bind, and two in a row bind the ends too."""
    assert order_pairs(["with", "and then"]) == ((1, 2),)
    assert order_pairs(["followed by", "and"]) == ((0, 1),)
    assert order_pairs(["then", "followed by"]) == ((0, 1), (0, 2), (1, 2))
    assert order_pairs(["while"]) == ()


def test_loose_wordings_are_read_by_their_telling_words():
    """A prompt that no template wrote still names its events."""
    assert read_caption("Church bells! then the loud thunder.").labels == ("Church bell", "Thunder")
    assert read_caption("purple monkeys").labels == ()


def test_foreign_wordings_share_no_phrase_with_home():
    """The foreign split tests words that training never saw."""
    for label in LABELS:
        home = {p.finite for p in phrases(label)}
        assert home.isdisjoint(p.finite for p in phrases(label, foreign=True))


def test_unknown_words_are_named_with_the_nearest_known():
    """By meaning first, by spelling next, else none."""
    assert unknown_words("a dog barks, then lightning and zzyzx") == ["lightning", "zzyzx"]
    assert nearest_known("lightning") == "thunder"
    assert nearest_known("barkin") == "barking"
    assert nearest_known("zzyzx") is None
    assert nearest_known("pony") in known_words()
