"""PANNs' Cnn14, what FD, KL and IS of the AudioLDM line of papers are measured with."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pipelines.clap.model import hash_of
from pipelines.embedders.sound import channels_at, check_same_filters, mel_filters, rows_of
from pipelines.embedders.weights import fill, need, read_weights
from pipelines.errors import StudioError

FRONT_ENDS = {  # samples of the FFT: rate, hop, lowest and highest Hz
    512: (16_000, 160, 50, 8_000),  # Cnn14_16k
    1024: (32_000, 320, 50, 14_000),  # Cnn14
}
MELS = 64
SHORTEST = 32_000  # samples; shorter clips are padded with silence
CONSTANTS = r"^(spectrogram_extractor|logmel_extractor)\."
STAGES = ("conv_block1", "conv_block2", "conv_block3", "conv_block4", "conv_block5", "conv_block6")


class Block(nn.Module):
    """Two 3x3 convolutions with batch norm and ReLU, then an average over `pool` x `pool`."""

    def __init__(self, channels_in: int, channels_out: int, pool: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels_out)
        self.pool = pool

    def forward(self, maps: Tensor) -> Tensor:
        """[batch, in, frames, mels] -> [batch, out, frames / pool, mels / pool]."""
        maps = functional.relu(self.bn1(self.conv1(maps)))
        maps = functional.relu(self.bn2(self.conv2(maps)))
        return functional.avg_pool2d(maps, self.pool)


class Cnn14(nn.Module):
    """Kong et al., "PANNs" (2020), Cnn14: six blocks, each twice as wide, then one hidden layer.

    Args:
        width: channels of the first block; 64 as published.
        classes: AudioSet's 527 as published.
    """

    def __init__(self, width: int = 64, classes: int = 527) -> None:
        super().__init__()
        self.bn0 = nn.BatchNorm2d(MELS)
        channels = 1
        for place, name in enumerate(STAGES):
            is_last = place == len(STAGES) - 1
            self.add_module(name, Block(channels, width << place, pool=1 if is_last else 2))
            channels = width << place
        self.fc1 = nn.Linear(channels, channels)
        self.fc_audioset = nn.Linear(channels, classes)

    def forward(self, mels: Tensor) -> Tensor:
        """Embeddings after the ReLU, [batch, 32 * width], of log-mels [batch, frames, mels]."""
        maps = self.bn0(mels[:, None].transpose(1, 3)).transpose(1, 3)
        for name in STAGES:
            maps = self.get_submodule(name)(maps)
        over_time = maps.mean(dim=3)  # [batch, channels, frames]
        return functional.relu(self.fc1(over_time.amax(dim=2) + over_time.mean(dim=2)))


class Panns:
    """Cnn14 as audioldm_eval uses it: the first channel, its mean taken off, the whole clip at once.

    With random weights it agrees with panns_inference 0.1.1 to 5e-7 of the largest value, at both
    rates, for 1 to 10 s.
    """

    row_seconds = None

    def __init__(self, net: Cnn14, fft: int, *, revision: str, device: str = "cpu") -> None:
        self.sample_rate, self.hop, lowest, highest = FRONT_ENDS[fft]
        self.net = net.to(device)
        self.fft = fft
        self.filters = mel_filters(fft, MELS, lowest, highest, self.sample_rate).to(device)
        self.hann = torch.hann_window(fft, device=device)
        self.name = f"PANNs-{self.sample_rate // 1000}k"
        self.revision = revision
        self.dimensions = net.fc1.out_features
        self.classes = net.fc_audioset.out_features
        self.settings = {
            "sample_rate": self.sample_rate, "fft": fft, "hop": self.hop, "mels": MELS,
            "channel": "first", "layer": "fc1 after its ReLU",
        }  # fmt: skip

    def embed(self, clips: Sequence[np.ndarray], sample_rate: int) -> np.ndarray:
        """The hidden layer after its ReLU, float32 [clips, 2048]."""
        return rows_of(self._sounds(clips, sample_rate), self._embed, self.dimensions)

    def logits(self, clips: Sequence[np.ndarray], sample_rate: int) -> np.ndarray:
        """AudioSet's classes before the sigmoid, float32 [clips, 527]."""
        return rows_of(
            self._sounds(clips, sample_rate),
            lambda sound: self.net.fc_audioset(self._embed(sound)),
            self.classes,
        )

    def _sounds(self, clips: Sequence[np.ndarray], sample_rate: int):
        return channels_at(clips, sample_rate, self.sample_rate, first_only=True)

    def _embed(self, sound: Tensor) -> Tensor:
        sound = (sound - sound.mean()).to(self.hann.device)
        sound = functional.pad(sound, (0, max(0, SHORTEST - len(sound))))
        spectrum = torch.stft(
            sound[None], self.fft, self.hop, window=self.hann, pad_mode="reflect",
            return_complex=True,
        )  # [1, bins, frames] # fmt: skip
        power = spectrum.abs().square().transpose(1, 2) @ self.filters
        return self.net(10.0 * power.clamp_min(1e-10).log10())


def open_this(key: str, weights: str | Path, device: str) -> Panns:
    """Cnn14 from its published file; the file tells whether it is the 16 kHz or the 32 kHz one."""
    tensors = read_weights(weights)
    fft = need(tensors, "spectrogram_extractor.stft.conv_real.weight", weights, "Cnn14").shape[-1]
    if fft not in FRONT_ENDS:
        raise StudioError(
            f"{weights} has an FFT of {fft} samples; give Cnn14_16k (512) or Cnn14 (1024)."
        )
    first = need(tensors, "conv_block1.conv1.weight", weights, "Cnn14")
    classes = need(tensors, "fc_audioset.weight", weights, "Cnn14")
    net = fill(Cnn14(first.shape[0], classes.shape[0]), tensors, weights, unused=CONSTANTS)
    found = Panns(net, fft, revision=hash_of(Path(weights)), device=device)
    held = need(tensors, "logmel_extractor.melW", weights, "Cnn14")
    check_same_filters(held, found.filters.cpu(), str(weights))
    return found
