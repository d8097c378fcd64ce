"""How large TangoFlux is: the published sizes and the embedded ones, for the same classes."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class TangoFluxConfig:
    """Constructor arguments of each part, and the shape of what they make."""

    transformer: dict[str, Any]  # of diffusers' FluxTransformer2DModel
    text_encoder: dict[str, Any]  # of transformers' T5Config
    conditioner: dict[str, Any]  # of Conditioner
    frames: int  # latent frames, whatever the duration
    default_steps: int = 25
    default_guidance: float = 4.5
    max_tokens: int = 64  # what training saw, the closing token included
    autoencoder: dict[str, Any] = field(default_factory=dict)  # of AutoencoderOobleck


def published_config() -> TangoFluxConfig:
    """declare-lab/TangoFlux and TangoFlux-base: 515 M + 341 M (flan-t5-large) + 156 M (Oobleck)."""
    return TangoFluxConfig(
        transformer={
            "in_channels": 64,
            "num_layers": 6,
            "num_single_layers": 18,
            "attention_head_dim": 128,
            "num_attention_heads": 8,
            "joint_attention_dim": 1024,
            "pooled_projection_dim": 1024,
            "axes_dims_rope": (16, 56, 56),
        },
        text_encoder=t5_config(32128, width=1024, inner=2816, layers=24, heads=16, dropout=0.1),
        conditioner={"width": 1024, "max_seconds": 30.0},
        frames=645,
    )


def embedded_config(vocabulary: int) -> TangoFluxConfig:
    """The model in assets/embedded: 5 M parameters over 64 frames of 64 channels at 6.25 Hz.

    Args:
        vocabulary: tokens of its own word tokenizer.
    """
    return TangoFluxConfig(
        transformer={
            "in_channels": 64,
            "num_layers": 1,  # the papers keep a quarter of the blocks joint; here 1 of 6
            "num_single_layers": 5,
            "attention_head_dim": 64,
            "num_attention_heads": 3,
            "joint_attention_dim": 192,
            "pooled_projection_dim": 192,
            "axes_dims_rope": (8, 28, 28),  # in the proportions of 16, 56, 56 for heads of 128
        },
        text_encoder=t5_config(vocabulary, width=192, inner=384, layers=2, heads=3),
        conditioner={"width": 192, "max_seconds": 10.24, "quality_levels": 5},
        frames=64,
    )


def t5_config(
    vocabulary: int, *, width: int, inner: int, layers: int, heads: int, dropout: float = 0.0
) -> dict[str, Any]:
    """Arguments of T5Config for an encoder of the flan-t5 kind (gated-gelu, heads of 64)."""
    return {
        "vocab_size": vocabulary,
        "d_model": width,
        "d_kv": 64,
        "d_ff": inner,
        "num_layers": layers,
        "num_heads": heads,
        "feed_forward_proj": "gated-gelu",
        "dropout_rate": dropout,
        "relative_attention_num_buckets": 32,
        "relative_attention_max_distance": 128,
        "layer_norm_epsilon": 1e-6,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "tie_word_embeddings": False,
        "use_cache": False,
        "is_encoder_decoder": False,
    }
