"""A smaller adapter: of each layer's change the nearest one of a lower rank."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from pipelines.errors import StudioError
from pipelines.finetune.adapter_files import (
    DTYPES,
    TENSORS,
    AdapterInfo,
    read_card,
    write_adapter,
)
from pipelines.finetune.adapters import AdapterConfig

A, B = ".lora_A", ".lora_B"


def shrunk(
    tensors: Mapping[str, Tensor], config: AdapterConfig, rank: int
) -> tuple[dict[str, Tensor], AdapterConfig]:
    """An adapter of a lower rank, whose change of each layer is nearest to the given one's.

    For B A = U S V^T the nearest of rank r keeps the r largest singular values (Eckart and Young
    1936), and B' = U_r S_r^(1/2), A' = S_r^(1/2) V_r^T share them. The scale goes into both.

    Args:
        tensors: "<layer>.lora_A" [rank, in] and "<layer>.lora_B" [out, rank].
        config: with which they were trained.
        rank: from 1 to that of the config.

    Raises:
        StudioError: another rank.
    """
    if not 1 <= rank <= config.rank:
        raise StudioError(
            f"The rank is {rank}; an adapter of rank {config.rank} shrinks to 1 to {config.rank}."
        )
    found = {}
    for name in (key.removesuffix(A) for key in tensors if key.endswith(A)):
        u, s, vt = _singular(tensors[name + A], tensors[name + B], config)
        root = s[:rank].sqrt()
        found[name + A] = root[:, None] * vt[:rank]
        found[name + B] = u[:, :rank] * root
    return found, replace(config, rank=rank, scale=None)


def kept_share(tensors: Mapping[str, Tensor], config: AdapterConfig, rank: int) -> float:
    """How much of an adapter's change, in squares over all layers, is left at a rank: 0 to 1."""
    kept = total = 0.0
    for name in (key.removesuffix(A) for key in tensors if key.endswith(A)):
        squares = _singular(tensors[name + A], tensors[name + B], config)[1].square()
        kept, total = kept + squares[:rank].sum().item(), total + squares.sum().item()
    return kept / total if total else 1.0


def shrink_adapter(folder: Path, to: Path, *, rank: int) -> AdapterInfo:
    """Write the adapter of a folder to another, at a lower rank; its record tells where it is from.

    Raises:
        StudioError: no whole adapter, one of all weights, or a rank that is not lower or equal.
    """
    info = read_card(folder)
    if info.config is None:
        raise StudioError(
            f"{folder.name} holds a change of all weights, which has no rank; train an adapter."
        )
    tensors = load_file(folder / TENSORS)
    found, config = shrunk(tensors, info.config, rank)
    share = kept_share(tensors, info.config, rank)
    told = {"of": info.hash, "rank": info.config.rank, "kept": share}
    return write_adapter(
        to,
        {name: value.to(DTYPES[info.dtype]).contiguous() for name, value in found.items()},
        base=info.base,
        architecture=info.architecture,
        config=config,
        dtype=info.dtype,
        record={**info.record, "shrunk": told},
    )


def _singular(a: Tensor, b: Tensor, config: AdapterConfig) -> tuple[Tensor, Tensor, Tensor]:
    """U [out, r], S [r], V^T [r, in] of (scale / rank) B A, without making the whole matrix."""
    left, upper = torch.linalg.qr(b.double())
    right, lower = torch.linalg.qr(a.double().T)
    u, s, vt = torch.linalg.svd(upper @ lower.T * (config.alpha / config.rank))
    return (left @ u).float(), s.float(), (vt @ right.T).float()
