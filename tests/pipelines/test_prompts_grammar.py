"""BATON's captions by grammar: groups, conjunctions, order; the language model's words and faults."""

from collections import Counter

import pytest

from pipelines.errors import StudioError
from pipelines.prompts.grammar import (
    CONJUNCTIONS,
    IN_ORDER,
    INTEGRITY,
    TAKES_GERUND,
    TEMPORAL,
    Ask,
    draw_asks,
    order_of,
    plain_phrase,
    write_caption,
)
from pipelines.prompts.instructions import fault_of, read_answers, request_message, system_message
from pipelines.soundworld import captions as soundworld

LABELS = ["Dog", "Rain", "Baby cry, infant cry", "Siren", "Waves, surf", "Boat, Water vehicle"]
TWO = Ask(task=INTEGRITY, labels=("Dog", "Rain"), conjunctions=("followed by",))
THREE = Ask(task=TEMPORAL, labels=("Dog", "Rain", "Siren"), conjunctions=("with", "and then"))


def test_conjunctions_and_their_order_are_those_of_the_sound_world():
    """Two stages that may not see each other, one paper: Tables 10 and 11."""
    assert tuple(joint for (joint,) in CONJUNCTIONS[INTEGRITY]) == soundworld.CONJUNCTIONS_TWO
    assert CONJUNCTIONS[TEMPORAL] == soundworld.CONJUNCTIONS_THREE
    assert TAKES_GERUND == soundworld.TAKES_GERUND and IN_ORDER == soundworld.IN_ORDER
    for joints in (*CONJUNCTIONS[INTEGRITY], *CONJUNCTIONS[TEMPORAL]):
        assert order_of(joints) == soundworld.order_pairs(joints)


def test_order_by_hand():
    """ "before ... as": the first before the second, and nothing of the third."""
    assert order_of(["before", "as"]) == ((0, 1),)
    assert order_of(["and"]) == () and order_of(["then"]) == ((0, 1),)
    assert THREE.order == ((1, 2),)


@pytest.mark.parametrize(("task", "size"), [(INTEGRITY, 2), (TEMPORAL, 3)])
def test_groups_are_different_and_conjunctions_evenly_spread(task, size):
    """12 groups: no group twice, no label twice in one, each conjunction once or twice."""
    asks = draw_asks(LABELS, task, 12, seed=1)
    assert len({frozenset(ask.labels) for ask in asks}) == 12
    assert all(len(set(ask.labels)) == size == len(ask.conjunctions) + 1 for ask in asks)
    counts = Counter(ask.conjunctions for ask in asks)
    assert set(counts) == set(CONJUNCTIONS[task]) and max(counts.values()) <= 2


def test_a_seed_names_its_asks():
    """The same again, whatever the order of the labels; another seed, others."""
    assert draw_asks(LABELS, TEMPORAL, 8, seed=1) == draw_asks(LABELS[::-1], TEMPORAL, 8, seed=1)
    assert draw_asks(LABELS, TEMPORAL, 8, seed=1) != draw_asks(LABELS, TEMPORAL, 8, seed=2)


def test_more_groups_than_there_are_cannot_be_drawn():
    """6 labels make 15 pairs and 20 triples."""
    assert len(draw_asks(LABELS, INTEGRITY, 15, seed=0)) == 15
    with pytest.raises(
        StudioError, match="16 groups of 2 .* 6 labels make 15; ask for 1 to 15, or"
    ):
        draw_asks(LABELS, INTEGRITY, 16, seed=0)
    with pytest.raises(StudioError, match="1 labels make 0; give more labels"):
        draw_asks(["Dog"], INTEGRITY, 1, seed=0)
    with pytest.raises(StudioError, match="integrity or temporal"):
        draw_asks(LABELS, "quality", 1, seed=0)


def test_captions_by_grammar():
    """Event, conjunction, event; a comma stands at the word."""
    assert write_caption(TWO) == "dog followed by rain"
    comma = Ask(task=INTEGRITY, labels=("Waves, surf", "Motor vehicle (road)"), conjunctions=(",",))
    assert write_caption(comma) == "waves, motor vehicle"
    assert write_caption(comma, wording=1) == "surf, motor vehicle"
    assert plain_phrase("(x)") == "(x)"

    def phrase(label, joint, wording):
        return f"{label.lower()}{'ing' if joint == 'and then' else 's'}"

    assert write_caption(THREE, phrase) == "dogs with rains and then sirening"


def test_the_model_is_told_labels_conjunctions_and_form():
    """Both asks stand in the request, in their order, with word-for-word conjunctions."""
    said = request_message([TWO, THREE])
    assert "1. [Dog] followed by [Rain]" in said
    assert "2. [Dog] with [Rain] and then [Siren]" in said and "JSON" in said
    assert "(a comma)" in request_message(
        [Ask(task=INTEGRITY, labels=("A", "B"), conjunctions=(",",))]
    )
    assert "no other sound" in system_message()


def test_answers_are_found_in_what_a_model_writes():
    """Around talk and fences, out of order; the full stop goes; a missing one is told."""
    text = (
        "Sure!\n```json\n"
        '{"number": 2, "caption": "A dog barks with rain falling and then a siren wails."}\n'
        '{"number": 1, "caption": "a dog  barks followed by rain"}\n{broken}\n```'
    )
    one, two, three = read_answers(text, [TWO, THREE, TWO])
    assert (one.caption, one.fault) == ("a dog barks followed by rain", None)
    assert (two.caption, two.fault) == (
        "A dog barks with rain falling and then a siren wails",
        None,
    )
    assert three.caption is None and three.fault == "The model gave no caption for this one."


@pytest.mark.parametrize(
    ("caption", "fault"),
    [
        ("a dog barks and rain falls", "does not join its events by 'followed by'"),
        ("followed by rain", "does not join its events by 'followed by'"),
        ("a dog barks followed by", "Nothing follows its last conjunction"),
        ("a dog barks followed by rain then thunder", "also says 'then'"),
        ("a dog barks after a while followed by rain", "also says 'after'"),
        ("word " * 41 + "followed by rain", "44 words; 40 are the most"),
    ],
)
def test_captions_that_do_not_say_what_was_asked_are_told(caption, fault):
    """What can be seen without knowing what the words mean."""
    assert fault in fault_of(caption, TWO)


def test_then_within_and_then_is_no_fault():
    """The longer conjunction is taken out first."""
    ask = Ask(task=TEMPORAL, labels=("A", "B", "C"), conjunctions=("and then", "and"))
    assert fault_of("a bark and then rain and a siren", ask) is None
    both = Ask(task=TEMPORAL, labels=("A", "B", "C"), conjunctions=("followed by", "followed by"))
    assert fault_of("a followed by b followed by c", both) is None
    assert "also says" in fault_of("a followed by b followed by c followed by d", both)
