import doctest

import numpy as np
import pytest

from pipelines.seeds import numpy_generator
from pipelines.soundworld import voters
from pipelines.soundworld.events import LABELS
from pipelines.soundworld.listeners import Hearing
from pipelines.soundworld.voters import (
    NOISE,
    Opinion,
    Taste,
    battle,
    holes_in,
    opinion,
    score,
    taste_of,
)
from pipelines.vote.degraded import degraded

PLAIN = Taste(error=0.0, tie_width=0.05, bias=0.0)
GOOD = Opinion(relevance=0.9, quality=0.9, is_known=True)
POOR = Opinion(relevance=0.4, quality=0.4, is_known=True)
BAD = Opinion(relevance=0.0, quality=0.1, is_known=True)


def heard(**shares: float) -> Hearing:
    """A hearing of 50 frames in which each label sounds for a share of the time."""
    probability = np.full((50, len(LABELS)), 0.02)
    for label, share in shares.items():
        probability[: int(50 * share), LABELS.index(label)] = 0.9
    return Hearing(
        times=np.arange(50) / 12.5, probability=probability, activity=probability > 0.5,
        labels=LABELS, events=[],
    )  # fmt: skip


def test_the_examples_hold():
    """The docstrings are worked examples."""
    assert doctest.testmod(voters).failed == 0


def test_more_of_what_is_asked_is_worth_more():
    """Both events, one of them, none: 1, then half the demands, then nothing."""
    both, one, none = (opinion(heard(**s), "a dog barks and rain falls")
                       for s in ({"Dog": 0.5, "Rain": 0.5}, {"Dog": 0.5}, {}))  # fmt: skip
    assert (both.relevance, one.relevance, none.relevance) == (1.0, 0.5, 0.0)
    assert both.quality == pytest.approx(0.9) and one.quality == pytest.approx(0.46)
    assert both.worth > one.worth > none.worth
    assert not opinion(heard(), "qwxz").is_known


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [(GOOD, POOR, "a"), (POOR, GOOD, "b"), (BAD, BAD, "both_bad")],
)
def test_a_plain_difference_is_told(a, b, said):
    """Whatever the noise of 0.05, a gap of 0.5 comes out right."""
    for number in range(50):
        assert battle(a, b, PLAIN, numpy_generator(0, number))["outcome"] == said


def test_equal_sounds_tie_as_often_as_the_width_says():
    """Two draws of noise of sd 0.05 differ by sd 0.0707: within 0.05 in 52 % of cases."""
    said = [battle(GOOD, GOOD, PLAIN, numpy_generator(1, n))["outcome"] for n in range(2000)]
    assert said.count("tie") / 2000 == pytest.approx(0.52, abs=0.03)
    assert said.count("a") / 2000 == pytest.approx(0.24, abs=0.03)
    assert pytest.approx(0.05) == NOISE


def test_slips_come_at_their_rate():
    """With an error of 0.2, one answer in ten is wrong: half of the slips hit the right one."""
    clumsy = Taste(error=0.2, tie_width=0.0, bias=0.0)
    said = [battle(GOOD, BAD, clumsy, numpy_generator(2, n))["outcome"] for n in range(2000)]
    assert said.count("b") / 2000 == pytest.approx(0.1, abs=0.02)


def test_a_prompt_of_unknown_words_is_skipped():
    """And no aspect is answered."""
    unknown = Opinion(relevance=0, quality=0, is_known=False)
    assert battle(unknown, unknown, PLAIN, numpy_generator(0)) == {"outcome": "skip"}


def test_scores_stay_on_their_scale():
    """In whole or half steps, from end to end."""
    rng = numpy_generator(3)
    found = {score(worth, (1, 5), 0.5, PLAIN, rng) for worth in np.linspace(0, 1, 300)}
    assert found == {1 + n / 2 for n in range(9)}
    assert score(2.0, (0, 100), 1, PLAIN, rng) == 100


def test_tastes_differ_and_are_the_same_each_time():
    """Within their limits."""
    found = [taste_of(0, voter) for voter in range(20)]
    assert len({taste.error for taste in found}) == 20
    assert found[3] == taste_of(0, 3) != taste_of(1, 3)
    assert all(0.02 <= taste.error <= 0.10 for taste in found)


def test_holes_are_heard_in_spoiled_sounds_alone():
    """A tone has none, one that dies away slowly has none, its spoiled twin more than one a second."""
    t = np.arange(5 * 16000) / 16000
    tone = (0.3 * np.sin(2 * np.pi * 440 * t))[None].astype(np.float32)
    dying = (tone * np.exp(-t)).astype(np.float32)
    assert holes_in(tone, 16000) == holes_in(dying, 16000) == 0
    spoiled = holes_in(degraded(tone, 16000, seed=1), 16000)
    assert spoiled >= voters.MOST_HOLES
    caption = "a dog barks"
    assert opinion(heard(Dog=0.5), caption, spoiled).quality == pytest.approx(0.225)
