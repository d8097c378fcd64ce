"""Layers with an adapter: as the adapter's own forward has it, off as if there were none."""

import pytest
import torch
from torch import nn

from pipelines.finetune.adapters import AdapterConfig, attach, disabled, fill
from pipelines.generate.layers import bare, change, linear, side_by_side
from tests.pipelines.tiny import tiny_pipeline


@pytest.fixture
def worn():
    """A tiny denoiser with an adapter that changes it, scaled by 2; one of its joint blocks' attention."""
    denoiser = tiny_pipeline().transformer
    parameters = attach(denoiser, AdapterConfig(rank=3, scale=6.0), seed=1)
    draws = torch.Generator().manual_seed(0)
    fill(denoiser, {n: 0.1 * torch.randn(p.shape, generator=draws) for n, p in parameters.items()})
    return denoiser


def layers_of(denoiser) -> list[nn.Module]:
    """Queries, keys and values of the first block."""
    attn = denoiser.transformer_blocks[0].attn
    return [attn.to_q, attn.to_k, attn.to_v]


def test_a_layer_gives_what_the_adapters_own_forward_gives(worn):
    """Sound and gradients, of x, A and B."""
    layer = layers_of(worn)[0]
    x = torch.randn(2, 5, bare(layer).in_features, requires_grad=True)
    trained = [x, layer.lora_A["default"].weight, layer.lora_B["default"].weight]
    found, theirs = linear(layer, x), layer(x)
    torch.testing.assert_close(found, theirs)
    assert not torch.allclose(found, bare(layer)(x), atol=1e-4)
    for ours, other in zip(
        torch.autograd.grad(found.square().sum(), trained),
        torch.autograd.grad(theirs.square().sum(), trained),
        strict=True,
    ):
        torch.testing.assert_close(ours, other)


def test_layers_side_by_side_are_the_layers_one_after_the_other(worn):
    """In the order that is asked for; one that wears no adapter changes nothing."""
    layers = layers_of(worn)
    layers[1] = bare(layers[1])
    width = layers[1].out_features
    rows = torch.randperm(3 * width, generator=torch.Generator().manual_seed(0))
    x = torch.randn(2, 5, layers[1].in_features)
    made = torch.cat([bare(layer)(x) for layer in layers], dim=-1)[..., rows]
    theirs = torch.cat([layer(x) for layer in layers], dim=-1)[..., rows]
    together = side_by_side(layers, rows)
    assert together is not None
    torch.testing.assert_close(together.added(made, x), theirs)
    assert side_by_side([bare(layer) for layer in layers], rows) is None


def test_an_adapter_that_is_off_is_as_if_there_were_none(worn):
    """To the byte, whatever the machine: the very same products are made."""
    layer = layers_of(worn)[0]
    x = torch.randn(2, 5, bare(layer).in_features)
    assert change(layer) is not None
    with disabled(worn):
        assert change(layer) is None
        assert torch.equal(linear(layer, x), bare(layer)(x))
    assert change(bare(layer)) is None and bare(bare(layer)) is bare(layer)
