"""The log-mel spectrogram that every CLAP hears through, in torch, batched, with gradients."""

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from transformers import ClapFeatureExtractor

POWER_FLOOR = 1e-10  # of mel power, before decibels: -100 dB; the extractor's own


class FrontEnd(nn.Module):
    """The numbers of transformers' ClapFeatureExtractor for clips of at most one window.

    A fused model hears four equal channels through the HTK filters, a plain one a single channel
    through the Slaney filters; so did LAION train them.

    Args:
        extractor: names the rate, the window, the FFT, the hop and the filters.
        is_fused: whether the model has the fusion branch.
    """

    def __init__(self, extractor: "ClapFeatureExtractor", *, is_fused: bool) -> None:
        super().__init__()
        self.window = int(extractor.nb_max_samples)  # samples in one window
        self.fft, self.hop = extractor.fft_window_size, extractor.hop_length
        self.channels = 4 if is_fused else 1
        filters = extractor.mel_filters if is_fused else extractor.mel_filters_slaney
        self.register_buffer(
            "mel_filters", torch.from_numpy(filters).float(), persistent=False
        )  # [bins, mels]
        self.register_buffer("hann", torch.hann_window(self.fft), persistent=False)  # [samples]

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        """Log-mel spectrograms in decibels, [batch, channels, frames, mels].

        Args:
            waveforms: float32 [batch, samples], at most `window` samples; shorter ones are padded
                with silence at the end.
        """
        padded = nn.functional.pad(waveforms, (0, self.window - waveforms.shape[-1]))
        spectrum = torch.stft(
            padded, self.fft, self.hop, window=self.hann, center=True, pad_mode="reflect",
            return_complex=True,
        )  # [batch, bins, frames] # fmt: skip
        power = spectrum.abs().square().transpose(1, 2) @ self.mel_filters
        decibels = 10.0 * power.clamp_min(POWER_FLOOR).log10()
        return decibels[:, None].expand(-1, self.channels, -1, -1)
