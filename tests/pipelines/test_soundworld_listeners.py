"""Verdicts by hand, tidying of activity, and ears that read any length."""

import json

import numpy as np
import pytest
import torch

from pipelines.errors import StudioError
from pipelines.soundworld import listeners
from pipelines.soundworld.events import LABELS
from pipelines.soundworld.hearing import AnnotatorEar, TestJudgeEar, erb_filter_bank
from pipelines.soundworld.verdicts import judge_activity, precedence


def activity(**stretches: tuple[int, int]) -> np.ndarray:
    """Bool [100, events]: Dog=(0, 20) sounds in frames 0 to 19."""
    out = np.zeros((100, len(LABELS)), bool)
    for label, (start, stop) in stretches.items():
        out[start:stop, LABELS.index(label)] = True
    return out


def test_precedence_by_hand():
    """Before is 1, after is 0, together is a half, and 10 of 20 frames before makes 3/4."""
    line = np.arange(40)
    first = (line < 20) & (line >= 0)
    assert precedence(first, line >= 20) == 1.0
    assert precedence(line >= 20, first) == 0.0
    assert precedence(first, first) == pytest.approx(0.5)
    # half of the later event coincides with the second half of the earlier one:
    # pairs 20 x 20; later frames 10..19: 45 + 10 x 10 before, 10 ties; later 20..29: 200 before
    later = (line >= 10) & (line < 30)
    assert precedence(first, later) == pytest.approx((45 + 100 + 5 + 200) / 400)
    assert precedence(first, np.zeros(40, bool)) == 0.5


def test_precedence_is_antisymmetric():
    """Told the other way round, the share is the rest."""
    rng = np.random.default_rng(0)
    a, b = rng.uniform(size=(2, 50)) < 0.3
    assert precedence(a, b) + precedence(b, a) == pytest.approx(1.0)


def test_verdicts_by_hand():
    """Present and in order; swapped; missing; no order stated."""
    caption = "a dog barks followed by rain falling"
    found = judge_activity(activity(Dog=(0, 30), Rain=(40, 80)), LABELS, 12.5, caption)
    assert (found.integrity, found.order, found.missing, found.score) == (True, True, [], 1.0)
    found = judge_activity(activity(Dog=(40, 80), Rain=(0, 30)), LABELS, 12.5, caption)
    assert (found.integrity, found.order) == (True, False)
    assert found.score == pytest.approx(2 / 3)
    found = judge_activity(activity(Dog=(0, 30)), LABELS, 12.5, caption)
    assert (found.integrity, found.order, found.missing) == (False, False, ["Rain"])
    found = judge_activity(
        activity(Dog=(0, 9), Rain=(5, 30)), LABELS, 12.5, "a dog barks as rain falls"
    )
    assert (found.integrity, found.order) == (True, None)


def test_less_than_four_tenths_of_a_second_is_not_there():
    """At 12.5 frames a second 5 frames are 0.4 s, 4 frames are not."""
    assert judge_activity(activity(Dog=(0, 5)), LABELS, 12.5, "a dog barks").integrity
    assert not judge_activity(activity(Dog=(0, 4)), LABELS, 12.5, "a dog barks").integrity


def test_tidy_bridges_pauses_and_drops_blips():
    """Pauses of 4 frames close, of 5 do not; blips of 2 frames go."""
    row = np.array([1, 1, 0, 0, 0, 0, 1, 1] + [0] * 5 + [1, 1] + [0] * 5 + [1, 1, 1], bool)
    assert listeners.runs(listeners.tidy(row)) == [(0, 8), (20, 23)]


@pytest.mark.parametrize("kind", [AnnotatorEar, TestJudgeEar])
def test_ears_decide_at_12_5_frames_a_second(kind):
    """Any multiple of 1280 samples; one row of logits per 80 ms."""
    torch.manual_seed(0)
    ear = kind().eval()
    assert ear(torch.zeros(2, 1280 * 30)).shape == (2, 30, len(LABELS))


def test_the_two_ears_share_no_front_end_and_no_architecture():
    """As different as the design asks: layers of other kinds, tables of other shapes."""
    kinds = [{type(m).__name__ for m in ear.modules()} for ear in (AnnotatorEar(), TestJudgeEar())]
    assert "GRU" in kinds[1] - kinds[0] and "Conv2d" in kinds[0] - kinds[1]
    assert AnnotatorEar().mel_matrix.shape != TestJudgeEar().erb_matrix.shape


def test_erb_bands_cover_the_range_and_rise():
    """Every band hears something, and their centres climb."""
    bank = erb_filter_bank(257, 40)
    assert (bank.sum(0) > 0).all()
    centres = bank.argmax(0)
    assert (centres.diff() >= 0).all() and centres[-1] > 200


def test_a_batch_hears_what_single_calls_hear():
    """Padding to the longest changes nothing within a clip's own frames, to 1e-4 at the seams."""
    torch.manual_seed(0)
    listener = listeners.Listener("untrained", AnnotatorEar())
    rng = np.random.default_rng(0)
    sounds = [0.1 * rng.standard_normal((1, 16_000 * s)).astype(np.float32) for s in (4, 4)]
    both = listener.hear_all(sounds, 16_000)
    alone = listener.hear(sounds[1], 16_000)
    assert np.allclose(both[1].probability, alone.probability, atol=1e-4)
    assert both[0].times[0] == pytest.approx(0.04)


def test_the_test_judge_is_not_opened_by_the_ordinary_door():
    """It has a door of its own."""
    with pytest.raises(StudioError, match="final evaluation only"):
        listeners.load("test-judge")


def test_every_opening_of_the_test_judge_is_logged(tmp_path):
    """One line per opening, with the reason."""
    TestJudgeEar().save_pretrained(tmp_path)
    listeners.open_test_judge("a test", folder=tmp_path)
    listeners.open_test_judge("another", folder=tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "openings.jsonl").read_text().splitlines()]
    assert [row["reason"] for row in rows] == ["a test", "another"]


def test_missing_weights_say_what_to_do(tmp_path):
    """The sentence names the folder and the command."""
    with pytest.raises(StudioError, match="recipes.world annotator"):
        listeners.load("annotator", folder=tmp_path)
