"""What the way to an aligned model took: hand-worked seconds of jobs, and of what was heard."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from pipelines.errors import StudioError
from studio.services.compare.sitting import sitting_of
from studio.store.jobs import DONE, FAILED, Job

DAY = "2026-01-01T10"


def job(name, begun, over, *, owner="me", status=DONE, request=None, findings=None):
    """A job between two moments of ten o'clock, as minutes and seconds."""
    return Job(
        id=name, kind="any", owner=owner, request=request or {}, status=status, phase=0, progress=1.0,
        note="", notices=[], error=None, stop_asked=False, worker=None,
        created_at=f"{DAY}:00:00+00:00", started_at=f"{DAY}:{begun}+00:00",
        finished_at=f"{DAY}:{over}+00:00", findings=findings or {}, candidates=[],
    )  # fmt: skip


LABELS = job("labels", "01:00", "02:30")
REWARD = job("reward", "12:00", "12:40.5")
RUN = job("run", "13:00", "20:00", request={"campaigns": ["labels"], "reward": "reward"})
SIDES = {"sides": {"a": {"adapter": None}, "b": {"adapter": "ab"}}}
LAST = job("last", "21:00", "23:00", findings=SIDES)


class Shelf:
    """Three jobs, a campaign of two sounds of which each was heard by one person, an adapter."""

    def __init__(self, **changes):
        self.told = {"labels": LABELS, "reward": REWARD, "run": RUN, **changes}
        self.jobs = self
        self.campaigns = SimpleNamespace(
            clips=lambda name: [SimpleNamespace(source=one) for one in ("x", "y", "y")]
        )
        votes = [SimpleNamespace(heard=(9500, 10000)), SimpleNamespace(heard=(500, 0))]
        self.votes = SimpleNamespace(live_votes=lambda name: votes)
        self.record = lambda adapter: {"run": "run", "simulated": changes.get("simulated", False)}

    def get(self, name):
        """A job by its name."""
        return self.told.get(name)

    def sitting(self, comparison=LAST):
        """What the page is told."""
        return sitting_of(self, self, comparison)


def test_parts_add_up_and_listening_is_apart():
    """90 + 40.5 + 420 + 120 s of the machine; 20 s of sound were heard."""
    found = Shelf().sitting()
    assert [(one["what"], one["seconds"]) for one in found["parts"]] == [
        ("making 2 sounds to label", 90.0),
        ("training the reward", 40.5),
        ("fine-tuning", 420.0),
        ("this comparison", 120.0),
    ]
    assert (found["seconds"], found["listened"]) == (pytest.approx(670.5), 20.0)


def test_what_was_not_done_here_is_left_out():
    """CLAP as the reward, an imported campaign, and simulated listeners, whom nobody's time went to."""
    by_clap = replace(RUN, request={"campaigns": ["labels"], "reward": "clap"})
    whats = [one["what"] for one in Shelf(run=by_clap, labels=None).sitting()["parts"]]
    assert whats == ["fine-tuning", "this comparison"]
    assert Shelf(simulated=True).sitting()["listened"] == 0


def test_only_a_done_comparison_of_ones_own_model_tells_of_it():
    """Not one that failed, of two bases, of a model that is gone, of the shipped, or of another's."""
    assert Shelf().sitting(replace(LAST, status=FAILED)) is None
    assert Shelf().sitting(replace(LAST, findings={})) is None
    assert Shelf(run=None).sitting() is None
    assert Shelf(run=replace(RUN, owner="another")).sitting() is None
    gone = Shelf()

    def refuse(adapter):
        raise StudioError("The adapter is not here any more.")

    gone.record = refuse
    assert gone.sitting() is None
