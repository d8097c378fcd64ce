"""TangoFlux (arXiv 2412.21037): text and a duration in, sound out, by one flow transformer."""

import torch
from diffusers import FluxTransformer2DModel
from torch import Tensor
from transformers import T5Config, T5EncoderModel

from pipelines.generate.conditioning import Conditioner, TextStates
from pipelines.generate.sizes import TangoFluxConfig


def build(
    config: TangoFluxConfig,
) -> tuple[FluxTransformer2DModel, T5EncoderModel, Conditioner]:
    """Transformer, text encoder and conditioner of one size, with fresh random weights."""
    return (
        FluxTransformer2DModel(**config.transformer),
        T5EncoderModel(T5Config(**config.text_encoder)),
        Conditioner(**config.conditioner),
    )


def velocity(
    transformer: FluxTransformer2DModel, latents: Tensor, sigma: Tensor, text: TextStates
) -> Tensor:
    """The predicted slope noise - data, [B, T, C].

    Args:
        latents: noised, [B, T, C].
        sigma: noise level of each row, 0..1, [B].
        text: B rows; only the padding beyond each prompt's own length is masked, as if each
            prompt ran alone.
    """
    frames = latents.shape[1]
    own = torch.cat([text.mask, text.mask.new_ones(len(latents), frames)], dim=1)
    return transformer(
        hidden_states=latents,
        encoder_hidden_states=text.hidden,
        pooled_projections=text.pooled,
        timestep=sigma,
        img_ids=torch.arange(frames, device=latents.device)[:, None].expand(frames, 3),
        txt_ids=torch.zeros(text.hidden.shape[1], 3, device=latents.device),
        joint_attention_kwargs=None if own.all() else {"attention_mask": own[:, None, None]},
        return_dict=False,
    )[0]
