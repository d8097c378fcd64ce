"""A model with an adapter merged in: as quick as its base, which it shares all other parts with."""

from pathlib import Path

import torch

from pipelines.finetune.adapter_files import load_adapter
from pipelines.finetune.adapters import merge
from pipelines.generate.backend import Backend
from pipelines.generate.checkpoints import load


def adapted(base: Backend, model: str, folder: Path, *, name: str) -> Backend:
    """The base with the adapter of a folder.

    The change is added to the base's own float32 weights and rounded once, so that a small change
    is not lost where the base computes in bfloat16.

    Args:
        base: loaded; it is left as it is.
        model: what `checkpoints.load` takes for it.
        folder: of the adapter.
        name: how people call the new model.

    Raises:
        StudioError: no whole adapter, or one of another base.
    """
    denoiser = load(model, device="cpu", dtype=torch.float32).denoiser
    info = load_adapter(denoiser, folder, base=base.revision)
    merge(denoiser)
    return base.with_denoiser(denoiser.requires_grad_(False), name=name, adapter=info.hash)
