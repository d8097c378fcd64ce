"""One DPO step of TangoFlux at full size on tensors without data: bytes at once, and operations.

"reference" is what its train_dpo.py does (facts 2.2, 5): two 30-second stereo sounds encoded by the
autoencoder, the caption by T5, a second transformer as the reference model, gradients and two
moments of AdamW for every weight, all in float32. "ours" reads cached latents and text states,
trains an adapter on the frozen transformer, which with the adapter off is the reference model, and
computes activations again in the backward pass.
"""

import copy
from typing import Any

import torch
from diffusers import AutoencoderOobleck
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from pipelines.finetune import adapters
from pipelines.generate.memory import LiveBytes, bytes_of, text_rows
from pipelines.generate.sizes import published_config
from pipelines.generate.tangoflux import build, velocity

FRAMES, CHANNELS, WIDTH, TOKENS = 645, 64, 1024, 64
BETA = 2000.0


def preference(errors: Tensor, anchors: Tensor) -> Tensor:
    """The loss on rows [winners, losers], and the winners' own error."""
    (won, lost), (won_then, lost_then) = errors.chunk(2), anchors.chunk(2)
    margin = (won - lost) - (won_then - lost_then)
    return -torch.nn.functional.logsigmoid(-0.5 * BETA * margin).mean() + won.mean()


def library(transformer: Any, rows: Tensor, states: Tensor, pooled: Tensor) -> Tensor:
    """The library's forward on rows [B, T, C]."""
    return transformer(
        hidden_states=rows,
        timestep=torch.empty(len(rows), device="meta"),
        pooled_projections=pooled,
        encoder_hidden_states=states,
        txt_ids=torch.empty(states.shape[1], 3, device="meta"),
        img_ids=torch.empty(rows.shape[1], 3, device="meta"),
        return_dict=False,
    )[0]


def reference_step(pairs: int) -> dict[str, float]:
    """The reference's step on this many pairs."""
    with torch.device("meta"):
        transformer, text_encoder, conditioner = build(published_config())
        vae = AutoencoderOobleck()
    frozen = copy.deepcopy(transformer).requires_grad_(False)
    parts = (transformer, frozen, text_encoder, conditioner, vae)
    weights = sum(map(bytes_of, parts))
    optimiser = 2 * bytes_of(transformer)  # AdamW's two moments

    def step() -> None:
        with torch.no_grad():
            sounds = torch.empty(2 * pairs, 2, 30 * 44100, device="meta")
            latents = vae.encode(sounds).latent_dist.mean.mT[:, :FRAMES]
            ids = torch.zeros(pairs, TOKENS, dtype=torch.long, device="meta")
            states = text_encoder(input_ids=ids).last_hidden_state
            states = torch.cat([states, states])
            anchors = library(frozen, latents, states, states.mean(1))
        noise = torch.empty_like(latents)
        made = library(transformer, latents, states, states.mean(1))
        errors = (made - noise).square().mean((1, 2))
        preference(errors, (anchors - noise).square().mean((1, 2))).backward()

    return counted(step, weights + optimiser)


def our_step(pairs: int, *, thrifty: bool) -> dict[str, float]:
    """Ours on as many pairs; thrifty computes activations again in the backward pass."""
    with torch.device("meta"):
        transformer, *_ = build(published_config())
        trained = attached(transformer)
    if thrifty:
        transformer.enable_gradient_checkpointing()
    transformer.train()
    moments = 2 * sum(each.nbytes for each in trained)
    weights = bytes_of(transformer)

    def step() -> None:
        latents = torch.empty(2 * pairs, FRAMES, CHANNELS, device="meta")
        noise, sigma = torch.empty_like(latents), torch.empty(2 * pairs, device="meta")
        text = text_rows(2 * pairs, WIDTH)
        with torch.no_grad(), adapters.disabled(transformer):
            anchors = velocity(transformer, latents, sigma, text)
        made = velocity(transformer, latents, sigma, text)
        errors = (made - noise).square().mean((1, 2))
        preference(errors, (anchors - noise).square().mean((1, 2))).backward()

    return counted(step, weights + moments)


def attached(transformer: Any) -> list[Tensor]:
    """A new adapter of the usual rank on all kinds of layers; its parameters."""
    return list(adapters.attach(transformer, adapters.AdapterConfig()).values())


def counted(step: Any, resident: int) -> dict[str, float]:
    """Gigabytes held at once and TFLOP of one step."""
    with LiveBytes() as live:
        step()
    with FlopCounterMode(display=False) as counter:
        step()
    return {
        "resident_gb": round(resident / 1e9, 2),
        "peak_gb": round((resident + live.most) / 1e9, 2),
        "tflop": round(counter.get_total_flops() / 1e12, 2),
    }


def dpo_report(pairs: int = 4) -> dict[str, Any]:
    """Both ways on one batch, and how they compare."""
    theirs, ours, thrifty = (
        reference_step(pairs), our_step(pairs, thrifty=False), our_step(pairs, thrifty=True),
    )  # fmt: skip
    return {
        "pairs": pairs,
        "reference": theirs,
        "ours": ours,
        "ours, activations computed again": thrifty,
        "memory_share": round(ours["peak_gb"] / theirs["peak_gb"], 2),
        "memory_share_thrifty": round(thrifty["peak_gb"] / theirs["peak_gb"], 2),
        "operations_fewer_times": round(theirs["tflop"] / ours["tflop"], 2),
        "operations_fewer_times_thrifty": round(theirs["tflop"] / thrifty["tflop"], 2),
    }
