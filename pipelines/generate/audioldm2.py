"""AudioLDM 2 (arXiv 2308.05734) behind the backend protocol, by diffusers' own pipeline."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AudioLDM2Pipeline,
    AudioLDM2ProjectionModel,
    AudioLDM2UNet2DConditionModel,
    AutoencoderKL,
)
from diffusers.schedulers import DDIMScheduler
from torch import Tensor
from torch.nn.functional import pad
from transformers import (
    AutoTokenizer,
    ClapFeatureExtractor,
    ClapModel,
    GPT2LMHeadModel,
    SpeechT5HifiGan,
    T5EncoderModel,
)

from pipelines.generate.batch import RowNoise
from pipelines.generate.parts import read_parts
from pipelines.generate.sampled import SampledBackend, Tell
from pipelines.generate.tango_sizes import Front
from pipelines.generate.tango_sound import TangoCodec, to_rows
from pipelines.records import Prompt

KINDS = {
    "vae": {"AutoencoderKL": AutoencoderKL},
    "text_encoder": {"ClapModel": ClapModel},
    "text_encoder_2": {"T5EncoderModel": T5EncoderModel},
    "projection_model": {"AudioLDM2ProjectionModel": AudioLDM2ProjectionModel},
    # The published folder says GPT2Model, which no longer has what the pipeline calls.
    "language_model": {"GPT2Model": GPT2LMHeadModel, "GPT2LMHeadModel": GPT2LMHeadModel},
    "tokenizer": dict.fromkeys(("RobertaTokenizer", "RobertaTokenizerFast"), AutoTokenizer),
    "tokenizer_2": dict.fromkeys(("T5Tokenizer", "T5TokenizerFast"), AutoTokenizer),
    "feature_extractor": {"ClapFeatureExtractor": ClapFeatureExtractor},
    "unet": {"AudioLDM2UNet2DConditionModel": AudioLDM2UNet2DConditionModel},
    "scheduler": {"DDIMScheduler": DDIMScheduler},
    "vocoder": {"SpeechT5HifiGan": SpeechT5HifiGan},
}
TOLD = ("prompt_embeds", "attention_mask", "generated_prompt_embeds")  # by `encode_prompt`


class AudioLDM2Backend(SampledBackend):
    """AudioLDM 2 of any size. Every sound is made as long as its window, 10.24 s, and cut."""

    kind = "an AudioLDM 2"
    samplers = ("ddim",)
    default_steps, default_guidance = 200, 3.5  # diffusers' own
    exact = ("vae", "vocoder")
    tokenizers = ("tokenizer", "tokenizer_2")

    def __init__(self, pipe: AudioLDM2Pipeline, **how: Any) -> None:
        super().__init__(pipe, **how)
        config = pipe.vocoder.config
        front = Front(sample_rate=config.sampling_rate, bands=config.model_in_dim)
        self.codec = TangoCodec(pipe.vae, pipe.vocoder, front)
        self.sample_rate = front.sample_rate
        frames = int(pipe.unet.config.sample_size)
        self.latent_shape = (frames, self.codec.width)
        self.max_seconds = frames * self.codec.hop / self.sample_rate

    def denoised(
        self,
        prompts: Sequence[Prompt],
        rows: RowNoise,
        *,
        steps: int,
        guidance: float,
        tell: Tell,
    ) -> Tensor:
        """Latents of rows of one guidance; see `SampledBackend.denoised`."""
        frames, width = self.latent_shape
        channels = self.pipe.unet.config.in_channels
        made = self.pipe(
            **self.conditions([prompt.text for prompt in prompts], guided=guidance > 1),
            audio_length_in_s=self.max_seconds,
            num_inference_steps=steps,
            guidance_scale=guidance,
            latents=rows(channels, frames, width // channels).to(self.kind_of_numbers),
            output_type="latent",
            callback=tell,
        ).audios
        return to_rows(made.float())

    @torch.no_grad()
    def conditions(self, texts: Sequence[str], *, guided: bool) -> dict[str, Tensor]:
        """What the pipeline makes of each text alone, below one another.

        Its language model goes on from the last token, which in a batch would be padding; so each
        text is encoded by itself, and T5's states, whose padding is masked, are padded after.
        """
        found = {
            text: self.pipe.encode_prompt([text], self.device, 1, guided)
            for text in dict.fromkeys(texts)
        }
        longest = max(each[0].shape[1] for each in found.values())
        told: dict[str, list[Tensor]] = {}
        for text in texts:
            states, mask, generated = found[text]
            short = longest - states.shape[1]
            parts = pad(states, (0, 0, 0, short)), pad(mask, (0, short)), generated
            for name, part in zip(TOLD, parts, strict=True):
                *free, own = part.chunk(2) if guided else (part,)
                told.setdefault(name, []).append(own)
                if free:
                    told.setdefault(f"negative_{name}", []).append(free[0])
        return {name: torch.cat(rows) for name, rows in told.items()}

    @torch.no_grad()
    def decode(self, latents: Tensor, samples: int | None = None) -> Tensor:
        """Sound [B, 1, samples] of latents [B, T, C]."""
        return self.codec.decode(latents, samples)


def open_audioldm2(folders: list[Path], **how: Any) -> AudioLDM2Backend:
    """AudioLDM 2 from a diffusers folder; see `pipelines.generate.layouts`."""
    parts = read_parts(folders[0], AudioLDM2Pipeline.__name__, KINDS)
    return AudioLDM2Backend(AudioLDM2Pipeline(**parts), **how)
