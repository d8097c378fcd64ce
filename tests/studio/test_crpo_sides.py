"""Rewards of a run's base against an iteration, for the histogram of the Reward tab."""

from types import SimpleNamespace

import numpy as np
import pytest

from components.reward_figures import sides_figure
from pipelines.errors import StudioError
from studio.refusals import Conflict, Unknown
from studio.services.finetune.crpo.sides import run_sides
from studio.services.finetune.listening import HELD_OUT
from studio.services.reward.rewards import Rewards
from studio.visitors import HERE
from tests.studio.fake_improving import improved_here

ASKED = {"recipe": "crpo", "title": "Mine", "prompts": ["a dog barks"],
         "settings": {"iterations": 2, "seed": 1}}  # fmt: skip


class Rising:
    """A reward that finds every sound that it is asked for later a little better."""

    revision = "r1"

    def __init__(self) -> None:
        self.heard = 0

    def score(self, clips, sample_rate, texts) -> np.ndarray:
        places = np.arange(self.heard, self.heard + len(clips))
        self.heard += len(clips)
        return 0.3 + 0.01 * places


@pytest.fixture
def run(services, work, monkeypatch) -> str:
    """A run of two iterations that was heard, and a reward model that is there."""
    job = SimpleNamespace(id="x" * 32, request={"title": "Ours", "simulated": True})
    rising = Rising()
    monkeypatch.setattr(Rewards, "job_of", lambda *asked: job)
    monkeypatch.setattr(Rewards, "scorer", lambda *asked: rising)
    with improved_here(services):
        found = services.finetune.start(HERE, ASKED)
        work(services)
    return found


def test_base_and_iteration_are_judged_on_the_prompts_that_were_heard(services, run):
    """As a comparison is: both sides, and the mean change with its interval over prompts."""
    found = run_sides(services.finetune, "x" * 32, HERE, run, 2)
    assert found["pairs"] == len(found["a"]["rewards"]) == HELD_OUT
    assert (found["a"]["title"], found["b"]["title"]) == ("Sine", "Mine, iteration 2")
    assert found["change"]["value"] == pytest.approx(0.01 * HELD_OUT)
    assert found["simulated"] is True
    assert "simulated listeners" in sides_figure(found)["said"]


def test_what_was_not_heard_is_said(services, run):
    """An iteration that is not there, a run of nobody."""
    for number in (0, 3):
        with pytest.raises(Conflict, match=f"Iteration {number} was not heard yet"):
            run_sides(services.finetune, "x" * 32, HERE, run, number)
    with pytest.raises(Unknown, match="no such run"):
        run_sides(services.finetune, "x" * 32, "b" * 32, run, 1)
    assert issubclass(Conflict, StudioError)
