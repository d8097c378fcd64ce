"""How much of a run fits into a sitting, by hand-worked numbers."""

import pytest

from studio.services.finetune.sitting import LEAST, SECONDS, fitting


def test_what_fits_is_what_is_left_of_the_time_in_tens_of_steps():
    """100 s before and two times 40 s of listening leave 300 s: 150 steps of 2 s, 140 of 2.1 s."""
    left = SECONDS - 100 - 2 * 40
    assert left == 300
    found = fitting(1000.0, before=100, hear=40, step=2.0, steps=400)
    assert found == {"steps": 150, "sample_every": 150, "seconds": SECONDS, "limit": SECONDS}
    assert fitting(1000.0, before=100, hear=40, step=2.1, steps=400)["steps"] == 140


def test_a_run_that_is_long_by_listening_alone_keeps_its_steps():
    """90 steps of 2 s would fit; only the moments to hear go."""
    found = fitting(600.0, before=100, hear=40, step=2.0, steps=90)
    assert (found["steps"], found["sample_every"]) == (90, 90)
    assert found["seconds"] == pytest.approx(100 + 80 + 180)


def test_nothing_is_offered_where_it_fits_already_or_next_to_nothing_would():
    """A second over the limit is offered something; 19 steps are too few."""
    told = {"before": 100, "hear": 40, "step": 2.0, "steps": 400}
    assert fitting(SECONDS, **told) is None
    assert fitting(SECONDS + 1, **told) is not None
    slow = (SECONDS - 180) / LEAST
    assert fitting(9000.0, **{**told, "step": slow})["steps"] == LEAST
    assert fitting(9000.0, **{**told, "step": slow * 1.01}) is None
