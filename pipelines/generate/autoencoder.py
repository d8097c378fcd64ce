"""The embedded model's autoencoder: log-mel in, a few latents a second, inverse STFT out.

The generator is of the Vocos kind (arXiv 2306.00814): convolution blocks at a low frame rate and
one inverse short-time Fourier transform at the end, so that the cost is a fraction of a waveform
decoder's.  Latents run at 6.25 Hz with 64 channels.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from transformers.audio_utils import mel_filter_bank

LOG_FLOOR = 1e-4  # amplitudes below -80 dB count as silence


@dataclass(frozen=True)
class Posterior:
    """A diagonal normal over latents; both [batch, channels, frames]."""

    mean: Tensor
    std: Tensor

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """One draw, from the given generator (CPU) or torch's own."""
        noise = torch.randn(self.mean.shape, generator=generator, dtype=self.mean.dtype)
        return self.mean + self.std * noise.to(self.mean.device)


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution over time, then a two-layer network per frame, then the sum."""

    def __init__(self, width: int, expansion: int) -> None:
        super().__init__()
        self.mix_time = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, width * expansion)
        self.narrow = nn.Linear(width * expansion, width)
        self.scale = nn.Parameter(torch.full((width,), 0.3))

    def forward(self, x: Tensor) -> Tensor:
        """[batch, width, frames] in and out."""
        hidden = self.norm(self.mix_time(x).transpose(1, 2))
        hidden = self.narrow(F.gelu(self.widen(hidden), approximate="tanh"))
        return x + (self.scale * hidden).transpose(1, 2)


def _blocks(count: int, width: int, expansion: int) -> list[nn.Module]:
    return [ConvNeXtBlock(width, expansion) for _ in range(count)]


class SpectralAutoencoder(ModelMixin, ConfigMixin):
    """Sound to latents and back.

    Args:
        sample_rate: Hz, mono.
        fft_size: samples of the analysis and synthesis window.
        spectrum_hop: samples between spectrogram frames.
        mel_bands: bands of the log-mel input, 0 Hz to half the sample rate.
        strides: time reduction from spectrogram frames to latent frames, two stages.
        widths: channels at the spectrogram rate (encoder), after each stride, and at the
            spectrogram rate again (decoder).
        depths: blocks at: encoder fine, middle, coarse; decoder coarse, middle, fine.
        expansion: hidden width of a block over its width.
        latent_channels: channels of a latent frame.
        latent_scale: latents are multiplied by this on encoding, so that their variance is about 1.
    """

    @register_to_config
    def __init__(
        self,
        sample_rate: int = 16_000,
        fft_size: int = 1024,
        spectrum_hop: int = 256,
        mel_bands: int = 80,
        strides: tuple[int, int] = (5, 2),
        widths: tuple[int, int, int, int] = (128, 192, 256, 224),
        depths: tuple[int, int, int, int, int, int] = (2, 1, 2, 2, 2, 5),
        expansion: int = 2,
        latent_channels: int = 64,
        latent_scale: float = 1.0,
    ) -> None:
        super().__init__()
        fine_in, middle, coarse, fine_out = widths
        first, second = strides
        bins = fft_size // 2 + 1
        self.encoder = nn.Sequential(
            nn.Conv1d(mel_bands, fine_in, 7, padding=3),
            *_blocks(depths[0], fine_in, expansion),
            nn.Conv1d(fine_in, middle, first, stride=first),
            *_blocks(depths[1], middle, expansion),
            nn.Conv1d(middle, coarse, second, stride=second),
            *_blocks(depths[2], coarse, expansion),
            nn.Conv1d(coarse, 2 * latent_channels, 1),
        )
        self.decoder = nn.Sequential(
            nn.Conv1d(latent_channels, coarse, 3, padding=1),
            *_blocks(depths[3], coarse, expansion),
            nn.ConvTranspose1d(coarse, coarse, second, stride=second),
            *_blocks(depths[4], coarse, expansion),
            nn.ConvTranspose1d(coarse, fine_out, first, stride=first),
            *_blocks(depths[5], fine_out, expansion),
        )
        self.head_norm = nn.LayerNorm(fine_out)
        self.head = nn.Linear(fine_out, 2 * bins)
        mel = mel_filter_bank(
            bins, mel_bands, 0.0, sample_rate / 2, sample_rate, norm=None, mel_scale="htk"
        )
        self.register_buffer("mel_matrix", torch.tensor(mel).float(), persistent=False)
        self.register_buffer("window", torch.hann_window(fft_size), persistent=False)

    @property
    def hop_length(self) -> int:
        """Samples per latent frame."""
        return self.config.spectrum_hop * self.config.strides[0] * self.config.strides[1]

    def log_mel(self, audio: Tensor) -> Tensor:
        """[batch, 1, samples] to [batch, mel bands, samples / spectrum_hop], about in [-2, 2]."""
        fft_size, hop = self.config.fft_size, self.config.spectrum_hop
        audio = audio[:, 0].float()
        audio = F.pad(audio, ((fft_size - hop) // 2, (fft_size - hop) // 2))
        spectrum = torch.fft.rfft(audio.unfold(1, fft_size, hop) * self.window)  # [b, frames, bins]
        spectrum = (spectrum.real.square() + spectrum.imag.square() + 1e-12).sqrt()
        mel = torch.einsum("btf,fm->bmt", spectrum / self.window.sum(), self.mel_matrix)
        return torch.log(mel.clamp_min(LOG_FLOOR)) / 2.5 + 2.0

    def encode(self, audio: Tensor) -> Posterior:
        """The posterior over latents.

        Args:
            audio: [batch, 1, samples] in [-1, 1]; samples is padded up to whole latent frames.
        """
        short = -audio.shape[-1] % self.hop_length
        mean, log_std = self.encoder(self.log_mel(F.pad(audio, (0, short)))).chunk(2, dim=1)
        scale = self.config.latent_scale
        return Posterior(mean.float() * scale, log_std.float().clamp(-8, 4).exp() * scale)

    def decode(self, latents: Tensor) -> Tensor:
        """Latents [batch, channels, frames] to audio [batch, 1, frames * hop_length]."""
        hidden = self.decoder((latents / self.config.latent_scale).to(self.dtype))
        log_size, angle = self.head(self.head_norm(hidden.transpose(1, 2))).float().chunk(2, dim=2)
        size = log_size.clamp(max=6.0).exp()  # [batch, spectrogram frames, bins]
        return self._overlap_add(torch.complex(size * angle.cos(), size * angle.sin()))[:, None]

    def _overlap_add(self, spectrum: Tensor) -> Tensor:
        """Inverse STFT with the frames centred as in `log_mel`; [batch, samples]."""
        fft_size, hop = self.config.fft_size, self.config.spectrum_hop
        pieces = torch.fft.irfft(spectrum, fft_size, dim=2) * self.window
        weight = self.window.square().expand(1, spectrum.shape[1], -1)
        edge = (fft_size - hop) // 2
        sound, weight = _laid_over(pieces, hop), _laid_over(weight, hop)
        return (sound / weight.clamp_min(1e-3))[:, edge:-edge]


def _laid_over(pieces: Tensor, hop: int) -> Tensor:
    """Pieces [batch, frames, size], a hop apart, summed to [batch, (frames - 1) hop + size].

    The size is a whole number of hops, so a few sums of slices do; `fold` gives the same bits in
    six times the time.
    """
    batch, frames, size = pieces.shape
    parts = pieces.reshape(batch, frames, size // hop, hop)
    sound = pieces.new_zeros(batch, frames + size // hop - 1, hop)
    for place in range(size // hop):
        sound[:, place : place + frames] += parts[:, :, place]
    return sound.flatten(1)
