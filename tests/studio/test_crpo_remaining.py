"""What is left of a CRPO run, and how long that takes by the pace that the run keeps itself."""

import json
from types import SimpleNamespace

import pytest

from pipelines.recipes.crpo.embedded import bank_of, prompts_of
from pipelines.recipes.crpo.iteration import Progress
from studio.services.compare.held_out import events_in, held_out_prompts
from studio.services.finetune.crpo import child
from studio.services.finetune.crpo.remaining import (
    LISTENING,
    RANKING,
    TRAINING,
    Paces,
    Standing,
    left_of,
    seconds_left,
)
from studio.services.finetune.crpo.settings import check_settings, usual_settings
from studio.services.finetune.listening import world_held_out
from studio.services.finetune.run_folder import DATA, PROGRESS, PROMPTS, RunFolder

PROBED = {RANKING: 0.2, TRAINING: 0.5, LISTENING: 6.0}
ASKED = {"iterations": 3, "prompts": 16, "candidates": 2, "steps": 10, "seed": 1}
SETTINGS = check_settings(ASKED, usual_settings("embedded"), has_given=False)
WITH_PAIRS = check_settings({**ASKED, "given_share": 1}, usual_settings("embedded"), has_given=True)


@pytest.mark.parametrize(
    ("at", "left"),
    [
        (Standing(iteration=0, phase=LISTENING), (96, 30, 3)),
        (Standing(iteration=1, phase=RANKING, done=8, of=32), (88, 30, 3)),
        (Standing(iteration=1, phase=TRAINING, done=4, of=10), (64, 26, 3)),
        (Standing(iteration=1, phase=LISTENING), (64, 20, 2)),
        (Standing(iteration=3, phase=TRAINING, done=10, of=10), (0, 0, 1)),
        (Standing(iteration=3, phase=LISTENING), (0, 0, 0)),
    ],
)
def test_what_is_left_is_counted_phase_by_phase(at, left):
    """Candidates, steps and moments, wherever the run stands."""
    found = left_of(SETTINGS, at, steps=10, listens=True)
    assert (found[RANKING], found[TRAINING], found[LISTENING]) == left


def test_other_kinds_of_runs_have_less_to_do():
    """Offline candidates are made once, a share of 1 makes none, without prompts nothing is heard."""
    begun = Standing(iteration=0, phase=LISTENING)
    offline = left_of({**SETTINGS, "online": False}, begun, steps=10, listens=False)
    assert offline == {RANKING: 32, TRAINING: 30, LISTENING: 0}
    assert left_of(WITH_PAIRS, begun, steps=10, listens=True)[RANKING] == 0


def test_a_phase_that_was_measured_no_longer_goes_by_the_probe():
    """Its own mean counts; what is not measured yet is as much slower as the rest turned out to be."""
    paces = Paces(PROBED, before={})
    assert paces.of(TRAINING) == 0.5
    paces.took(LISTENING, 18.0)
    assert paces.of(LISTENING) == 18.0
    assert paces.of(RANKING) == pytest.approx(0.6)
    paces.took(RANKING, 16.0, 16)
    paces.took(RANKING, 48.0, 16)
    assert paces.of(RANKING) == 2.0  # a median would be near either
    assert paces.of(TRAINING) == pytest.approx(0.5 * (18 / 6 + 2 / 0.2) / 2)
    for _ in range(200):
        paces.took(TRAINING, 0.4)
    assert paces.of(TRAINING) == pytest.approx(0.4)
    assert seconds_left({RANKING: 10, TRAINING: 10, LISTENING: 1}, paces) == 42.0


def test_what_nobody_measured_is_not_told():
    """No number is made up."""
    paces = Paces({}, before={})
    paces.took(LISTENING, 1.0)
    assert seconds_left({RANKING: 1, TRAINING: 0, LISTENING: 1}, paces) is None
    assert seconds_left({RANKING: 0, TRAINING: 0, LISTENING: 2}, paces) == 2.0


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass when the test says so."""
    now = SimpleNamespace(at=100.0)
    monkeypatch.setattr(child.time, "monotonic", lambda: now.at)
    return now


def improving(folder, settings=SETTINGS, **data):
    """A run on its way, without a model and without a parent that listens."""
    run = RunFolder(folder)
    run.write(DATA, {"pairs": [], "prompts": [], "bank": 48, **data})
    task = {"settings": settings, "paces": PROBED, "listen": [{"text": "rain", "seconds": 1.0}]}
    parent = SimpleNamespace(tell=lambda share, note: None)
    begun = child.time.monotonic()
    return child.Improving(run=run, task=task, parent=parent, looked_at=begun)


def told(run) -> float:
    """The remaining time on the page."""
    return run.run.read(PROGRESS)["seconds_left"]


def ranked(run, done, iteration=1):
    run.moved(Progress(iteration=iteration, phase="candidates", done=done, of=32))


def step(run, number, seconds):
    told = SimpleNamespace(seconds=seconds)
    run.moved(Progress(iteration=1, phase="training", done=number, of=10, told=told))


def test_a_run_on_a_busy_machine_says_so_from_its_first_part_on(tmp_path, clock):
    """Three times slower than the probe said: so is what is left, and the phases' own paces count."""
    run = improving(tmp_path)
    clock.at += 18.0  # 6 were foretold
    run.heard(SimpleNamespace(iteration=0))
    assert told(run) == pytest.approx(96 * 0.6 + 30 * 1.5 + 3 * 18)
    clock.at += 16.0
    ranked(run, 16)
    assert told(run) == pytest.approx(80 * 1.0 + 30 * 0.5 * (3 + 5) / 2 + 3 * 18)
    clock.at += 48.0
    ranked(run, 32)
    clock.at += 30.0  # latents are written before the first step
    step(run, 1, 2.0)
    assert told(run) == pytest.approx(64 * 2.0 + 29 * 2.0 + 3 * 18)
    clock.at += 4.0  # a checkpoint is written too
    step(run, 2, 2.5)
    assert told(run) == pytest.approx(64 * 2.0 + 28 * 3.0 + 3 * 18)


def test_a_run_that_goes_on_remembers_its_pace(tmp_path, clock):
    """And what lay there already says nothing of how fast candidates are made."""
    run = improving(tmp_path)
    clock.at += 18.0
    run.heard(SimpleNamespace(iteration=0))
    clock.at += 16.0
    ranked(run, 16)
    again = improving(tmp_path)
    again.there = {1: 16}
    clock.at += 2.0
    ranked(again, 16)
    assert told(again) == pytest.approx(80 * 1.0 + 30 * 0.5 * (3 + 5) / 2 + 3 * 18)
    clock.at += 64.0
    ranked(again, 32)
    assert told(again) == pytest.approx(64 * 4.0 + 30 * 0.5 * (3 + 20) / 2 + 3 * 18)


def test_steps_in_epochs_count_given_pairs(tmp_path, clock):
    """An epoch is one pass through all pairs, not through the ranked ones alone."""
    asked = {**ASKED, "steps": None, "epochs": 2, "pairs": 4, "given_share": 0.5}
    settings = check_settings(asked, usual_settings("embedded"), has_given=True)
    run = improving(tmp_path, settings, pairs=[{}] * 24)
    assert run.steps == 2 * (16 + 24) // 4


def test_the_world_gives_prompts_where_the_base_fails(tmp_path):
    """As the command does; a run that has drawn its own keeps them, so that it can be gone on with."""
    run = RunFolder(tmp_path)
    run.write(DATA, {"prompts": [], "bank": 8})
    assert child.bank_of(run, 3) == bank_of(8, seed=3)
    before = [{"text": one.text, "seconds": one.seconds} for one in prompts_of("train", 8, seed=3)]
    run.write(PROMPTS, before)
    assert [one.text for one in child.bank_of(run, 3)] == [one["text"] for one in before]
    assert json.loads((tmp_path / PROMPTS).read_text()) == before


def test_nothing_is_measured_on_what_the_world_gave():
    """Neither Compare nor the listening asks for events that were learned from together."""
    bank = [one.text for one in bank_of(400, seed=3)]
    learned = events_in(bank)
    assert len(held_out_prompts("embedded", bank, 44)) == 44
    for measured in (
        held_out_prompts("embedded", bank, 44),
        [one.text for one in world_held_out(set())],
    ):
        assert not events_in(measured) & learned
