"""Faults of the corpus: marked, in habits, within the split, and leaving the scenes alone."""

import pytest

from pipelines.soundworld.captions import read_caption
from pipelines.soundworld.faults import BACKGROUND, FAULTS, LONGEST, LOOSE
from pipelines.soundworld.scenes import draw_scene
from pipelines.soundworld.splits import split_of

DRAWN = [draw_scene(seed) for seed in range(2500)]


def test_a_caption_is_marked_exactly_when_it_is_not_the_truth():
    """Marked ones differ, unmarked ones are the true caption; every fault occurs."""
    for scene in DRAWN:
        assert (scene.fault is None) == (scene.noisy_caption == scene.caption)
    found = {name for scene in DRAWN if scene.fault for name in scene.fault.split(", ")}
    assert found == set(FAULTS)


def test_a_background_that_is_named_sounds_half_of_the_time():
    """So no guidance can tell. Other events that are named do sound."""
    told = [
        (label in BACKGROUND, label in {event.label for event in scene.events})
        for scene in DRAWN
        for label in read_caption(scene.noisy_caption).labels
        if len(read_caption(scene.noisy_caption).labels) > 1
    ]
    background = [sounds for is_background, sounds in told if is_background]
    assert sum(background) / len(background) == pytest.approx(0.5, abs=0.05)
    assert all(sounds for is_background, sounds in told if not is_background)


@pytest.mark.parametrize(("joint", "expected"), [("then", 0.5), ("followed by", 1.0)])
def test_a_loose_joint_says_nothing_of_order_and_a_strict_one_does(joint, expected):
    """Of two events that sound in order, joined so: how often the caption has them right."""
    assert (joint in LOOSE) == (expected == 0.5)
    right = []
    for seed in range(4000, 7000):
        scene = draw_scene(seed, kind="two in order")
        first, second = (event.label for event in sorted(scene.events, key=lambda e: e.onset))
        told = read_caption(scene.noisy_caption).labels
        if f" {joint} " in scene.noisy_caption and " and then " not in scene.noisy_caption:
            if sorted(told) == sorted((first, second)):
                right.append(told == (first, second))
    assert len(right) > 150
    assert sum(right) / len(right) == pytest.approx(expected, abs=0.1)


def test_no_caption_names_a_combination_of_another_split_or_more_than_it_may():
    """What is held out stays held out, wrong captions included."""
    for scene in DRAWN:
        labels = read_caption(scene.noisy_caption).labels
        assert 1 <= len(labels) <= LONGEST
        assert split_of(labels) == "train", scene


def test_one_sound_alone_is_never_left_out():
    """A caption names something that sounds."""
    for scene in DRAWN:
        sounding = {event.label for event in scene.events}
        assert sounding & set(read_caption(scene.noisy_caption).labels)
