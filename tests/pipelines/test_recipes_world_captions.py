"""BATON's grammar in the words of the embedded world."""

import pytest

from pipelines.errors import StudioError
from pipelines.prompts.grammar import write_caption
from pipelines.recipes.world_captions import draw_world_asks, world_phrase
from pipelines.soundworld import captions as soundworld
from pipelines.soundworld.splits import split_of


@pytest.mark.parametrize("task", ["integrity", "temporal"])
def test_captions_are_the_worlds_own_and_are_read_back(task):
    """The same words as the world writes; its reader finds the labels and the order asked for."""
    for number, ask in enumerate(draw_world_asks(task, 60, split="train", seed=3)):
        caption = write_caption(ask, world_phrase, wording=number)
        own = soundworld.write_caption(
            list(ask.labels), list(ask.conjunctions), [number] * len(ask.labels)
        )
        assert caption == own
        reading = soundworld.read_caption(caption)
        assert reading.labels == ask.labels and reading.order == ask.order


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_groups_keep_to_their_split(split):
    """Which events occur together decides, for pairs and for triples."""
    for task in ("integrity", "temporal"):
        asks = draw_world_asks(task, 20, split=split, seed=1)
        assert {split_of(ask.labels) for ask in asks} == {split}


def test_what_cannot_be_drawn_is_told():
    """No such split; more pairs than the split has."""
    with pytest.raises(StudioError, match="split is 'all'; it must be one of train, dev, test"):
        draw_world_asks("integrity", 1, split="all", seed=0)
    with pytest.raises(StudioError, match="300 groups of 2 were asked for and .* were found"):
        draw_world_asks("integrity", 300, split="dev", seed=0)
