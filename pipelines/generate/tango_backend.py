"""Tango behind the backend protocol: placed on a device, prepared for use, one batch a call."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from torch import Generator, Tensor, nn

from pipelines.devices import default_device, fastest_dtype
from pipelines.generate.backend import OnLatents, OnStep, ShouldStop
from pipelines.generate.batch import (
    RowNoise,
    agreed,
    check_levels,
    check_samplers,
    check_tokens,
    decoded,
    unknown_words,
)
from pipelines.generate.codec import draw
from pipelines.generate.modes import PLAIN, Modes, at_work
from pipelines.generate.tango import DDPM, SECOND, TangoPipeline, TangoText, answer
from pipelines.generate.tango_diffusion import noised, target, timesteps_of
from pipelines.generate.tango_folder import load_tango_folder
from pipelines.generate.tango_published import load_published_tango
from pipelines.generate.tango_sound import to_image, to_rows
from pipelines.records import Prompt, Settings


class TangoBackend:
    """A Tango of any size, ready to sample.

    Latents are [B, T, C] at this door: T = 256 frames of 40 ms, C = 8 channels x 16 bands, channel
    by channel; the UNet has them as [B, 8, 256, 16]. Every sound is made 10.24 s long and cut,
    since Tango is not told of lengths. The UNet runs in `dtype`; text, noise, the sum over steps,
    autoencoder and vocoder stay in float32.

    Args:
        pipe: the model; it is moved, in place.
        name: how people call it.
        revision: hash of its weights.
        device: default: CUDA, MPS, CPU, the first there is.
        dtype: of the UNet; default: the fastest by measurement.
        modes: how it runs here; of `pipelines.generate.modes` low memory alone.
    """

    samplers = (DDPM, SECOND)  # its own first

    def __init__(
        self,
        pipe: TangoPipeline,
        *,
        name: str,
        revision: str,
        device: torch.device | None = None,
        dtype: torch.dtype | None = None,
        modes: Modes = PLAIN,
    ) -> None:
        self.name, self.revision, self.modes = name, revision, modes
        self.adapter: str | None = None
        self.device = torch.device(device) if device else default_device()
        kind = dtype or fastest_dtype(self.device)
        self.dtype = str(kind).removeprefix("torch.")
        self.resting = torch.device("cpu") if modes.low_memory else self.device
        for part in (pipe.vae, pipe.text_encoder, pipe.unet, pipe.vocoder):
            wanted = kind if part is pipe.unet else torch.float32
            nn.Module.to(part.eval(), self.resting, wanted)  # diffusers' own warns of nothing
        self.pipe = pipe
        self.codec = pipe.codec
        self.sample_rate = self.codec.sample_rate
        self.max_seconds = pipe.max_seconds
        self.latent_shape = (pipe.config.frames, self.codec.width)
        self.default_steps = pipe.config.default_steps
        self.default_guidance = pipe.config.default_guidance

    @property
    def denoiser(self) -> UNet2DConditionModel:
        """The UNet."""
        return self.pipe.unet

    def with_denoiser(
        self, denoiser: UNet2DConditionModel, *, name: str, adapter: str
    ) -> "TangoBackend":
        """Another model over the same codec and text encoder; see `Backend.with_denoiser`."""
        other = copy(self)
        other.name, other.adapter = name, adapter
        nn.Module.to(denoiser.eval(), self.resting, self.denoiser.dtype)
        parts = {**self.pipe.components, "unet": denoiser}
        told = ("front", "frames", "default_steps", "default_guidance")
        other.pipe = TangoPipeline(**parts, **{name: self.pipe.config[name] for name in told})
        return other

    def sample(
        self,
        prompts: Sequence[Prompt],
        settings: Sequence[Settings],
        *,
        on_step: OnStep | None = None,
        should_stop: ShouldStop | None = None,
        on_latents: OnLatents | None = None,
    ) -> list[np.ndarray]:
        """One sound per prompt, in one batch; see `Backend.sample`."""
        self.check(prompts, settings)
        steps, sampler = agreed(prompts, settings, self.samplers)
        guidance = torch.tensor([each.guidance for each in settings]).clamp(min=1)
        rows = RowNoise([each.seed for each in settings])
        text, free = self.conditions(prompts, guided=bool((guidance > 1).any()))

        def told(done: int, image: Tensor) -> None:
            if on_step is not None:
                on_step(done, steps)

        frames, width = self.latent_shape
        channels = self.denoiser.config.in_channels
        with self.at_work(self.denoiser):
            latents = self.pipe.denoise(
                to_rows(rows(channels, frames, width // channels)),
                text,
                free,
                steps=steps,
                guidance=guidance,
                sampler=sampler,
                draw=rows,
                on_step=told,
                should_stop=should_stop,
            )
        if on_latents is not None:
            on_latents(latents)
        lengths = [int(prompt.seconds * self.sample_rate) for prompt in prompts]
        return decoded(self.decode, latents, lengths)

    def at_work(self, *parts: nn.Module) -> AbstractContextManager[None]:
        """Within the block these parts are on the device."""
        return at_work(self.device, self.modes, *parts)

    @torch.no_grad()
    def conditions(
        self, prompts: Sequence[Prompt], *, guided: bool
    ) -> tuple[TangoText, TangoText | None]:
        """Conditions of every row; each different text is encoded once."""
        distinct = list(dict.fromkeys(prompt.text for prompt in prompts))
        with self.at_work(self.pipe.text_encoder):
            text, free = self.pipe.encode_prompts(distinct, guided=guided)
        rows = torch.tensor([distinct.index(each.text) for each in prompts], device=self.device)
        return text.rows(rows), None if free is None else free.rows(rows)

    def check(self, prompts: Sequence[Prompt], settings: Sequence[Settings]) -> None:
        """Nothing, or a StudioError: too long a text, a level, another model's sampler."""
        check_tokens(self.name, self.pipe.tokenizer, [prompt.text for prompt in prompts])
        check_levels(self.name, settings)
        check_samplers(self.name, self.samplers, settings)

    def unknown_words(self, text: str) -> list[str]:
        """The words that the tokenizer reads as unknown, in order, each once."""
        return unknown_words(self.pipe.tokenizer, text)

    def encode_text(self, texts: Sequence[str], seconds: Sequence[float]) -> TangoText:
        """T5's states; the seconds are not told to this model. Differentiable."""
        with self.at_work(self.pipe.text_encoder):
            return self.pipe.encode_text(texts)

    @torch.no_grad()
    def encode(self, audio: Tensor, generator: Generator | None = None) -> Tensor:
        """Latents [B, T, C]; see `Backend.encode`. Every clip is brought to peak 0.5 before."""
        with self.at_work(self.pipe.vae):
            return draw(*self.codec.encode(audio, self.pipe.config.frames), generator)

    @torch.no_grad()
    def decode(self, latents: Tensor, samples: int | None = None) -> Tensor:
        """Sound [B, channels, samples] of latents [B, T, C]."""
        with self.at_work(self.pipe.vae, self.pipe.vocoder):
            return self.codec.decode(latents, samples)

    def noised(self, latents: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
        """sqrt(a) data + sqrt(1 - a) noise at the timestep 1000 sigma."""
        return noised(self.pipe.kept, latents, noise, timesteps_of(sigma))

    def training_target(self, latents: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
        """v or the noise, as the model's config says."""
        return target(self.pipe.kept, latents, noise, timesteps_of(sigma), self.pipe.predicts)

    def predict(self, noisy: Tensor, sigma: Tensor, text_states: TangoText) -> Tensor:
        """The UNet's answer, in the dtype of its weights; differentiable."""
        kind = self.denoiser.dtype
        image = to_image(noisy.to(kind), self.denoiser.config.in_channels)
        return to_rows(
            answer(self.denoiser, image, timesteps_of(sigma).to(self.device), text_states.to(kind))
        )


def open_tango(folders: list[Path], **how: Any) -> TangoBackend:
    """Tango as it was published; see `pipelines.generate.layouts`."""
    return TangoBackend(load_published_tango(folders[0]), **how)


def open_folder(folders: list[Path], **how: Any) -> TangoBackend:
    """Tango from a diffusers pipeline folder; see `pipelines.generate.layouts`."""
    return TangoBackend(load_tango_folder(folders[0]), **how)
