"""How a model runs on this machine: with less memory, compiled, or replayed. Its sound stays, up to rounding."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipelines.errors import StudioError
from pipelines.generate.conditioning import TextStates
from pipelines.generate.guided import Blocks
from pipelines.generate.transformer import blocks

TOKENS = 64  # compiled blocks see texts of 64, 128 … tokens, the rest masked
TILE = 64  # latent frames decoded at once with low memory: 3 s of TangoFlux


@dataclass(frozen=True, kw_only=True)
class Modes:
    """What was chosen when the model was loaded; by default nothing."""

    low_memory: bool = False  # only the part at work lies on the device; sound is decoded in tiles
    compiled: bool = False  # the transformer's blocks by torch.compile: slow at first, then faster
    cuda_graphs: bool = False  # compiled, and each step's kernels launched as one recorded graph

    @property
    def wants_few_shapes(self) -> bool:
        """Whether each new shape is compiled anew, so that texts are masked up to round lengths."""
        return self.compiled or self.cuda_graphs


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
    """The transformer's blocks; compiled, or recorded as CUDA graphs, where that was chosen."""
    if modes.cuda_graphs:
        return replayed(torch.compile(blocks, mode="reduce-overhead"))
    if not modes.compiled:
        return blocks
    compiled: Any = torch.compile(blocks)
    return compiled


def replayed(recorded: Blocks) -> Blocks:
    """Blocks whose result is the caller's own: a graph writes each result over the one before."""

    def run(*given: Any) -> Tensor:
        torch.compiler.cudagraph_mark_step_begin()
        return recorded(*given).clone()

    return run


def check_graphs(modes: Modes, device: torch.device) -> None:
    """Nothing, or a StudioError where CUDA graphs cannot be recorded."""
    if not modes.cuda_graphs:
        return
    if device.type != "cuda":
        raise StudioError(
            f"CUDA graphs are asked for and the model goes to the device {device.type}; they are "
            "recorded on CUDA alone. Leave the mode off, or choose the device cuda."
        )
    if modes.low_memory:
        raise StudioError(
            "CUDA graphs and low memory are asked for together; the one needs the weights to stay "
            "where they are, the other moves them. Choose one of the two."
        )


def padded(text: TextStates, multiple: int = TOKENS) -> TextStates:
    """Text states masked up to a round number of tokens, so that few shapes need compiling."""
    short = -text.mask.shape[1] % multiple
    return TextStates(
        hidden=F.pad(text.hidden, (0, 0, 0, short)),
        pooled=text.pooled,
        mask=F.pad(text.mask, (0, short), value=False),
    )
