"""Tango and Tango 2 (arXiv 2304.13731, 2404.09956): text in, 10.24 s of sound out, by diffusion."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from diffusers import AutoencoderKL, DiffusionPipeline, UNet2DConditionModel
from diffusers.pipelines.pipeline_utils import AudioPipelineOutput
from diffusers.schedulers import DDPMScheduler
from torch import Tensor
from transformers import (
    PreTrainedTokenizerBase,
    SpeechT5HifiGan,
    SpeechT5HifiGanConfig,
    T5Config,
    T5EncoderModel,
)

from pipelines.errors import Cancelled
from pipelines.generate.batch import RowNoise
from pipelines.generate.tango_diffusion import ddpm_step, ddpm_timesteps, kept_by, second_order
from pipelines.generate.tango_sizes import FRAMES, Front, TangoConfig
from pipelines.generate.tango_sound import TangoCodec, to_image, to_rows

DDPM, SECOND = "ddpm", "dpm++"  # the reference, and a solver that needs fewer steps


@dataclass(frozen=True, kw_only=True)
class TangoText:
    """What the UNet is told; B rows, L tokens, width D."""

    hidden: Tensor  # [B, L, D]
    mask: Tensor  # bool [B, L]; True on real tokens, to which alone the UNet attends

    def __len__(self) -> int:
        return self.hidden.shape[0]

    def rows(self, index: Tensor | slice) -> "TangoText":
        """Only these rows, in this order; an index may repeat rows."""
        return TangoText(hidden=self.hidden[index], mask=self.mask[index])

    def to(self, dtype: torch.dtype) -> "TangoText":
        """The same values in another precision."""
        return TangoText(hidden=self.hidden.to(dtype), mask=self.mask)

    @staticmethod
    def cat(parts: "Sequence[TangoText]") -> "TangoText":
        """All rows below one another; the parts must be padded to one length."""
        return TangoText(
            hidden=torch.cat([part.hidden for part in parts]),
            mask=torch.cat([part.mask for part in parts]),
        )


def build(
    config: TangoConfig,
) -> tuple[UNet2DConditionModel, T5EncoderModel, AutoencoderKL, SpeechT5HifiGan]:
    """UNet, text encoder, mel autoencoder and vocoder of one size, with fresh random weights."""
    return (
        UNet2DConditionModel(**config.unet),
        T5EncoderModel(T5Config(**config.text_encoder)),
        AutoencoderKL(**config.vae),
        SpeechT5HifiGan(SpeechT5HifiGanConfig(**config.vocoder)),
    )


def answer(unet: UNet2DConditionModel, image: Tensor, timesteps: Tensor, text: TangoText) -> Tensor:
    """What the UNet predicts, v or noise: [B, channels, T, bands]; differentiable.

    Args:
        image: noised latents, [B, channels, T, bands].
        timesteps: int64 [B], or a scalar for all rows.
        text: B rows.
    """
    return unet(
        image,
        timesteps,
        encoder_hidden_states=text.hidden,
        encoder_attention_mask=text.mask,
        return_dict=False,
    )[0]


class TangoPipeline(DiffusionPipeline):
    """Tango of any size, saved and loaded as a diffusers pipeline folder.

    Args:
        vae: mel autoencoder.
        text_encoder: T5 encoder.
        tokenizer: pads with 0, closes with 1.
        unet: the denoiser.
        scheduler: its config holds the noise schedule and what the UNet predicts.
        vocoder: HiFi-GAN.
        front: fields of `tango_sizes.Front`.
        frames: latent frames, whatever the duration.
        default_steps: number of steps unless told.
        default_guidance: guidance unless told.
    """

    model_cpu_offload_seq = "text_encoder->unet->vae->vocoder"

    def __init__(
        self,
        vae: AutoencoderKL,
        text_encoder: T5EncoderModel,
        tokenizer: PreTrainedTokenizerBase,
        unet: UNet2DConditionModel,
        scheduler: DDPMScheduler,
        vocoder: SpeechT5HifiGan,
        front: Mapping[str, Any] | None = None,
        frames: int = FRAMES,
        default_steps: int = 100,
        default_guidance: float = 3.0,
    ) -> None:
        super().__init__()
        self.register_modules(
            vae=vae,
            text_encoder=text_encoder,
            tokenizer=tokenizer,
            unet=unet,
            scheduler=scheduler,
            vocoder=vocoder,
        )
        self.register_to_config(
            front=asdict(Front(**(front or {}))),
            frames=frames,
            default_steps=default_steps,
            default_guidance=default_guidance,
        )
        self.kept = kept_by(scheduler.config)

    @property
    def codec(self) -> TangoCodec:
        """Autoencoder and vocoder with their measures."""
        return TangoCodec(self.vae, self.vocoder, Front(**self.config.front))

    @property
    def max_seconds(self) -> float:
        """The one length that this model makes."""
        return self.config.frames * self.codec.hop / self.codec.sample_rate

    @property
    def predicts(self) -> str:
        """What the UNet answers: "v_prediction" or "epsilon"."""
        return self.scheduler.config.prediction_type

    def encode_text(self, texts: Sequence[str], *, least: int = 0) -> TangoText:
        """T5's states of B texts, padded to the longest; differentiable.

        Args:
            texts: cut at the tokenizer's own limit, 512 tokens.
            least: pad at least to so many tokens.
        """
        found = self.tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
        ids, mask = found.input_ids, found.attention_mask
        if (short := least - ids.shape[1]) > 0:
            ids, mask = (torch.nn.functional.pad(each, (0, short)) for each in (ids, mask))
        ids, mask = ids.to(self.text_encoder.device), mask.to(self.text_encoder.device)
        hidden = self.text_encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        return TangoText(hidden=hidden, mask=mask.bool())

    def encode_prompts(
        self, texts: Sequence[str], *, guided: bool = True
    ) -> tuple[TangoText, TangoText | None]:
        """The conditions of B prompts, and their unconditional rows: the empty text, as long."""
        text = self.encode_text(texts)
        if not guided:
            return text, None
        empty = self.encode_text([""], least=text.mask.shape[1])
        return text, empty.rows(torch.zeros(len(texts), dtype=torch.long))

    def denoise(
        self,
        noise: Tensor,
        text: TangoText,
        unconditional: TangoText | None,
        *,
        steps: int,
        guidance: Tensor | float = 1.0,
        sampler: str = DDPM,
        draw: Callable[..., Tensor] | None = None,
        on_step: Callable[[int, Tensor], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> Tensor:
        """Scaled latents [B, frames, channels x bands] from noise of that shape, in float32.

        Guidance: u + g (c - u) of the answers, both rows in one batch.

        Args:
            noise: standard normal.
            text: B rows.
            unconditional: B rows, or None to follow the text alone.
            steps: number of timesteps visited.
            guidance: g of every row, or one per row [B].
            sampler: "ddpm", which adds noise in each step, or "dpm++".
            draw: gives the noise of a step from its shape without rows; needed by "ddpm".
            on_step: called with the number of steps done and the latents as the UNet has them,
                [B, channels, frames, bands].
            should_stop: asked before each step.

        Raises:
            Cancelled: `should_stop` said so.
        """
        device, dtype = self.unet.device, self.unet.dtype
        rows = text if unconditional is None else TangoText.cat([unconditional, text])
        rows = rows.to(dtype)
        g = torch.as_tensor(guidance, dtype=torch.float32, device=device).reshape(-1, 1, 1, 1)

        def guided(image: Tensor, timestep: Tensor) -> Tensor:
            image = image.to(dtype)
            if unconditional is None:
                return answer(self.unet, image, timestep, rows).float()
            both = answer(self.unet, torch.cat([image, image]), timestep, rows).float()
            free, told = both.chunk(2)
            return torch.lerp(free, told, g)

        with torch.inference_mode():
            image = to_image(noise.float(), self.unet.config.in_channels).contiguous().to(device)
            step = self._ddpm(steps, draw) if sampler == DDPM else self._second(steps)
            for at in range(steps):
                if should_stop is not None and should_stop():
                    raise Cancelled
                image = step(guided, image, at)
                if on_step is not None:
                    on_step(at + 1, image)
        return to_rows(image).clone()  # an ordinary tensor again

    def _ddpm(self, steps: int, draw: Callable[..., Tensor]) -> Callable[..., Tensor]:
        """One step of ancestral sampling at a time."""
        timesteps = ddpm_timesteps(self.scheduler.config, steps)

        def step(guided: Callable, image: Tensor, at: int) -> Tensor:
            end = torch.ones(())
            following = self.kept[timesteps[at + 1]] if at + 1 < steps else end
            found = guided(image, timesteps[at].to(image.device))
            return ddpm_step(
                image, found, draw(*image.shape[1:]).to(image),
                share=self.kept[timesteps[at]], next_share=following, predicts=self.predicts,
            )  # fmt: skip

        return step

    def _second(self, steps: int) -> Callable[..., Tensor]:
        """One step of DPM-Solver++(2M) at a time."""
        solver = second_order(self.scheduler.config, steps)

        def step(guided: Callable, image: Tensor, at: int) -> Tensor:
            timestep = solver.timesteps[at]
            return solver.step(guided(image, timestep.to(image.device)), timestep, image)[0]

        return step

    @torch.no_grad()
    def __call__(
        self,
        prompt: str | Sequence[str],
        *,
        seconds: float | None = None,
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        num_waveforms_per_prompt: int = 1,
        sampler: str = DDPM,
        seed: int = 0,
        output_type: str = "np",
    ) -> AudioPipelineOutput:
        """Sounds for one or more prompts, as other diffusers pipelines give them.

        Args:
            prompt: one text or several.
            seconds: cut to this length; None: all that the model makes.
            num_inference_steps: timesteps visited.
            guidance_scale: 1 or less follows the text alone.
            num_waveforms_per_prompt: sounds per prompt, prompt by prompt.
            sampler: "ddpm" or "dpm++".
            seed: of the first sound; the next has the next.
            output_type: "np" for sound [B, 1, samples]; "latent" for latents.
        """
        texts = [prompt] if isinstance(prompt, str) else list(prompt)
        texts = [text for text in texts for _ in range(num_waveforms_per_prompt)]
        guidance = self.config.default_guidance if guidance_scale is None else guidance_scale
        draw = RowNoise([seed + number for number in range(len(texts))])
        bands = self.codec.front.bands // self.codec.shrink
        noise = draw(self.unet.config.in_channels, self.config.frames, bands)
        text, free = self.encode_prompts(texts, guided=guidance > 1)
        latents = self.denoise(
            to_rows(noise),
            text,
            free,
            steps=num_inference_steps or self.config.default_steps,
            guidance=guidance,
            sampler=sampler,
            draw=draw,
        )
        if output_type == "latent":
            return AudioPipelineOutput(audios=latents)
        samples = None if seconds is None else int(seconds * self.codec.sample_rate)
        return AudioPipelineOutput(audios=self.codec.decode(latents, samples).cpu().numpy())
