"""Licences of published models: shown before the first use, asked once, remembered."""

import json

import pytest

from pipelines.errors import StudioError
from studio.services.engines import Engines
from studio.services.licences import Licences


def test_a_published_model_is_not_loaded_before_its_licence_was_accepted(config):
    """The sentence shows the terms, where they are written, and what to do."""
    engines = Engines(config)
    with pytest.raises(StudioError) as told:
        engines.backend("tangoflux")
    assert "non-commercial research; Stability AI Community Licence" in str(told.value)
    assert "https://huggingface.co/declare-lab/TangoFlux" in str(told.value)
    assert "models accept tangoflux" in str(told.value)
    assert "tangoflux" not in {model.name for model in engines.models()}


def test_once_accepted_it_can_be_chosen_and_is_remembered(config, monkeypatch):
    """In every list from then on, also after a restart; then it is fetched."""
    Engines(config).licences.accept("tangoflux")
    engines = Engines(config)
    (found,) = [model for model in engines.models() if model.name == "tangoflux"]
    assert found.title == "TangoFlux" and "non-commercial" in engines.licence("tangoflux")
    asked = []
    monkeypatch.setattr(
        "pipelines.generate.checkpoints.load", lambda name, **how: asked.append(name) or object()
    )
    engines.backend("tangoflux")
    assert asked == ["tangoflux"]


def test_other_terms_are_asked_for_again(config):
    """What was accepted was one text."""
    licences = Licences(config.data)
    licences.accept("tango2")
    licences.path.write_text(json.dumps({"tango2": {"licence": "MIT", "accepted_at": "2020"}}))
    with pytest.raises(StudioError, match="Tango 2 comes on terms of its own: CC BY-NC-SA 4.0"):
        licences.check("tango2")


def test_names_and_files_that_cannot_be_read(config):
    """An unknown name lists what is known; a broken file is named."""
    licences = Licences(config.data)
    with pytest.raises(StudioError, match="no published model 'x'; known are tangoflux, "):
        licences.accept("x")
    licences.accept("tango")
    licences.path.write_text("[]")
    with pytest.raises(StudioError, match="licences.json in the data folder cannot be read"):
        licences.check("tango")
    licences.check("embedded")  # which is ours


def test_a_name_that_is_no_model_lists_all_that_can_be_chosen(config):
    """The trained models too, those that were accepted once, and a path."""
    engines = Engines(config)
    engines.licences.accept("tango2")
    with pytest.raises(StudioError) as told:
        engines.backend("embeded")
    said = str(told.value)
    assert said.startswith("There is no model 'embeded'; choose embedded, ")
    assert (
        "embedded-aligned" in said
        and said.count("tango2,") == 1
        and "path of a model folder" in said
    )
