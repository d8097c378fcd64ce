"""TangoFlux behind the backend protocol: placed on a device, prepared for use, one batch a call."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import FluxTransformer2DModel
from torch import Generator, Tensor, nn

from pipelines.devices import default_device, fastest_dtype
from pipelines.errors import StudioError
from pipelines.generate.backend import OnLatents, OnStep, ShouldStop
from pipelines.generate.batch import check_samplers, decoded
from pipelines.generate.codec import Codec, draw, fit_frames
from pipelines.generate.conditioning import TextStates, encode_text
from pipelines.generate.continuation import (
    MOST_WINDOWS,
    MakeWindow,
    check_reach,
    decode_long,
    make_long,
)
from pipelines.generate.flow import noised, velocity_target
from pipelines.generate.folders import load_folder
from pipelines.generate.modes import PLAIN, TILE, Modes, at_work, blocks_for, padded
from pipelines.generate.published import load_published
from pipelines.generate.shortcuts import Shortcuts
from pipelines.generate.tangoflux import TangoFluxPipeline, velocity
from pipelines.generate.tokenizer import MAX_TOKENS
from pipelines.records import SHORTCUTS, Prompt, Settings

Conditions = tuple[TextStates, TextStates | None]
TEXTS_KEPT = 32  # batches whose text states are remembered: a few MB


class TangoFluxBackend:
    """A TangoFlux of any size, ready to sample.

    The transformer and the embedded decoder run in `dtype`; text, noise, the sum over steps, the
    encoder and the Oobleck decoder (whose rounding nobody has listened to) stay in float32.

    Args:
        pipe: the model; its weight norm is fused and it is moved, in place.
        name: how people call it.
        revision: hash of its weights.
        device: default: CUDA, MPS, CPU, the first there is.
        dtype: of the heavy parts; default: the fastest by measurement.
        modes: how it runs here; see `pipelines.generate.modes`.
    """

    samplers = ("euler", "heun")  # its own first
    takes_shortcuts = True

    def __init__(
        self,
        pipe: TangoFluxPipeline,
        *,
        name: str,
        revision: str,
        device: torch.device | None = None,
        dtype: torch.dtype | None = None,
        modes: Modes = PLAIN,
    ) -> None:
        self.name, self.revision = name, revision
        self.modes, self.run_blocks = modes, blocks_for(modes)
        self.texts: OrderedDict[Hashable, Conditions] = OrderedDict()
        self.adapter: str | None = None
        self.device = torch.device(device) if device else default_device()
        kind = dtype or fastest_dtype(self.device)
        self.dtype = str(kind).removeprefix("torch.")
        pipe.codec.fuse()
        resting = torch.device("cpu") if modes.low_memory else self.device
        for part in (pipe.vae, pipe.text_encoder, pipe.conditioner, pipe.transformer):
            wanted = kind if part is pipe.transformer else torch.float32
            nn.Module.to(part.eval(), resting, wanted)  # diffusers' own warns of nothing
        self.pipe = pipe
        self.codec = Codec(pipe.vae, torch.float32 if pipe.codec.is_oobleck else kind)
        self.sample_rate = self.codec.sample_rate
        self.max_seconds = pipe.max_seconds
        self.longest_seconds = MOST_WINDOWS * pipe.max_seconds
        self.latent_shape = (pipe.config.frames, pipe.transformer.config.in_channels)
        self.default_steps = pipe.config.default_steps
        self.default_guidance = pipe.config.default_guidance

    @property
    def denoiser(self) -> FluxTransformer2DModel:
        """The transformer."""
        return self.pipe.transformer

    def with_denoiser(
        self, denoiser: FluxTransformer2DModel, *, name: str, adapter: str
    ) -> "TangoFluxBackend":
        """Another model over the same codec and text encoder; see `Backend.with_denoiser`."""
        other = copy(self)
        other.name, other.adapter = name, adapter
        nn.Module.to(denoiser.eval(), self.denoiser.device, self.denoiser.dtype)
        parts = {**self.pipe.components, "transformer": denoiser}
        told = ("frames", "default_steps", "default_guidance")
        other.pipe = TangoFluxPipeline(**parts, **{name: self.pipe.config[name] for name in told})
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
        steps = self.agreed(prompts, settings).steps
        lengths = [int(prompt.seconds * self.sample_rate) for prompt in prompts]

        def make(
            prompts: Sequence[Prompt],
            settings: Sequence[Settings],
            known: Tensor | None,
            told: Callable[[int], None],
        ) -> Tensor:
            return self.latents_of(prompts, settings, known, told, should_stop)

        def told(done: int) -> None:
            if on_step is not None:
                on_step(done, steps)

        if max(prompt.seconds for prompt in prompts) > self.max_seconds:
            return self.sample_long(prompts, settings, lengths, make, on_step, on_latents)
        latents = make(prompts, settings, None, told)
        if on_latents is not None:
            on_latents(latents)
        return decoded(self.decode, latents, lengths)

    def sample_long(
        self,
        prompts: Sequence[Prompt],
        settings: Sequence[Settings],
        lengths: Sequence[int],
        make: MakeWindow,
        on_step: OnStep | None,
        on_latents: OnLatents | None,
    ) -> list[np.ndarray]:
        """Sounds of which some are longer than the window; see `pipelines.generate.continuation`."""
        check_reach(self, self.name)
        if on_latents is not None:
            raise StudioError(
                f"Sounds to learn from are at most {self.max_seconds:g} s long; ask for less."
            )
        made = make_long(self, prompts, settings, make, on_step)
        with torch.inference_mode():
            sounds = [
                decode_long(self, latents, length, self.decode).cpu().numpy()
                for latents, length in zip(made, lengths, strict=True)
            ]
        return sounds

    def latents_of(
        self,
        prompts: Sequence[Prompt],
        settings: Sequence[Settings],
        known: Tensor | None,
        told: Callable[[int], None],
        should_stop: ShouldStop | None,
    ) -> Tensor:
        """Latents [B, T, C] of one batch; what is known of their beginning is held."""
        first = settings[0]
        guidance = torch.tensor([each.guidance for each in settings])
        text, free = self.conditions(prompts, settings, guided=bool((guidance > 1).any()))
        if self.modes.wants_few_shapes:
            text, free = padded(text), None if free is None else padded(free)
        with self.at_work(self.denoiser):
            return self.pipe.denoise(
                self.noise([each.seed for each in settings]),
                text,
                free,
                steps=first.steps,
                guidance=guidance.clamp(min=1),  # 1 and below: the text alone
                heun=first.sampler == "heun",
                shortcuts=Shortcuts(**{name: getattr(first, name) for name in SHORTCUTS}),
                known=known,
                run_blocks=self.run_blocks,
                on_step=lambda done, latents: told(done),
                should_stop=should_stop,
            )

    def at_work(self, *parts: nn.Module) -> AbstractContextManager[None]:
        """Within the block these parts are on the device."""
        return at_work(self.device, self.modes, *parts)

    def agreed(self, prompts: Sequence[Prompt], settings: Sequence[Settings]) -> Settings:
        """The first settings, whose steps, sampler and shortcuts all rows share."""
        shared = ("steps", "sampler", *SHORTCUTS)
        kinds = {tuple(getattr(each, name) for name in shared) for each in settings}
        if len(prompts) != len(settings) or len(kinds) != 1:
            raise StudioError(
                f"One batch got {len(prompts)} prompts, {len(settings)} settings and "
                f"{len(kinds)} kinds of steps and sampler; give one setting per prompt and one kind."
            )
        return settings[0]

    @torch.no_grad()
    def conditions(
        self, prompts: Sequence[Prompt], settings: Sequence[Settings], *, guided: bool
    ) -> Conditions:
        """Conditions of every row; each different request is encoded once, and remembered."""
        asked = [(p.text, p.seconds, s.quality) for p, s in zip(prompts, settings, strict=True)]
        distinct = list(dict.fromkeys(asked))
        text, free = self.remembered(distinct, guided)
        rows = torch.tensor([distinct.index(each) for each in asked], device=self.device)
        return text.rows(rows), None if free is None else free.rows(rows)

    def remembered(self, asked: list[tuple[str, float, int | None]], guided: bool) -> Conditions:
        """Text states of these requests together: from the last batches, to the bit, or made now.

        What trains the text encoder in place is noticed by the versions of its tensors.
        """
        pipe = self.pipe
        weights = [*pipe.text_encoder.parameters(), *pipe.conditioner.parameters()]
        stamp = sum(0 if each.is_inference() else each._version for each in weights)
        key = (tuple(asked), guided, stamp)
        if key not in self.texts:
            texts, seconds, quality = zip(*asked, strict=True)
            with self.at_work(pipe.text_encoder, pipe.conditioner):
                self.texts[key] = pipe.encode_prompts(
                    texts, seconds, quality=quality, guided=guided
                )
            while len(self.texts) > TEXTS_KEPT:
                self.texts.popitem(last=False)
        self.texts.move_to_end(key)
        return self.texts[key]

    def check(self, prompts: Sequence[Prompt], settings: Sequence[Settings]) -> None:
        """Nothing, or a StudioError: too long a text, a level or a sampler that it has not."""
        check_samplers(self.name, self.samplers, settings)
        most = self.pipe.tokenizer.model_max_length
        for text in dict.fromkeys(prompt.text for prompt in prompts):
            tokens = len(self.pipe.tokenizer(text, truncation=False, verbose=False).input_ids)
            if tokens > most:
                raise StudioError(
                    f"The prompt “{text[:40]}{'…' * (len(text) > 40)}” has {tokens} tokens; "
                    f"{self.name} reads {most}. Shorten it."
                )
        knows = self.pipe.conditioner.config.quality_levels
        if not knows and any(each.quality is not None for each in settings):
            raise StudioError(f"{self.name} knows no quality levels; leave the level open.")

    def noise(self, seeds: Sequence[int]) -> Tensor:
        """Initial noise [B, T, C]: each row from its own CPU generator, whatever the batch."""
        shape = (1, *self.latent_shape)
        return torch.cat(
            [torch.randn(shape, generator=Generator().manual_seed(seed)) for seed in seeds]
        )

    def unknown_words(self, text: str) -> list[str]:
        """The words that the tokenizer reads as unknown, in order, each once."""
        found = self.pipe.tokenizer(
            text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )
        unknown = self.pipe.tokenizer.unk_token_id
        pairs = zip(found.input_ids, found.offset_mapping, strict=True)
        return list(dict.fromkeys(text[a:b].lower() for token, (a, b) in pairs if token == unknown))

    def encode_text(self, texts: Sequence[str], seconds: Sequence[float]) -> TextStates:
        """Conditions as in training: at most 64 tokens; differentiable."""
        encoders = (self.pipe.text_encoder, self.pipe.conditioner)
        with self.at_work(*encoders):
            ids, mask = self.pipe.tokens(texts, max_tokens=MAX_TOKENS)
            asked = torch.tensor(seconds, dtype=torch.float32, device=self.device)
            return encode_text(*encoders, ids, mask, asked)

    @torch.no_grad()
    def encode(self, audio: Tensor, generator: Generator | None = None) -> Tensor:
        """Latents [B, T, C]; see `Backend.encode`."""
        audio = fit_frames(audio, self.pipe.config.frames * self.codec.hop)
        with self.at_work(self.pipe.vae):
            return draw(*self.codec.encode(audio), generator)

    @torch.no_grad()
    def decode(self, latents: Tensor, samples: int | None = None) -> Tensor:
        """Sound [B, channels, samples] of latents [B, T, C]."""
        tile = TILE if self.modes.low_memory else None
        with self.at_work(self.pipe.vae):
            return self.codec.decode(latents.to(self.device), samples, tile=tile)

    def noised(self, latents: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
        """(1 - sigma) data + sigma noise."""
        return noised(latents, noise, sigma)

    def training_target(self, latents: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
        """Noise - data, at every sigma."""
        return velocity_target(latents, noise)

    def predict(self, noisy: Tensor, sigma: Tensor, text_states: TextStates) -> Tensor:
        """The transformer's velocity, in the dtype of its weights; differentiable."""
        kind = self.denoiser.dtype
        return velocity(self.denoiser, noisy.to(kind), sigma, text_states.to(kind))


def open_published(folders: list[Path], **how: Any) -> TangoFluxBackend:
    """TangoFlux as it was published; see `pipelines.generate.layouts`."""
    return TangoFluxBackend(load_published(folders[0]), **how)


def open_folder(folders: list[Path], **how: Any) -> TangoFluxBackend:
    """TangoFlux from a diffusers pipeline folder; see `pipelines.generate.layouts`."""
    return TangoFluxBackend(load_folder(*folders), **how)
