"""The study of BATON: what it compares, how it counts, that it goes on, and that the judge waits."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from pipelines.errors import StudioError
from pipelines.finetune.adapter_files import read_card
from pipelines.finetune.data import HUMAN, Batches, Mix, Row, check_rows
from pipelines.generate.checkpoints import ASSETS
from pipelines.recipes.baton import __main__ as command
from pipelines.recipes.baton import measures as hearing
from pipelines.recipes.baton import takes, trials
from pipelines.recipes.baton.ablating import arm_named, trends
from pipelines.recipes.baton.asking import asked_captions
from pipelines.recipes.baton.material import Gathered
from pipelines.recipes.baton.measures import TEST_JUDGE, Grid, Measures
from pipelines.recipes.baton.page import page
from pipelines.recipes.baton.paper import CLAIMS, ROWS
from pipelines.recipes.baton.publishing import publish, write_page
from pipelines.recipes.baton.schedule import Paces, Study
from pipelines.recipes.baton.sets import again, drawn_sets
from pipelines.recipes.baton.study import (
    BASE,
    BATON,
    CONTROL,
    HEADLINE,
    INTEGRITY,
    REAL,
    TEMPORAL,
    THREE,
    TINY,
    TWO,
    StudyConfig,
    ablations,
)
from pipelines.recipes.baton.tables import BOTH, Heard, aims, primary
from pipelines.recipes.budget import carry_out
from pipelines.seeds import numpy_generator
from pipelines.soundworld.faults import BACKGROUND
from pipelines.soundworld.scenes import render_scene
from pipelines.soundworld.splits import split_of

QUICK = Paces(sample=0.01, step=0.01, hear=0.001, embed=0.001, encode=0.001, render=0.001)


class Killed(BaseException):
    """As if the process were killed."""


def test_captions_of_both_tasks_are_halved_and_all_of_the_train_split():
    """As many labelled as scored; the wanted share of integrity prompts names a background."""
    asked = asked_captions(replace(StudyConfig(), prompts=10))
    assert len(asked) == len({one.text for one in asked}) == 40
    for task in (INTEGRITY, TEMPORAL):
        mine = [one for one in asked if one.task == task]
        assert sum(one.is_labelled for one in mine) == 10 and len(mine) == 20
    labels = [one.group.removeprefix("labels: ").split(" + ") for one in asked]
    names = {label.casefold(): label for label in BACKGROUND}
    assert sum(any(x in names for x in found) for found in labels[:10]) == 10
    assert all(3 <= one.seconds <= 10.24 for one in asked)
    assert asked == asked_captions(replace(StudyConfig(), prompts=10))


def test_the_sets_are_of_their_split_and_no_caption_stands_twice():
    """120 + 120 prompts; half of two events together; dev and test share no combination."""
    found = {split: drawn_sets(split, StudyConfig()) for split in ("dev", "test")}
    for split, sets in found.items():
        for name, one in sets.items():
            assert len(set(one.captions)) == len(one.captions) == 120
            assert {split_of([e.label for e in s.events]) for s in one.scenes} == {split}
            kinds = [scene.kind for scene in one.scenes]
            assert kinds.count("two together") == (60 if name == TWO else 0)
    assert not set(found["dev"][TWO].groups) & set(found["test"][TWO].groups)


def test_a_headline_of_other_settings_is_not_told(tmp_path):
    """Its sounds are not those of this study, so it must never be published as theirs."""
    study = Study(tmp_path, TINY, is_final=True, reason="none")
    study._write("headline", {"rows": {}}, ["sounds of other settings"])
    study._write("held_out", {"by task": {}}, ["a reward"])
    told = study.found()
    assert told["headline"] is None
    assert told["held_out"] == {"by task": {}}


def test_a_scene_rendered_anew_has_its_events_and_another_sound():
    """What sounds when stays; how it sounds does not."""
    (scene,) = drawn_sets("dev", replace(StudyConfig(), clips=2))[THREE].scenes[:1]
    (other,) = again([scene], 1)
    assert other.events == scene.events and other.caption == scene.caption
    assert not np.array_equal(render_scene(scene), render_scene(other))


def test_the_control_has_as_many_different_sounds_as_baton_and_the_same_second_term():
    """All with captions, each counting 1: fewer, or unprompted ones, would make it worse than the base."""
    config = replace(TINY, pretraining=40)
    gathered = Gathered(SimpleNamespace(config=config))
    data = [Row(key=f"c{n}", caption="rain", seconds=5.0, weight=n / 60) for n in range(60)]
    vars(gathered)["places"] = {}
    vars(gathered)["_rows"] = {BATON: data + gathered.pretraining_rows}
    rows = gathered.rows(HEADLINE[1])
    own = [row for row in rows if row.origin == HUMAN]
    assert len({row.key for row in own}) == len(own) == 60
    assert all(row.weight == 1 and row.caption for row in own)
    assert all(np.array_equal(gathered.sound(r.key), render_scene(gathered.scene_of[r.key]))
               for r in own[:1])  # fmt: skip
    assert rows[60:] == gathered.pretraining_rows
    assert check_rows(rows).human == 60
    mix = StudyConfig().plan.mix
    ours, theirs = (Batches(each, mix, seed=0, uses_pretrain=True)
                    for each in (gathered.rows(HEADLINE[0]), rows))  # fmt: skip
    assert ours.steps_per_epoch == theirs.steps_per_epoch
    terms = [[one for one in batches.at(3) if one.is_pretrain] for batches in (ours, theirs)]
    assert terms[0] == terms[1] and len(terms[0]) == mix.pretrain


def test_arms_differ_from_baton_in_one_thing_each():
    """The control has other rows; beta that the plan has is no arm of its own."""
    config = StudyConfig()
    assert HEADLINE[1].plan(config, 3) == HEADLINE[0].plan(config, 3)
    assert HEADLINE[1].is_control and not HEADLINE[0].is_control
    assert HEADLINE[0].plan(config, 3).seed == 3
    names = [arm.name for arm in ablations(config)]
    assert len(names) == len(set(names)) and f"beta-{config.plan.beta:g}" not in names
    assert {arm.table for arm in ablations(config)} == {"5", "6", "7", "8", "13"}
    for table, task, better, worse in CLAIMS:
        known = {BASE, BATON, CONTROL, *names}
        assert {arm_named(n, config) for n in (better, worse)} <= known, (table, task)
        assert ROWS[table][task][better][-1] >= ROWS[table][task][worse][-1]


def test_sounds_come_back_as_they_were_kept(tmp_path):
    """16 bits, any lengths."""
    sounds = [np.linspace(-1, 1, n, dtype=np.float32)[None] for n in (5, 9)]
    takes.write(tmp_path / "a.npz", sounds)
    found = takes.read(tmp_path / "a.npz")
    assert [s.shape for s in found] == [(1, 5), (1, 9)]
    assert max(np.abs(a - b).max() for a, b in zip(sounds, found, strict=True)) <= 0.5 / 32767


def heard(fails: float, clap: float, seed: int, spread: float = 0.1) -> Heard:
    """20 prompts, 3 seeds: so many failures of both kinds, vectors about a centre."""
    draws = numpy_generator(seed, "heard")
    good = np.ones((20, 3))
    good.reshape(-1)[: round(fails * 60)] = 0
    vectors = np.eye(4)[0] + spread * draws.standard_normal((20, 3, 4))
    real = np.eye(4)[0] + 0.1 * numpy_generator(9, "real").standard_normal((60, 4))
    grid = Grid(
        integrity=good == 1,
        order=good,
        vectors=vectors / np.linalg.norm(vectors, axis=-1, keepdims=True),
        clap=np.full((20, 3), clap) + 1e-3 * draws.standard_normal((20, 3)),
    )
    chances = np.full((20, 3, 2), 0.5)
    return Heard(grid, np.arange(20), real, chances, chances)


def arms() -> dict[str, dict[str, Heard]]:
    """BATON fails in 10 %, base in 30 %, control in 20 %; CLAP .8, .6 and .65, real 1.0."""
    by_arm = {
        BASE: heard(0.3, 0.6, 1),
        BATON: heard(0.1, 0.8, 2),
        CONTROL: heard(0.2, 0.65, 3),
        REAL: heard(0.0, 1.0, 4),
    }
    return dict.fromkeys((TWO, THREE, BOTH), by_arm)


def test_primary_endpoints_count_failures_against_base_and_control():
    """.1 against .3: 20 points fewer, two thirds gone; p is Holm's over four."""
    rows = primary(arms())
    assert [(r["measure"], r["on"], r["against"]) for r in rows] == [
        ("integrity", TWO, BASE),
        ("integrity", TWO, CONTROL),
        ("order", THREE, BASE),
        ("order", THREE, CONTROL),
    ]
    assert rows[0]["change"]["value"] == pytest.approx(-0.2)
    assert rows[0]["cut"]["value"] == pytest.approx(2 / 3)
    assert rows[1]["cut"]["value"] == pytest.approx(1 / 2)
    assert all(r["p after Holm"] >= r["change"]["p"] for r in rows)


def test_aims_are_met_by_what_was_found_and_distance_by_its_upper_bound():
    """Failures cut by 2/3; half of the gap closed; a wider set is too far from the real sounds."""
    found = arms()
    told = {row["what"]: row for row in aims(found)}
    cut = told[f"integrity failures on {TWO}: share that is gone"]
    assert cut["value"] == pytest.approx(2 / 3) and cut["met"]
    gap = told["gap in CLAP score from base to real sounds: share that is closed"]
    assert gap["value"] == pytest.approx(0.5, abs=0.01) and gap["met"]
    found[BOTH] = {**found[BOTH], BATON: heard(0.1, 0.8, 2, spread=0.5)}
    far = {row["what"]: row for row in aims(found)}[
        "change of the Fréchet distance, as a share of the base's"
    ]
    assert far["high"] > 0.05 and not far["met"]


def test_a_trend_is_told_by_the_sign_of_our_difference():
    """Above, below, and not measured; clear only where the interval leaves 0 out."""
    config = StudyConfig()
    told = {"clap": {task: {} for task in (INTEGRITY, TEMPORAL)}}
    told["clap"][TEMPORAL] = {
        BATON: {
            BASE: {"value": 0.02, "low": 0.01, "high": 0.03},
            "human-only": {"value": -0.01, "low": -0.02, "high": 0.005},
        }
    }
    rows = {
        (r["table"], r["task"], r["worse"]): r for r in trends(told, config) if r["better"] == BATON
    }
    assert rows["4", TEMPORAL, BASE]["agrees"] and rows["4", TEMPORAL, BASE]["is_clear"]
    assert rows["6", TEMPORAL, "human-only"]["agrees"] is False
    assert rows["6", TEMPORAL, "human-only"]["is_clear"] is False
    assert rows["7", TEMPORAL, "no-pretraining-loss"]["agrees"] is None


def test_the_test_judge_is_opened_with_a_reason_only(capsys):
    """The message says how."""
    assert command.main(["--final"]) == 2
    assert 'give --reason "…"' in capsys.readouterr().err


def test_a_study_on_dev_never_reaches_the_test_judge(tmp_path, monkeypatch):
    """Verdicts of the test judge that are not there are refused, not made."""
    study = Study(tmp_path, TINY, is_final=True, reason="a test")
    monkeypatch.setattr(hearing, "open_test_judge", lambda reason: pytest.fail("opened"))
    take = hearing.Take(BASE, study.shop.sets["test"][TWO], 0, tmp_path / "none.npz")
    with pytest.raises(StudioError, match="has not heard these sounds"):
        study.measures.verdicts(take)
    assert Measures(study.shop, study.trials).split == "dev" and study.measures.split == "test"
    with pytest.raises(StudioError, match="Only a finished headline"):
        (study.results).mkdir()
        (study.results / "study.json").write_text(json.dumps({"is final": True, "headline": None}))
        publish(study, tmp_path / "out")


def test_all_sounds_are_judged_in_one_opening(tmp_path, monkeypatch):
    """Two takes: opened once; asked again: not opened."""
    study = Study(tmp_path, TINY, is_final=True, reason="a test")
    opened = []

    class Deaf:
        def hear_all(self, sounds, rate):
            verdict = type("V", (), {"integrity": True, "order": None})
            return [type("H", (), {"verdict": lambda self, caption: verdict})() for _ in sounds]

    monkeypatch.setattr(hearing, "open_test_judge", lambda reason: opened.append(reason) or Deaf())
    found = []
    for name in (TWO, THREE):
        path = tmp_path / f"{len(found)}.npz"
        takes.write(path, [np.zeros((1, 800), np.float32)] * 6)
        found.append(hearing.Take(BASE, study.shop.sets["test"][name], 0, path))
    assert study.measures.open_judge(found, "a test") == 2 and opened == ["a test"]
    assert study.measures.open_judge(found, "again") == 0 and opened == ["a test"]
    assert study.measures.verdicts(found[0])[:, 0].tolist() == [1.0] * 6
    assert TEST_JUDGE in str(study.measures.verdict_path(found[0], TEST_JUDGE))


@pytest.mark.slow
def test_a_tiny_study_is_killed_goes_on_and_tells_what_was_not_done(tmp_path, monkeypatch):
    """Killed in BATON's second training; then too little time for the rest; then table 7."""
    config = replace(TINY, plan=replace(TINY.plan, steps=4, mix=Mix(data=2, pretrain=1)))
    real, count = trials.align, []

    def dying(*given, **named):
        count.append(1)
        if len(count) == 3:
            raise Killed
        return real(*given, **named)

    monkeypatch.setattr(trials, "align", dying)
    study = Study(tmp_path, config, only="7")
    study.paces = QUICK
    with pytest.raises(Killed):
        headline_first = Study(tmp_path, config)
        headline_first.paces = QUICK
        carry_out(headline_first, 1000, lambda line: None)
    done = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.npz")}
    assert not list(tmp_path.rglob("headline.json")) and done

    again_ = Study(tmp_path, config, only="headline")
    again_.paces = QUICK
    told: list[str] = []
    assert carry_out(again_, 1000, told.append) == []
    assert sum("training" in line for line in told) == 2  # the first two are not done again
    assert {p: p.stat().st_mtime_ns for p in done} == done
    text = write_page(again_, ["something"]).read_text()
    assert "Primary endpoints" in text and "Not done for want of time: something" in text

    left = carry_out(study, 0, told.append)
    assert "no-pretraining-loss, training 0" in left
    assert carry_out(study, 1000, told.append) == []
    figures = json.loads((write_page(study, [])).with_name("study.json").read_text())
    assert "no-pretraining-loss" in figures["ablations"]["rows"][THREE]
    assert figures["epochs"][0]["step"] == 0 and figures["headline"]["clips"][BOTH] == 24
    assert page(figures) == (study.results / "README.md").read_text()
    assert carry_out(study, 1000, lambda line: pytest.fail(line)) == []
    gathered = Gathered(study.shop)
    assert {row.origin for row in gathered.rows(HEADLINE[0])} == {"human", "reward", "pretrain"}


def test_the_page_we_ship_says_what_its_figures_say():
    """No figure in it was typed: the page is a function of study.json, the adapter is the one told."""
    folder = ASSETS / "aligned"
    if not (folder / "study.json").exists():
        pytest.skip("no study is published yet")
    told = json.loads((folder / "study.json").read_text())
    assert (folder / "README.md").read_text() == page(told)
    assert read_card(folder).hash == told["adapter"] and told["is final"]
