"""Partial orders of two and three events: all of them, in words, in a cell and back."""

import pytest

from pipelines.errors import StudioError
from pipelines.prompts.grammar import CONJUNCTIONS, order_of
from pipelines.prompts.orders import (
    check_order,
    closed,
    every_order,
    order_cell,
    order_words,
    read_order_cell,
)

NAMES = ["Dog", "Rain", "Siren"]


def test_there_are_3_and_19():
    """The numbers of partial orders on two and three things; each closed, none with a circle."""
    assert [len(every_order(size)) for size in (1, 2, 3)] == [1, 3, 19]
    for order in every_order(3):
        assert closed(order) == order and all((j, i) not in order for i, j in order)


def test_every_order_that_conjunctions_state_is_among_them():
    """Tables 10 and 11."""
    for task, joints in CONJUNCTIONS.items():
        for joint in joints:
            assert order_of(joint) in every_order(2 if task == "integrity" else 3)


@pytest.mark.parametrize(
    ("order", "words", "cell"),
    [
        ((), "in any order", "none"),
        (((1, 2),), "Rain before Siren, Dog at any time", "2<3"),
        (((0, 1), (0, 2)), "Dog before Rain and Siren", "1<2; 1<3"),
        (((0, 2), (1, 2)), "Dog and Rain before Siren", "1<3; 2<3"),
        (((0, 1), (0, 2), (2, 1)), "Dog, then Siren, then Rain", "1<2; 1<3; 3<2"),
    ],
)
def test_words_and_cells(order, words, cell):
    """As a person says them, and as a table keeps them."""
    assert (order_words(NAMES, order), order_cell(order)) == (words, cell)


def test_no_two_orders_are_told_alike_and_cells_are_read_back():
    """19 sentences, 19 cells."""
    assert len({order_words(NAMES, order) for order in every_order(3)}) == 19
    assert all(read_order_cell(order_cell(order), 3) == order for order in every_order(3))
    assert read_order_cell(" ", 3) is None and order_cell(None) == ""
    assert read_order_cell("1<2;2<3", 3) == ((0, 1), (0, 2), (1, 2))


@pytest.mark.parametrize("pairs", [[(0, 0)], [(0, 1), (1, 0)], [(0, 3)], [[0]], "ab", None, 7])
def test_what_is_no_order_is_refused(pairs):
    """A circle, an event that is not there, no pairs at all."""
    with pytest.raises(StudioError, match="give pairs of two different events, from 0 to 2"):
        check_order(pairs, 3)


def test_a_cell_that_cannot_be_read_is_told():
    """It is somebody's own column."""
    with pytest.raises(StudioError, match="The order is 'first dog'; write it as 1<2; 1<3"):
        read_order_cell("first dog", 3)


@pytest.mark.parametrize("size", [0, 1, 4, 12])
def test_an_order_is_told_of_two_or_three_events(size):
    """Of twelve there are so many that listing them would never end."""
    with pytest.raises(StudioError, match=f"There are {size} labels; an order is told of two"):
        check_order([(0, 1)], size)
