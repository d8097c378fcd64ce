"""The simulated annotator's labels: shares of Table 3, doubt by hand, marked as simulated."""

import numpy as np
import pytest

from pipelines.errors import StudioError
from pipelines.soundworld.events import LABELS
from pipelines.soundworld.labels import SLIP_SHARE, annotate, doubt_of
from pipelines.soundworld.listeners import Hearing


def hearing(**probability: tuple[int, int, float]) -> Hearing:
    """Dog=(0, 20, 0.9) is heard with 0.9 in frames 0 to 19 of 100."""
    rows = np.zeros((100, len(LABELS)))
    for label, (start, stop, value) in probability.items():
        rows[start:stop, LABELS.index(label)] = value
    times = (np.arange(100) + 0.5) * 0.08
    return Hearing(times=times, probability=rows, activity=rows >= 0.5, labels=LABELS, events=[])


def test_doubt_by_hand():
    """Evidence 0.9 leaves a doubt of 0.2, 0.5 is all doubt, silence none; the worst event counts."""
    assert doubt_of(hearing(Dog=(0, 20, 0.9)), "a dog barks") == pytest.approx(0.2)
    assert doubt_of(hearing(Dog=(0, 20, 0.5)), "a dog barks") == pytest.approx(1.0)
    assert doubt_of(hearing(), "a dog barks") == 0
    both = hearing(Dog=(0, 20, 1.0), Rain=(30, 60, 0.7))
    assert doubt_of(both, "a dog barks then rain falls") == pytest.approx(0.6)


@pytest.mark.parametrize(("task", "share"), [("integrity", 0.155), ("temporal", 0.028)])
def test_uncertain_labels_have_the_share_of_table_3_and_the_most_doubt(task, share):
    """Of 1000 labels 155 (28) are uncertain, and no certain one is more doubtful."""
    rng = np.random.default_rng(0)
    heard = [hearing(Dog=(0, 20, float(p))) for p in rng.uniform(size=1000)]
    labels = annotate(heard, ["a dog barks"] * 1000, task=task, seed=1)
    doubtful = [label.doubt for label in labels if label.value is None]
    assert len(doubtful) == round(1000 * share)
    assert min(doubtful) >= max(label.doubt for label in labels if label.value is not None)
    assert all(label.simulated for label in labels)


def test_slips_have_their_share_and_their_seed():
    """About 4 in 100 clear labels are wrong, the same ones for the same seed."""
    heard = [hearing(Dog=(0, 20, 1.0))] * 2000
    first, again = (annotate(heard, ["a dog barks"] * 2000, task="temporal", seed=3) for _ in "ab")
    assert first == again
    given = [label.value for label in first if label.value is not None]
    assert 1 - np.mean(given) == pytest.approx(SLIP_SHARE, abs=0.015)


def test_the_temporal_task_asks_for_order_too():
    """Both events, the wrong way round: integrity says yes, temporal no (apart from slips)."""
    heard = [hearing(Dog=(50, 80, 1.0), Rain=(0, 30, 1.0))] * 50
    captions = ["a dog barks then rain falls"] * 50
    integrity = [x.value for x in annotate(heard, captions, task="integrity", seed=0)]
    temporal = [x.value for x in annotate(heard, captions, task="temporal", seed=0)]
    assert integrity.count(1) > 35 and temporal.count(0) > 40


def test_bad_requests_say_why():
    """Unknown task, unequal lists."""
    with pytest.raises(StudioError, match='no task "mood"'):
        annotate([], [], task="mood", seed=0)
    with pytest.raises(StudioError, match="1 sounds and 0 captions"):
        annotate([hearing()], [], task="integrity", seed=0)
