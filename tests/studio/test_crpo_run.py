"""A CRPO run from the wish to its models: what is refused, what it costs, each iteration kept or not."""

import json

import pytest

from pipelines.errors import StudioError
from studio.refusals import Conflict, Unknown
from studio.services.finetune.listening import HELD_OUT
from studio.visitors import HERE
from tests.studio.fake_improving import STEPS, improved_here
from tests.studio.fake_training import kept, labelled

LINES = ["a dog barks", "rain falls then a dog barks", "a dog barking"]
SETTINGS = {"iterations": 2, "candidates": 3, "steps": STEPS, "seed": 3}


@pytest.fixture
def fake(services):
    with improved_here(services) as training:
        yield training


def begin(services, **asked):
    """A run in the row; its id."""
    wish = {"recipe": "crpo", "prompts": LINES, "settings": SETTINGS, **asked}
    return services.finetune.start(HERE, wish)


def test_a_run_ends_with_an_adapter_for_each_iteration(services, work, fake):
    """The last one is a model; any other becomes one when it is kept, with a record of its own."""
    run = begin(services)
    work(services)
    found = services.finetune.views.view(run, HERE)
    assert (found["status"], found["error"], found["recipe"]) == ("done", None, "crpo")
    assert (found["step"], found["steps"]) == (2 * STEPS, 2 * STEPS)
    assert found["title"] == "Sine, improved by CRPO"
    first, last = found["iterations"]
    assert first["rewards"] == {"winners": 0.7, "losers": 0.5, "gap": 0.2}
    assert (first["model"], last["model"]["title"]) == (None, found["title"])
    assert found["model"]["hash"] == last["adapter"] != first["adapter"]
    assert found["losses"]["step"] == list(range(1, 2 * STEPS + 1))
    assert found["losses"]["winning_loss"][0] == 0.3
    assert [one["iteration"] for one in found["samples"]] == [0, 1, 2]
    assert len(found["samples"][0]["sounds"]) > 0
    assert services.finetune.views.sample(run, HERE, 1, 0).is_file()

    found = services.finetune.keep(HERE, run, "The first", 1)
    assert found["iterations"][0]["model"]["title"] == "The first"
    assert found["title"] == "Sine, improved by CRPO"
    assert {one.title for one in kept(services)} == {"The first", "Sine, improved by CRPO"}
    assert services.engines.adapters.learned(first["adapter"]) == sorted(LINES)
    services.finetune.remove(HERE, run)
    assert kept(services) == []


def test_its_record_says_how_each_iteration_was_made(services, work, fake):
    """Config, seed, prompts, reward, versions; no candidate's reward by itself."""
    run = begin(services, title="Mine")
    work(services)
    record = services.finetune.views.record(run, HERE)
    assert (record["title"], record["recipe"], record["iteration"]) == ("Mine", "crpo", 2)
    assert record["config"]["seed"] == record["seed"] == 3
    assert record["data"]["prompts"] == sorted(LINES)
    assert (record["data"]["reward"], record["data"]["reward_revision"]) == ("clap", "r")
    assert len(record["iterations"]) == 2
    assert "all" not in record["iterations"][0]["rewards"]
    assert json.dumps(record)


def test_a_stopped_run_keeps_what_is_done_and_goes_on(services, work):
    """Its finished iteration can be a model at once; the next cannot; Resume begins where it stood."""
    with improved_here(services, stops_after=1) as fake:
        run = begin(services)
        work(services)
        found = services.finetune.views.view(run, HERE)
        assert (found["status"], found["can_resume"]) == ("stopped", True)
        assert [one["is_done"] for one in found["iterations"]] == [True]
        kept = services.finetune.keep(HERE, run, "Early", 1)
        assert kept["iterations"][0]["model"]["title"] == "Early"
        with pytest.raises(Conflict, match="Iteration 2 is not done yet"):
            services.finetune.keep(HERE, run, "Late", 2)
        with pytest.raises(Conflict, match="can be kept when it is done"):
            services.finetune.keep(HERE, run, "Late")
        services.finetune.resume(HERE, run)
        work(services)
        assert fake.begun_at == [0, 1]
        assert services.finetune.views.view(run, HERE)["status"] == "done"


def test_what_it_costs_adds_up(services, fake):
    """Candidates, steps and listening, from the paces of a candidate, a step and a prompt."""
    wish = {"recipe": "crpo", "prompts": LINES, "settings": SETTINGS | {"pairs": 48}}
    found = services.finetune.estimate(HERE, wish)
    assert (found["steps"], found["candidates"]) == (8, 18)
    parts = {one["what"]: one["seconds"] for one in found["parts"]}
    assert parts == {
        "loading the model": 1.0,
        "making and ranking 18 candidates": 3.6,
        "8 steps of training": 8.0,
        f"listening 3 times to {HELD_OUT} held-out prompts": round(3 * HELD_OUT * 0.4, 1),
    }
    assert found["memory_mb"] == 1300
    assert found["data"]["drawn"] == 3 and found["data"]["candidates"] == 18


def test_a_finished_run_betters_the_next_estimate(services, work, fake):
    """Its own seconds count from then on; steps of few pairs say nothing of large ones."""
    wish = {"recipe": "crpo", "prompts": LINES, "settings": SETTINGS}
    services.finetune.estimate(HERE, wish)  # probed
    own = {"making and ranking candidates": 0.6, "training": 1.5, "listening": 2.4 * HELD_OUT}
    done_in(services, work, own)
    found = services.finetune.estimate(HERE, wish)
    seconds = [10.8, 12.0, round(3 * 2.4 * HELD_OUT, 1)]
    assert [one["seconds"] for one in found["parts"][1:]] == seconds
    done_in(services, work, {"training": 0.1}, settings={**SETTINGS, "pairs": 2})
    assert services.finetune.estimate(HERE, wish)["parts"] == found["parts"]


def done_in(services, work, paces, **asked):
    """A run that measured these paces."""
    run = begin(services, **asked)
    services.finetune.run.folder(run).write("paces.json", paces)
    work(services)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (
            {"settings": {"candidates": 1}},
            "The number of candidates .N. is 1; give a number from 2",
        ),
        ({"settings": {"prompts": 9}}, "is to draw 9 prompts and 3 are given"),
        ({"settings": {"given_share": 0.5}}, "is for given pairs, and none are chosen"),
        ({"settings": {"loss": "mse"}}, "The loss is 'mse'; choose crpo, dpo, group"),
        ({"settings": {"batch": 3}}, "'batch' is no setting of CRPO; known are preset, iterations"),
        ({"settings": {"rank": 200, "iterations": 5}}, "add up to 1000; at most 256"),
        ({"settings": {"beta": 0}}, "beta is 0; give a number from 0.001"),
        ({"settings": {"online": "no"}}, "online is 'no'; it must be true or false"),
        ({"settings": {"steps": 1, "epochs": 1}}, "give one of the two"),
        ({"prompt_set": "order"}, "Prompts and a prompt set are both given"),
        ({"prompts": None, "prompt_set": "nothing"}, "There is no prompt set 'nothing'"),
        ({"prompts": 3}, "The prompts are no text"),
        ({"unlabelled": 4}, "CRPO takes no unlabelled"),
        ({"base": "embedded-clean", "prompts": ["  "]}, "The prompt is empty"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(services, fake, asked, why):
    """Before anything is begun."""
    with pytest.raises(StudioError, match=why):
        begin(services, **asked)
    assert services.finetune.views.latest(HERE) == []


def test_words_that_the_base_does_not_know_are_said_before_the_start(services, fake):
    """Once it is in memory; until then nobody can tell."""
    wish = {"recipe": "crpo", "prompts": [*LINES, "a zither rings"], "settings": SETTINGS}
    assert services.finetune.estimate(HERE, wish)["notices"] == []
    services.engines.backend("embedded")
    [said] = services.finetune.estimate(HERE, wish)["notices"]
    assert said.startswith("The model does not know “zither”")


def test_a_model_says_what_ranked_its_candidates(services, work, fake):
    """Nobody's judgements made it where CLAP ranked."""
    begin(services)
    work(services)
    [model] = kept(services)
    assert model.note == "embedded with an adapter trained by crpo on candidates of its own."


def test_a_reward_or_a_folder_of_nobody_is_unknown(services, fake):
    """Ids are looked up, never followed."""
    with pytest.raises(Unknown, match="no such reward model"):
        begin(services, reward="../../etc")
    with pytest.raises(Unknown, match="no such folder of yours"):
        begin(services, folder="f" * 32)


def test_a_reward_that_is_gone_when_its_run_begins_is_said(services, work, fake, tmp_path):
    """It was removed while the run waited; the run ends in a sentence, and no child is begun."""
    object.__setattr__(services.finetune.run, "reward_folder", lambda name: tmp_path / "gone")
    run = begin(services)
    work(services)
    found = services.finetune.views.view(run, HERE)
    assert found["status"] == "failed" and fake.begun_at == []
    assert found["error"].startswith("The reward model of this run is not there any more")


def test_labels_and_votes_are_mixed_in_as_pairs(services, work, fake):
    """Every aligned sound before every other of its prompt; the share is a half unless it is told."""
    campaign = labelled(services, ones=2, zeros=1)
    with pytest.raises(StudioError, match="holds no pair of sounds of which one is preferred"):
        begin(services, campaigns=[campaign])  # three prompts, one label each


def test_a_shared_page_gives_less(config, services, fake):
    """So that strangers can share two cores; and its own defaults can be begun there."""
    object.__setattr__(services.finetune.run, "config", SharedLike(config))
    with pytest.raises(StudioError, match="would take 45 000 candidates".replace(" 000", "000")):
        begin(services, settings={"candidates": 3, "iterations": 5, "prompts": 3000}, prompts=None)
    asked = {"recipe": "crpo", "prompt_set": "order"}
    found = services.finetune.estimate(HERE, asked)
    assert found["candidates"] <= 600 and found["steps"] <= 400


class SharedLike:
    """A configuration of a page of strangers."""

    is_shared = True

    def __init__(self, config) -> None:
        self.config = config

    def __getattr__(self, name):
        return getattr(self.config, name)
