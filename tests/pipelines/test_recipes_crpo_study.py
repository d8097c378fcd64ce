"""The study of CRPO: what it compares and at what cost, how it counts, that it goes on where it was killed."""

import json
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from pipelines.errors import StudioError
from pipelines.recipes.baton.asking import asked_captions
from pipelines.recipes.baton.schedule import Paces as SoundPaces
from pipelines.recipes.baton.sets import drawn_sets
from pipelines.recipes.baton.study import (
    BASE,
    BATON,
    CONTROL,
    REAL,
    TEMPORAL,
    THREE,
    TWO,
    StudyConfig,
)
from pipelines.recipes.baton.tables import BOTH, Heard
from pipelines.recipes.budget import carry_out
from pipelines.recipes.crpo import loop
from pipelines.recipes.crpo.config import CrpoConfig
from pipelines.recipes.crpo.embedded import bank_of
from pipelines.recipes.crpo.estimate import Paces
from pipelines.recipes.crpo.iteration import Iteration
from pipelines.recipes.crpo.study import __main__ as command
from pipelines.recipes.crpo.study import paper, schedule
from pipelines.recipes.crpo.study.design import (
    EMBEDDED_STUDY,
    HEADLINE,
    TINY_STUDY,
    After,
    CrpoStudy,
    ablations,
    final_arm,
    headline_arms,
)
from pipelines.recipes.crpo.study.drawing import plots
from pipelines.recipes.crpo.study.listening import backwards, share
from pipelines.recipes.crpo.study.page import page
from pipelines.recipes.crpo.study.perturbing import perturbed
from pipelines.recipes.crpo.study.plots import Point, lines
from pipelines.recipes.crpo.study.publishing import write_page
from pipelines.recipes.crpo.study.sampling import ends_at, timed_scenes
from pipelines.recipes.crpo.study.schedule import Shown
from pipelines.recipes.crpo.study.tables import aims, clap_gain, primary
from pipelines.soundworld.captions import read_caption
from pipelines.soundworld.faults import LOOSE
from pipelines.soundworld.scenes import render_scene
from pipelines.soundworld.synthesis import SAMPLE_RATE
from tests.pipelines.test_recipes_baton_study import ASSETS, heard

QUICK = SoundPaces(sample=0.01, step=0.01, hear=0.001, embed=0.001, encode=0.001, render=0.001)
LAST = final_arm(EMBEDDED_STUDY).name


class Killed(BaseException):
    """As if the process were killed."""


def test_baton_and_control_cost_as_much_as_crpo():
    """As many steps, and as many sounds in each as winners and losers; their labels stay the same."""
    study = EMBEDDED_STUDY
    rival = study.rival()
    assert rival.steps == study.iterations * study.run.plan.steps
    assert rival.mix.data + rival.mix.pretrain == 2 * study.run.plan.pairs
    assert study.rivals.data_identity == StudyConfig().data_identity
    assert study.rivals.seeds == study.seeds


def test_ways_differ_from_the_headline_in_one_thing_each():
    """Loss, candidates, online or not, or where its pairs come from; the seed is the run's own."""
    study = EMBEDDED_STUDY
    own = HEADLINE.config(study, 3)
    assert own == replace(study.run, seed=3)
    found = {way.name: way.config(study, 3) for way in ablations(study)}
    assert len(found) == len(ablations(study))
    assert found["dpo"].plan == replace(own.plan, loss="dpo") and not found["dpo"].online
    assert found["offline"] == replace(own, online=False)
    assert found["labels"] == replace(own, iterations=1, given_share=1.0)
    assert found["perturbed"] == found["labels"]
    assert found["group"].plan.loss == "group"
    assert found["n-10"] == replace(own, iterations=1, candidates=10)
    known = {BASE, *(After(way=w, iteration=n + 1).name for w in (HEADLINE, *ablations(study))
                     for n in range(w.last(study)))}  # fmt: skip
    for _, better, worse in paper.CLAIMS:
        names = {name.replace(paper.LAST, str(study.iterations)) for name in (better, worse)}
        assert names <= known


def test_the_papers_rows_have_the_sign_of_its_claims():
    """No claim is the wrong way round: the first has the higher CLAP score in the paper."""
    for table, better, worse in (*paper.CLAIMS, *paper.DRAWN_CLAIMS):
        rows = paper.ROWS.get(table, {})
        if better in rows and worse in rows:
            assert rows[better][-1] > rows[worse][-1], (table, better, worse)


def test_the_bank_is_of_captions_where_the_base_fails():
    """As BATON's are chosen, half of each task by turns, from another draw; the same seed draws the same."""
    bank = bank_of(40, seed=0)
    assert len({prompt.text for prompt in bank}) == 40
    counts = [len(read_caption(prompt.text).labels) for prompt in bank]
    assert set(counts[::2]) == {2} and set(counts[1::2]) == {3}
    shares = [np.mean([any(f" {joint} " in text for joint in LOOSE) for text in texts]) for texts in (
        [prompt.text for prompt in bank_of(400, seed=0)[1::2]],
        [one.text for one in asked_captions(StudyConfig(prompts=100)) if one.task == TEMPORAL],
    )]  # fmt: skip
    assert shares[0] == pytest.approx(shares[1], abs=0.1)
    labelled = {one.text for one in asked_captions(StudyConfig(prompts=10))}
    assert not labelled >= {prompt.text for prompt in bank}
    assert bank_of(40, seed=0) == bank and bank_of(40, seed=1) != bank


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"seeds": 0}, "seeds is 0; give 1 or more"),
        ({"drawn": 7}, "7 prompts of a set of 120 cannot be drawn by halves"),
        ({"run": CrpoConfig()}, "counts epochs; give steps"),
    ],
)
def test_a_study_that_cannot_be_is_refused(changed, told):
    """With a sentence, before any model is loaded."""
    with pytest.raises(StudioError, match=told):
        CrpoStudy(**changed)


def test_the_test_judge_is_opened_with_a_reason_only(capsys):
    """The message says how."""
    assert command.main(["--final"]) == 2
    assert 'give --reason "…"' in capsys.readouterr().err


def arms() -> dict[str, dict[str, Heard]]:
    """CRPO fails in 10 %, BATON in 15 %, control in 20 %, base in 30 %; CLAP .8, .7, .65, .6; real 1."""
    by_arm = {
        BASE: heard(0.3, 0.6, 1),
        CONTROL: heard(0.2, 0.65, 3),
        BATON: heard(0.15, 0.7, 5),
        LAST: heard(0.1, 0.8, 2),
        REAL: heard(0.0, 1.0, 4),
    }
    return dict.fromkeys((TWO, THREE, BOTH), by_arm)


def test_primary_endpoints_are_order_failures_and_clap_against_base_and_control():
    """.1 against .3 and .2 fail; .8 against .6 and .65 in CLAP; p is Holm's over four."""
    rows = primary(arms(), LAST)
    assert [(r["measure"], r["on"], r["against"]) for r in rows] == [
        ("order", THREE, BASE),
        ("order", THREE, CONTROL),
        ("CLAP", BOTH, BASE),
        ("CLAP", BOTH, CONTROL),
    ]
    assert rows[0]["change"]["value"] == pytest.approx(-0.2)
    assert rows[0]["cut"]["value"] == pytest.approx(2 / 3)
    assert rows[2]["change"]["value"] == pytest.approx(0.2, abs=1e-3)
    assert rows[2]["cut"] is None
    assert all(r["p after Holm"] >= r["change"]["p"] for r in rows)


def test_aims_are_order_beyond_batons_and_a_third_of_the_gap():
    """.9 above .85; half of the gap to the base, 3 / 7 of that to the control."""
    rows = {row["what"]: row for row in aims(arms(), LAST)}
    beyond = rows[f"order on {THREE}, above BATON's at equal cost"]
    assert beyond["value"] == pytest.approx(0.05) and beyond["met"]
    gap = "gap in CLAP score from {} to real sounds: share that is closed"
    assert rows[gap.format("base")]["value"] == pytest.approx(0.5, abs=0.01)
    assert rows[gap.format("control")]["value"] == pytest.approx(3 / 7, abs=0.01)
    worse = {THREE: {**arms()[THREE], BATON: heard(0.05, 0.7, 5)}, BOTH: arms()[BOTH]}
    assert not next(iter(aims(worse, LAST)))["met"]


def test_trends_are_told_by_the_sign_of_our_difference():
    """The same, the other way, and not measured; clear only where the interval leaves 0 out."""
    clap = {
        "crpo-1": {BASE: {"value": 0.02, "low": 0.01, "high": 0.03}},
        "n-10-1": {"crpo-1": {"value": -0.01, "low": -0.02, "high": 0.005}},
    }
    rows = {
        (r["table"], r["better"], r["worse"]): r
        for r in paper.trends({"clap": clap}, EMBEDDED_STUDY)
    }
    assert rows["3", "crpo-1", BASE]["agrees"] and rows["3", "crpo-1", BASE]["is_clear"]
    assert rows["3", "crpo-1", BASE]["paper"] == pytest.approx(0.022)
    assert rows["4", "n-10-1", "crpo-1"]["agrees"] is False
    assert rows["4", "n-10-1", "crpo-1"]["is_clear"] is False
    assert rows["8", "crpo-1", "group-1"]["ours"] is None
    drawn = {"5": {"clap": {"CLAP, N = 5": {"CLAP, N = 1": clap["crpo-1"][BASE]},
                            "CLAP, N = 1": {}}}, "7": None}  # fmt: skip
    (one,) = paper.drawn_trends(drawn)
    assert (one["better"], one["worse"], one["agrees"]) == ("CLAP, N = 5", "CLAP, N = 1", True)


def test_a_gain_in_clap_is_that_of_both_sets():
    """.1 above, whichever set."""
    ours, theirs = ({TWO: heard(0, c, 1), THREE: heard(0, c, 2)} for c in (0.7, 0.6))
    assert clap_gain(ours, theirs)["value"] == pytest.approx(0.1)
    assert clap_gain(ours, theirs)["count"] == 120


def test_backwards_is_the_same_events_in_the_same_places_the_last_first():
    """And another sound."""
    (scene,) = drawn_sets("dev", replace(StudyConfig(), clips=2))[THREE].scenes[:1]
    other = backwards(scene)
    assert [e.label for e in other.events] == [e.label for e in scene.events][::-1]
    assert [e.onset for e in other.events] == [e.onset for e in scene.events]
    assert not np.array_equal(render_scene(other), render_scene(scene))
    assert backwards(other) == scene


def test_the_share_told_right_counts_pairs_of_a_right_and_a_wrong_sound():
    """Two right at .9 and .2, two wrong at .5 and .1, by hand: three of four pairs; one that does not count."""
    on = drawn_sets("dev", replace(StudyConfig(), clips=6))[THREE]
    rewards = np.array([[0.9], [0.2], [0.5], [0.1], [0.99], [0.7]])
    right = np.array([[1.0], [1.0], [0.0], [0.0], [0.0], [np.nan]])
    counts = np.array([[True], [True], [True], [True], [False], [True]])
    found = share(rewards, right, on, counts)
    assert found["value"] == pytest.approx(3 / 4) and (found["right"], found["wrong"]) == (2, 2)
    assert share(rewards, np.ones((6, 1)), on, counts) is None


def test_a_sound_ends_where_the_last_piece_of_it_is_heard():
    """A second of tone and a second of nothing; silence ends at 0; scenes are as long as asked."""
    tone = 0.1 * np.sin(np.arange(SAMPLE_RATE))
    sound = np.concatenate([tone, np.zeros(SAMPLE_RATE)]).astype(np.float32)[None]
    assert ends_at(sound) == pytest.approx(1.0, abs=0.021)
    assert ends_at(np.zeros_like(sound)) == 0.0
    assert {scene.seconds for scene in timed_scenes(4.0, 3)} == {4.0}


def test_a_perturbed_caption_is_read_as_what_it_is():
    """Backwards where an order is said, of two and of three; else without the last event."""
    for text, labels, order in (
        ("a dog barks then rain falls", ("Rain", "Dog"), ((0, 1),)),
        ("a dog barks while rain falls", ("Dog",), ()),
    ):
        reading = read_caption(perturbed(text))
        assert (reading.labels, reading.order) == (labels, order)
    for prompt in bank_of(20, seed=0):
        one, other = read_caption(prompt.text), read_caption(perturbed(prompt.text))
        assert set(other.labels) <= set(one.labels) and other != one


def test_a_chart_puts_higher_figures_higher_and_names_them_without_markup():
    """Two series; a name with a tag in it is text; the interval spans its point."""
    drawn = lines(
        "a < b", {"one": [Point(0, 1.0), Point(1, 3.0)], "<i>": [Point(0, 2.0, 1.5, 2.5)], "none": []},
        x_label="x", y_label="y",
    )  # fmt: skip
    tree = ElementTree.fromstring(drawn)
    tag = "{http://www.w3.org/2000/svg}"
    heights = [float(dot.get("cy")) for dot in tree.iter(f"{tag}circle")]
    assert heights[1] < heights[2] < heights[0]
    (bar,) = tree.iter(f"{tag}line")
    assert float(bar.get("y2")) < heights[2] < float(bar.get("y1"))
    said = [text.text for text in tree.iter(f"{tag}text")]
    assert "<i>" in said and "none" not in said and len(list(tree.iter(f"{tag}polyline"))) == 2


@pytest.mark.slow
def test_a_tiny_study_is_killed_goes_on_and_tells_what_was_not_done(tmp_path, monkeypatch):
    """Killed in the second iteration; then no time; then all of it, nothing done twice."""
    study = replace(TINY_STUDY, seeds=1, timed=1, guidances=(3.0,), evaluations=(3,))
    names = ("dpo", "offline", "perturbed")
    some = [way for way in ablations(study) if way.name in names]
    monkeypatch.setattr(schedule, "ablations", lambda study: some)
    monkeypatch.setattr(schedule, "DRAWN", {"6": schedule.DRAWN["6"]})

    def shown(only=None) -> Shown:
        made = Shown(tmp_path, study, only=only)
        made.sounds, made.paces = QUICK, Paces(candidate=0.01, step=0.01, heard=0.01)
        return made

    real = loop.Iteration.train

    def dying(self, worn):
        if self.number == 2:
            raise Killed
        return real(self, worn)

    monkeypatch.setattr(Iteration, "train", dying)
    with pytest.raises(Killed):
        carry_out(shown(), 1000, lambda line: None)
    monkeypatch.setattr(Iteration, "train", real)
    done = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("part-*.safetensors")}
    assert len(done) == 4 and len(list(tmp_path.rglob("done.json"))) == 1

    left = carry_out(shown(), 0, lambda line: None)
    assert "CRPO, iteration 2, seed 0" in left
    text = write_page(shown(), left).read_text()
    assert "Not done for want of time: CRPO, iteration 2, seed 0" in text
    assert "Does the reward hear order?" in text and "Primary endpoints" not in text

    told: list[str] = []
    assert carry_out(shown(), 1000, told.append) == []
    assert not any("CRPO, iteration 1, seed 0" in line for line in told)
    assert {p: p.stat().st_mtime_ns for p in done} == done
    place = write_page(shown(), [])
    figures = json.loads(place.with_name("study.json").read_text())
    assert place.with_name("figure-4.svg").read_text().startswith("<svg")
    assert page(figures) == place.read_text() and "Primary endpoints" in place.read_text()
    found = figures["found"]
    assert list(found["headline"]["rows"][THREE])[3:5] == [a.name for a in headline_arms(study)]
    assert {"dpo-1", "dpo-2", "crpo-2", "perturbed-1"} <= set(found["ways"]["losses"])
    assert found["ways"]["losses"]["dpo-1"]["pairs"] == found["ways"]["losses"]["crpo-1"]["pairs"]
    assert carry_out(shown(), 1000, lambda line: pytest.fail(line)) == []


def test_the_page_we_ship_says_what_its_figures_say():
    """No figure in it was typed: page and plots are functions of study.json, of a final run."""
    folder = ASSETS / "crpo"
    if not (folder / "study.json").exists():
        pytest.skip("no study is published yet")
    told = json.loads((folder / "study.json").read_text())
    assert (folder / "README.md").read_text() == page(told) and told["is final"]
    for name, drawn in plots(told).items():
        assert (folder / name).read_text() == drawn
