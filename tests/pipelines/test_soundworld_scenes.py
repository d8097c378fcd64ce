"""Scenes: drawn from seeds, kept to their split, laid out as the caption says, marked when wrong."""

import numpy as np
import pytest

from pipelines.errors import StudioError
from pipelines.soundworld.captions import read_caption
from pipelines.soundworld.scenes import (
    SCENE_KINDS,
    all_combinations,
    draw_scene,
    render_scene,
    scene_of_caption,
)
from pipelines.soundworld.splits import split_of

DRAWN = [draw_scene(seed) for seed in range(1500)]


def test_the_same_seed_gives_the_same_scene_and_the_same_bytes():
    """Everything comes from the seed."""
    assert draw_scene(7) == draw_scene(7)
    assert np.array_equal(render_scene(draw_scene(7)), render_scene(draw_scene(7)))
    assert draw_scene(7) != draw_scene(8)


def test_lengths_and_labels_lie_within_the_scene():
    """3 to 10.24 s, onsets before offsets, nothing after the end."""
    for scene in DRAWN:
        assert 3.0 <= scene.seconds <= 10.24
        for event in scene.events:
            assert 0 <= event.onset < event.offset <= scene.seconds
            assert event.offset - event.onset > 0.7


def test_events_lie_in_the_order_that_the_clean_caption_states():
    """The later event of an ordering conjunction begins after the earlier one ends."""
    for scene in DRAWN:
        found = read_caption(scene.caption)
        at = {event.label: event for event in scene.events}
        for i, j in found.order:
            assert at[found.labels[i]].offset <= at[found.labels[j]].onset + 1e-6


def test_splits_share_no_combination():
    """A combination belongs to one split whatever its order; all three splits are there."""
    for count in (2, 3):
        found = {split_of(labels) for labels in all_combinations(count)}
        assert found == {"train", "dev", "test"}
    for split in ("dev", "test"):
        for seed in range(200):
            scene = draw_scene(seed, split=split, kind="three in order")
            assert split_of(event.label for event in scene.events) == split


def test_the_foreign_split_has_other_words_and_several_references():
    """Out of domain: wider ranges, other phrasings."""
    scene = draw_scene(3, split="test", foreign=True, kind="two in order")
    assert scene.spread > 1 and len(scene.references) == 2
    assert read_caption(scene.caption).labels == read_caption(scene.references[0]).labels


def test_scene_kinds_have_as_many_events_as_they_say():
    """One, two, two, three."""
    for kind, count in zip(SCENE_KINDS, (1, 2, 2, 3), strict=True):
        assert len(draw_scene(1, kind=kind).events) == count


def test_a_caption_becomes_a_scene_that_does_what_it_says():
    """`cli world render` on a person's words."""
    scene = scene_of_caption("rain falls then a dog barks", 1, seconds=6.0)
    first, second = sorted(scene.events, key=lambda event: event.onset)
    assert (first.label, second.label) == ("Rain", "Dog")
    assert render_scene(scene).shape == (1, 96_000)


@pytest.mark.parametrize(
    ("caption", "seconds", "said"),
    [
        ("purple monkeys", 5.0, "names 0 events"),
        ("a dog barks and a puppy barks loudly", 5.0, "different ones"),
        ("a dog barks then rain falls", 1.0, "these events need"),
        ("a dog barks", 60.0, "to 10.24 s"),
    ],
)
def test_captions_that_cannot_be_rendered_say_why(caption, seconds, said):
    """What was got, what is allowed."""
    with pytest.raises(StudioError, match=said):
        scene_of_caption(caption, 1, seconds=seconds)
