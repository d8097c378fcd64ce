"""A CLAP checkpoint as LAION publishes it: read without trust, and recognised by its shapes."""

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipelines.errors import StudioError

SUFFIXES = (".pt", ".ckpt", ".pth")
SAMPLE_RATE, WINDOW_SECONDS = 48_000, 10
FFT, HOP, MELS, LOWEST, HIGHEST = 1024, 480, 64, 50, 14_000  # of every HTSAT that LAION published
HEAD = 64  # channels of one attention head in RoBERTa; the file does not tell it
HTSAT = {(96, (2, 2, 6, 2)): "HTSAT-tiny", (128, (2, 2, 12, 2)): "HTSAT-base"}


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What a checkpoint's shapes tell of its model."""

    width: int  # channels of the audio tower's first stage
    depths: tuple[int, ...]  # blocks in each stage
    heads: tuple[int, ...]  # attention heads in each stage
    is_fused: bool  # whether a clip beyond the window has a branch of its own; here it never has
    classes: int  # of the audio tower's classifier, which CLAP does not use
    words: int  # rows of the word table
    places: int  # rows of the place table
    text_width: int
    text_layers: int
    text_inner: int  # width between the two layers of a text block's MLP
    dimensions: int  # of the joint space

    @property
    def name(self) -> str:
        """LAION's name for the audio tower, with "fusion" where there is one."""
        tower = HTSAT.get((self.width, self.depths), f"HTSAT of width {self.width}")
        return f"{tower}, fusion" if self.is_fused else tower


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint by their names in laion_clap's CLAP class.

    Nothing but tensors and plain numbers is unpickled, so a file from a stranger can do no harm.

    Raises:
        StudioError: no such file, cut short, or not a checkpoint.
    """
    if not path.is_file():
        raise StudioError(f"There is no file {path}; give the path of a CLAP checkpoint (.pt).")
    try:
        with torch.serialization.safe_globals(_numpy_scalars()):
            found = torch.load(
                path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
            )
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, UnpicklingError) as error:
        raise StudioError(
            f"{path} is no checkpoint, or cut short at {path.stat().st_size:,} bytes "
            f"({str(error).splitlines()[0]}); fetch it again."
        ) from error
    held = found.get("state_dict", found) if isinstance(found, Mapping) else {}
    tensors = {
        str(name).removeprefix("module."): value
        for name, value in held.items()
        if isinstance(value, Tensor)
    }
    if not tensors:
        raise StudioError(f"{path} holds no tensors by name; give LAION's own checkpoint (.pt).")
    return tensors


def sizes_of(tensors: Mapping[str, Tensor], path: Path) -> Sizes:
    """The model that these tensors belong to.

    Raises:
        StudioError: another audio tower than HTSAT, another text tower than RoBERTa, or another
            fusion than the published one.
    """
    patches = tensors.get("audio_branch.patch_embed.proj.weight")
    words = tensors.get("text_branch.embeddings.word_embeddings.weight")
    if patches is None or words is None:
        raise StudioError(
            f"{path} is not a CLAP with HTSAT and RoBERTa towers (its first key is "
            f"{next(iter(tensors))}); the published ones are in lukewys/laion_clap on the Hub."
        )
    blocks: dict[int, int] = {}
    for stage, block in _numbers(tensors, r"audio_branch\.layers\.(\d+)\.blocks\.(\d+)\."):
        blocks[stage] = max(blocks.get(stage, 0), block + 1)
    heads = tuple(
        tensors[f"audio_branch.layers.{stage}.blocks.0.attn.relative_position_bias_table"].shape[1]
        for stage in sorted(blocks)
    )
    layers = {layer for (layer,) in _numbers(tensors, r"text_branch\.encoder\.layer\.(\d+)\.")}
    found = Sizes(
        width=patches.shape[0],
        depths=tuple(blocks[stage] for stage in sorted(blocks)),
        heads=heads,
        is_fused="audio_branch.patch_embed.mel_conv2d.weight" in tensors,
        classes=tensors["audio_branch.head.weight"].shape[0],
        words=words.shape[0],
        places=tensors["text_branch.embeddings.position_embeddings.weight"].shape[0],
        text_width=words.shape[1],
        text_layers=len(layers),
        text_inner=tensors["text_branch.encoder.layer.0.intermediate.dense.weight"].shape[0],
        dimensions=tensors["audio_projection.2.weight"].shape[0],
    )
    _check_front_end(tensors, path)
    _check_fusion(tensors, found, path)
    return found


def _check_front_end(tensors: Mapping[str, Tensor], path: Path) -> None:
    """The mel filters lie in the file: they must be the ones that we compute."""
    from transformers.audio_utils import mel_filter_bank

    held = tensors.get("audio_branch.logmel_extractor.melW")  # [bins, mels]
    wanted = mel_filter_bank(
        FFT // 2 + 1, MELS, LOWEST, HIGHEST, SAMPLE_RATE, norm="slaney", mel_scale="slaney"
    )
    if held is not None and (
        held.shape != wanted.shape or not np.allclose(held.float().numpy(), wanted, atol=1e-5)
    ):
        raise StudioError(
            f"{path} hears through other mel filters ({list(held.shape)}) than {FFT // 2 + 1} "
            f"bins onto {MELS} bands from {LOWEST} to {HIGHEST} Hz at {SAMPLE_RATE} Hz; "
            "give one of LAION's HTSAT checkpoints."
        )


def _check_fusion(tensors: Mapping[str, Tensor], sizes: Sizes, path: Path) -> None:
    """Of the kinds of fusion in the code, LAION published one: aff_2d."""
    fusion = "audio_branch.patch_embed.fusion_model."
    is_published = f"{fusion}local_att.0.weight" in tensors
    is_published &= not any(name.startswith(f"{fusion}local_att2") for name in tensors)
    if "audio_branch.mel_conv1d.0.weight" in tensors or (sizes.is_fused and not is_published):
        raise StudioError(f"{path} fuses in another way than aff_2d; give a published checkpoint.")


def _numbers(tensors: Mapping[str, Tensor], pattern: str) -> list[tuple[int, ...]]:
    matches = (re.match(pattern, name) for name in tensors)
    return [tuple(map(int, found.groups())) for found in matches if found]


def _numpy_scalars() -> list[Any]:
    """Plain numpy numbers, which training left beside the tensors of some published files."""
    scalar = np.float64(0).__reduce__()[0]
    kinds = [type(np.dtype(name)) for name in ("float64", "float32", "int64", "int32", "bool")]
    names = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
    return [*((scalar, name) for name in names), np.dtype, *kinds]
