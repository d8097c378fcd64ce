"""VGGish, what the Fréchet audio distance was first measured with (Kilgour et al., 2019)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from pipelines.clap.model import hash_of
from pipelines.embedders.sound import channels_at, mel_filters, rows_of
from pipelines.embedders.weights import fill, need, read_weights

RATE, WINDOW, HOP, FFT = 16_000, 400, 160, 512  # Hz, samples
MELS, LOWEST, HIGHEST, OFFSET = 64, 125, 7_500, 0.01
FRAMES = 96  # of one patch: 0.96 s
SHORTEST = WINDOW + (FRAMES - 1) * HOP  # samples of one patch; shorter clips are padded


class Vgg(nn.Module):
    """Hershey et al. (2017): four stages of 3x3 convolutions, then three linear layers.

    Args:
        width: channels of the first stage; 64 as published.
        hidden: units of the two hidden layers; 4096 as published.
    """

    def __init__(self, width: int = 64, hidden: int = 4096) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        for stage, count in enumerate((1, 1, 2, 2)):
            for _ in range(count):
                layers += [nn.Conv2d(channels, width << stage, 3, padding=1), nn.ReLU()]
                channels = width << stage
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        flat = channels * (FRAMES // 16) * (MELS // 16)
        self.embeddings = nn.Sequential(
            nn.Linear(flat, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(),
            nn.Linear(hidden, 128),
        )  # fmt: skip

    def forward(self, patches: Tensor) -> Tensor:
        """[patches, frames, mels] -> [patches, 128], without the last ReLU."""
        maps = self.features(patches[:, None])  # [patches, channels, frames / 16, mels / 16]
        return self.embeddings(maps.permute(0, 2, 3, 1).flatten(1))  # channels last, as published


class Vggish:
    """One row for each 0.96 s of a clip, without overlap; the last ReLU and the PCA are left out.

    That is what FAD is defined on; a clip shorter than 0.975 s is padded with silence, and what is
    left after the last whole patch is not heard. With random weights it agrees with torchvggish 0.2
    to 4e-7 of the largest value, for 0.975 to 10 s.
    """

    name = "VGGish"
    sample_rate = RATE
    dimensions = 128
    row_seconds = FRAMES * HOP / RATE

    def __init__(self, net: Vgg, *, revision: str, device: str = "cpu") -> None:
        self.net = net.to(device)
        self.revision = revision
        self.filters = mel_filters(
            FFT, MELS, LOWEST, HIGHEST, RATE, scale="htk", is_normed=False, in_mel_space=True
        ).to(device)
        self.hann = torch.hann_window(WINDOW, device=device)
        self.settings = {
            "sample_rate": RATE, "patch_seconds": self.row_seconds, "mels": MELS,
            "channel": "mean", "layer": "last, without ReLU and PCA",
        }  # fmt: skip

    def embed(self, clips: Sequence[np.ndarray], sample_rate: int) -> np.ndarray:
        """Float32 [patches of all clips, 128]."""
        return rows_of(channels_at(clips, sample_rate, RATE), self._embed, self.dimensions)

    def patches(self, sound: Tensor) -> Tensor:
        """Log-mel patches [patches, 96, 64] of a sound [samples] at 16 kHz."""
        sound = nn.functional.pad(sound, (0, max(0, SHORTEST - len(sound))))
        frames = sound.unfold(0, WINDOW, HOP) * self.hann  # [frames, samples]
        mels = (torch.fft.rfft(frames, FFT).abs() @ self.filters + OFFSET).log()
        count = len(mels) // FRAMES
        return mels[: count * FRAMES].reshape(count, FRAMES, MELS)

    def _embed(self, sound: Tensor) -> Tensor:
        return self.net(self.patches(sound.to(self.hann.device)))


def open_this(key: str, weights: str | Path, device: str) -> Vggish:
    """VGGish in torchvggish's layout."""
    tensors = read_weights(weights)
    first = need(tensors, "features.0.weight", weights, "VGGish")
    hidden = need(tensors, "embeddings.0.weight", weights, "VGGish")
    net = fill(Vgg(first.shape[0], hidden.shape[0]), tensors, weights)
    return Vggish(net, revision=hash_of(Path(weights)), device=device)
