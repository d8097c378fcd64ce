import json
import math
import threading
import time
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest

from pipelines.audio import read_settings
from pipelines.errors import StudioError
from pipelines.records import Prompt, Settings
from studio.config import Config
from studio.services.services import Services
from studio.visitors import HERE
from tests.studio.sine_engines import SineBackend, SineEngines


def run(services, work, prompts="a dog barks then rain falls", **wishes):
    """Ask, work, and look."""
    job = services.generate(HERE, services.check(prompts, **wishes))
    work(services)
    return services.views.job(job, HERE)


def test_a_run_makes_hears_and_scores(services, work):
    """Two candidates with the seeds asked for, each with score, events, verdict and waveform."""
    found = run(services, work, count=2, seed=7, seconds=2)
    assert (found["status"], found["wanted"], found["progress"]) == ("done", 2, 1.0)
    assert [card["settings"]["seed"] for card in found["cards"]] == [7, 8]
    card = found["cards"][0]
    assert card["seconds"] == 2.0
    assert card["clap"] > 0
    assert card["hearing"]["integrity"] is True
    assert card["hearing"]["order"] is True
    assert [event[0] for event in card["hearing"]["events"]] == ["Dog", "Rain"]
    assert card["recipe"]["versions"]["numpy"] == np.__version__
    assert (card["settings"]["steps"], card["settings"]["guidance"]) == (25, 4.5)


def test_sounds_come_before_scores(services):
    """After the first phase the cards are there, not yet scored."""
    job = services.generate(HERE, services.check("a dog", count=2, seconds=1))
    services.worker.run_next()
    found = services.views.job(job, HERE)
    assert (len(found["cards"]), found["is_over"]) == (2, False)
    assert found["cards"][0]["clap"] is None
    assert found["cards"][0]["hearing"] is None
    assert len(found["cards"][0]["peaks"]) == 320


def test_the_first_sound_does_not_wait_for_the_others(services, work):
    """One alone, then eight together, then the rest."""
    asked = note_batches(services)
    run(services, work, "a dog", count=12, seed=0, seconds=1)
    assert [len(batch) for batch in asked] == [1, 8, 3]


def test_a_list_keeps_its_order(services, work):
    """Prompt by prompt, candidate by candidate."""
    found = run(services, work, "rain falls\na dog barks", count=2, seed=1, seconds=1)
    made = [(card["prompt"], card["settings"]["seed"]) for card in found["cards"]]
    assert made == [("rain falls", 1), ("rain falls", 2), ("a dog barks", 1), ("a dog barks", 2)]


def test_same_again_proves_the_same_bytes(services, work):
    """The notice says so with the hash; the candidate is the same one."""
    first = run(services, work, seed=3, seconds=1)["cards"][0]
    job = services.same_again(HERE, first["id"])
    work(services)
    again = services.views.job(job, HERE)
    assert [card["id"] for card in again["cards"]] == [first["id"]]
    assert again["notices"] == [
        f"Same again: the same {first['clip'][:12]}… (SHA-256), byte for byte."
    ]


def test_same_again_does_not_hide_a_difference(services, work, monkeypatch):
    """When the bytes differ the page says so, and the first stays."""
    first = run(services, work, seed=3, seconds=1)["cards"][0]
    monkeypatch.setattr(
        "tests.studio.sine_engines.sound", lambda p, s: np.full((1, 16000), 0.5, np.float32)
    )
    job = services.same_again(HERE, first["id"])
    work(services)
    again = services.views.job(job, HERE)
    assert "the bytes differ" in again["notices"][0]
    assert again["cards"][0]["clip"] == first["clip"]


def test_vary_takes_the_next_new_seeds(services, work):
    """Seeds 5 and 6 are taken, so variation begins at 7, all else equal."""
    first = run(services, work, count=2, seed=5, seconds=1, steps=9)["cards"][0]
    job = services.vary(HERE, first["id"], 3)
    work(services)
    cards = services.views.job(job, HERE)["cards"]
    assert [card["settings"]["seed"] for card in cards] == [7, 8, 9]
    assert {card["settings"]["steps"] for card in cards} == {9}


def test_a_judge_who_is_away_is_named_not_hidden(services, work):
    """The sounds are there; one sentence tells what is missing; later the judge can still speak."""
    services.engines.missing = ("clap",)
    found = run(services, work, count=2, seconds=1, seed=1)
    assert found["status"] == "done"
    assert found["notices"] == ["There is no CLAP in assets/clap-reward; train it first."]
    assert [card["clap"] for card in found["cards"]] == [None, None]
    assert found["cards"][0]["hearing"] is not None
    services.engines.missing = ()
    assert run(services, work, count=2, seconds=1, seed=1)["cards"][0]["clap"] is not None


def test_unknown_words_are_named_with_the_nearest(services, work):
    """In the run, and while typing once the model is there."""
    found = run(services, work, "a dogg barks quietly", seconds=1)
    sentence = "The model does not know “dogg” (nearest: “dog”), “quietly”; say it in other words."
    assert found["notices"] == [sentence]
    assert services.hint("a dogg barks quietly", "embedded") == sentence
    assert services.hint("a dog barks", "embedded") == ""
    assert services.hint("a dogg", "broken") == ""


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"seconds": 11}, "The duration is 11 s; embedded makes at most 10.24 s. Ask for less."),
        ({"model": "broken"}, "The checkpoint of broken cannot be read; copy it again."),
    ],
)
def test_what_only_the_model_knows_fails_the_run_in_words(services, work, wishes, words):
    """A broken checkpoint, and a length that this model cannot make."""
    found = run(services, work, **wishes)
    assert (found["status"], found["error"], found["cards"]) == ("failed", words, [])


def test_a_prompt_too_long_for_the_model_is_refused_before_any_work(services, work):
    """One of two prompts is too long: neither is made."""
    found = run(services, work, "a dog\n" + "rain " * 41, seconds=1)
    assert (found["status"], found["cards"]) == ("failed", [])
    assert found["error"] == "The prompt has too many words; embedded reads 40. Shorten it."


def test_an_unknown_model_is_refused_at_the_door(services):
    """A path is no name here: strangers may not read folders."""
    with pytest.raises(
        StudioError, match="no model '/etc'; choose from embedded, embedded-clean, broken"
    ):
        services.generate(HERE, services.check("a dog", model="/etc"))


def test_a_stop_keeps_what_is_finished_and_has_it_scored(services, work):
    """Two of many are made, then a stop between two steps; the two stay, and are judged."""
    services.engines.pause = 0.002
    job = services.generate(HERE, services.check("a dog", count=16, seconds=1, seed=0))
    thread = threading.Thread(target=services.worker.run_next)
    thread.start()
    patience = time.monotonic() + 10
    while len(services.views.job(job, HERE)["cards"]) < 2 and time.monotonic() < patience:
        time.sleep(0.01)
    services.stop(HERE, job)
    thread.join(10)
    work(services)
    found = services.views.job(job, HERE)
    assert found["status"] == "stopped"
    assert 2 <= len(found["cards"]) < 16
    assert all(card["clap"] is not None for card in found["cards"])


def test_a_run_cut_short_by_a_crash_is_finished_after_the_restart(config, work, monkeypatch):
    """Of four batches two are there; the second process makes the others, as first planned."""
    monkeypatch.setattr("studio.services.generate.batches.BATCH", 2)
    first = Services(config, SineEngines(config))
    first.generate(HERE, first.check("a dog\nrain", count=3, seconds=1, seed=4))
    taken = first.store.jobs.take("dead", ["generate"])
    dog = Prompt(text="a dog", seconds=1.0)
    wanted = [(dog, Settings(model="embedded", seed=seed)) for seed in (4, 5, 6)]
    made = first.engines.make(
        SineBackend(), wanted, on_progress=lambda *_: None, should_stop=lambda: False
    )
    for place, candidate in enumerate(made):
        clip = first.store.clips.put(candidate.audio, candidate.sample_rate)
        first.store.candidates.add(candidate, clip)
        first.store.jobs.add_candidate(taken.id, place, candidate.id)
    first.close()

    second = Services(config, SineEngines(config))
    second.store.jobs.put_back_orphans(dead_workers=["dead"])
    asked = note_batches(second)
    work(second)
    assert asked == [[("rain", 4), ("rain", 5)], [("rain", 6)]]
    [found] = second.views.history(HERE)
    assert found["status"] == "done"
    assert [(card["prompt"], card["settings"]["seed"]) for card in found["cards"]] == [
        (text, seed) for text in ("a dog", "rain") for seed in (4, 5, 6)
    ]
    second.close()


def note_batches(services):
    """The batches that the engine is asked for from now on, as (prompt, seed)."""
    asked, make = [], services.engines.make

    def noting(backend, wanted, **named):
        asked.append([(prompt.text, settings.seed) for prompt, settings in wanted])
        return make(backend, wanted, **named)

    services.engines.make = noting
    return asked


def test_same_again_makes_the_whole_batch_anew(services, work, monkeypatch):
    """The last bits of a sound depend on its batch; so the batch is the same, and one is kept."""
    monkeypatch.setattr("studio.services.generate.batches.BATCH", 2)
    cards = run(services, work, "a dog\nrain", count=2, seed=4, seconds=1)["cards"]
    asked = note_batches(services)
    job = services.same_again(HERE, cards[1]["id"])
    work(services)
    again = services.views.job(job, HERE)
    assert asked == [[("a dog", 5), ("rain", 4)]]
    assert [card["id"] for card in again["cards"]] == [cards[1]["id"]]
    assert "byte for byte" in again["notices"][0]


def test_history_is_each_owners_own(services, work):
    """A visitor sees no other visitor's run, not even by its id."""
    run(services, work, seconds=1)
    job = services.generate("visitor", services.check("rain", seconds=1))
    assert [r["request"]["prompts"] for r in services.views.history("visitor")] == [["rain"]]
    assert len(services.views.history(HERE)) == 1
    with pytest.raises(StudioError, match="no such run"):
        services.views.job(job, HERE)


def test_history_turns_pages(services, work):
    """Older runs begin where the last page ended."""
    jobs = [run(services, work, seconds=1, seed=n)["id"] for n in range(5)]
    first = services.views.history(HERE, limit=2)
    second = services.views.history(HERE, limit=2, before=first[-1]["created_at"])
    assert [r["id"] for r in first + second] == jobs[:0:-1]


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_downloads_carry_all_that_made_them(services, work, kind):
    """The settings are read back from the file; no word of the prompt is in its name."""
    card = run(services, work, seed=3, seconds=1)["cards"][0]
    path = services.downloads.file(services.views.candidate(card["id"]), kind)
    assert path.name == f"baton-{card['id']}.{kind}"
    assert read_settings(path) == {"id": card["id"], **card["recipe"]}


def test_a_zip_holds_every_sound_and_recipe(services, work):
    """One file each, and one line each."""
    found = run(services, work, count=3, seconds=1)
    stored = services.store.candidates.find([card["id"] for card in found["cards"]])
    with zipfile.ZipFile(services.downloads.zip(stored, "flac")) as bundle:
        names = bundle.namelist()
        lines = bundle.read("recipes.jsonl").decode().splitlines()
    assert names == [f"baton-{card['id']}.flac" for card in found["cards"]] + ["recipes.jsonl"]
    assert [json.loads(line)["seed"] for line in lines] == [
        card["settings"]["seed"] for card in found["cards"]
    ]


def test_a_full_disk_fails_the_run_in_words(services, work, monkeypatch):
    """Nothing is half kept, and the page says what to do."""

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("studio.store.clips.os.fsync", full)
    found = run(services, work, seconds=1)
    assert found["status"] == "failed"
    assert "free some disk space" in found["error"]


def test_warming_up_survives_a_missing_model():
    """The background warm-up of a bare studio fails silently; asking for a sound tells why."""
    config = Config(model="broken")
    engines = SineEngines(config)
    engines.warm()
    assert engines.state("broken").problem.startswith("The checkpoint of broken")


def test_the_form_offers_what_the_model_is_best_with(services, tmp_path):
    """Read from its folder while it is not loaded; TangoFlux's own where it tells nothing."""
    assert services.defaults("embedded") == (25, 4.5)
    (tmp_path / "model_index.json").write_text('{"default_steps": 12, "default_guidance": 3.0}')
    told = SimpleNamespace(name="embedded", path=tmp_path)
    services.engines.models = lambda: [told]
    assert services.defaults("embedded") == (12, 3.0)


def test_nan_never_reaches_the_model(services):
    """A slider that sends NaN is refused before anything is queued."""
    with pytest.raises(StudioError, match="guidance is nan"):
        services.check("a dog", guidance=math.nan)
    assert services.views.history(HERE) == []


def test_a_judge_that_was_trained_anew_speaks_again(services, work):
    """The same request later: the new CLAP scores what the old one scored; its word is shown."""
    wish = services.check("a dog barks", count=1, seconds=1, seed=5)
    first = services.generate(HERE, wish)
    work(services)
    [before] = services.views.job(first, HERE)["cards"]
    clap = services.engines.clap()
    clap.revision, clap.score = "c2", lambda audio, rate, text: 0.125
    second = services.generate(HERE, wish)
    work(services)
    [card] = services.views.job(second, HERE)["cards"]
    assert card["id"] == before["id"]
    assert (before["clap"] != 0.125, card["clap"]) == (True, 0.125)
    assert services.views.events(card["id"]) == card["hearing"]["events"]
    said = services.store.candidates.judgements([card["id"]])[card["id"]]
    assert set(said) == {"clap:reward@c1", "clap:reward@c2", "listener:annotator@l1"}
