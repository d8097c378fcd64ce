"""OpenL3 on environmental sounds: FD_openl3 of the Stable Audio and TangoFlux tables."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pipelines.clap.model import hash_of
from pipelines.embedders.sound import channels_at, peak_to, rows_of
from pipelines.embedders.weights import fill, need, read_weights

RATE, FFT, HOP, MELS = 48_000, 2048, 242, 256  # Hz, samples
FRAME, STEP = RATE, RATE // 2  # samples of one row and between rows
EDGE = (FFT - FRAME % HOP) // 2  # silence at both sides of a row: Keras' "same" padding
FLOOR_DB, PEAK_DB = -80.0, -1.0
CONSTANTS = r"^speclayer\.dft_(real|imag)_kernels$"
DOUBLINGS = (1, 1, 2, 2, 4, 4, 8)  # channels of each convolution over those of the first


class L3(nn.Module):
    """Cramer et al. (2019), the mel256 audio tower with 512 dimensions.

    The mel filters come with the weights: they are those of the library that trained it.

    Args:
        width: channels of the first convolutions; 64 as published.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.speclayer = nn.Module()
        self.speclayer.register_buffer("mel_basis", torch.zeros(MELS, FFT // 2 + 1))
        self.batch_normalization_1 = nn.BatchNorm2d(1, eps=1e-3)
        channels = 1
        for place, times in enumerate(DOUBLINGS, start=1):
            conv = nn.Conv2d(channels, times * width, 3, padding=1)
            channels = times * width
            self.add_module(f"conv2d_{place}", conv)
            self.add_module(f"batch_normalization_{place + 1}", nn.BatchNorm2d(channels, eps=1e-3))
        self.audio_embedding_layer = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, mels: Tensor) -> Tensor:
        """[rows, mels, frames] -> [rows, 8 * width]."""
        maps = self.batch_normalization_1(mels[:, None])
        for place in range(1, len(DOUBLINGS) + 1):
            maps = self.get_submodule(f"conv2d_{place}")(maps)
            maps = functional.relu(self.get_submodule(f"batch_normalization_{place + 1}")(maps))
            if place in (2, 4, 6):
                maps = functional.max_pool2d(maps, 2)
        return self.audio_embedding_layer(maps).amax(dim=(2, 3))


class OpenL3:
    """One row for each half second: a second of sound around it, its peak at -1 dBFS.

    As stereo, the rows of left and right stand side by side (a mono clip gives the same twice):
    that is the FD_openl3 of the tables. With random weights it agrees with torchopenl3 1.0.1 to
    7e-7 of the largest value, for 0.3 to 5 s.
    """

    sample_rate = RATE
    row_seconds = STEP / RATE

    def __init__(
        self, net: L3, *, revision: str, is_stereo: bool = False, device: str = "cpu"
    ) -> None:
        self.net = net.to(device)
        self.revision = revision
        self.is_stereo = is_stereo
        width = net.audio_embedding_layer.out_channels
        self.dimensions = 2 * width if is_stereo else width
        self.name = f"OpenL3-mel256-env-{width}{'-stereo' if is_stereo else ''}"
        self.hann = torch.hann_window(FFT, device=device)
        self.settings = {
            "sample_rate": RATE, "row_seconds": FRAME / RATE, "hop_seconds": self.row_seconds,
            "channel": "left and right side by side" if is_stereo else "mean", "peak_db": PEAK_DB,
        }  # fmt: skip

    def embed(self, clips: Sequence[np.ndarray], sample_rate: int) -> np.ndarray:
        """Float32 [rows of all clips, 512], or 1024 as stereo."""
        return rows_of(self._sounds(clips, sample_rate), self._embed, self.dimensions)

    def _sounds(self, clips: Sequence[np.ndarray], sample_rate: int) -> Iterator[Tensor]:
        for clip in clips:
            sides = [clip]
            if self.is_stereo and clip.ndim == 2:
                sides = [clip[:1], clip[1:2] if len(clip) > 1 else clip[:1]]
            yield peak_to(torch.stack(list(channels_at(sides, sample_rate, RATE))), PEAK_DB)

    def _embed(self, sides: Tensor) -> Tensor:
        rows = [self.net(self.mels(self.frames(side.to(self.hann.device)))) for side in sides]
        return torch.cat(rows, dim=1)

    def frames(self, sound: Tensor) -> Tensor:
        """Seconds [rows, samples], the first one centred on the start, the last one filled up."""
        sound = functional.pad(sound, (FRAME // 2, 0))
        rows = max(0, -(-(len(sound) - FRAME) // STEP)) + 1
        sound = functional.pad(sound, (0, FRAME + (rows - 1) * STEP - len(sound)))
        return sound.unfold(0, FRAME, STEP)

    def mels(self, frames: Tensor) -> Tensor:
        """Decibels below each row's loudest, [rows, mels, frames], from 0 down to -80."""
        padded = functional.pad(frames, (EDGE, EDGE))
        spectrum = torch.stft(
            padded, FFT, HOP, window=self.hann, center=False, return_complex=True
        )  # [rows, bins, frames]
        amplitude = (self.net.speclayer.mel_basis @ spectrum.abs().square()).sqrt()
        decibels = 10.0 * amplitude.clamp_min(1e-10).log10()
        return (decibels - decibels.amax(dim=(1, 2), keepdim=True)).clamp_min(FLOOR_DB)


def open_this(key: str, weights: str | Path, device: str) -> OpenL3:
    """OpenL3 in torchopenl3's layout; "openl3-stereo" puts left and right side by side."""
    tensors = read_weights(weights)
    first = need(tensors, "conv2d_1.weight", weights, "OpenL3")
    net = fill(L3(first.shape[0]), tensors, weights, unused=CONSTANTS)
    return OpenL3(
        net, revision=hash_of(Path(weights)), is_stereo=key.endswith("stereo"), device=device
    )
