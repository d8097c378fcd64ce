"""Shortcuts, long sounds and ways of running, from the door to the model."""

import pytest

from pipelines.errors import StudioError
from studio.config import read_config
from studio.services.engines import Engines
from studio.services.generate.batches import in_batches
from studio.services.requests import check_request, from_plain
from tests.studio.sine_engines import SineBackend


def test_shortcuts_reach_the_settings_and_are_off_by_default(config):
    """A job of before, which knows none, reads as one without."""
    plain = check_request(config, "a dog", seed=1)
    taken = check_request(config, "a dog", seed=1, guide_from=0.2, guide_to=0.8, reuse=0.3)
    made = [in_batches(each, SineBackend())[0][0][2] for each in (plain, taken)]
    assert made[0].taken == () and made[1].taken == ("guide_from", "guide_to", "reuse")
    old = {k: v for k, v in plain.plain().items() if k not in {"guide_from", "guide_to", "reuse"}}
    assert from_plain(old) == plain


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"guide_from": 2},
            "The lower end of the guidance interval is 2; give a number from 0 to 1",
        ),
        ({"guide_from": 0.9, "guide_to": 0.1}, "goes from 0.9 to 0.1; the first must not be"),
        ({"reuse": "x"}, "The drift of step caching is x; give a number from 0 to 1"),
    ],
)
def test_absurd_shortcuts_are_refused_at_the_door(config, changes, sentence):
    """In one sentence each."""
    with pytest.raises(StudioError, match=sentence):
        check_request(config, "a dog", **changes)


def test_ways_of_running_are_read_and_reach_the_model(monkeypatch, tmp_path):
    """BATON_DTYPE, BATON_LOW_MEMORY, BATON_COMPILE and BATON_CUDA_GRAPHS."""
    import torch

    config = read_config(
        {
            "BATON_DTYPE": "bfloat16",
            "BATON_LOW_MEMORY": "1",
            "BATON_COMPILE": "0",
            "BATON_CUDA_GRAPHS": "yes",
        },
        data=tmp_path,
    )
    asked = []
    monkeypatch.setattr(
        "pipelines.generate.checkpoints.load", lambda name, **how: asked.append(how) or object()
    )
    Engines(config).backend("embedded")
    ways = {"low_memory": True, "compiled": False, "cuda_graphs": True}
    assert asked == [{"device": None, "dtype": torch.bfloat16, **ways}]
    with pytest.raises(StudioError, match="BATON_DTYPE is 'half'; it must be float32 or bfloat16"):
        read_config({"BATON_DTYPE": "half"})
    with pytest.raises(StudioError, match="BATON_LOW_MEMORY is 'perhaps'; it must be 1 or 0"):
        read_config({"BATON_LOW_MEMORY": "perhaps"})


def test_a_long_sound_says_that_it_goes_on(services, work, monkeypatch):
    """The window, and that the words are told to each."""
    monkeypatch.setattr(SineBackend, "longest_seconds", 60.0, raising=False)
    job = services.generate("here", services.check("a dog barks", seconds=20, count=1))
    work(services)
    run = services.views.job(job, "here")
    assert run["status"] == "done" and run["cards"][0]["seconds"] == 20
    assert any("window goes on after window" in notice for notice in run["notices"])


def test_folders_of_a_folder_can_be_chosen(tmp_path):
    """BATON_MODELS: a model in each subfolder, with its licence."""
    import shutil
    from pathlib import Path

    parity = Path(__file__).parents[1] / "parity" / "tangoflux"
    shutil.copytree(parity, tmp_path / "models" / "flux")
    config = read_config({"BATON_MODELS": str(tmp_path / "models")}, data=tmp_path / "data")
    found = {model.title: model for model in Engines(config).models()}
    assert "Stability AI Community Licence" in found["flux"].licence


def test_a_card_names_the_shortcuts_that_were_taken(services, work):
    """And only those."""
    wish = services.check("a dog barks", seconds=1, count=1, reuse=0.3)
    job = services.generate("here", wish)
    work(services)
    settings = services.views.job(job, "here")["cards"][0]["settings"]
    assert settings["reuse"] == 0.3 and "guide_to" not in settings
