"""An aligned model on one side of a comparison: named, recorded, and its gains told with a caution."""

import csv
import io
import json
from types import SimpleNamespace

import numpy as np
import pytest

from pipelines.errors import StudioError
from studio.config import Config
from studio.services.services import Services
from studio.tabs.model_choice import fresh
from tests.studio.comparing import DOG, compared
from tests.studio.sine_engines import MODELS, RATE, SineEngines
from tests.studio.test_page import client_of

HASH, ALIGNED = "0123456789abcdef", "embedded+01234567"
WORDS = [f"{DOG} {n}" for n in range(11)]


class AlignedEngines(SineEngines):
    """Sines, and an aligned one among them."""

    def models(self):
        aligned = SimpleNamespace(name=ALIGNED, title="Louder rain", path="nowhere")
        return [*super().models(), *([aligned] if self.has_aligned else [])]

    has_aligned = True

    def scene_of_caption(self, caption, seed, seconds):
        if "dog" not in caption:
            raise StudioError(f"{caption!r} names no event of the world.")
        return SimpleNamespace(seed=seed, seconds=seconds)

    def render(self, scene):
        draws = np.random.default_rng(scene.seed)
        return draws.normal(0, 0.1, (1, int(RATE * scene.seconds))).astype(np.float32), RATE

    def _load_backend(self, name):
        backend = super()._load_backend("embedded-clean" if name == ALIGNED else name)
        if name == ALIGNED:
            backend.name, backend.adapter = ALIGNED, HASH
        return backend


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    """One studio for all: it makes the eleven pairs once."""
    adapters, patch = "studio.services.adapters.Adapters", pytest.MonkeyPatch()
    patch.setattr(f"{adapters}.folder_of", lambda self, name: "there" if name == ALIGNED else None)
    patch.setattr(f"{adapters}.base_of", lambda self, name: "embedded")
    record = {"hash": HASH, "title": "Louder rain", "run": "", "card": {"config": {"beta": 0.5}}}
    patch.setattr(f"{adapters}.record", lambda self, adapter: record)
    config = Config(data=tmp_path_factory.mktemp("aligned"))
    opened = Services(config, AlignedEngines(config))
    yield opened
    opened.close()
    patch.undo()


def until_done(services):
    """Every waiting phase, one after another."""
    while services.worker.run_next():
        pass


@pytest.fixture(scope="module")
def found(services):
    sides = {"a": {"model": "embedded"}, "b": {"model": ALIGNED}}
    return compared(services, until_done, WORDS, seed=3, **sides)


def test_the_side_says_what_it_is_aligned_from(services, found, tmp_path):
    """In the view, in the report with the record, in the page that is handed on, in every recipe."""
    side = found["request"]["b"]
    assert (side["title"], side["adapter"], side["base"]) == ("Louder rain", HASH, "embedded")
    assert found["request"]["a"]["adapter"] is None
    report = services.comparisons.report(found["id"])
    assert report["adapters"][HASH]["card"]["config"] == {"beta": 0.5}
    assert report["pairs"][0]["b"]["recipe"]["adapter"] == HASH
    services.write_comparison(found["id"], tmp_path)
    page = (tmp_path / "index.html").read_text()
    assert json.dumps({HASH: report["adapters"][HASH]})[1:-1] in page
    record = client_of(services).get(f"/studio/models/{HASH}/record").json()
    assert record["title"] == "Louder rain"


def test_distances_and_the_caution_about_a_control(services, found):
    """Eleven pairs are enough for distances; gains are against the base, and need a control."""
    distances = found["distances"]
    names = [measure["name"] for measure in distances["measures"]]
    assert names == ["fd", "kad", "kl", "is", "diversity"]
    assert distances["pairs"] == 11
    assert "real renders" in distances["reference"]
    assert "zero-shot" in distances["classes"]
    assert distances["left_out"][-1]["metric"] == "FAD"
    assert found["verdict"]["said"][-1].startswith("These are changes against its base.")
    assert "control" in found["verdict"]["said"][-1]


def test_a_listener_that_taught_a_side_is_told_of(services, found, monkeypatch):
    """It judges what it labelled; of people's labels, or of a model that is gone, nothing is said."""
    assert not any("same ears" in said for said in found["verdict"]["said"])
    adapters = "studio.services.adapters.Adapters.record"
    monkeypatch.setattr(
        adapters, lambda self, adapter: {"hash": HASH, "run": "", "simulated": True}
    )
    said = services.comparisons.view(found["id"])["verdict"]["said"]
    assert "one of the same ears" in said[-1]

    def gone(self, adapter):
        raise StudioError("not here any more")

    monkeypatch.setattr(adapters, gone)
    said = services.comparisons.view(found["id"])["verdict"]["said"]
    assert said == found["verdict"]["said"]


def test_prompts_that_were_learned_from_are_told_of(services, found, monkeypatch):
    """They are not held out, whatever their spaces and capitals."""
    learned = [WORDS[0].upper(), f" {WORDS[3]}  ", "rain falls"]
    monkeypatch.setattr(
        "studio.services.adapters.Adapters.learned",
        lambda self, adapter: learned if adapter == HASH else [],
    )
    said = services.comparisons.view(found["id"])["verdict"]["said"]
    assert said[:-1] == found["verdict"]["said"]
    assert said[-1].startswith("2 of the 11 prompts are among those that B learned from")


def test_models_kept_meanwhile_can_be_chosen(services, monkeypatch):
    """What is chosen stays; what the address asks for comes with its own settings."""
    engines = services.engines
    monkeypatch.setattr(engines, "has_aligned", False)
    update, steps, guidance = fresh(services, None, "embedded-clean")
    assert [name for _, name in update["choices"]] == list(MODELS)
    assert "value" not in update
    monkeypatch.setattr(engines, "has_aligned", True)
    update, steps, guidance = fresh(services, ALIGNED, "embedded")
    assert (update["value"], steps, guidance) == (ALIGNED, 25, 4.5)
    assert (ALIGNED in [name for _, name in update["choices"]]) is True
    monkeypatch.setattr(engines, "has_aligned", False)
    said = []
    monkeypatch.setattr("gradio.Warning", said.append)
    update, *_ = fresh(services, "gone", ALIGNED)
    assert update["value"] == "embedded"
    assert "no model 'gone' here any more" in said[0]


def test_what_cannot_be_rendered_is_left_out_with_its_reason(services, work):
    """Words of no event: no reference, so no FD, KAD and KL; IS and diversity stay."""
    words = [f"something nameless {n}" for n in range(10)]
    sides = {"a": {"model": "embedded"}, "b": {"model": ALIGNED}}
    distances = compared(services, work, words, **sides)["distances"]
    assert [measure["name"] for measure in distances["measures"]] == ["is", "diversity"]
    assert "No prompt can be rendered" in distances["reference"]


def test_few_pairs_have_no_distances_and_say_why(services, work):
    """Nine pairs tell nothing of a set."""
    sides = {"a": {"model": "embedded"}, "b": {"model": ALIGNED}}
    found = compared(services, work, WORDS[:3], **sides)
    assert found["distances"]["measures"] == []
    assert "they need 10 pairs, and there are 3" in found["distances"]["left_out"][0]["why"]
    assert services.comparisons.beforehand("a\n\n a \nb").startswith("2 pairs cannot show")


def test_tables_to_take_away(services, found, tmp_path):
    """A row a measure, scores and distances alike; the verdict, both tables and what was left out."""
    rows = list(csv.DictReader(io.StringIO(services.comparisons.measures(found["id"]))))
    assert [row["name"] for row in rows][-5:] == ["fd", "kad", "kl", "is", "diversity"]
    assert rows[0]["p_holm"] != "" and rows[-1]["p_holm"] == ""
    assert {row["pairs"] for row in rows} == {"11"}
    path = f"/studio/comparisons/{found['id']}/measures.csv"
    assert client_of(services).get(path).text == services.comparisons.measures(found["id"])
    services.write_comparison(found["id"], tmp_path)
    text = (tmp_path / "summary.md").read_text()
    assert text.startswith(f"- {found['verdict']['said'][0]}")
    assert "| KAD | CLAP-evaluation |" in text and "- FAD: " in text
    assert (tmp_path / "measures.csv").is_file()


def test_a_folder_of_real_sounds_stands_in_for_renders(services, work, found, tmp_path):
    """Those that say a prompt of ours go with it, so that KL is there; others are a mere set."""
    services.write_comparison(found["id"], tmp_path)
    sides = {"a": {"model": "embedded", "steps": 3}, "b": {"model": ALIGNED}, "seed": 4}
    real = tmp_path / "sounds" / "a"
    again = compared(services, work, WORDS, **sides, reference=str(real))
    names = [measure["name"] for measure in again["distances"]["measures"]]
    assert names == ["fd", "kad", "kl", "is", "diversity"]
    assert again["distances"]["reference"] == "11 sounds of a."
    (real / "001.wav").unlink()
    sides["seed"] = 5
    left = compared(services, work, WORDS, **sides, reference=str(real))["distances"]
    assert [measure["name"] for measure in left["measures"]] == ["fd", "kad", "is", "diversity"]
    assert "not of these prompts" in left["left_out"][0]["why"]
    with pytest.raises(StudioError, match="There is no folder"):
        compared(services, work, WORDS, **sides, reference=str(tmp_path / "nowhere"))


@pytest.mark.parametrize(("recipe", "place"), [("baton", "aligned"), ("crpo", "crpo")])
def test_the_study_of_a_recipe_is_told_where_there_is_one(
    services, found, tmp_path, monkeypatch, recipe, place
):
    """A control for an aligned model's gains: the page links to it; without one a sentence."""
    client, adapters = client_of(services), services.engines.adapters
    services.engines.adapters = type(adapters)(adapters.data, assets=tmp_path)
    monkeypatch.setattr(type(adapters), "record", lambda self, _: {"recipe": recipe, "run": ""})
    address = f"/studio/models/studies/{recipe}.md"
    try:
        assert services.comparisons.view(found["id"])["study"] is None
        assert f"No study of {recipe}" in client.get(address).json()["error"]
        assert "baton or crpo" in client.get("/studio/models/studies/other.md").json()["error"]
        (tmp_path / place).mkdir()
        (tmp_path / place / "README.md").write_text("# Against its control\n")
        assert services.comparisons.view(found["id"])["study"] == recipe
        assert client.get(address).text == "# Against its control\n"
    finally:
        services.engines.adapters = adapters
