"""A run from the wish to the model: its phases, a stop, a restart, what is kept and what is removed."""

import json
from dataclasses import replace

import pytest

from pipelines.errors import Cancelled, StudioError
from studio.config import Config
from studio.refusals import Conflict, Unknown
from studio.services.finetune.listening import HELD_OUT, held_out
from studio.services.finetune.own_data import SCENES
from studio.services.finetune.probe import of_all_steps
from studio.services.finetune.run import copy_reward
from studio.services.finetune.views import POINTS, thinned
from studio.services.services import Services
from studio.visitors import HERE
from tests.studio.fake_training import CAPTIONS, STEPS, kept, labelled, trained_here
from tests.studio.sine_engines import SineEngines

SEED = {"seed": 3}


@pytest.fixture
def fake(services):
    with trained_here(services) as training:
        yield training


def begin(services, campaign=None, **asked):
    """A run in the row; its id."""
    wish = {"campaigns": [campaign or labelled(services)], "settings": SEED, **asked}
    return services.finetune.start(HERE, wish)


def test_a_run_ends_as_a_model_to_choose(services, work, fake):
    """With curves, samples, a record and a title made of what it learned from."""
    run = begin(services)
    assert services.finetune.views.view(run, HERE)["status"] == "waiting"
    work(services)
    found = services.finetune.views.view(run, HERE)
    assert (found["status"], found["error"], found["is_kept"]) == ("done", None, True)
    assert found["title"] == "Sine, aligned by Labelled"
    assert (found["step"], found["steps"]) == (STEPS, STEPS)
    assert found["data"] | {"campaigns": []} == {
        "human": 3, "reward": 0, "pretrain": SCENES, "captions": 3, "aligned": 2, "zero": 1,
        "uncertain": 0, "campaigns": [], "left_out": {}, "simulated": False, "folder": 0,
        "split": {"train": 3, "dev": HELD_OUT},
    }  # fmt: skip
    assert found["losses"]["loss"][0] == 1.0
    assert found["losses"]["pretrain_loss"] == [None] * STEPS
    assert [one["step"] for one in found["dev"]] == [0, STEPS]
    assert found["dev"][0]["clap"] == pytest.approx(0.2)  # 0.6 as (1 + cosine) / 2
    first = found["samples"][0]["sounds"][0]
    assert first["url"] == f"finetune/{run}/samples/0/0.wav"
    assert services.finetune.views.sample(run, HERE, 0, 0).is_file()
    model = found["model"]
    assert model["name"] == found["adapter"] == f"embedded+{model['hash'][:8]}"
    assert [one.name for one in kept(services)] == [model["name"]]
    record = services.finetune.views.record(run, HERE)
    assert record["adapter"]["hash"] == model["hash"]
    assert record["data"]["prompts"] == sorted(CAPTIONS)
    assert services.engines.adapters.learned(model["hash"]) == sorted(CAPTIONS)
    assert services.engines.adapters.learned("0" * 16) == []
    assert record["plan"]["seed"] == record["seed"] == 3
    names = [path.name for path in services.finetune.views.adapter_files(run, HERE)]
    assert names == ["adapter.json", "adapter.safetensors", "record.json"]


def test_rows_are_what_people_said(services, work, fake):
    """Each with its weight, and the file of its very sound."""
    run = begin(services)
    work(services)
    folder = services.finetune.run.folder(run)
    rows, task = folder.read("rows.json"), folder.read("task.json")
    assert sorted(row["weight"] for row in rows) == [0.0, 1.0, 1.0]
    assert all((services.config.data / row["file"]).is_file() for row in rows)
    assert task["pretraining"] == {"scenes": SCENES, "seed": 0}
    assert len(task["listen"]) == HELD_OUT
    judged = {row["caption"] for row in rows}
    assert not judged & {one["text"] for one in task["listen"]}


def test_further_sounds_get_the_rewards_word(services, work, fake):
    """As many as were labelled unless told otherwise; made of the base, of prompts nobody judged."""
    run = begin(services, reward="clap")
    work(services)
    found = services.finetune.views.view(run, HERE)
    assert (found["status"], found["error"]) == ("done", None)
    assert (found["data"]["human"], found["data"]["reward"]) == (3, 3)
    folder = services.finetune.run.folder(run)
    rows = [row for row in folder.read("rows.json") if row["origin"] == "reward"]
    scores = {one["clip"]: one["score"] for one in folder.read("further.json")["sounds"]}
    assert {row["key"]: row["weight"] for row in rows} == scores
    assert all(0 <= row["weight"] <= 1 for row in rows)
    assert services.finetune.views.record(run, HERE)["data"]["reward_revision"]


def test_further_sounds_that_are_there_are_not_made_again(services, work, fake, monkeypatch):
    """A run whose scoring was stopped goes on with the sounds that it made."""
    run = begin(services, reward="clap", unlabelled=9)
    assert services.worker.run_next()
    made, usual = [], SineEngines.make

    def counted(self, backend, wanted, **told):
        made.extend(wanted)
        return usual(self, backend, wanted, **told)

    def stopped(*asked):
        raise Cancelled()

    monkeypatch.setattr(SineEngines, "make", counted)
    further = type(services.finetune.run.further)
    score = further.score
    monkeypatch.setattr(further, "score", stopped)
    assert services.worker.run_next()
    assert len(made) == 9
    monkeypatch.setattr(further, "score", score)
    services.finetune.resume(HERE, run)
    work(services)
    assert services.finetune.views.view(run, HERE)["status"] == "done"
    assert len(made) == 9


def test_a_stop_saves_and_it_goes_on_from_there(services, work):
    """Resumed it is the same run; one that is under way or done is not resumed."""
    with trained_here(services, stops_at=5) as fake:
        run = begin(services)
        work(services)
        found = services.finetune.views.view(run, HERE)
        assert (found["status"], found["step"], found["can_resume"]) == ("stopped", 5, True)
        services.finetune.resume(HERE, run)
        with pytest.raises(Conflict, match="under way"):
            services.finetune.resume(HERE, run)
        work(services)
        assert services.finetune.views.view(run, HERE)["status"] == "done"
        assert fake.begun_at == [0, 5]
        with pytest.raises(Conflict, match="is done"):
            services.finetune.resume(HERE, run)


def test_restarts_do_not_end_a_run_that_gets_on(services, config, fake):
    """The studio may die any number of times while steps are taken; twice at the same step ends it."""
    run = begin(services)
    jobs, folder = services.store.jobs, services.finetune.run.folder(run)

    def die() -> str:
        """Take the run up, as the worker does, and be gone."""
        job = jobs.take(services.worker.name, ["finetune"])
        assert job is not None
        services.finetune.run._remember_reach(job, "steps", len(folder.lines("losses.jsonl")))
        jobs.put_back_orphans(dead_workers=[services.worker.name])
        return jobs.get(run).status

    services.worker.run_next()  # its data
    for steps in range(1, 5):
        (folder.path / "losses.jsonl").write_text('{"step": 1}\n' * steps)
        assert die() == "waiting"
    assert die() == "failed"
    services.finetune.resume(HERE, run)  # and may be tried again by hand
    assert jobs.get(run).status == "waiting"


def test_a_kept_model_has_another_title_or_none(services, work, fake):
    """Keep renames; removing the model leaves the run, removing both leaves nothing."""
    run = begin(services, title="Mine")
    work(services)
    assert services.finetune.keep(HERE, run, "  Rain,  at last ")["title"] == "Rain, at last"
    with pytest.raises(StudioError, match="title is empty"):
        services.finetune.keep(HERE, run, "")
    services.finetune.remove(HERE, run, "model")
    found = services.finetune.views.view(run, HERE)
    assert (found["model"], found["is_kept"], found["title"]) == (None, False, "Rain, at last")
    services.finetune.keep(HERE, run, "Back")
    with pytest.raises(StudioError, match="must be model or run"):
        services.finetune.remove(HERE, run, "all")
    services.finetune.remove(HERE, run)
    assert services.finetune.views.latest(HERE) == []
    assert kept(services) == []
    assert not services.finetune.run.folder(run).path.exists()
    with pytest.raises(Unknown):
        services.finetune.views.view(run, HERE)


def test_one_run_at_a_time_and_nobody_elses(services, work, fake):
    """A second of the same person waits for the first; a stranger sees none of it."""
    campaign = labelled(services)
    run = begin(services, campaign)
    with pytest.raises(Conflict, match="under way already"):
        begin(services, campaign)
    with pytest.raises(Conflict, match="stop it first"):
        services.finetune.remove(HERE, run)
    with pytest.raises(Conflict, match="is waiting"):
        services.finetune.keep(HERE, run, "x")
    stranger = "e" * 32
    for ask in ("view", "record", "adapter_files"):
        with pytest.raises(Unknown):
            getattr(services.finetune.views, ask)(run, stranger)
    for act in (services.finetune.stop, services.finetune.resume, services.finetune.remove):
        with pytest.raises(Unknown):
            act(stranger, run)
    assert services.finetune.views.latest(stranger) == []
    assert services.finetune.stop(HERE, run)


def test_what_cannot_be_trained_says_why_before_it_begins(services, fake, work):
    """No job is made of it."""
    zeros = labelled(services, ones=0, zeros=2)
    with pytest.raises(StudioError, match="All 2 sounds count 0"):
        begin(services, zeros)
    with pytest.raises(StudioError, match="no model 'nowhere'"):
        begin(services, zeros, base="nowhere")
    with pytest.raises(StudioError, match="was trained on is not here"):
        begin(services, base="embedded-clean")
    with pytest.raises(Unknown, match="no such reward model"):
        begin(services, reward="0" * 32)
    run = begin(services)
    work(services)
    model = services.finetune.views.view(run, HERE)["adapter"]
    services.choices = None
    with pytest.raises(StudioError, match="aligned model is not trained further"):
        services_with_models(services, model)
    assert len(services.finetune.views.latest(HERE)) == 1


def test_a_reward_model_that_is_gone_is_a_sentence(tmp_path):
    """It may have been removed between the wish and the training."""
    with pytest.raises(StudioError, match="reward model of this run is not there any more"):
        copy_reward(tmp_path / "gone", tmp_path / "run")


def services_with_models(services, model):
    """Ask for a run of an aligned model, where the list has it."""
    finetune = replace(services.finetune, choices=lambda: [("Aligned", model)])
    return finetune.start(HERE, {"campaigns": ["0" * 32], "base": model})


def test_a_sampling_never_takes_less_than_what_was_seen_of_it():
    """1 s and 2 s of one step and three: half a second a step, so 13 s of 25; a busy machine's 4 s and 3 s: more than both."""
    assert of_all_steps(1.0, 2.0, 25) == pytest.approx(13.0)
    assert of_all_steps(4.0, 3.0, 25) == pytest.approx(4 + 22)
    assert of_all_steps(4.0, 3.0, 1) == 4.0


def test_an_estimate_adds_up_and_probes_once(services, fake):
    """Seconds by part; the rows of a step and their memory in proportion to the probe's."""
    asked = {"campaigns": [labelled(services)], "reward": "clap",
             "settings": {"steps": 100, "batch": 32, "pretrain": 32, "sample_every": 50}}  # fmt: skip
    found = services.finetune.estimate(HERE, asked)
    parts = {part["what"]: part["seconds"] for part in found["parts"]}
    assert parts["100 steps of training"] == pytest.approx(100 * 0.4 * 2)
    assert parts["making 3 further sounds and scoring them"] == pytest.approx(3 * 0.15, abs=0.06)
    assert parts["encoding the base's own data, once"] == pytest.approx(SCENES * 0.05)
    assert parts["listening 3 times to 24 held-out prompts"] == pytest.approx(3 * 24 * 0.15)
    assert found["seconds"] == pytest.approx(sum(parts.values()))
    assert found["memory_mb"] == 500 + 2 * 400
    assert found["sitting"] is None  # it fits
    long = {**asked, "settings": {**asked["settings"], "steps": 4000}}
    sitting = services.finetune.estimate(HERE, long)["sitting"]
    shorter = {**asked["settings"], **{name: sitting[name] for name in ("steps", "sample_every")}}
    fitted = services.finetune.estimate(HERE, {**asked, "settings": shorter})
    assert fitted["seconds"] == pytest.approx(sitting["seconds"], abs=0.5)
    assert sitting["seconds"] <= sitting["limit"] < 4000 * 0.8
    assert found["data"]["reward"] == 3
    object.__setattr__(services.finetune.estimates, "probe", None)  # is not asked again
    assert services.finetune.estimate(HERE, asked)["steps"] == 100


def test_a_finished_run_betters_the_estimate(services, work, fake):
    """Its own steps took half of what the probe's did."""
    campaign, rows = labelled(services), {"batch": 16, "pretrain": 16}
    asked = {"campaigns": [campaign], "settings": {"steps": 100, **rows, **SEED}}
    before = services.finetune.estimate(HERE, asked)
    begin(services, campaign, settings={**rows, **SEED})
    work(services)
    after = services.finetune.estimate(HERE, asked)
    took = {"before": before, "after": after}
    took = {k: v["parts"] for k, v in took.items()}
    training = {k: [p["seconds"] for p in v if "training" in p["what"]] for k, v in took.items()}
    assert training == {"before": [40.0], "after": [20.0]}


def test_a_run_of_tiny_steps_says_nothing_of_larger_ones(services, work, fake):
    """Neither of their time nor of their memory, which the probe measured."""
    campaign = labelled(services)
    asked = {"campaigns": [campaign], "settings": {"steps": 100, "batch": 16, "pretrain": 16}}
    before = services.finetune.estimate(HERE, asked)
    begin(services, campaign, settings={"batch": 2, "beta": 0, **SEED})
    work(services)
    after = services.finetune.estimate(HERE, asked)
    for name in ("seconds", "memory_mb", "parts"):
        assert after[name] == before[name]


def test_sources_say_what_can_be_chosen(services, work, fake):
    """Bases with their settings, campaigns that cannot teach with a reason, CLAP among the rewards."""
    campaign = labelled(services)
    found = services.finetune.sources(HERE)
    bases = {base["name"]: base for base in found["bases"]}
    assert bases["embedded"]["can_train"]
    assert bases["embedded"]["paper"]["learning_rate"] == 1e-5
    assert [one["id"] for one in found["campaigns"]] == [campaign]
    assert found["campaigns"][0]["candidates"] == 3
    assert [one["id"] for one in found["rewards"]] == ["clap"]
    assert found["pretraining"] == {"embedded": {"scenes": SCENES}}
    assert services.finetune.sources("e" * 32)["campaigns"] == []
    json.dumps(found)


def test_strangers_share_the_machine(tmp_path):
    """Epochs that come to too many steps are refused too."""
    config = Config(data=tmp_path, host="0.0.0.0")
    services = Services(config, SineEngines(config))
    try:
        campaign = labelled(services)
        asked = {"campaigns": [campaign], "settings": {"epochs": 500}}
        with pytest.raises(StudioError, match="takes at most 400"):
            services.finetune.start(HERE, asked)
        assert services.finetune.sources(HERE)["limits"]["steps"] == 400
    finally:
        services.close()


def test_held_out_prompts_are_the_same_for_every_run_but_for_judged_ones():
    """Of the dev split, two and three events; other bases are heard by demanding scenes."""
    prompts = held_out("embedded", [])
    assert len(prompts) == HELD_OUT
    assert prompts == held_out("embedded", [])
    from pipelines.soundworld.splits import split_of
    from studio.services.finetune.further import groups_of
    from studio.services.finetune.judged import Judged

    judged = [Judged(clip="", caption=one.text, seconds=1, labels=(), weight=1) for one in prompts]
    groups = [groups_of(one) for one in judged]
    assert {split_of(group) for group in groups} == {"dev"}
    assert {len(group) for group in groups} == {2, 3}
    others = held_out("embedded", judged[:6])
    assert not set(groups[:6]) & {
        groups_of(Judged(clip="", caption=one.text, seconds=1, labels=(), weight=1))
        for one in others
    }
    assert len(held_out("/a/folder", [])) == HELD_OUT


def test_long_curves_are_thinned_to_means():
    """1000 steps become 334 points of 3; what was not told stays not told."""
    lines = [
        {"step": n + 1, "epoch": n / 10, "loss": float(n % 3), "data_loss": 1.0,
         "pretrain_loss": None, "gradient_norm": 1.0, "learning_rate": 1.0}
        for n in range(1000)
    ]  # fmt: skip
    found = thinned(lines)
    assert found["smoothed"] == 3
    assert len(found["step"]) <= POINTS
    assert found["loss"][:3] == [1.0, 1.0, 1.0]
    assert found["pretrain_loss"][0] is None
    assert thinned([])["step"] == []
