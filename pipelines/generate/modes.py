"""How a model runs on this machine: with less memory, or compiled. The sound stays the same, up to rounding."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from pipelines.generate.conditioning import TextStates
from pipelines.generate.guided import Blocks
from pipelines.generate.transformer import blocks

TOKENS = 64  # compiled blocks see texts of 64, 128 … tokens, the rest masked
TILE = 64  # latent frames decoded at once with low memory: 3 s of TangoFlux


@dataclass(frozen=True, kw_only=True)
class Modes:
    """What was chosen when the model was loaded; by default neither."""

    low_memory: bool = False  # only the part at work lies on the device; sound is decoded in tiles
    compiled: bool = False  # the transformer's blocks by torch.compile: slow at first, then faster


PLAIN = Modes()


@contextmanager
def at_work(device: torch.device, modes: Modes, *parts: nn.Module) -> Iterator[None]:
    """Within the block these parts lie on the device; with low memory they leave it afterwards."""
    if not modes.low_memory or device.type == "cpu":
        yield
        return
    for part in parts:
        nn.Module.to(part, device)
    try:
        yield
    finally:
        for part in parts:
            nn.Module.to(part, "cpu")
        if device.type == "cuda":
            torch.cuda.empty_cache()


def blocks_for(modes: Modes) -> Blocks:
    """The transformer's blocks, compiled where that was chosen."""
    if not modes.compiled:
        return blocks
    compiled: Any = torch.compile(blocks)
    return compiled


def padded(text: TextStates, multiple: int = TOKENS) -> TextStates:
    """Text states masked up to a round number of tokens, so that few shapes need compiling."""
    short = -text.mask.shape[1] % multiple
    return TextStates(
        hidden=F.pad(text.hidden, (0, 0, 0, short)),
        pooled=text.pooled,
        mask=F.pad(text.mask, (0, short), value=False),
    )
