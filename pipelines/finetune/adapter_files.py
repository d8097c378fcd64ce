"""An adapter as two files: adapter.safetensors, and adapter.json that says what it belongs to.

A training of all weights is kept the same way, as the change of each weight; its config is None.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from pipelines.errors import StudioError
from pipelines.finetune.adapters import AdapterConfig, adapter_parameters, attach, detach, fill

TENSORS, CARD = "adapter.safetensors", "adapter.json"
FORMAT = 1
DTYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16, "float32": torch.float32}


@dataclass(frozen=True, kw_only=True)
class AdapterInfo:
    """What an adapter is; its hash is what a Candidate's `adapter` holds."""

    hash: str  # 16 hex digits over the tensors, the config and the base
    base: str  # revision of the model that it was trained on
    architecture: str  # class name of the denoiser
    config: AdapterConfig | None  # None: the change of all weights
    dtype: str
    size_bytes: int
    record: dict[str, Any]  # of the training: config, data, versions, measures


def save_adapter(
    denoiser: nn.Module,
    folder: Path,
    *,
    base: str,
    config: AdapterConfig,
    record: Mapping[str, Any] | None = None,
    dtype: str = "float16",
) -> AdapterInfo:
    """Write the adapter that is on the denoiser; the card comes last, so that a half is none.

    Args:
        folder: made if need be; an adapter in it is replaced.
        base: revision of the model that it was trained on.
        config: with which it was attached.
        record: plain values, kept with it.
        dtype: in which it is stored.
    """
    tensors = {
        name: value.detach().to("cpu", DTYPES[dtype]).contiguous()
        for name, value in adapter_parameters(denoiser).items()
    }
    if not tensors:
        raise StudioError("There is no adapter on this model to save; attach one first.")
    if not all(torch.isfinite(value).all() for value in tensors.values()):
        raise StudioError(f"The adapter holds values that {dtype} cannot; it was not saved.")
    return write_adapter(
        folder,
        tensors,
        base=base,
        architecture=type(denoiser).__name__,
        config=config,
        dtype=dtype,
        record=record,
    )


def write_adapter(
    folder: Path,
    tensors: dict[str, Tensor],
    *,
    base: str,
    architecture: str,
    config: AdapterConfig,
    dtype: str,
    record: Mapping[str, Any] | None = None,
) -> AdapterInfo:
    """Write an adapter that is on no denoiser; arguments as in `save_adapter` and `AdapterInfo`."""
    own = {
        "format": FORMAT,
        "base": base,
        "architecture": architecture,
        "config": asdict(config),
        "dtype": dtype,
    }
    return _write(folder, tensors, own, record)


def save_change(
    denoiser: nn.Module,
    trained: Mapping[str, Tensor],
    folder: Path,
    *,
    base: str,
    record: Mapping[str, Any] | None = None,
    dtype: str = "float16",
) -> AdapterInfo:
    """Write what a training of all weights changed; the change, being small, rounds to little.

    Args:
        denoiser: the base's, as it was before.
        trained: its weights afterwards, by name.
        folder: made if need be; an adapter in it is replaced.
        base: revision of the model that it was trained on.
        record: plain values, kept with it.
        dtype: in which it is stored.
    """
    own_weights = dict(denoiser.named_parameters())
    _check_fit(own_weights, trained)
    tensors = {
        name: (trained[name].cpu().float() - weight.detach().cpu().float()).to(DTYPES[dtype])
        for name, weight in own_weights.items()
    }
    if not all(torch.isfinite(value).all() for value in tensors.values()):
        raise StudioError(f"The change holds values that {dtype} cannot; it was not saved.")
    own = {
        "format": FORMAT,
        "base": base,
        "architecture": type(denoiser).__name__,
        "config": None,
        "dtype": dtype,
    }
    return _write(folder, tensors, own, record)


def _write(
    folder: Path,
    tensors: dict[str, Tensor],
    own: dict[str, Any],
    record: Mapping[str, Any] | None,
) -> AdapterInfo:
    """The tensors, then the card."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CARD).unlink(missing_ok=True)
    part = folder / f"{TENSORS}.part"
    save_file(tensors, part)
    part.replace(folder / TENSORS)
    card = {**own, "hash": hash_of(tensors, own), "record": dict(record or {})}
    part = folder / f"{CARD}.part"
    part.write_text(json.dumps(card, indent=1, sort_keys=True) + "\n")
    part.replace(folder / CARD)
    return read_card(folder)


def hash_of(tensors: Mapping[str, Tensor], own: Mapping[str, Any]) -> str:
    """A name for what the adapter does: 16 hex digits over its config and every value."""
    total = hashlib.sha256(json.dumps(own, sort_keys=True).encode())
    for name in sorted(tensors):
        value = tensors[name]
        total.update(f"{name} {list(value.shape)} {value.dtype}".encode())
        total.update(value.contiguous().view(torch.uint8).numpy().tobytes())
    return total.hexdigest()[:16]


def read_card(folder: Path) -> AdapterInfo:
    """What the adapter in a folder is, without its tensors.

    Raises:
        StudioError: the folder holds none, or one of a later format.
    """
    try:
        card = json.loads((folder / CARD).read_text())
        size = (folder / TENSORS).stat().st_size
    except (OSError, ValueError) as error:
        raise StudioError(
            f"{folder.name} holds no whole adapter ({CARD} and {TENSORS}); train or fetch it again."
        ) from error
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise StudioError(
            f"{folder.name}/{CARD} is not an adapter of format {FORMAT}; fetch it again."
        )
    try:
        config = card["config"]
        if config is not None:
            config = AdapterConfig(**{**config, "layers": tuple(config["layers"])})
        return AdapterInfo(
            **{key: card[key] for key in ("hash", "base", "architecture", "dtype", "record")},
            config=config,
            size_bytes=size,
        )
    except (KeyError, TypeError) as error:
        raise StudioError(
            f"{folder.name}/{CARD} lacks or adds a field: {error}; fetch it again."
        ) from error


def load_adapter(denoiser: nn.Module, folder: Path, *, base: str) -> AdapterInfo:
    """Put the adapter of a folder on a denoiser; a change of all weights is added to them.

    Args:
        base: revision of the model at hand.

    Raises:
        StudioError: no adapter, one of another base, or one that was changed since it was saved.
    """
    info = read_card(folder)
    if info.base != base or info.architecture != type(denoiser).__name__:
        raise StudioError(
            f"The adapter {folder.name} was trained on the base {info.base} ({info.architecture}) "
            f"and this model is {base} ({type(denoiser).__name__}); choose the model that it "
            "was trained on."
        )
    try:
        tensors = load_file(folder / TENSORS)
    except SafetensorError as error:
        raise StudioError(f"{folder.name}/{TENSORS} is cut short; fetch it again.") from error
    card = json.loads((folder / CARD).read_text())
    own = {key: card[key] for key in ("format", "base", "architecture", "config", "dtype")}
    if hash_of(tensors, own) != info.hash:
        raise StudioError(
            f"The adapter {folder.name} was changed since it was saved; fetch it again."
        )
    if info.config is None:
        add_change(denoiser, tensors)
        return info
    attach(denoiser, info.config)
    try:
        fill(denoiser, tensors)
    except StudioError:
        detach(denoiser)
        raise
    return info


@torch.no_grad()
def add_change(denoiser: nn.Module, change: Mapping[str, Tensor]) -> None:
    """Add to every weight what a training changed."""
    weights = dict(denoiser.named_parameters())
    _check_fit(weights, change)
    for name, weight in weights.items():
        weight.copy_((weight.float() + change[name].to(weight.device).float()).to(weight.dtype))


def _check_fit(weights: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> None:
    """Nothing, or a StudioError where a weight is missing, unknown or of another size."""
    wrong = {n for n, w in weights.items() if n not in given or given[n].shape != w.shape}
    if wrong := sorted(wrong | (set(given) - set(weights))):
        raise StudioError(
            f"The weights do not fit this model: {len(wrong)} are missing or of another size, such "
            f"as {wrong[0]}. Choose the model that they were trained on."
        )
