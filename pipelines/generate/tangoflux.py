"""TangoFlux (arXiv 2412.21037): text and a duration in, sound out, by one flow transformer."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderOobleck, DiffusionPipeline, FluxTransformer2DModel
from diffusers.pipelines.pipeline_utils import AudioPipelineOutput
from diffusers.schedulers import FlowMatchEulerDiscreteScheduler
from torch import Tensor
from transformers import PreTrainedTokenizerBase, T5Config, T5EncoderModel

from pipelines.errors import Cancelled, StudioError
from pipelines.generate.autoencoder import SpectralAutoencoder
from pipelines.generate.codec import Codec
from pipelines.generate.conditioning import Conditioner, TextStates, drop_text, encode_text
from pipelines.generate.flow import hold, schedule, step
from pipelines.generate.guided import PLAIN, Blocks, GuidedSlope
from pipelines.generate.shortcuts import Shortcuts
from pipelines.generate.sizes import TangoFluxConfig
from pipelines.generate.transformer import blocks, modulation, slope, surroundings


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


class TangoFluxPipeline(DiffusionPipeline):
    """TangoFlux of any size, saved and loaded as a diffusers pipeline folder.

    Args:
        vae: AutoencoderOobleck (published) or SpectralAutoencoder (embedded).
        text_encoder: T5 encoder.
        tokenizer: pads with 0, closes with 1.
        transformer: the flow.
        conditioner: duration token and pooled projection.
        scheduler: its `shift` is read; the steps are `pipelines.generate.flow`'s.
        frames: latent frames, whatever the duration.
        default_steps: number of noise levels unless told.
        default_guidance: guidance unless told.
    """

    model_cpu_offload_seq = "text_encoder->conditioner->transformer->vae"

    def __init__(
        self,
        vae: AutoencoderOobleck | SpectralAutoencoder,
        text_encoder: T5EncoderModel,
        tokenizer: PreTrainedTokenizerBase,
        transformer: FluxTransformer2DModel,
        conditioner: Conditioner,
        scheduler: FlowMatchEulerDiscreteScheduler,
        frames: int = 645,
        default_steps: int = 25,
        default_guidance: float = 4.5,
    ) -> None:
        super().__init__()
        self.register_modules(
            vae=vae,
            text_encoder=text_encoder,
            tokenizer=tokenizer,
            transformer=transformer,
            conditioner=conditioner,
            scheduler=scheduler,
        )
        self.register_to_config(
            frames=frames, default_steps=default_steps, default_guidance=default_guidance
        )

    @property
    def codec(self) -> Codec:
        """The autoencoder with its measures."""
        return Codec(self.vae)

    @property
    def max_seconds(self) -> float:
        """Longest sound that can be asked for; the published model gives 29.954 s of its 30."""
        return float(self.conditioner.config.max_seconds)

    def save_pretrained(self, save_directory: str | Path, **kwargs: Any) -> None:
        """Write the folder; refused once weight norm is fused, whose names would not load again."""
        if self.codec.is_fused:
            raise StudioError("This model was prepared for use; load it afresh to save it.")
        super().save_pretrained(save_directory, **kwargs)

    def tokens(self, texts: Sequence[str], max_tokens: int | None = None) -> tuple[Tensor, Tensor]:
        """Ids and mask, int64 [B, L], padded to the longest, cut at the tokenizer's own limit.

        Args:
            texts: B prompts.
            max_tokens: a smaller limit; TangoFlux trains with 64.
        """
        found = self.tokenizer(
            list(texts), padding=True, truncation=True, max_length=max_tokens, return_tensors="pt"
        )
        device = self.text_encoder.device
        return found.input_ids.to(device), found.attention_mask.to(device)

    def encode_prompts(
        self,
        texts: Sequence[str],
        seconds: Sequence[float],
        *,
        quality: Sequence[int | None] | None = None,
        guided: bool = True,
    ) -> tuple[TextStates, TextStates | None]:
        """The conditions of B prompts, and their unconditional rows where guidance needs them.

        An unconditional row is the empty prompt padded to its prompt's own length, with the same
        duration and no quality level.

        Args:
            texts: B prompts.
            seconds: B asked lengths.
            quality: B levels, 1 to 5, or None where it is not told.
            guided: whether unconditional rows are wanted.
        """
        ids, mask = self.tokens(texts)
        asked = torch.tensor(seconds, dtype=torch.float32, device=ids.device)
        levels = None
        if quality is not None and any(quality):
            levels = torch.tensor([level or 0 for level in quality], device=ids.device)
        encoders = (self.text_encoder, self.conditioner)
        text = encode_text(*encoders, ids, mask, asked, quality=levels)
        if not guided:
            return text, None
        return text, encode_text(*encoders, *drop_text(ids, mask), asked, attend=mask.bool())

    def denoise(
        self,
        noise: Tensor,
        text: TextStates,
        unconditional: TextStates | None,
        *,
        steps: int,
        guidance: Tensor | float = 1.0,
        heun: bool = False,
        shortcuts: Shortcuts = PLAIN,
        known: Tensor | None = None,
        run_blocks: Blocks = blocks,
        on_step: Callable[[int, Tensor], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> Tensor:
        """Latents [B, frames, channels] from noise of that shape, in float32.

        Guidance: v = v_u + g (v_c - v_u), both rows in one batch.

        Args:
            noise: standard normal.
            text: B rows.
            unconditional: B rows, or None to follow the text alone.
            steps: number of noise levels.
            guidance: g of every row, or one per row [B].
            heun: second order, two evaluations a step.
            shortcuts: what may be left out, off by default.
            known: latents that the sound begins with, [B, K, channels], K < frames: what comes
                after them is made to follow.
            run_blocks: the transformer's blocks as written, or compiled.
            on_step: called with the number of steps done and the latents.
            should_stop: asked before each step.

        Raises:
            Cancelled: `should_stop` said so.
        """
        device = self.transformer.device
        levels = schedule(steps, shift=self.scheduler.config.shift)
        with torch.inference_mode():
            guided_slope = GuidedSlope(
                self.transformer,
                text,
                unconditional,
                frames=noise.shape[1],
                levels=levels[:-1],
                guidance=guidance,
                shortcuts=shortcuts,
                run_blocks=run_blocks,
            )
            noise = noise.to(device, torch.float32)
            latents = hold(noise, known, noise, 1.0)
            for at in range(steps):
                if should_stop is not None and should_stop():
                    raise Cancelled
                latents = step(guided_slope, latents, levels, at, heun=heun)
                latents = hold(latents, known, noise, levels[at + 1].item())
                if on_step is not None:
                    on_step(at + 1, latents)
        return latents.clone()  # an ordinary tensor again

    @torch.no_grad()
    def __call__(
        self,
        prompt: str | Sequence[str],
        *,
        seconds: float = 10.0,
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        num_waveforms_per_prompt: int = 1,
        sampler: str = "euler",
        generator: torch.Generator | None = None,
        latents: Tensor | None = None,
        output_type: str = "np",
    ) -> AudioPipelineOutput:
        """Sounds for one or more prompts, as other diffusers pipelines give them.

        Args:
            prompt: one text or several.
            seconds: length of every sound.
            num_inference_steps: noise levels.
            guidance_scale: 1 or less follows the text alone.
            num_waveforms_per_prompt: sounds per prompt, prompt by prompt.
            sampler: "euler" or "heun".
            generator: of the initial noise, on the CPU.
            latents: initial noise [B, frames, channels] instead.
            output_type: "np" for sound [B, channels, samples]; "latent" for latents.
        """
        texts = [prompt] if isinstance(prompt, str) else list(prompt)
        texts = [text for text in texts for _ in range(num_waveforms_per_prompt)]
        guidance = self.config.default_guidance if guidance_scale is None else guidance_scale
        if latents is None:
            shape = (len(texts), self.config.frames, self.transformer.config.in_channels)
            latents = torch.randn(shape, generator=generator)
        text, free = self.encode_prompts(texts, [seconds] * len(texts), guided=guidance > 1)
        latents = self.denoise(
            latents,
            text,
            free,
            steps=num_inference_steps or self.config.default_steps,
            guidance=guidance,
            heun=sampler == "heun",
        )
        if output_type == "latent":
            return AudioPipelineOutput(audios=latents)
        sound = self.codec.decode(latents, int(seconds * self.codec.sample_rate))
        return AudioPipelineOutput(audios=sound.cpu().numpy())
