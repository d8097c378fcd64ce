"""Stable Audio Open (arXiv 2407.14358) behind the backend protocol, by diffusers' own pipeline."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderOobleck,
    CosineDPMSolverMultistepScheduler,
    StableAudioDiTModel,
    StableAudioPipeline,
    StableAudioProjectionModel,
)
from torch import Tensor
from transformers import AutoTokenizer, T5EncoderModel

from pipelines.generate.batch import RowNoise
from pipelines.generate.codec import Codec
from pipelines.generate.parts import read_parts
from pipelines.generate.sampled import SampledBackend, Tell
from pipelines.records import Prompt, Settings

KINDS = {
    "vae": {"AutoencoderOobleck": AutoencoderOobleck},
    "text_encoder": {"T5EncoderModel": T5EncoderModel},
    "projection_model": {"StableAudioProjectionModel": StableAudioProjectionModel},
    "tokenizer": dict.fromkeys(("T5Tokenizer", "T5TokenizerFast"), AutoTokenizer),
    "transformer": {"StableAudioDiTModel": StableAudioDiTModel},
    "scheduler": {"CosineDPMSolverMultistepScheduler": CosineDPMSolverMultistepScheduler},
}


class StableAudioBackend(SampledBackend):
    """Stable Audio Open of any size: told how long the sound shall be, up to its whole window."""

    kind = "a Stable Audio Open"
    samplers = ("dpm++ sde",)  # DPM-Solver++ with noise between steps, on the cosine schedule
    default_steps, default_guidance = 100, 7.0  # diffusers' own

    def __init__(self, pipe: StableAudioPipeline, **how: Any) -> None:
        super().__init__(pipe, **how)
        self.codec = Codec(pipe.vae)
        self.codec.fuse()
        self.sample_rate = self.codec.sample_rate
        config = pipe.transformer.config
        self.latent_shape = (int(config.sample_size), config.in_channels)
        window = self.latent_shape[0] * self.codec.hop / self.sample_rate
        self.max_seconds = min(window, float(pipe.projection_model.config.max_value))

    def together(self, prompt: Prompt, settings: Settings) -> tuple[float, ...]:
        """Guidance, and the length, which the pipeline takes once for all rows."""
        return (*super().together(prompt, settings), prompt.seconds)

    def denoised(
        self,
        prompts: Sequence[Prompt],
        rows: RowNoise,
        *,
        steps: int,
        guidance: float,
        tell: Tell,
    ) -> Tensor:
        """Latents of rows of one guidance and length; see `SampledBackend.denoised`."""
        frames, channels = self.latent_shape
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Should have t[ab]")  # torchsde, by 1e-8
            made = self.pipe(
                [prompt.text for prompt in prompts],
                audio_end_in_s=prompts[0].seconds,
                num_inference_steps=steps,
                guidance_scale=guidance,
                latents=rows(channels, frames).to(self.kind_of_numbers),
                generator=rows.generators,  # the solver seeds each row's own noise from its generator
                output_type="latent",
                callback=tell,
            ).audios
        return made.float().mT

    @torch.no_grad()
    def decode(self, latents: Tensor, samples: int | None = None) -> Tensor:
        """Sound [B, channels, samples] of latents [B, T, C]; only the frames that are needed."""
        return self.codec.decode(latents.to(self.device), samples)


def open_stable_audio(folders: list[Path], **how: Any) -> StableAudioBackend:
    """Stable Audio Open from a diffusers folder; see `pipelines.generate.layouts`."""
    parts = read_parts(folders[0], StableAudioPipeline.__name__, KINDS)
    return StableAudioBackend(StableAudioPipeline(**parts), **how)
