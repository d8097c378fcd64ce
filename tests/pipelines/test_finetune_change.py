"""A training of all weights is kept as the change of each, beside adapters and as they are."""

import json

import pytest
import torch

from pipelines.errors import StudioError
from pipelines.finetune.adapter_files import CARD, load_adapter, read_card, save_change
from pipelines.finetune.adapters import is_adapted, merge
from pipelines.generate.tangoflux_backend import TangoFluxBackend
from tests.pipelines.tiny import tiny_pipeline


@pytest.fixture
def backend() -> TangoFluxBackend:
    """A tiny model in float32."""
    return TangoFluxBackend(
        tiny_pipeline(), name="tiny", revision="base-1", device="cpu", dtype=torch.float32
    )


def moved(backend: TangoFluxBackend, by: float) -> dict[str, torch.Tensor]:
    """All weights after a training that changed each by about `by`."""
    rng = torch.Generator().manual_seed(5)
    return {
        name: weight.detach() + by * torch.randn(weight.shape, generator=rng)
        for name, weight in backend.denoiser.named_parameters()
    }


def test_a_small_change_comes_back_to_four_digits(backend, tmp_path):
    """1e-5 on weights of 0.15: kept as weights in float16, which have steps of 1e-4, it were lost."""
    trained = moved(backend, 1e-5)
    before = {name: w.detach().clone() for name, w in backend.denoiser.named_parameters()}
    info = save_change(backend.denoiser, trained, tmp_path, base="base-1", record={"a": 1})
    assert info.config is None
    assert (read_card(tmp_path).hash, info.record) == (info.hash, {"a": 1})
    assert load_adapter(backend.denoiser, tmp_path, base="base-1").hash == info.hash
    assert not is_adapted(backend.denoiser)
    assert merge(backend.denoiser) == {}  # there is nothing to merge: `adapted` does both
    for name, weight in backend.denoiser.named_parameters():
        right, change = trained[name], (trained[name] - before[name]).abs().max()
        assert (weight - right).abs().max() < 2e-3 * change + 1e-7, name


def test_what_does_not_fit_is_refused(backend, tmp_path):
    """Weights that are missing or of another size, a base of another revision, a changed card."""
    trained = moved(backend, 0.1)
    first = next(iter(trained))
    with pytest.raises(StudioError, match=f"1 are missing or of another size, such as {first}"):
        save_change(backend.denoiser, {**trained, first: torch.zeros(1)}, tmp_path, base="base-1")
    with pytest.raises(StudioError, match="holds values that float16 cannot"):
        wild = {**trained, first: trained[first] + 1e6}
        save_change(backend.denoiser, wild, tmp_path, base="base-1")
    save_change(backend.denoiser, trained, tmp_path, base="base-1")
    with pytest.raises(StudioError, match="trained on the base base-1"):
        load_adapter(backend.denoiser, tmp_path, base="base-2")
    card = json.loads((tmp_path / CARD).read_text())
    (tmp_path / CARD).write_text(json.dumps({**card, "hash": "0" * 16}))
    with pytest.raises(StudioError, match="changed since it was saved"):
        load_adapter(backend.denoiser, tmp_path, base="base-1")
