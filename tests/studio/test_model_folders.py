"""Folders of models that the page is told of: read, taken, remembered, and found again by a sound."""

import json
import shutil
from pathlib import Path

import pytest

from pipelines.errors import StudioError
from pipelines.generate.checkpoints import recorded_as
from studio.config import Config
from studio.services.engines import Engines
from studio.services.model_folders import ModelFolders

PARITY = Path(__file__).parents[1] / "parity"


@pytest.fixture
def flux(tmp_path):
    """A tiny TangoFlux in its published layout."""
    return Path(shutil.copytree(PARITY / "tangoflux", tmp_path / "models" / "flux"))


def test_a_folder_is_read_and_then_taken(config, flux):
    """Its terms first; from then on it is in the list, also after a restart, while it is there."""
    engines = Engines(config)
    found = engines.folders.look(f' "{flux}" ')
    assert found["path"] == str(flux) and found["title"] == "flux"
    assert "Stability AI Community Licence" in found["licence"] and found["bytes"] > 1e6
    assert str(flux) not in {model.name for model in engines.models()}, "reading takes nothing"
    assert engines.folders.take(str(flux)).title == "flux"
    again = Engines(config)
    assert [m.name for m in again.models()].count(str(flux)) == 1
    assert "Stability" in again.licence(str(flux)) and again.title(str(flux)) == "flux"
    flux.rename(flux.with_name("elsewhere"))
    assert str(flux) not in {model.name for model in Engines(config).models()}


def test_a_folder_under_baton_models_is_listed_once(config, flux):
    """Whichever way it was told of."""
    both = Engines(Config(data=config.data, models=flux.parent))
    both.folders.take(str(flux))
    assert [model.name for model in both.models()].count(str(flux)) == 1


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("  ", "No folder is given; paste the path of a folder that holds a model."),
        ("{there}/nowhere", "There is no folder .*/nowhere on the machine that the studio runs on; give"),
        ("{there}/flux/config.json", "is a file; give the folder that it lies in"),
        ("{there}", "holds no model that is known; give the folder that directly holds one of model_i"),
        ("~nobody-of-this-name/x", "cannot be read .*; give a folder on this machine"),
        ("a\0b", "There is no folder"),
        ("/" + "x" * 5000, "cannot be read .*; give a folder on this machine"),
    ],
)  # fmt: skip
def test_what_is_no_model_is_refused_in_one_sentence(config, flux, given, sentence):
    """And nothing is remembered."""
    folders = ModelFolders(config.data)
    for ask in (folders.look, folders.take):
        with pytest.raises(StudioError, match=sentence):
            ask(given.replace("{there}", str(flux.parent)))
    assert not folders.path.exists()


def test_two_folders_of_one_name_are_not_both_taken(config, flux, tmp_path):
    """Their sounds would say the same; once the first is gone, the name is free."""
    folders = ModelFolders(config.data)
    folders.take(str(flux))
    other = shutil.copytree(flux, tmp_path / "others" / "flux")
    with pytest.raises(StudioError, match="called 'flux' is in the list already, from .*; rename"):
        folders.take(str(other))
    shutil.rmtree(flux)
    assert folders.take(str(other)).name == str(other)


def test_other_terms_are_asked_for_again(config, flux):
    """What was accepted was one text; a file that cannot be read is named."""
    folders = ModelFolders(config.data)
    folders.take(str(flux))
    folders.path.write_text(json.dumps({str(flux): {"licence": "MIT"}}))
    assert folders.models() == []
    folders.path.write_text("[]")
    with pytest.raises(StudioError, match="model_folders.json in the data folder cannot be read"):
        folders.models()


def test_a_sound_finds_the_folder_that_made_it(config, flux, tmp_path):
    """Its settings hold no path; a folder called like a published model is not taken for that one."""
    assert (recorded_as("tango"), recorded_as(str(flux))) == ("tango", "flux")
    tango = Path(shutil.copytree(PARITY / "tango", tmp_path / "models" / "tango"))
    assert recorded_as(f"{tango}/") == "tango (folder)"
    engines = Engines(config)
    for folder in (flux, tango):
        engines.folders.take(str(folder))
    assert engines.chosen_as("tango (folder)") == str(tango)
    assert engines.chosen_as("tango") == "tango" and engines.chosen_as("flux") == str(flux)
    assert engines.chosen_as("embedded") == "embedded" and engines.chosen_as("gone") == "gone"
