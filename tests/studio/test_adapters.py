"""Adapters that are kept are models to choose."""

import json
from dataclasses import replace

import pytest
import torch
from torch import nn

from pipelines.errors import StudioError
from studio.config import Config
from studio.services.adapters import About, Adapters
from studio.services.engines import Engines

ABOUT = About(
    title="Rain  that is heard",
    base="embedded",
    recipe="baton",
    simulated=True,
    run="0" * 32,
    made_at="2026-11-21T00:00:00+00:00",
)


class FluxTransformer2DModel(nn.Module):
    """As small as an adapter can sit on."""

    def __init__(self) -> None:
        super().__init__()
        self.to_q = nn.Linear(4, 4)


@pytest.fixture
def made(tmp_path):
    """The folder of a run with an adapter in it."""
    from pipelines.finetune.adapter_files import save_adapter
    from pipelines.finetune.adapters import ATTENTION, AdapterConfig, attach

    torch.manual_seed(0)
    denoiser, config = FluxTransformer2DModel(), AdapterConfig(rank=1, layers=(ATTENTION,))
    attach(denoiser, config)
    return tmp_path / "run", save_adapter(denoiser, tmp_path / "run", base="b1", config=config)


@pytest.fixture
def adapters(tmp_path):
    return Adapters(tmp_path / "data", assets=tmp_path / "assets")


def test_what_is_kept_is_a_model(adapters, made):
    """With its title, its base and who judged; kept again it is the same with another title."""
    folder, info = made
    assert adapters.models() == []
    kept = adapters.keep(folder, ABOUT)
    assert kept.name == f"embedded+{info.hash[:8]}"
    assert kept.title == "Rain that is heard"
    assert "simulated listener" in kept.note
    assert adapters.base_of(kept.name) == "embedded"
    assert adapters.folder_of(kept.name) == kept.path
    again = adapters.keep(folder, replace(ABOUT, title="Other", simulated=False))
    assert [model.title for model in adapters.models()] == ["Other"]
    assert again.name == kept.name
    assert "people's" in again.note


def test_the_shipped_one_comes_first(adapters, made, tmp_path):
    """And cannot be removed."""
    folder, _ = made
    (tmp_path / "assets").mkdir()
    folder.rename(tmp_path / "assets" / "aligned")
    adapters.keep(tmp_path / "assets" / "aligned", ABOUT)
    assert [model.name for model in adapters.models()][0] == "embedded-aligned"
    assert adapters.base_of("embedded-aligned") == "embedded"
    with pytest.raises(StudioError, match="no kept model 'embedded-aligned'"):
        adapters.remove("embedded-aligned")


def test_an_adapter_of_a_folder_is_named_without_its_path(adapters, made):
    """Its base is still found by it."""
    kept = adapters.keep(made[0], replace(ABOUT, base="/models/mine"))
    assert kept.name.startswith("mine+") and "/" not in kept.name + kept.note
    assert adapters.base_of(kept.name) == "/models/mine"


def test_removed_it_is_gone(adapters, made):
    """And its name is no model's any more."""
    kept = adapters.keep(made[0], ABOUT)
    adapters.remove(kept.name)
    assert adapters.models() == []
    with pytest.raises(StudioError, match="no aligned model"):
        adapters.base_of(kept.name)


def test_a_page_of_strangers_keeps_so_many_and_says_so(adapters, made):
    """A full page refuses one more, in one sentence; what is kept can still be called otherwise."""
    with pytest.raises(StudioError, match="is full: of trained models it keeps 0. Remove"):
        adapters.keep(made[0], ABOUT, 0)
    assert adapters.models() == []
    adapters.keep(made[0], ABOUT, 1)
    assert adapters.keep(made[0], replace(ABOUT, title="Other"), 1).title == "Other"
    with pytest.raises(StudioError, match="it keeps 1. Remove"):
        adapters.check_room(1)


@pytest.mark.parametrize("title", ["  ", "x" * 81])
def test_a_title_has_its_bounds(adapters, made, title):
    """One sentence."""
    with pytest.raises(StudioError, match="give 1 to 80"):
        adapters.keep(made[0], replace(ABOUT, title=title))


def test_what_is_no_adapter_is_not_kept(adapters, tmp_path):
    """A folder without a card is refused, and a strange folder among the kept ones is no model."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(StudioError, match="holds no whole adapter"):
        adapters.keep(tmp_path / "empty", ABOUT)
    (adapters.data / "adapters" / "..%2f").mkdir(parents=True)
    assert adapters.models() == []


def test_a_broken_card_costs_its_own_model_alone(adapters, made, caplog):
    """It is left out of the list, and the log says what to do."""
    kept = adapters.keep(made[0], ABOUT)
    (kept.path / "about.json").write_text(json.dumps({"title": "x"}))
    assert adapters.models() == []
    assert "keep the run's adapter again" in caplog.text
    with pytest.raises(StudioError, match="cannot be read"):
        adapters.about(kept.path)


def test_engines_know_it_by_its_base(tmp_path, made):
    """It is listed, and the form offers what its base is at its best with."""
    engines = Engines(Config(data=tmp_path / "data"))
    kept = engines.adapters.keep(made[0], ABOUT)
    assert kept.name in {model.name for model in engines.models()}
    assert engines.title(kept.name) == "Rain that is heard"
    assert engines.defaults(kept.name) == engines.defaults("embedded")


def test_the_record_of_an_adapter_is_told_by_its_hash(adapters, made):
    """What people are told of it and its whole card; of one that is gone, a sentence."""
    kept = adapters.keep(made[0], ABOUT)
    found = adapters.record(made[1].hash)
    assert (found["name"], found["title"], found["simulated"]) == (
        kept.name,
        "Rain that is heard",
        True,
    )
    assert found["card"]["config"]["rank"] == 1
    adapters.remove(kept.name)
    with pytest.raises(StudioError, match="not here any more; what it made stays"):
        adapters.record(made[1].hash)


def test_the_shipped_one_has_a_record_too(adapters, made, tmp_path):
    """It has no about.json: what is told of it is ours."""
    (tmp_path / "assets").mkdir()
    made[0].rename(tmp_path / "assets" / "aligned")
    found = adapters.record(made[1].hash)
    assert (found["title"], found["base"], found["simulated"]) == (
        "Embedded, aligned",
        "embedded",
        True,
    )
