"""A random TangoFlux small enough for tests: 4 kHz mono, 64 latent frames of 8 channels, 10.24 s."""

from pathlib import Path

import torch
from diffusers.schedulers import FlowMatchEulerDiscreteScheduler

from pipelines.generate.autoencoder import SpectralAutoencoder
from pipelines.generate.sizes import TangoFluxConfig, t5_config
from pipelines.generate.tangoflux import TangoFluxPipeline, build
from pipelines.generate.tokenizer import build_tokenizer

WORDS = "a dog barks and then the bird sings rain falls while siren wails , .".split()


def tiny_pipeline(seed: int = 0) -> TangoFluxPipeline:
    """All parts with random weights from one seed, large enough to tell prompts apart."""
    torch.manual_seed(seed)
    tokenizer = build_tokenizer(WORDS)
    config = TangoFluxConfig(
        transformer={
            "in_channels": 8,
            "num_layers": 1,
            "num_single_layers": 2,
            "attention_head_dim": 16,
            "num_attention_heads": 2,
            "joint_attention_dim": 32,
            "pooled_projection_dim": 32,
            "axes_dims_rope": (4, 6, 6),
        },
        text_encoder=t5_config(len(tokenizer), width=32, inner=48, layers=1, heads=2),
        conditioner={
            "width": 32,
            "max_seconds": 10.24,
            "frequencies": 16,
            "quality_levels": 5,
        },
        frames=64,
    )
    transformer, text_encoder, conditioner = build(config)
    for weights in transformer.parameters():
        torch.nn.init.normal_(weights, std=0.15)
    vae = SpectralAutoencoder(
        sample_rate=4000,
        fft_size=256,
        spectrum_hop=64,
        mel_bands=20,
        widths=(16, 16, 24, 24),
        depths=(1, 1, 1, 1, 1, 2),
        latent_channels=8,
    )
    return TangoFluxPipeline(
        vae=vae.eval(),
        text_encoder=text_encoder.eval(),
        tokenizer=tokenizer,
        transformer=transformer.eval(),
        conditioner=conditioner.eval(),
        scheduler=FlowMatchEulerDiscreteScheduler(),
        frames=config.frames,
        default_steps=4,
    )


def save_tiny(folder: Path, seed: int = 0) -> Path:
    """The tiny model as a diffusers pipeline folder."""
    tiny_pipeline(seed).save_pretrained(folder)
    return folder
