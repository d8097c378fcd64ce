"""Captions in anybody's words: which labels they say, which order they promise, and what is not read."""

import pytest

from pipelines.prompts.grammar import write_caption
from pipelines.prompts.label_sets import LabelSet, Wording
from pipelines.prompts.reading import read_caption, stem
from pipelines.recipes.world_captions import draw_world_asks, read_world_caption, world_labels

PAIR = ["Dog", "Rain"]
WORLD = world_labels()


@pytest.mark.parametrize(("task", "count"), [("integrity", 100), ("temporal", 150)])
def test_what_the_grammar_wrote_is_read_back_by_both_readers(task, count):
    """Every conjunction, many wordings: no label missing, the very order."""
    for number, ask in enumerate(draw_world_asks(task, count, split="train", seed=5)):
        caption = write_caption(ask, WORLD.phrase, wording=number)
        for reading in (
            read_caption(caption, ask.labels, WORLD.words),
            read_world_caption(caption, ask.labels),
        ):
            assert (reading.missing, reading.order, reading.why) == ((), ask.order, None), caption


def test_captions_of_the_paper():
    """Table 2: words like the labels are found; "at first" and the like are left to a person."""
    labels = ["Crying, sobbing", "Toilet flush", "Female singing"]
    found = read_caption("A child crying, then toilet flushes as a woman's singing", labels, str)
    assert found.order == ((0, 1),)
    found = read_caption("Child crying at first, then a toilet flushes, as singing", labels, str)
    assert found.order is None and "“first”" in found.why
    found = read_caption(
        "Dogs and wolves howl and bark, rustling leaves", ["Canidae, dogs, wolves", "Rustle"], str
    )
    assert (found.missing, found.order) == ((), ())


@pytest.mark.parametrize(
    ("caption", "order"),
    [
        ("rain falls before the dog barks", ((1, 0),)),
        ("as rain falls, the dog barks", ()),
        ("the dog barks, then rain falls", ((0, 1),)),
        ("RAIN FALLS AND A DOG BARKS.", ()),
    ],
)
def test_other_words_and_turned_sides(caption, order):
    """The order is of the labels, whichever is said first; both readers agree."""
    assert read_caption(caption, PAIR, WORLD.words).order == order
    assert read_world_caption(caption, PAIR).order == order


@pytest.mark.parametrize(
    ("caption", "why"),
    [
        ("before rain falls, a dog barks", "A word of order stands where it joins no two events"),
        ("rain falls after a dog barks", "“after”"),
        ("a dog barks, rain falls, the dog howls", "Dog in two places"),
        ("a dog barks then howls and rain falls", "joins Dog and Rain in a way that is not read"),
        ("a dog barks rain falls", "in a way that is not read"),
        ("a cat and a cow", "The words for Dog and Rain were not found"),
    ],
)
def test_what_cannot_be_read_is_said_and_not_guessed(caption, why):
    """No order rather than a wrong one."""
    found = read_caption(caption, PAIR, WORLD.words)
    assert found.order is None and why in found.why
    assert read_world_caption(caption, PAIR).order is None or "rain falls" in caption


def test_words_that_two_labels_share_do_not_tell_them_apart():
    """ "Dog" and "Whimper (dog)": only "whimper" tells the second; nothing tells the first."""
    found = read_caption("a dog whimpers", ["Dog", "Whimper (dog)"], str)
    assert found.missing == ("Dog",)


def test_labels_of_any_script_are_read():
    """Words are letters, not English ones."""
    own = LabelSet(name="x", labels=("Klingel",), wordings={})
    found = read_caption("Tür knarrt und dann Glöckchen, then ein Hund", ["Tür", "Hund"], own.words)
    assert found.order == ((0, 1),)


def test_stems_bring_forms_together_and_keep_short_words():
    """Forms of one word meet; sing is not s."""
    assert {stem(word) for word in ("cry", "cries", "crying", "cried")} == {"cri"}
    assert stem("singing") == stem("sings") == "sing" and stem("hiss") == "hiss"
    assert stem("ringing") == stem("rings") == "ring" != stem("singing")


def test_the_worlds_labels_word_as_its_own_writer_does():
    """A wording each, as in the lexicon."""
    assert WORLD.wordings["Dog"][0] == Wording(finite="a dog barks", gerund="a dog barking")
    assert len(WORLD.labels) == len(set(WORLD.labels)) >= 24
