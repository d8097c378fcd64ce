"""Latents to sound and back: one door to TangoFlux's Oobleck and to the embedded autoencoder."""

import math
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import AutoencoderOobleck
from torch import Tensor
from torch.nn.utils import remove_weight_norm

from pipelines.generate.autoencoder import SpectralAutoencoder

OOBLECK_AHEAD = 10  # latent frames; the decoder hears 9.27 of them ahead


@dataclass(frozen=True)
class Codec:
    """An autoencoder with its measures; latents are [B, frames, channels] here.

    Args:
        vae: the autoencoder, float32.
        dtype: bfloat16 decodes under autocast: on the embedded autoencoder that is 1.6 times as
            fast, and the difference lies 44 dB below the sound (log-mel moves by 0.0004, where
            the autoencoder itself moves it by 0.06).
    """

    vae: AutoencoderOobleck | SpectralAutoencoder
    dtype: torch.dtype = torch.float32

    @property
    def config(self) -> Any:
        """The autoencoder's constructor arguments."""
        return self.vae.config

    @property
    def is_oobleck(self) -> bool:
        """Whether this is TangoFlux's own autoencoder."""
        return isinstance(self.vae, AutoencoderOobleck)

    @property
    def sample_rate(self) -> int:
        """Hz."""
        return self.config.sampling_rate if self.is_oobleck else self.config.sample_rate

    @property
    def hop(self) -> int:
        """Samples per latent frame."""
        return self.vae.hop_length

    @property
    def channels(self) -> int:
        """Audio channels."""
        return self.config.audio_channels if self.is_oobleck else 1

    @property
    def look_ahead(self) -> int:
        """Latent frames beyond a moment that can still change its sound.

        For the spectral autoencoder the reach of its layers, summed in latent frames: the first
        convolution 1, each block 3 at its own rate, the inverse transform half a window.
        """
        if self.is_oobleck:
            return OOBLECK_AHEAD
        first, second = self.config.strides
        coarse, middle, fine = self.config.depths[3:]
        window = self.config.fft_size / self.config.spectrum_hop / 2
        return math.ceil(
            1 + 3 * coarse + 3 * middle / second + (3 * fine + window) / (first * second)
        )

    def fuse(self) -> None:
        """Fold weight norm into the weights, in place: exact, and not recomputed at each use."""
        if self.is_oobleck:
            for layer in self.vae.modules():
                if hasattr(layer, "weight_g"):
                    remove_weight_norm(layer)

    @property
    def is_fused(self) -> bool:
        """Whether weight norm was folded; such weights no longer save under the published names."""
        return self.is_oobleck and not hasattr(self.vae.decoder.conv1, "weight_g")

    @property
    def is_rounded(self) -> bool:
        """Whether decoding runs in half precision."""
        return self.dtype != torch.float32

    def encode(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of the latents, both [B, frames, channels].

        Args:
            audio: [B, 1 or `channels`, samples].
        """
        if audio.shape[1] != self.channels:
            audio = audio.mean(1, keepdim=True).expand(-1, self.channels, -1)
        audio = audio.to(self.vae.device, self.vae.dtype)
        found = self.vae.encode(audio)
        found = found.latent_dist if self.is_oobleck else found
        return found.mean.mT, found.std.mT

    def decode(
        self, latents: Tensor, samples: int | None = None, *, tile: int | None = None
    ) -> Tensor:
        """Sound, float32 [B, `channels`, samples].

        Args:
            latents: [B, frames, channels].
            samples: how many to give; only ceil(samples / hop) + look_ahead frames are decoded,
                which changes nothing in them. All frames' worth at most, and by default.
            tile: frames decoded at once, for less memory; each tile is decoded with all the frames
                that its sound depends on, so there are no seams. All at once by default.
        """
        longest = latents.shape[1] * self.hop
        samples = longest if samples is None else min(samples, longest)
        heard = max(1, math.ceil(samples / self.hop))
        # One after the other Oobleck's sounds stay in a CPU's caches: 8 of 10 s take three quarters.
        alone = self.is_oobleck and latents.device.type == "cpu"
        sounds = [
            torch.cat(
                [
                    self._piece(rows, first, min(first + (tile or heard), heard))
                    for first in range(0, heard, tile or heard)
                ],
                dim=-1,
            )
            for rows in (latents.split(1) if alone else [latents])
        ]
        return torch.cat(sounds)[..., :samples]

    def _piece(self, latents: Tensor, first: int, last: int) -> Tensor:
        """The sound of frames `first` to `last`, from these and those that reach into it."""
        start = max(0, first - self.look_ahead)  # the decoders look back as far as ahead
        needed = latents[:, start : last + self.look_ahead]
        kind = latents.device.type
        with torch.autocast(kind, self.dtype) if self.is_rounded else nullcontext():
            found = self.vae.decode(needed.mT.to(self.vae.dtype))
        sound = found.sample if self.is_oobleck else found
        return sound[..., (first - start) * self.hop : (last - start) * self.hop].float()


def fit_frames(audio: Tensor, samples: int) -> Tensor:
    """Cut or pad with silence at the end to exactly `samples` on the last axis."""
    return F.pad(audio, (0, samples - audio.shape[-1]))


def draw(mean: Tensor, std: Tensor, generator: torch.Generator | None) -> Tensor:
    """A sample of the posterior from a CPU generator, or its mean without one."""
    if generator is None:
        return mean
    return mean + std * torch.randn(mean.shape, generator=generator).to(mean)
