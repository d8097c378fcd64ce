"""Smaller adapters: the nearest change of a lower rank, by hand and by every other that was drawn."""

import pytest
import torch

from pipelines.errors import StudioError
from pipelines.finetune.adapter_files import load_adapter, read_card, save_adapter
from pipelines.finetune.adapters import AdapterConfig, adapter_parameters, attach, detach
from pipelines.finetune.shrinking import kept_share, shrink_adapter, shrunk
from pipelines.generate.tangoflux_backend import TangoFluxBackend
from tests.pipelines.tiny import tiny_pipeline

# B A = diag(3, 1) in 2 x 3: singular values 3 and 1.
HAND = {
    "x.lora_A": torch.tensor([[3.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    "x.lora_B": torch.eye(2),
}


def change(tensors: dict, config: AdapterConfig) -> torch.Tensor:
    """What the layer's weight is moved by."""
    return tensors["x.lora_B"] @ tensors["x.lora_A"] * (config.alpha / config.rank)


def test_the_largest_singular_value_stays():
    """Of diag(3, 1) rank 1 keeps the 3: nine tenths of the squares."""
    found, config = shrunk(HAND, AdapterConfig(rank=2), 1)
    assert config == AdapterConfig(rank=1)
    assert torch.allclose(change(found, config), torch.tensor([[3.0, 0, 0], [0, 0, 0]]), atol=1e-6)
    assert kept_share(HAND, AdapterConfig(rank=2), 1) == pytest.approx(0.9)


def test_the_scale_goes_into_the_smaller_one():
    """Scale 4 at rank 2 doubles what B A does; at full rank nothing is lost."""
    whole = AdapterConfig(rank=2, scale=4.0)
    found, config = shrunk(HAND, whole, 2)
    assert torch.allclose(change(found, config), change(HAND, whole), atol=1e-5)
    assert config.scale is None and kept_share(HAND, whole, 2) == pytest.approx(1.0)


def test_no_other_change_of_that_rank_is_nearer():
    """200 drawn ones, near and far: none is closer (Eckart and Young)."""
    rng = torch.Generator().manual_seed(0)
    given = {
        "x.lora_A": torch.randn(5, 7, generator=rng),
        "x.lora_B": torch.randn(6, 5, generator=rng),
    }
    config = AdapterConfig(rank=5)
    found, smaller = shrunk(given, config, 2)
    best = (change(found, smaller) - change(given, config)).norm()
    for n in range(200):
        spread = 10.0 ** -(n % 4)
        a = found["x.lora_A"] + spread * torch.randn(2, 7, generator=rng)
        b = found["x.lora_B"] + spread * torch.randn(6, 2, generator=rng)
        assert (b @ a - change(given, config)).norm() >= best


def test_a_shrunk_adapter_is_an_adapter(tmp_path):
    """It loads on the model, answers nearly as before where little was lost, and says where it is from."""
    backend = TangoFluxBackend(
        tiny_pipeline(), name="tiny", revision="base-1", device="cpu", dtype=torch.float32
    )
    config = AdapterConfig(rank=3)
    parameters = attach(backend.denoiser, config, seed=1)
    rng = torch.Generator().manual_seed(2)
    for value in parameters.values():  # the third direction is faint
        drawn = 0.1 * torch.randn(value.shape, generator=rng)
        drawn.select(0 if value.shape[0] == 3 else 1, 2).mul_(1e-3)
        value.data.copy_(drawn)
    before = {n: p.detach().clone() for n, p in adapter_parameters(backend.denoiser).items()}
    info = save_adapter(
        backend.denoiser, tmp_path / "a", base="base-1", config=config, record={"seed": 7}
    )
    detach(backend.denoiser)
    small = shrink_adapter(tmp_path / "a", tmp_path / "b", rank=2)
    assert small == read_card(tmp_path / "b") and small.hash != info.hash
    assert small.config.rank == 2 and small.size_bytes < info.size_bytes
    assert small.record["seed"] == 7 and small.record["shrunk"]["of"] == info.hash
    assert small.record["shrunk"]["kept"] > 0.99
    load_adapter(backend.denoiser, tmp_path / "b", base="base-1")
    name = next(iter(before)).rsplit(".lora", 1)[0]
    after = adapter_parameters(backend.denoiser)
    one = before[f"{name}.lora_B"] @ before[f"{name}.lora_A"]
    other = after[f"{name}.lora_B"] @ after[f"{name}.lora_A"]
    assert torch.allclose(one, other, atol=1e-3 * one.abs().max().item() + 1e-4)


@pytest.mark.parametrize("rank", [0, 3])
def test_ranks_that_cannot_be_are_refused(rank):
    """Below 1, or above what is there."""
    with pytest.raises(
        StudioError, match=f"The rank is {rank}; an adapter of rank 2 shrinks to 1 to 2"
    ):
        shrunk(HAND, AdapterConfig(rank=2), rank)
