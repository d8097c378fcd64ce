"""A clip as an embedder wants it: one channel at its rate, and the mel filters it hears through."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from pipelines.clap.windows import heard
from pipelines.errors import StudioError


def channels_at(
    clips: Sequence[np.ndarray], sample_rate: int, wanted_rate: int, *, first_only: bool = False
) -> Iterator[torch.Tensor]:
    """Each clip as float32 [samples] at the wanted rate in Hz, by soxr.

    Args:
        clips: each [channels, samples].
        sample_rate: Hz, of all clips.
        wanted_rate: Hz.
        first_only: take the first channel instead of the mean of all.

    Raises:
        StudioError: a clip without samples, or with values that are not numbers.
    """
    for clip in clips:
        taken = clip[:1] if first_only and clip.ndim == 2 else clip
        yield torch.from_numpy(heard(taken, sample_rate, wanted_rate))


def mel_filters(
    fft: int, bands: int, lowest: float, highest: float, rate: int, *, scale: str = "slaney",
    is_normed: bool = True, in_mel_space: bool = False,
) -> torch.Tensor:  # fmt: skip
    """Triangular filters, float32 [bins, bands].

    Args:
        fft: samples; bins = fft // 2 + 1.
        bands: how many filters.
        lowest, highest: Hz, the outer edges.
        rate: Hz.
        scale: "slaney", "htk" or "kaldi".
        is_normed: whether each triangle has area 1 (Slaney) instead of height 1.
        in_mel_space: whether the triangles' sides are straight over mels instead of over Hz.
    """
    from transformers.audio_utils import mel_filter_bank

    found = mel_filter_bank(
        fft // 2 + 1, bands, lowest, highest, rate, norm="slaney" if is_normed else None,
        mel_scale=scale, triangularize_in_mel_space=in_mel_space,
    )  # fmt: skip
    return torch.from_numpy(found).float()


@torch.inference_mode()
def rows_of(
    sounds: Iterator[torch.Tensor], embed: Callable[[torch.Tensor], torch.Tensor], dimensions: int
) -> np.ndarray:
    """What a function of one sound gives for each, one after the other: float32 [rows, dimensions].

    One at a time, so that no clip's rows depend on its neighbours.
    """
    rows = [embed(sound).float().cpu().numpy() for sound in sounds]
    return np.concatenate(rows) if rows else np.zeros((0, dimensions), np.float32)


def check_same_filters(held: torch.Tensor, wanted: torch.Tensor, what: str) -> None:
    """Refuse a file whose own mel filters are not the ones that we compute."""
    if held.shape != wanted.shape or (held - wanted).abs().max() > 1e-5:
        raise StudioError(
            f"{what} hears through other mel filters, {list(held.shape)}, than the published "
            f"{list(wanted.shape)}; give the published file."
        )


def peak_to(sound: torch.Tensor, peak_db: float) -> torch.Tensor:
    """A sound with its largest sample at this level (dBFS); silence stays silence."""
    peak = sound.abs().max()
    return sound if peak == 0 else sound * (10 ** (peak_db / 20) / peak)
