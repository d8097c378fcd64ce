"""Published models by name: fetched once, only what is needed; a sentence for each way it can fail."""

import errno
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
import torch
from huggingface_hub import errors

from pipelines.errors import StudioError
from pipelines.generate import checkpoints, hub
from pipelines.generate.catalogue import CATALOGUE

PARITY = Path(__file__).parents[1] / "parity" / "tangoflux"
FLUX = CATALOGUE["tangoflux"]


class Hub:
    """A Hub of one repository: what it is asked, and what it answers."""

    def __init__(self, folder, *, size=1000, failure=None):
        self.folder, self.size, self.failure = folder, size, failure
        self.asked, self.is_fetched = [], False

    def __call__(self, repository, *, dry_run=False, local_files_only=False, **asked):
        self.asked.append((repository, asked, dry_run, local_files_only))
        if local_files_only:
            if not self.is_fetched:
                raise errors.LocalEntryNotFoundError("not in the cache")
            return str(self.folder)
        if self.failure is not None and not dry_run == (self.failure[0] == "late"):
            raise self.failure[1]
        if dry_run:
            return [SimpleNamespace(file_size=self.size, will_download=True)]
        self.is_fetched = True
        return str(self.folder)


@pytest.fixture
def published(tmp_path):
    """The tiny model in the published layout."""
    return Path(shutil.copytree(PARITY, tmp_path / "flux"))


@pytest.fixture
def open_hub(monkeypatch):
    """Put a Hub in the place of the real one."""

    def put(folder, **how):
        there = Hub(folder, **how)
        monkeypatch.setattr(huggingface_hub, "snapshot_download", there)
        return there

    return put


def response(status):
    """What the Hub's errors carry."""
    import httpx

    return httpx.Response(status, request=httpx.Request("GET", "https://huggingface.co/x"))


def test_a_published_model_is_fetched_once_by_name(open_hub, published):
    """At its pinned revision, only the three files; the second time no network is asked."""
    there = open_hub(published)
    first = checkpoints.load("tangoflux")
    repository, asked, *_ = there.asked[-1]
    assert repository == "declare-lab/TangoFlux"
    assert asked["revision"] == "367005e963cb3a9fb2e03a46104d7de23e34ceea"
    assert asked["allow_patterns"] == ["config.json", "tangoflux.safetensors", "vae.safetensors"]
    assert (first.name, first.dtype) == ("tangoflux", "float32")
    told = len(there.asked)
    assert checkpoints.load("tangoflux").revision == first.revision
    assert there.asked[told:] == [there.asked[0]] and there.asked[0][3], "the cache alone"


FAILURES = {
    "no network": (
        errors.LocalEntryNotFoundError("offline"),
        "TangoFlux is not on this disk and the Hub cannot be reached; fetch declare-lab/TangoFlux "
        "where there is a network",
    ),
    "no connection": (ConnectionError("refused"), "the Hub cannot be reached"),
    "gated": (
        errors.GatedRepoError("gated", response=response(403)),
        "accept them at https://huggingface.co/declare-lab/TangoFlux, log in with `hf auth login`",
    ),
    "gone": (
        errors.RepositoryNotFoundError("gone", response=response(404)),
        "The Hub has no declare-lab/TangoFlux at 367005e",
    ),
    "no such revision": (
        errors.RevisionNotFoundError("gone", response=response(404)),
        "The Hub has no declare-lab/TangoFlux at 367005e",
    ),
}


@pytest.mark.parametrize("name", FAILURES)
@pytest.mark.parametrize("when", ["early", "late"])
def test_a_hub_that_refuses_is_told_in_a_sentence(open_hub, published, name, when):
    """Whether it refuses at once or in the middle."""
    failure, sentence = FAILURES[name]
    open_hub(published, failure=(when, failure))
    with pytest.raises(StudioError) as told:
        checkpoints.load("tangoflux")
    assert sentence in str(told.value)


def test_too_little_disk_is_told_before_a_byte_is_fetched(open_hub, published, monkeypatch):
    """What the Hub says that it takes, against what is free."""
    there = open_hub(published, size=4_060_000_000)
    monkeypatch.setattr(hub, "room", lambda: 1_000_000_000)
    with pytest.raises(StudioError, match="needs 4.1 GB of disk and 1.0 GB are free in .*HF_HOME"):
        checkpoints.load("tangoflux")
    assert not there.is_fetched


def test_a_disk_that_fills_up_meanwhile(open_hub, published):
    """The system's own refusal is told in the same words."""
    open_hub(published, failure=("early", OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(StudioError, match="TangoFlux needs 4.1 GB of disk"):
        checkpoints.load("tangoflux")


def test_a_repository_that_lost_a_file(open_hub, published):
    """What came is not what was promised."""
    (published / "vae.safetensors").unlink()
    open_hub(published)
    with pytest.raises(StudioError, match="declare-lab/TangoFlux has no"):
        checkpoints.load("tangoflux")


def test_too_little_memory_is_told_before_a_weight_is_read(published, monkeypatch):
    """The weights are counted from the headers of their files."""
    counted = checkpoints.weights_bytes(published)
    read = sum(
        tensor.numel() * 4
        for name in ("tangoflux", "vae", "policy", "expected")
        if (published / f"{name}.safetensors").is_file()
        for tensor in load(published / f"{name}.safetensors").values()
    )
    assert counted == read > 100_000
    monkeypatch.setattr("pipelines.devices.free_bytes", lambda device: 50_000)
    with pytest.raises(StudioError, match="take 0.0 GB and 0.0 GB are free on this machine; close"):
        checkpoints.load(str(published), device="cpu")


def load(path):
    """All tensors of a file."""
    from safetensors.torch import load_file

    return load_file(path)


def test_half_precision_is_counted_as_it_will_lie_in_memory(tmp_path):
    """Two bytes a value on disk are four in memory; a broken header counts as it is."""
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(1000, dtype=torch.float16)}, tmp_path / "a.safetensors")
    assert checkpoints.weights_bytes(tmp_path) == 4000
    (tmp_path / "a.safetensors").write_bytes(b"<html>")
    assert checkpoints.weights_bytes(tmp_path) == 6


def test_every_published_model_says_what_is_needed_to_choose_it():
    """Size, licence, where to read it; by names that are no paths."""
    for name, model in CATALOGUE.items():
        assert name == model.name and "/" not in name
        assert model.licence and model.gigabytes > 0 and model.page.endswith(model.repository)
        assert (model.revision is None) == (name == "tangoflux-base"), "the one that nobody pins"
        assert model.revision is None or re.fullmatch("[0-9a-f]{40}", model.revision)
