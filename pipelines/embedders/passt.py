"""PaSST, a patchout transformer on AudioSet: KL as stable-audio-metrics measures it, and FD."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pipelines.clap.model import hash_of
from pipelines.embedders.sound import channels_at, mel_filters, peak_to, rows_of
from pipelines.embedders.weights import fill, need, read_weights

RATE, FFT, WINDOW, HOP = 32_000, 1024, 800, 320  # Hz, samples
MELS, LOWEST, HIGHEST = 128, 0.0, 15_000.0
PATCH, STRIDE, HEAD = 16, 10, 64  # mels and frames of a patch and between patches; channels a head
LONGEST, STEP = 10 * RATE, 5 * RATE  # samples of a window and between windows
UNFILLED = int(0.15 * LONGEST)  # samples; a sound of no more is not filled up with silence
SHORTEST = (PATCH - 1) * HOP + FFT  # samples that fill one patch
PEAK_DB = -1.0


class Block(nn.Module):
    """One layer of a vision transformer, norms first."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = nn.ModuleDict(
            {"qkv": nn.Linear(width, 3 * width), "proj": nn.Linear(width, width)}
        )
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, inner), "fc2": nn.Linear(inner, width)})

    def forward(self, tokens: Tensor) -> Tensor:
        """[batch, tokens, width] in and out."""
        qkv = self.attn["qkv"](self.norm1(tokens)).unflatten(-1, (3, -1, HEAD))
        query, key, value = qkv.permute(2, 0, 3, 1, 4)  # each [batch, heads, tokens, head]
        mixed = functional.scaled_dot_product_attention(query, key, value)
        tokens = tokens + self.attn["proj"](mixed.transpose(1, 2).flatten(2))
        return tokens + self.mlp["fc2"](functional.gelu(self.mlp["fc1"](self.norm2(tokens))))


class Passt(nn.Module):
    """Koutini et al. (2022): overlapping patches, places for time and for frequency apart.

    Args:
        width: channels; 768 as published.
        depth: layers; 12 as published.
        inner: units of each layer's hidden layer; 3072 as published.
        grid: patches over frequency and over time; 12 and 99 as published.
        classes: AudioSet's 527 as published.
    """

    def __init__(
        self, width: int = 768, depth: int = 12, inner: int = 3072,
        grid: tuple[int, int] = (12, 99), classes: int = 527,
    ) -> None:  # fmt: skip
        super().__init__()
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(1, width, PATCH, stride=STRIDE)})
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.dist_token = nn.Parameter(torch.zeros(1, 1, width))
        self.new_pos_embed = nn.Parameter(torch.zeros(1, 2, width))
        self.freq_new_pos_embed = nn.Parameter(torch.zeros(1, width, grid[0], 1))
        self.time_new_pos_embed = nn.Parameter(torch.zeros(1, width, 1, grid[1]))
        self.blocks = nn.Sequential(*(Block(width, inner) for _ in range(depth)))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, classes))

    def forward(self, mels: Tensor) -> Tensor:
        """The mean of the two class tokens, [batch, width], of [batch, mels, frames]."""
        patches = self.patch_embed["proj"](mels[:, None])  # [batch, width, over mels, over frames]
        places = self.time_new_pos_embed[..., : patches.shape[-1]] + self.freq_new_pos_embed
        both = torch.cat([self.cls_token, self.dist_token], dim=1) + self.new_pos_embed
        tokens = torch.cat(
            [both.expand(len(mels), -1, -1), (patches + places).flatten(2).transpose(1, 2)], dim=1
        )
        return self.norm(self.blocks(tokens))[:, :2].mean(dim=1)


class PasstEmbedder:
    """One vector and 527 logits a clip, means over windows of 10 s every 5 s.

    The clip is mixed to mono and its peak brought to -1 dBFS; the last window is filled up with
    silence. Rate, windows and peak are those of stable-audio-metrics (passt_kld.py). With random
    weights it agrees with hear21passt 0.0.26 to 2e-6 of the largest value, for 0.5 to 10 s.
    """

    name = "PaSST"
    sample_rate = RATE
    row_seconds = None

    def __init__(self, net: Passt, *, revision: str, device: str = "cpu") -> None:
        self.net = net.to(device)
        self.revision = revision
        self.dimensions = net.norm.weight.shape[0]
        self.classes = net.head[1].out_features
        self.filters = mel_filters(
            FFT, MELS, LOWEST, HIGHEST, RATE, scale="kaldi", is_normed=False, in_mel_space=True
        ).to(device)
        self.hann = torch.hann_window(WINDOW, periodic=False, device=device)
        self.settings = {
            "sample_rate": RATE, "window_seconds": LONGEST / RATE, "step_seconds": STEP / RATE,
            "channel": "mean", "peak_db": PEAK_DB, "layer": "mean of the two class tokens",
        }  # fmt: skip

    def embed(self, clips: Sequence[np.ndarray], sample_rate: int) -> np.ndarray:
        """The mean of the two class tokens, float32 [clips, 768]."""
        return rows_of(self._sounds(clips, sample_rate), self._embed, self.dimensions)

    def logits(self, clips: Sequence[np.ndarray], sample_rate: int) -> np.ndarray:
        """AudioSet's classes before the sigmoid, float32 [clips, 527]; the mean over windows."""
        return rows_of(
            self._sounds(clips, sample_rate),
            lambda sound: self._mean(sound, lambda mels: self.net.head(self.net(mels))),
            self.classes,
        )

    def mels(self, sound: Tensor) -> Tensor:
        """Normalised log-mels [1, mels, frames] of a sound [samples] at 32 kHz."""
        sound = sound[1:] - 0.97 * sound[:-1]
        spectrum = torch.stft(
            sound[None], FFT, HOP, WINDOW, window=self.hann, pad_mode="reflect",
            return_complex=True,
        )  # [1, bins, frames] # fmt: skip
        power = self.filters.T @ torch.view_as_real(spectrum).square().sum(dim=-1)
        return ((power + 1e-5).log() + 4.5) / 5.0

    def _sounds(self, clips: Sequence[np.ndarray], sample_rate: int) -> Iterator[Tensor]:
        for sound in channels_at(clips, sample_rate, RATE):
            yield peak_to(sound, PEAK_DB)

    def _embed(self, sound: Tensor) -> Tensor:
        return self._mean(sound, self.net)

    def _mean(self, sound: Tensor, hear) -> Tensor:
        found = [hear(self.mels(part.to(self.hann.device))) for part in windows(sound)]
        return torch.stack(found).mean(dim=0)


def windows(sound: Tensor) -> list[Tensor]:
    """Parts of 10 s every 5 s, the last filled up with silence; a sound below 1.5 s stays as it is.

    >>> [len(part) / RATE for part in windows(torch.zeros(12 * RATE))]
    [10.0, 10.0]
    """
    starts = range(0, max(STEP, len(sound) - (LONGEST - STEP)), STEP)
    found = [sound[start : start + LONGEST] for start in starts]
    wanted = [LONGEST if len(part) > UNFILLED else SHORTEST for part in found]
    return [
        functional.pad(part, (0, max(0, length - len(part))))
        for part, length in zip(found, wanted, strict=True)
    ]


def open_this(key: str, weights: str | Path, device: str) -> PasstEmbedder:
    """PaSST in hear21passt's layout; the sizes are read from the file."""
    tensors = read_weights(weights)
    places = need(tensors, "time_new_pos_embed", weights, "PaSST")
    inner = need(tensors, "blocks.0.mlp.fc1.weight", weights, "PaSST").shape[0]
    classes = need(tensors, "head.1.weight", weights, "PaSST").shape[0]
    over_mels = need(tensors, "freq_new_pos_embed", weights, "PaSST").shape[2]
    depth = len([name for name in tensors if name.endswith(".attn.qkv.weight")])
    net = Passt(places.shape[1], depth, inner, (over_mels, places.shape[3]), classes)
    fill(net, tensors, weights, unused=r"^head_dist\.")
    return PasstEmbedder(net, revision=hash_of(Path(weights)), device=device)
