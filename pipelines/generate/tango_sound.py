"""Sound to Tango's latents and back: log-mel, mel autoencoder, HiFi-GAN."""

from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor
from transformers import SpeechT5HifiGan
from transformers.audio_utils import mel_filter_bank

from pipelines.generate.tango_sizes import Front

PEAK = 0.5  # full scale: every clip is brought to it before it is encoded
QUIETEST = 1e-5  # of a mel band, before the logarithm


@cache
def mel_filters(front: Front) -> Tensor:
    """Slaney's triangular filters, float32 [bands, window // 2 + 1]."""
    found = mel_filter_bank(
        front.window // 2 + 1, front.bands, front.lowest, front.highest, front.sample_rate,
        norm="slaney", mel_scale="slaney",
    )  # fmt: skip
    return torch.from_numpy(found).float().T.contiguous()


def prepared(audio: Tensor, samples: int) -> Tensor:
    """Clips as Tango was trained on them: no offset, peak 0.5, exactly so long: [B, samples].

    Zeros at the end are taken for padding, so that a clip is the same in whatever batch.

    Args:
        audio: [B, channels, any]; the first channel alone is heard, as in the original.
        samples: to cut or pad to.
    """
    rows = []
    for row in audio[:, 0].float():
        heard = row.nonzero()
        own = row[: int(heard[-1]) + 1] if len(heard) else row[:1]
        own = own - own.mean()
        own = PEAK * own / (own.abs().max() + 1e-8)
        own = F.pad(own, (0, samples - len(own)))
        peak = own.abs().max()
        rows.append(PEAK * own / peak if peak > 0 else own)
    return torch.stack(rows)


def log_mel(audio: Tensor, front: Front) -> Tensor:
    """log of the mel magnitudes: [B, samples] -> [B, 1 + samples // hop, bands]."""
    window = torch.hann_window(front.window, device=audio.device)
    spectrum = torch.stft(
        audio, front.window, front.hop, window=window, center=True, pad_mode="reflect",
        return_complex=True,
    ).abs()  # [B, bins, frames]  # fmt: skip
    return (mel_filters(front).to(audio.device) @ spectrum).clamp(min=QUIETEST).log().mT


def to_rows(image: Tensor) -> Tensor:
    """The UNet's [B, channels, T, bands] as frames [B, T, channels x bands], channel by channel."""
    return image.transpose(1, 2).flatten(2)


def to_image(rows: Tensor, channels: int) -> Tensor:
    """Frames [B, T, channels x bands] as the UNet's [B, channels, T, bands]."""
    return rows.unflatten(2, (channels, -1)).transpose(1, 2)


@dataclass(frozen=True)
class TangoCodec:
    """The mel autoencoder and the vocoder with their measures, in float32.

    Latents are [B, frames, channels x bands] here: 8 x 16 at the published size.
    """

    vae: AutoencoderKL
    vocoder: SpeechT5HifiGan
    front: Front

    @property
    def sample_rate(self) -> int:
        """Hz."""
        return self.front.sample_rate

    @property
    def channels(self) -> int:
        """Audio channels."""
        return 1

    @property
    def shrink(self) -> int:
        """Mel frames per latent frame, and mel bands per latent band."""
        return 2 ** (len(self.vae.config.block_out_channels) - 1)

    @property
    def hop(self) -> int:
        """Samples per latent frame."""
        return self.shrink * self.front.hop

    @property
    def width(self) -> int:
        """Latent channels x latent bands."""
        return self.vae.config.latent_channels * self.front.bands // self.shrink

    def encode(self, audio: Tensor, frames: int) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of the scaled latents, both [B, frames, width].

        Args:
            audio: [B, channels, samples] at `sample_rate`, of any level.
            frames: latent frames; the sound is cut or padded to them.
        """
        sound = prepared(audio.to(self.vae.device), frames * self.hop)
        mel = log_mel(sound, self.front)[:, None, : frames * self.shrink]
        found = self.vae.encode(mel).latent_dist
        scale = self.vae.config.scaling_factor
        return scale * to_rows(found.mean), scale * to_rows(found.std)

    def decode(self, latents: Tensor, samples: int | None = None) -> Tensor:
        """Sound, float32 [B, 1, samples].

        Args:
            latents: [B, frames, width].
            samples: how many to give; by default all that the vocoder makes, which is a few more
                than frames x hop.
        """
        sound = self.vocode(self.mel(latents))
        return sound[:, None, :samples].float()

    def mel(self, latents: Tensor) -> Tensor:
        """Log-mel [B, 1, frames x shrink, bands]. The autoencoder attends to all frames at once."""
        image = to_image(
            latents.to(self.vae.device, self.vae.dtype), self.vae.config.latent_channels
        )
        return self.vae.decode(image / self.vae.config.scaling_factor).sample

    def vocode(self, mel: Tensor) -> Tensor:
        """Sound [B, samples] of a log-mel [B, 1, frames, bands], -1 to 1."""
        return self.vocoder(mel[:, 0])
