"""Adapters: low-rank changes on a denoiser's layers, put on and taken off without touching it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pipelines.errors import StudioError
from pipelines.seeds import fork

ATTENTION, FEED_FORWARD, MODULATION = "attention", "feed-forward", "modulation"
# Which layers of which denoiser each kind means: the ends of their names.
TARGETS: dict[str, dict[str, tuple[str, ...]]] = {
    "FluxTransformer2DModel": {
        ATTENTION: (
            *("to_q", "to_k", "to_v", "to_out.0"),
            *("add_q_proj", "add_k_proj", "add_v_proj", "to_add_out"),
        ),
        FEED_FORWARD: ("net.0.proj", "net.2", "proj_mlp", "proj_out"),
        MODULATION: ("norm.linear", "norm1.linear", "norm1_context.linear", "norm_out.linear"),
    },
    "UNet2DConditionModel": {
        ATTENTION: ("to_q", "to_k", "to_v", "to_out.0"),
        FEED_FORWARD: ("ff.net.0.proj", "ff.net.2"),
        MODULATION: ("time_emb_proj",),
    },
}


@dataclass(frozen=True, kw_only=True)
class AdapterConfig:
    """W x becomes W x + (scale / rank) B A x on the chosen layers (Hu et al. 2021, LoRA)."""

    rank: int = 16
    scale: float | None = None  # LoRA's alpha; None: the rank, so that B A counts once
    layers: tuple[str, ...] = (ATTENTION, FEED_FORWARD, MODULATION)  # all that the base has

    @property
    def alpha(self) -> float:
        """The scale, or the rank where none was chosen."""
        return float(self.rank) if self.scale is None else self.scale


def attach(denoiser: nn.Module, config: AdapterConfig, *, seed: int = 0) -> dict[str, nn.Parameter]:
    """Freeze the denoiser, put a new adapter on it, and give the parameters to train, by name.

    A is drawn from the seed and B is zero, so that the denoiser answers as before.

    Raises:
        StudioError: it wears an adapter already, or its layers are not known.
    """
    from peft import LoraConfig, inject_adapter_in_model

    if is_adapted(denoiser):
        raise StudioError("This model wears an adapter already; take it off first.")
    if not 1 <= config.rank <= 256:
        raise StudioError(f"The rank is {config.rank}; it must be from 1 to 256.")
    found = LoraConfig(
        r=config.rank, lora_alpha=config.alpha, target_modules=list(names_of(denoiser, config))
    )
    denoiser.requires_grad_(False)
    inject_adapter_in_model(found, denoiser)
    draws = torch.Generator().manual_seed(fork(seed, "adapter"))
    parameters = adapter_parameters(denoiser)
    for name, value in parameters.items():
        value.data = value.data.float()  # whatever the base computes in
        if name.endswith("lora_A"):  # uniform, variance 1 / (3 inputs), as a fresh Linear
            drawn = torch.rand(value.shape, generator=draws) * 2 - 1
            value.data.copy_(drawn / value.shape[1] ** 0.5)
    return parameters


def names_of(denoiser: nn.Module, config: AdapterConfig) -> tuple[str, ...]:
    """The ends of the names of the layers that a config means in this denoiser."""
    kind = type(denoiser).__name__
    if kind not in TARGETS:
        raise StudioError(f"No adapter is known for a {kind}; known are {', '.join(TARGETS)}.")
    known = TARGETS[kind]
    if not config.layers or (wrong := [each for each in config.layers if each not in known]):
        got = ", ".join(wrong) if config.layers else "none"
        raise StudioError(f"The adapter's layers are {got}; choose from {', '.join(known)}.")
    return tuple(name for each in config.layers for name in known[each])


def _wrapped(denoiser: nn.Module) -> list[tuple[str, Any]]:
    """The layers that wear an adapter, with their names."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    return [(name, m) for name, m in denoiser.named_modules() if isinstance(m, BaseTunerLayer)]


def is_adapted(denoiser: nn.Module) -> bool:
    """Whether any layer wears an adapter."""
    return bool(_wrapped(denoiser))


def adapter_parameters(denoiser: nn.Module) -> dict[str, nn.Parameter]:
    """A and B of every layer: "<layer>.lora_A" [rank, in], "<layer>.lora_B" [out, rank]."""
    return {
        f"{name}.{part}": getattr(layer, part)["default"].weight
        for name, layer in _wrapped(denoiser)
        for part in ("lora_A", "lora_B")
    }


def fill(denoiser: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Give the adapter that is on these values; every one must be there and fit."""
    parameters = adapter_parameters(denoiser)
    wrong = {n for n, p in parameters.items() if n not in tensors or tensors[n].shape != p.shape}
    if wrong := sorted(wrong | (set(tensors) - set(parameters))):
        raise StudioError(
            f"The adapter does not fit this model: {len(wrong)} of its layers are missing or of "
            f"another size, such as {wrong[0]}. Choose the model that it was trained on."
        )
    for name, value in parameters.items():
        value.data.copy_(tensors[name])


def detach(denoiser: nn.Module) -> None:
    """Take the adapter off; the layers are the very ones of before. What it held is lost."""
    for name, layer in _wrapped(denoiser):
        parent, _, own = name.rpartition(".")
        setattr(denoiser.get_submodule(parent), own, layer.get_base_layer())
    if hasattr(denoiser, "peft_config"):
        del denoiser.peft_config


@contextmanager
def disabled(denoiser: nn.Module) -> Iterator[None]:
    """Within the block the denoiser answers as the base does: a reference that needs no copy."""
    layers = [layer for _, layer in _wrapped(denoiser) if not layer.disable_adapters]
    flags = {name: p.requires_grad for name, p in denoiser.named_parameters()}
    for layer in layers:
        layer.enable_adapters(False)
    try:
        yield
    finally:
        for layer in layers:
            layer.enable_adapters(True)
        for name, parameter in denoiser.named_parameters():
            parameter.requires_grad_(flags[name])


@torch.no_grad()
def merge(denoiser: nn.Module) -> dict[str, Tensor]:
    """Add the adapter into the weights and take it off: sampling is as fast as the base's.

    Returns:
        The weights of before, by layer, for `restore`.
    """
    kept, deltas = {}, {}
    for name, layer in _wrapped(denoiser):
        a, b = (getattr(layer, part)["default"].weight for part in ("lora_A", "lora_B"))
        deltas[name] = (b @ a) * layer.scaling["default"]
    detach(denoiser)
    for name, delta in deltas.items():
        weight = denoiser.get_submodule(name).weight
        kept[name] = weight.detach().clone()
        weight.copy_((weight.float() + delta).to(weight.dtype))
    return kept


@torch.no_grad()
def restore(denoiser: nn.Module, kept: Mapping[str, Tensor]) -> None:
    """Give the layers the weights that `merge` returned, to the byte."""
    for name, weight in kept.items():
        denoiser.get_submodule(name).weight.copy_(weight)
