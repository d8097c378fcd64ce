"""Several processes at one work: whose part is whose, sums over all of them, and waiting."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class Crew(Protocol):
    """The processes of one run; each calls the same things in the same order."""

    rank: int  # of this process, from 0; files are written by 0 alone, or by whose part it is
    size: int  # processes in all

    def add_up(self, tensors: "Sequence[Tensor]") -> None:
        """Give each tensor the sum over all processes, in place."""

    def agreed(self, value: bool) -> bool:
        """Whether any process says yes: the same answer for all of them."""

    def wait(self) -> None:
        """Return when all processes have come here."""


class Alone:
    """One process, which is its own company."""

    rank, size = 0, 1

    def add_up(self, tensors: "Sequence[Tensor]") -> None:
        """The tensors are the sum."""

    def agreed(self, value: bool) -> bool:
        """Its own word."""
        return value

    def wait(self) -> None:
        """At once."""


class Launched:
    """The processes that `accelerate launch` or `torchrun` began; each has its own device."""

    def __init__(self) -> None:
        from accelerate import PartialState
        from torch.cuda import is_available

        self._state = PartialState(cpu=not is_available())
        self.rank, self.size = self._state.process_index, self._state.num_processes
        self.device = self._state.device

    def add_up(self, tensors: "Sequence[Tensor]") -> None:
        """One exchange for all tensors, in float32."""
        import torch
        from torch.distributed import all_reduce

        flat = torch.cat([each.detach().reshape(-1).float() for each in tensors]).to(self.device)
        all_reduce(flat)
        parts = flat.split([each.numel() for each in tensors])
        for each, part in zip(tensors, parts, strict=True):
            each.copy_(part.reshape(each.shape))

    def agreed(self, value: bool) -> bool:
        """Whether any says yes."""
        import torch

        said = torch.tensor([float(value)])
        self.add_up([said])
        return bool(said.item())

    def wait(self) -> None:
        """Until all are here."""
        self._state.wait_for_everyone()


ALONE = Alone()


def crew_at_hand() -> Crew:
    """All processes that a launcher began together; one that was begun by itself is alone."""
    return Launched() if int(os.environ.get("WORLD_SIZE", "1")) > 1 else ALONE
