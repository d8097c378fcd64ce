"""TangoFlux (arXiv 2412.21037): text and a duration in, sound out, by one flow transformer."""

from diffusers import FluxTransformer2DModel
from torch import Tensor
from transformers import T5Config, T5EncoderModel

from pipelines.generate.conditioning import Conditioner, TextStates
from pipelines.generate.sizes import TangoFluxConfig
from pipelines.generate.transformer import modulation, slope, surroundings


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
    """The predicted slope noise - data, [B, T, C]; what training differentiates.

    Args:
        latents: noised, [B, T, C].
        sigma: noise level of each row, 0..1, [B].
        text: B rows; only the padding beyond each prompt's own length is masked, as if each
            prompt ran alone.
    """
    around = surroundings(transformer, text, latents.shape[1])
    return slope(transformer, latents, around, modulation(transformer, sigma, text.pooled))
