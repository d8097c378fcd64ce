"""What diffusers' own pipelines do here: they sample, and what they cannot they say in a sentence."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import numpy as np
import torch
from diffusers import DiffusionPipeline
from torch import Tensor, nn

from pipelines.devices import default_device
from pipelines.errors import Cancelled, StudioError
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
from pipelines.records import Prompt, Settings

Tell = Callable[..., None]  # the `callback` of diffusers' pipelines


class SampledBackend(ABC):
    """A backend that samples and cannot be trained; AudioLDM 2 and Stable Audio Open are two.

    Rows of one guidance, and of one length where the model is told it, go through the pipeline
    together; noise comes from a CPU generator per row, so that a batch changes no sound.

    Args:
        pipe: the model; it is moved, in place.
        name: how people call it.
        revision: hash of its weights.
        device: default: CUDA, MPS, CPU, the first there is.
        dtype: of text encoders and denoiser; the decoder stays in float32.
    """

    kind: str  # how a sentence calls this sort of model
    samplers: tuple[str, ...]
    sample_rate: int
    max_seconds: float
    latent_shape: tuple[int, int]
    default_steps: int
    default_guidance: float
    exact: tuple[str, ...] = ("vae",)  # parts of the pipeline that stay in float32
    tokenizers: tuple[str, ...] = ("tokenizer",)

    def __init__(
        self,
        pipe: DiffusionPipeline,
        *,
        name: str,
        revision: str,
        device: torch.device | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        self.name, self.revision = name, revision
        self.adapter: str | None = None
        self.device = torch.device(device) if device else default_device()
        self.kind_of_numbers = dtype or torch.float32
        self.dtype = str(self.kind_of_numbers).removeprefix("torch.")
        for part, module in pipe.components.items():
            if isinstance(module, nn.Module):
                wanted = torch.float32 if part in self.exact else self.kind_of_numbers
                nn.Module.to(module.eval(), self.device, wanted)
        pipe.set_progress_bar_config(disable=True)
        self.pipe = pipe

    @abstractmethod
    def denoised(
        self,
        prompts: Sequence[Prompt],
        rows: RowNoise,
        *,
        steps: int,
        guidance: float,
        tell: Tell,
    ) -> Tensor:
        """Latents [B, T, C], float32, of rows that share guidance and length."""

    @abstractmethod
    def decode(self, latents: Tensor, samples: int | None = None) -> Tensor:
        """Sound [B, channels, samples] of latents [B, T, C]."""

    def together(self, prompt: Prompt, settings: Settings) -> tuple[float, ...]:
        """What rows must share to go through the pipeline at once."""
        return (max(1.0, settings.guidance),)

    def sample(
        self,
        prompts: Sequence[Prompt],
        settings: Sequence[Settings],
        *,
        on_step: OnStep | None = None,
        should_stop: ShouldStop | None = None,
        on_latents: OnLatents | None = None,
    ) -> list[np.ndarray]:
        """One sound per prompt; see `Backend.sample`."""
        self.check(prompts, settings)
        steps, _ = agreed(prompts, settings, self.samplers)
        groups: dict[tuple[float, ...], list[int]] = {}
        for row, (prompt, setting) in enumerate(zip(prompts, settings, strict=True)):
            groups.setdefault(self.together(prompt, setting), []).append(row)
        latents = torch.zeros(len(prompts), *self.latent_shape)
        for number, (shared, members) in enumerate(groups.items()):
            if should_stop is not None and should_stop():
                raise Cancelled
            latents[members] = self.denoised(
                [prompts[row] for row in members],
                RowNoise([settings[row].seed for row in members]),
                steps=steps,
                guidance=shared[0],
                tell=teller(number * steps, len(groups) * steps, on_step, should_stop),
            ).cpu()
        if on_latents is not None:
            on_latents(latents)
        lengths = [int(prompt.seconds * self.sample_rate) for prompt in prompts]
        return decoded(self.decode, latents, lengths)

    def check(self, prompts: Sequence[Prompt], settings: Sequence[Settings]) -> None:
        """Nothing, or a StudioError: too long a text, a level, another model's sampler."""
        texts = [prompt.text for prompt in prompts]
        for name in self.tokenizers:
            check_tokens(self.name, getattr(self.pipe, name), texts)
        check_levels(self.name, settings)
        check_samplers(self.name, self.samplers, settings)

    def unknown_words(self, text: str) -> list[str]:
        """The words that the tokenizer reads as unknown, in order, each once."""
        return unknown_words(getattr(self.pipe, self.tokenizers[-1]), text)

    def refuse(self, *_: Any, **__: Any) -> NoReturn:
        """The sentence for all that training needs."""
        raise StudioError(
            f"{self.name} is {self.kind}, which makes sounds here and cannot be trained; choose the "
            "embedded model, a TangoFlux or a Tango to fine-tune."
        )

    encode = encode_text = noised = training_target = predict = with_denoiser = refuse

    @property
    def denoiser(self) -> NoReturn:
        """Refused: there is nothing to train."""
        self.refuse()


def teller(before: int, total: int, on_step: OnStep | None, should_stop: ShouldStop | None) -> Tell:
    """A `callback` for diffusers' pipelines: tells each step, and raises Cancelled between two.

    Args:
        before: steps of the rows that came first.
        total: steps of all rows.
        on_step: told after each.
        should_stop: asked after each but the last.
    """

    def tell(step: int, timestep: Any, latents: Tensor) -> None:
        done = before + step + 1
        if on_step is not None:
            on_step(done, total)
        if done < total and should_stop is not None and should_stop():
            raise Cancelled

    return tell
