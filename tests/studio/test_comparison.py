import json
import threading
import time

import numpy as np
import pytest

from pipelines.errors import StudioError
from pipelines.loudness import integrated_lufs, turned
from studio.jobs import Desk
from studio.services.services import Services
from studio.visitors import HERE
from tests.studio.comparing import DOG, ask, compared, note_batches
from tests.studio.sine_engines import SineBackend, SineClap, SineEngines


def test_a_comparison_makes_matches_hears_and_measures(services, work):
    """Three pairs from the same seeds, each with gains, scores, difference and distance."""
    found = compared(services, work, f"{DOG}\nrain falls\na bell rings", seed=7)
    assert (found["status"], found["wanted"], found["progress"]) == ("done", 3, 1.0)
    assert found["shares_noise"] is True
    assert [pair["seed"] for pair in found["pairs"]] == [7, 8, 9]
    assert [pair["place"] for pair in found["pairs"]] == [0, 1, 2]
    pair = found["pairs"][0]
    assert pair["prompt"] == DOG
    assert pair["is_matched"] and "unmatched" not in pair
    assert pair["a"]["id"] != pair["b"]["id"]
    assert pair["a"]["gain_db"] == pytest.approx(-6, abs=0.5)
    assert pair["b"]["gain_db"] == 0
    assert pair["difference"]["clap"] == pytest.approx(
        pair["b"]["scores"]["clap"] - pair["a"]["scores"]["clap"]
    )
    assert (pair["a"]["scores"]["integrity"], pair["a"]["scores"]["order"]) == (True, True)
    assert found["pairs"][2]["b"]["scores"]["missing"] == ["Bell"]
    assert pair["distance"] == pytest.approx(abs(pair["difference"]["clap"]))
    assert len(pair["a"]["peaks"]) == 320


def test_what_is_heard_is_equally_loud(services, work):
    """After the gains the two are within a tenth of an LU."""
    found = compared(services, work, seconds=2)
    [pair] = found["pairs"]
    heard = []
    for side in "ab":
        clip = services.views.candidate(pair[side]["id"]).clip
        audio, rate = services.store.clips.read(clip)
        heard.append(integrated_lufs(turned(audio, pair[side]["gain_db"]), rate))
    assert abs(heard[0] - heard[1]) < 0.1


def test_too_short_to_be_matched_is_said(services, work, monkeypatch):
    """A sound of 0.3 s has no loudness: gains of nought, and a sentence."""
    short = lambda p, s: np.full((1, 4800), 0.1 + s.steps / 1000, np.float32)  # noqa: E731
    monkeypatch.setattr("tests.studio.sine_engines.sound", short)
    [pair] = compared(services, work)["pairs"]
    assert pair["is_matched"] is False
    assert pair["unmatched"] == (
        "Not made equally loud: A is shorter than 0.4 s and B is shorter than 0.4 s."
    )
    assert (pair["a"]["gain_db"], pair["a"]["lufs"]) == (0.0, None)


def test_the_summary_needs_two_pairs_and_says_each_measure(services, work):
    """One pair is no sample; three give means, differences, counts and sentences."""
    assert compared(services, work)["summary"] is None
    found = compared(services, work, f"{DOG}\nrain falls\na dog barks", seed=1)["summary"]
    names = [measure["name"] for measure in found["measures"]]
    assert names == ["clap", "integrity"]  # only one of the three asks for an order
    assert found["measures"][0]["judge"] == "CLAP-evaluation"
    assert "simulated" in found["measures"][1]["judge"]
    assert found["measures"][0]["difference"]["count"] == 3
    assert found["measures"][0]["worse"] == 3
    assert len(found["said"]) == 2
    json.dumps(found)


def test_the_first_pair_is_heard_and_scored_before_the_others(services, work):
    """A then B alone, then their scores, then eight of A, eight of B, and so on."""
    asked = note_batches(services)
    comparison = ask(services, [f"dog {n}" for n in range(12)], seed=0)
    services.worker.run_next()
    found = services.comparisons.view(comparison)
    assert asked == [("embedded", [0]), ("embedded-clean", [0])]
    assert [pair["place"] for pair in found["pairs"]] == [0]
    assert found["pairs"][0]["a"]["scores"] is None
    assert found["pairs"][0]["distance"] is None

    services.worker.run_next()
    found = services.comparisons.view(comparison)
    assert found["pairs"][0]["b"]["scores"]["clap"] is not None
    assert found["progress"] == pytest.approx(0.8 / 12, abs=1e-3)

    services.worker.run_next()
    found = services.comparisons.view(comparison)
    assert [name for name, _ in asked] == ["embedded", "embedded-clean"] * 3
    assert [len(seeds) for _, seeds in asked] == [1, 1, 8, 8, 3, 3]
    assert asked[2][1] == asked[3][1] == list(range(1, 9))
    assert (len(found["pairs"]), found["is_over"]) == (12, False)
    assert found["summary"] is None
    work(services)
    assert services.comparisons.view(comparison)["summary"] is not None


def test_the_bulk_of_a_comparison_goes_behind_others_sounds(services, monkeypatch):
    """A run that is asked for meanwhile is made and scored between two batches."""
    monkeypatch.setattr("studio.services.generate.batches.BATCH", 2)
    comparison = ask(services, [f"dog {n}" for n in range(7)], seed=0)
    for _ in "ab":
        services.worker.run_next()
    make, runs = services.engines.make, []

    def interrupted(backend, wanted, **hands):
        if not runs:
            runs.append(services.generate(HERE, services.check("rain", seconds=1)))
        yield from make(backend, wanted, **hands)

    services.engines.make = interrupted
    services.worker.run_next()
    assert len(services.comparisons.view(comparison)["pairs"]) == 3
    for _ in "ab":
        services.worker.run_next()
    assert services.views.job(runs[0], HERE)["status"] == "done"
    services.worker.run_next()
    assert len(services.comparisons.view(comparison)["pairs"]) == 7


def test_one_model_at_two_settings(services, work):
    """Loaded once; the sides tell what was asked and what the model chose itself."""
    sides = {"a": {"model": "embedded"}, "b": {"model": "embedded", "steps": 9, "guidance": 3}}
    request = compared(services, work, **sides)["request"]
    assert (request["a"]["steps"], request["a"]["guidance"]) == (25, 4.5)
    assert (request["b"]["steps"], request["b"]["guidance"]) == (9, 3.0)
    assert request["a"]["title"] == "Sine"
    assert request["a"]["revision"] == "r1"


def test_models_of_other_shapes_share_no_noise_and_say_so(services, work, monkeypatch):
    """Rates may differ too; the pair is there all the same."""

    def load(name):
        backend = SineBackend(0.0, name)
        if name == "embedded-clean":
            backend.latent_shape, backend.sample_rate = (64, 8), 32000
        return backend

    monkeypatch.setattr(services.engines, "_load_backend", load)
    found = compared(services, work)
    assert found["shares_noise"] is False
    assert any("not its noise" in notice for notice in found["notices"])
    assert found["pairs"][0]["b"]["sample_rate"] == 32000
    figures = services.comparisons.picture(found["id"], 0)
    assert figures["a"]["layout"]["xaxis"] == figures["b"]["layout"]["xaxis"]


@pytest.mark.parametrize(
    ("prompts", "wishes", "words"),
    [
        ("", {}, "The prompt is empty"),
        ([f"dog {n}" for n in range(65)], {}, "65 prompts; at most 64 are compared at once"),
        (DOG, {"b": {"model": "embedded"}}, "A and B are the same (embedded with the same"),
        (DOG, {"b": {"model": "embedded", "steps": 25}}, "A and B are the same"),
        (DOG, {"b": {"model": "nobody"}}, "There is no model 'nobody'"),
        (DOG, {"b": {"model": "/etc"}}, "There is no model '/etc'"),
        (DOG, {"b": {"steps": 0}}, "Side B: The number of steps is 0"),
        (DOG, {"a": {"guidance": float("nan")}}, "Side A: The guidance is nan"),
        (
            DOG,
            {"a": {"sampler": "fast"}},
            "Side A: The sampler is 'fast'; choose one of euler, heun",
        ),
        (DOG, {"a": {"speed": 2}}, "Side A has speed; give model, steps"),
        (DOG, {"seconds": 0.1}, "The duration is 0.1 s; give a number from 0.5"),
        (DOG, {"seed": -1}, "The seed is -1"),
    ],
)
def test_what_cannot_be_compared_is_refused_at_the_door(services, prompts, wishes, words):
    """One sentence each, and nothing in the row."""
    with pytest.raises(StudioError) as refused:
        ask(services, prompts, **wishes)
    assert words in str(refused.value)
    assert services.comparisons.latest(HERE) == []


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"seconds": 11}, "The duration is 11 s; embedded makes at most 10.24 s."),
        ({"b": {"model": "broken"}}, "The checkpoint of broken cannot be read"),
        ({"prompts": "rain " * 41}, "too many words"),
    ],
)
def test_what_only_the_models_know_fails_before_any_sound(services, work, wishes, words):
    """Too long, broken, too many words."""
    found = compared(services, work, **wishes)
    assert (found["status"], found["pairs"]) == ("failed", [])
    assert words in found["error"]


def test_two_names_of_one_model_are_found_out(services, work, monkeypatch):
    """What the door could not see: another name, the same weights under the same name."""
    monkeypatch.setattr(services.engines, "_load_backend", lambda name: SineBackend())
    found = compared(services, work)
    assert found["status"] == "failed"
    assert "A and B are the same" in found["error"]


def test_a_missing_judge_is_named_once_and_the_rest_is_there(services, work):
    """Without the evaluation CLAP: verdicts, no score, one notice."""
    services.engines.missing = ("clap",)
    found = compared(services, work, f"{DOG}\nrain falls")
    assert found["status"] == "done"
    assert len(found["notices"]) == 1 and "There is no CLAP" in found["notices"][0]
    assert found["pairs"][0]["a"]["scores"]["clap"] is None
    assert found["pairs"][0]["a"]["scores"]["integrity"] is True
    assert [measure["name"] for measure in found["summary"]["measures"]] == ["integrity"]


def test_the_judge_is_the_evaluation_clap_never_the_reward(services, work):
    """A model that was taught to please the reward would please it here too."""
    asked, load = [], services.engines._load_clap
    services.engines._load_clap = lambda name: asked.append(name) or load(name)
    found = compared(services, work)
    assert asked == ["evaluation"]
    said = services.store.candidates.judgements([found["pairs"][0]["a"]["id"]])
    assert set(*said.values()) == {"clap:evaluation@c1", "listener:annotator@l1"}


def test_what_a_judge_said_before_it_was_trained_anew_is_not_mixed_in(services, work):
    """The base's sounds are known and judged; a new CLAP judges them again, beside the new side."""
    old = compared(services, work, f"{DOG}\nrain", seed=2)
    services.engines.loaded.clear()
    new = SineClap("c2")
    new.score = lambda *_: 0.5
    services.engines._load_clap = lambda name: new
    found = compared(services, work, f"{DOG}\nrain", seed=2, b={"model": "embedded", "steps": 9})
    assert found["pairs"][0]["a"]["id"] == old["pairs"][0]["a"]["id"]
    assert {pair[side]["scores"]["clap"] for pair in found["pairs"] for side in "ab"} == {0.5}
    assert services.comparisons.view(old["id"])["pairs"] == old["pairs"]


def test_comparisons_leave_the_history_of_generate_alone(services, work):
    """Neither list shows the other's; a comparison is no run."""
    found = compared(services, work)
    assert services.views.history(HERE) == []
    assert [one["id"] for one in services.comparisons.latest(HERE)] == [found["id"]]
    assert "pairs" not in services.comparisons.latest(HERE)[0]
    with pytest.raises(StudioError, match="no such run"):
        services.views.job(found["id"], HERE)
    run = services.generate(HERE, services.check("a dog", seconds=1))
    with pytest.raises(StudioError, match="no such comparison"):
        services.comparisons.view(run)


def test_a_candidate_is_the_same_wherever_it_was_asked_for(services, work):
    """The same request in Generate and in Compare: one candidate, made once."""
    job = services.generate(HERE, services.check(DOG, seed=5, seconds=1))
    work(services)
    [card] = services.views.job(job, HERE)["cards"]
    asked = note_batches(services)
    [pair] = compared(services, work, seed=5)["pairs"]
    assert pair["a"]["id"] == card["id"]
    assert asked == [("embedded-clean", [5])]


def test_the_base_is_not_made_again_for_the_next_model(services, work):
    """The same prompts and seed against another setting: only the new side is made."""
    prompts = [f"dog {n}" for n in range(4)]
    compared(services, work, prompts, seed=3)
    asked = note_batches(services)
    again = compared(services, work, prompts, seed=3, b={"model": "embedded-clean", "steps": 7})
    assert [name for name, _ in asked] == ["embedded-clean"] * 2
    assert len(again["pairs"]) == 4


def test_a_sound_lost_from_the_disk_is_made_again(services, work):
    """Remembered is not enough: the clip must be there."""
    first = compared(services, work, seed=3)["pairs"][0]["a"]["id"]
    path = services.store.clips.path(services.views.candidate(first).clip)
    path.unlink()
    compared(services, work, seed=3)
    assert path.is_file()


def test_same_again_of_a_compared_sound_is_byte_for_byte(services, work):
    """It is made in the batch of its side, as the first time."""
    found = compared(services, work, [f"dog {n}" for n in range(12)], seed=0)
    asked = note_batches(services)
    job = services.same_again(HERE, found["pairs"][10]["b"]["id"])
    work(services)
    assert "byte for byte" in services.views.job(job, HERE)["notices"][-1]
    assert asked == [("embedded-clean", [9, 10, 11])]


def test_a_stop_keeps_the_pairs_that_are_whole_and_has_them_scored(services, work):
    """Stopped between two steps: what is whole stays and is judged, half pairs are not shown."""
    services.engines.pause = 0.002
    comparison = ask(services, [f"dog {n}" for n in range(20)], seed=0)
    services.worker.run_next()
    services.worker.run_next()
    thread = threading.Thread(target=services.worker.run_next)
    thread.start()
    patience = time.monotonic() + 10
    while len(services.comparisons.view(comparison)["pairs"]) < 9 and time.monotonic() < patience:
        time.sleep(0.01)
    assert services.stop("somebody else", comparison) is False
    services.stop(HERE, comparison)
    thread.join(10)
    work(services)
    found = services.comparisons.view(comparison)
    assert found["status"] == "stopped"
    assert 9 <= len(found["pairs"]) < 20
    assert all(pair["b"]["scores"] is not None for pair in found["pairs"])
    assert found["summary"]["measures"][0]["difference"]["count"] == len(found["pairs"])


def test_a_comparison_cut_short_is_finished_after_the_restart(config, work):
    """The first process died with A's second batch made: the second makes B's, as first planned."""
    first = Services(config, SineEngines(config))
    comparison = ask(first, [f"dog {n}" for n in range(6)], seed=0)
    first.worker.run_next()
    first.worker.run_next()
    taken = first.store.jobs.take("dead", ["compare"])
    make, asked = first.engines.make, []

    def until_the_power_fails(backend, wanted, **hands):
        asked.append(backend.name)
        if len(asked) == 2:
            raise KeyError
        yield from make(backend, wanted, **hands)

    first.engines.make = until_the_power_fails
    with pytest.raises(KeyError):
        first.comparison.make_rest(taken, Desk(taken, first.store.jobs))
    assert len(first.comparisons.view(comparison)["pairs"]) == 1
    first.close()

    second = Services(config, SineEngines(config))
    second.store.jobs.put_back_orphans(dead_workers=["dead"])
    asked = note_batches(second)
    work(second)
    assert asked == [("embedded-clean", [1, 2, 3, 4, 5])]
    found = second.comparisons.view(comparison)
    assert (found["status"], len(found["pairs"])) == ("done", 6)
    second.close()


def test_only_three_models_stay_in_memory(config):
    """The oldest is let go when a fourth comes; the latest asked for stays."""
    engines = SineEngines(config)
    for name in ("one", "two", "one", "three", "four"):
        engines.backend(name)
    assert [name for kind, name in engines.loaded if kind == "model"] == ["one", "three", "four"]
    assert engines.state("two").is_ready is False
    assert engines.clap("evaluation") is engines.clap("evaluation")
