"""The two simulated listeners' ears: networks that say which event sounds when.

They are built apart on purpose.  The annotator reads a log-mel picture with 2-D convolutions; the
test judge reads cube-root ERB bands with a recurrent network.  They share no weights, no training
scenes and no front end.
"""

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from transformers.audio_utils import mel_filter_bank

from pipelines.soundworld.events import LABELS
from pipelines.soundworld.synthesis import SAMPLE_RATE

FRAME_RATE = 12.5  # decisions per second, of both


def spectrum_power(audio: Tensor, fft_size: int, hop: int, window: Tensor) -> Tensor:
    """[batch, samples] to power [batch, samples // hop, fft_size // 2 + 1], frames centred."""
    edge = fft_size - hop
    frames = F.pad(audio, (edge // 2, edge - edge // 2)).unfold(1, fft_size, hop) * window
    spectrum = torch.fft.rfft(frames)
    return spectrum.real.square() + spectrum.imag.square()


class AnnotatorEar(ModelMixin, ConfigMixin):
    """Log-mel and convolutions: 64 bands at 50 Hz, three 2-D stages, then 1-D ones over time."""

    @register_to_config
    def __init__(
        self, events: int = len(LABELS), bands: int = 64, widths: tuple[int, ...] = (24, 48, 64)
    ) -> None:
        super().__init__()
        mel = mel_filter_bank(513, bands, 30.0, 8000.0, SAMPLE_RATE, norm=None, mel_scale="slaney")
        self.register_buffer("mel_matrix", torch.tensor(mel).float(), persistent=False)
        self.register_buffer("window", torch.hann_window(1024), persistent=False)
        stages, below = [], 1
        for number, width in enumerate(widths):
            stages += [
                nn.Conv2d(below, width, 3, padding=1, stride=(2 if number < 2 else 1, 2)),
                nn.GroupNorm(4, width),
                nn.GELU(),
            ]
            below = width
        self.picture = nn.Sequential(*stages)
        self.merge = nn.Conv1d(below * bands // 2 ** len(widths), 128, 1)
        self.context = nn.ModuleList(
            nn.Conv1d(128, 128, 5, padding=2 * dilation, dilation=dilation)
            for dilation in (1, 2, 4)
        )
        self.verdict = nn.Linear(128, events)

    def forward(self, audio: Tensor) -> Tensor:
        """[batch, samples at 16 kHz, a multiple of 1280] to logits [batch, frames at 12.5 Hz, events]."""
        power = spectrum_power(audio.float(), 1024, 320, self.window)
        mel = torch.log((power @ self.mel_matrix).clamp_min(1e-3)) / 4  # [batch, frames, bands]
        picture = self.picture(mel[:, None])  # [batch, width, frames / 4, bands / 8]
        hidden = F.gelu(self.merge(picture.permute(0, 1, 3, 2).flatten(1, 2)))
        for layer in self.context:
            hidden = hidden + F.gelu(layer(hidden))
        return self.verdict(hidden.transpose(1, 2))


class TestJudgeEar(ModelMixin, ConfigMixin):
    """Cube-root ERB bands and a bidirectional GRU: 40 bands at 62.5 Hz, five frames a decision."""

    __test__ = False  # the name is no test class

    @register_to_config
    def __init__(self, events: int = len(LABELS), bands: int = 40, width: int = 112) -> None:
        super().__init__()
        self.register_buffer("erb_matrix", erb_filter_bank(257, bands), persistent=False)
        self.register_buffer("window", torch.hamming_window(512), persistent=False)
        self.onset = nn.Conv1d(2 * bands, width, 5, padding=2)
        self.fold = nn.Linear(5 * width, width)
        self.norm = nn.LayerNorm(width)
        self.memory = nn.GRU(width, width // 2, num_layers=2, batch_first=True, bidirectional=True)
        self.verdict = nn.Linear(2 * width, events)

    def forward(self, audio: Tensor) -> Tensor:
        """[batch, samples at 16 kHz, a multiple of 1280] to logits [batch, frames at 12.5 Hz, events]."""
        power = spectrum_power(audio.float(), 512, 256, self.window)
        bands = (power @ self.erb_matrix + 1e-7).pow(1 / 3)  # loudness-like compression
        change = F.pad(bands.diff(dim=1), (0, 0, 1, 0))
        hidden = F.silu(self.onset(torch.cat([bands, 3 * change], dim=2).transpose(1, 2)))
        frames = hidden.shape[2] // 5
        folded = hidden[:, :, : 5 * frames].unflatten(2, (frames, 5))  # [batch, width, frames, 5]
        folded = self.norm(F.silu(self.fold(folded.permute(0, 2, 1, 3).flatten(2))))
        remembered, _ = self.memory(folded)
        return self.verdict(torch.cat([folded, remembered], dim=2))


def erb_filter_bank(bins: int, bands: int) -> Tensor:
    """Triangles evenly spaced on the ERB-rate scale (Glasberg and Moore 1990), 50 Hz to 7.9 kHz."""
    frequency = torch.linspace(0, SAMPLE_RATE / 2, bins)
    rate = 21.4 * torch.log10(1 + 0.00437 * frequency)
    low, high = 21.4 * torch.log10(1 + 0.00437 * torch.tensor([50.0, 7900.0]))
    centres = torch.linspace(low.item(), high.item(), bands)
    width = float(centres[1] - centres[0])
    triangles = (1 - (rate[:, None] - centres).abs() / width).clamp_min(0)
    # the lowest bands are narrower than one bin: give each its nearest bin
    nearest = (rate[:, None] - centres).abs().argmin(0)
    triangles[nearest, torch.arange(bands)] = triangles[nearest, torch.arange(bands)].clamp_min(0.5)
    return triangles
