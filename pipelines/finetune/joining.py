"""Adapters one after the other, as one: their low-rank factors side by side, an exact sum."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from pipelines.errors import StudioError
from pipelines.finetune.adapter_files import (
    TENSORS,
    AdapterInfo,
    load_adapter,
    read_card,
    write_adapter,
)
from pipelines.finetune.adapters import AdapterConfig, merge, restore

if TYPE_CHECKING:
    from pipelines.generate.backend import Backend

MOST_RANK = 256
Factors = Mapping[str, Tensor]  # "<layer>.lora_A" [rank, in], "<layer>.lora_B" [out, rank]


def joined(
    adapters: Sequence[tuple[Factors, AdapterConfig]],
) -> tuple[dict[str, Tensor], AdapterConfig]:
    """One adapter that changes the weights by the sum of what these change.

    [B1 B2] [A1; A2] = B1 A1 + B2 A2: ranks add up and nothing is rounded, since a scale of its own is
    multiplied into B in float32 only where it is not 1.

    Args:
        adapters: the tensors and the config of each, in the order in which they were trained.

    Raises:
        StudioError: none, of different layers, or of more than rank 256 together.
    """
    if not adapters:
        raise StudioError("There is no adapter to join; give at least one.")
    names = {frozenset(tensors) for tensors, _ in adapters}
    kinds = {frozenset(config.layers) for _, config in adapters}
    rank = sum(config.rank for _, config in adapters)
    if len(names) > 1 or len(kinds) > 1:
        raise StudioError("These adapters sit on different layers; only alike ones can be joined.")
    if rank > MOST_RANK:
        raise StudioError(
            f"Joined, these adapters have rank {rank}; at most {MOST_RANK} is possible. Take a "
            "smaller rank for each, or fewer of them."
        )
    scalings = [config.alpha / config.rank for _, config in adapters]
    dtypes = {value.dtype for tensors, _ in adapters for value in tensors.values()}
    kind = dtypes.pop() if len(dtypes) == 1 and set(scalings) == {1.0} else torch.float32
    made: dict[str, Tensor] = {}
    for name in adapters[0][0]:
        axis, is_b = (1, True) if name.endswith("lora_B") else (0, False)
        parts = [
            tensors[name].to(kind) * (scaling if is_b else 1)
            for (tensors, _), scaling in zip(adapters, scalings, strict=True)
        ]
        made[name] = torch.cat(parts, axis).contiguous()
    return made, AdapterConfig(rank=rank, layers=adapters[0][1].layers)


def join(
    folders: Sequence[Path], place: Path, *, base: str, record: Mapping[str, Any] | None = None
) -> AdapterInfo:
    """Write the sum of the adapters of folders as one adapter of a base.

    Args:
        folders: the first trained on the base, each next on the base with those before merged in.
        place: made if need be; an adapter in it is replaced.
        base: revision of the model under them all.
        record: plain values, kept with it.

    Raises:
        StudioError: as `joined`, or a change of all weights among them, which has no factors.
    """
    cards = [read_card(folder) for folder in folders]
    if full := [card.hash for card in cards if card.config is None]:
        raise StudioError(
            f"{full[0]} is a change of all weights, which cannot be joined with adapters; train "
            "adapters in every iteration."
        )
    parts = [(load_file(f / TENSORS), card.config) for f, card in zip(folders, cards, strict=True)]
    tensors, config = joined(parts)
    told = {"joined": [card.hash for card in cards], **(record or {})}
    (dtype,) = {str(value.dtype).removeprefix("torch.") for value in tensors.values()}
    return write_adapter(
        place,
        tensors,
        base=base,
        architecture=cards[0].architecture,
        config=config,
        dtype=dtype,
        record=told,
    )


@contextmanager
def wearing(backend: "Backend", folder: Path | None) -> Iterator[str | None]:
    """Within the block the backend's denoiser has this adapter merged in; then its own bytes again.

    Args:
        backend: loaded in float32.
        folder: of an adapter of this base; None: the base itself.

    Yields:
        The adapter's hash, None for the base.
    """
    if folder is None:
        yield None
        return
    denoiser, kept = backend.denoiser, {}
    if read_card(folder).config is None:  # a change of all weights
        kept = {name: p.detach().clone() for name, p in denoiser.named_parameters()}
    info = load_adapter(denoiser, folder, base=backend.revision)
    kept = kept or merge(denoiser)
    try:
        yield info.hash
    finally:
        if info.config is not None:
            restore(denoiser, kept)
        else:
            with torch.no_grad():
                for name, parameter in denoiser.named_parameters():
                    parameter.copy_(kept[name])
