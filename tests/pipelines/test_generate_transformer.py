"""Our arithmetic against the library's own forward, on the same weights, for several sizes."""

import copy

import pytest
import torch
from diffusers import FluxTransformer2DModel
from peft import LoraConfig, inject_adapter_in_model

from pipelines.generate import transformer as arithmetic
from pipelines.generate.conditioning import Conditioner, TextStates
from pipelines.generate.sizes import embedded_config, published_config
from pipelines.generate.tangoflux import build, velocity

SIZES = {
    "one joint": (1, 0, 2, 16, (4, 6, 6)),
    "one single": (0, 1, 1, 16, (4, 6, 6)),
    "both": (2, 3, 3, 24, (8, 8, 8)),
}


def model(joint, single, heads, head, axes, seed=0):
    """A random transformer whose every weight matters."""
    torch.manual_seed(seed)
    made = FluxTransformer2DModel(
        in_channels=6,
        num_layers=joint,
        num_single_layers=single,
        attention_head_dim=head,
        num_attention_heads=heads,
        joint_attention_dim=20,
        pooled_projection_dim=20,
        axes_dims_rope=axes,
    ).eval()
    for weights in made.parameters():
        torch.nn.init.normal_(weights, std=0.2)
    return made


def inputs(padded):
    """Latents, noise levels and text of three rows, one of which is short."""
    torch.manual_seed(1)
    mask = torch.ones(3, 8, dtype=torch.bool)
    if padded:
        mask[1, 3:7] = False
    text = TextStates(hidden=torch.randn(3, 8, 20), pooled=torch.randn(3, 20), mask=mask)
    return torch.randn(3, 11, 6), torch.tensor([0.04, 0.52, 0.96]), text


def library(made, latents, sigma, text):
    """diffusers' forward with the ids and mask of TangoFlux."""
    frames, length = latents.shape[1], text.hidden.shape[1]
    own = torch.cat([text.mask, text.mask.new_ones(len(latents), frames)], dim=1)
    return made(
        hidden_states=latents,
        encoder_hidden_states=text.hidden,
        pooled_projections=text.pooled,
        timestep=sigma,
        img_ids=torch.arange(frames)[:, None].expand(frames, 3),
        txt_ids=torch.zeros(length, 3),
        joint_attention_kwargs={"attention_mask": own[:, None, None]},
        return_dict=False,
    )[0]


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("fused_attention", [False, True])
def test_same_as_the_library(size, padded, fused_attention, monkeypatch):
    """Outputs to 1e-5 and gradients to 1e-4 of the largest, with either attention."""
    if fused_attention:
        monkeypatch.setattr(arithmetic, "SHORT", 0)
    made, given = model(*SIZES[size]), inputs(padded)
    expected, found = library(made, *given), velocity(made, *given)
    torch.testing.assert_close(found, expected, atol=1e-5 * expected.abs().max().item(), rtol=0)
    weights = list(made.parameters())
    theirs, ours = (
        torch.autograd.grad(out.square().mean(), weights, allow_unused=True)
        for out in (expected, found)
    )
    for one, other in zip(theirs, ours, strict=True):
        if one is not None:
            torch.testing.assert_close(other, one, atol=1e-4 * one.abs().max().item(), rtol=0)


def test_padding_is_as_if_the_row_ran_alone():
    """A short row in a padded batch equals the same row cut to its own length."""
    made = model(*SIZES["both"])
    latents, sigma, text = inputs(padded=True)
    keep = text.mask[1]
    alone = TextStates(
        hidden=text.hidden[1:2, keep], pooled=text.pooled[1:2], mask=text.mask[1:2, keep]
    )
    together = velocity(made, latents, sigma, text)[1]
    torch.testing.assert_close(together, velocity(made, latents[1:2], sigma[1:2], alone)[0])


def test_bfloat16_keeps_the_noise_level():
    """0.960 and 0.962 are one number in bfloat16, and in the library; here they stay two."""
    made, (latents, _, text) = model(*SIZES["both"]), inputs(padded=True)
    near, far = torch.full((3,), 0.960), torch.full((3,), 0.962)
    assert torch.equal(near.bfloat16(), far.bfloat16())
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        ours, theirs = (
            (run(made, latents, near, text) - run(made, latents, far, text)).abs().max().item()
            for run in (velocity, library)
        )
    assert theirs == 0.0 and ours > 0.05


def test_adapters_take_part():
    """A LoRA on queries and on the MLP changes the output and receives gradients."""
    made, given = model(*SIZES["both"]), inputs(padded=False)
    before = velocity(made, *given)
    config = LoraConfig(r=2, target_modules=["to_q", "proj_mlp"], init_lora_weights=False)
    adapted = inject_adapter_in_model(config, copy.deepcopy(made))
    found, expected = velocity(adapted, *given), library(adapted, *given)
    assert (found - before).abs().max() > 1e-3
    torch.testing.assert_close(found, expected, atol=1e-5 * expected.abs().max().item(), rtol=0)
    found.square().mean().backward()
    adapters = {n: p for n, p in adapted.named_parameters() if "lora_" in n}
    assert adapters and all(p.grad is not None and p.grad.any() for p in adapters.values())


def test_checkpointing_changes_no_gradient():
    """Recomputing blocks in the backward pass gives the same gradients."""
    made, given = model(*SIZES["both"]), inputs(padded=True)
    plain = torch.autograd.grad(velocity(made, *given).square().mean(), made.x_embedder.weight)
    made.enable_gradient_checkpointing()
    again = torch.autograd.grad(velocity(made, *given).square().mean(), made.x_embedder.weight)
    torch.testing.assert_close(again, plain)


def test_published_size_on_paper():
    """The published checkpoint's tensors and bytes, without memory for them.

    460 + 219 + 2 + 3 stored tensors; 4 x (516,695,616 + 341,231,104 + 1,049,600 + 264,320)
    = 3,436,962,560 bytes, the published file size less its header.
    """
    with torch.device("meta"):
        transformer, text_encoder, conditioner = build(published_config())
    sizes = [
        sum(p.numel() for p in part.parameters())
        for part in (transformer, text_encoder, conditioner)
    ]
    assert sizes == [516_695_616, 341_231_104, 1_049_600 + 264_320]
    assert 4 * sum(sizes) == 3_436_962_560
    stored = [len(part.state_dict()) for part in (transformer, text_encoder, conditioner)]
    assert stored == [460, 219 + 1, 2 + 3]  # the tied table has two names


def test_embedded_size():
    """About five million parameters; quality levels start as nothing."""
    with torch.device("meta"):
        parts = build(embedded_config(300))
    assert 5.0e6 < sum(p.numel() for part in parts for p in part.parameters()) < 5.6e6
    assert not Conditioner(**embedded_config(300).conditioner).quality.weight.any()
