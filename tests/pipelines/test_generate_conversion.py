"""A published folder becomes a diffusers folder that gives the same bytes."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from pipelines.errors import StudioError
from pipelines.generate import checkpoints
from pipelines.generate.conversion import convert
from pipelines.generate.sampling import generate
from pipelines.generate.tangoflux import TangoFluxPipeline
from pipelines.records import Prompt, Settings

PARITY = Path(__file__).parents[1] / "parity" / "tangoflux"


def test_the_converted_folder_gives_the_same_bytes(tmp_path):
    """Read by us and by diffusers itself; it says where it came from and on what terms."""
    source = Path(shutil.copytree(PARITY, tmp_path / "flux"))
    folder = convert(str(source), tmp_path / "deep" / "converted")
    sounds = [
        next(
            generate(
                checkpoints.load(str(place), device="cpu"),
                [Prompt(text="a dog barks", seconds=1.0)],
                settings=Settings(steps=2),
            )
        ).audio
        for place in (source, folder)
    ]
    assert np.array_equal(*sounds)
    assert TangoFluxPipeline.from_pretrained(folder).config.frames == 48
    card = (folder / "README.md").read_text()
    assert "flux" in card and "Stability AI Community Licence" in card
    assert not (tmp_path / "deep" / "converted.part").exists()


def test_what_cannot_be_converted(tmp_path, monkeypatch):
    """A target that is there, a folder that is converted already, one without a model, no room."""
    source = str(PARITY)
    done = convert(source, tmp_path / "done")
    with pytest.raises(StudioError, match="done is there already"):
        convert(source, done)
    with pytest.raises(StudioError, match="is a diffusers folder already, so there is nothing"):
        convert(str(done), tmp_path / "again")
    with pytest.raises(StudioError, match="is not published, so there is nothing to convert"):
        convert(str(tmp_path), tmp_path / "again")
    with pytest.raises(StudioError, match="There is no model 'nothing'"):
        convert("nothing", tmp_path / "again")
    usage = shutil._ntuple_diskusage(10, 10, 0)
    monkeypatch.setattr("shutil.disk_usage", lambda place: usage)
    with pytest.raises(StudioError, match="takes 0.0 GB and 0.0 GB are free"):
        convert(source, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_a_conversion_that_fails_leaves_nothing(tmp_path):
    """A broken source; the target is not there, not even half."""
    source = Path(shutil.copytree(PARITY, tmp_path / "flux"))
    (source / "vae.safetensors").write_bytes(b"x")
    with pytest.raises(StudioError, match="broken or cut short"):
        convert(str(source), tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["flux"]
