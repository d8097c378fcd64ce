import pytest

from pipelines.vote.rubrics import ASPECTS, BATTLE_ASPECTS, RUBRICS, TASKS, rules

SCALES = {
    "integrity": {1, 0, None},
    "temporal": {1, 0, None},
    "mos": {1, 2, 3, 4, 5},
    "ovl_rel": {0, 100},
    "pairwise": {"a", "b", "tie"},
}


@pytest.mark.parametrize("task", TASKS)
def test_every_aspect_of_every_task_has_a_question_and_a_whole_scale(task):
    """And every rubric of a MOS test; a voter is never left with a bare number."""
    aspects = ASPECTS.get(task, BATTLE_ASPECTS)
    for rubric in RUBRICS:
        found = rules(task, aspects, rubric=rubric)
        assert found["heading"].endswith("?") and len(found["lines"]) >= 4
        assert tuple(found["aspects"]) == tuple(aspects)
        for told in found["aspects"].values():
            assert told["title"] and told["question"].endswith("?")
            assert {step["value"] for step in told["scale"]} == SCALES[task]
            says = [step["says"] for step in told["scale"]]
            assert len(set(says)) == len(says) and all(says)


def test_the_lines_say_what_the_options_mean():
    """Half steps are told where they are allowed; a battle names its outcomes."""
    assert "half" in " ".join(rules("mos", ASPECTS["mos"], half_steps=True)["lines"])
    assert "half" not in " ".join(rules("mos", ASPECTS["mos"])["lines"])
    outcomes = rules("pairwise", ())["outcomes"]
    assert [one["value"] for one in outcomes] == ["a", "b", "tie", "both_bad", "skip"]
    assert rules("pairwise", ())["aspects"] == {}


def test_the_two_tasks_of_baton_differ_in_order():
    """Integrity says that order does not count, the temporal task that it does."""
    assert "not in which order" in " ".join(rules("integrity", ("integrity",))["lines"])
    assert "order of the words" in " ".join(rules("temporal", ("temporal",))["lines"])
