"""Parts of a long study, and as many of them, in their order, as a budget of seconds allows."""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

TOOK = "took.jsonl"


@dataclass(frozen=True)
class Part:
    """One thing that is done whole or not at all."""

    name: str
    seconds: float  # foretold
    is_done: Callable[[], bool]
    do: Callable[[], object]
    closes: bool = False  # sums up what was done, however much that is


class Parted(Protocol):
    """A study as a row of parts."""

    root: Path  # of its files

    def parts(self) -> Iterable[Part]:
        """Everything in its order, what is done too."""


def carry_out(study: Parted, budget: float, tell: Callable[[str], None]) -> list[str]:
    """Do the parts that fit into the time, in their order; what is left, by name.

    Args:
        study: what to do.
        budget: seconds.
        tell: is told what goes on.
    """
    started, left = time.monotonic(), []
    reserve = sum(part.seconds for part in study.parts() if part.closes)
    for part in study.parts():
        spent = time.monotonic() - started
        if part.closes:
            reserve -= part.seconds
        if part.is_done():
            continue
        if not part.closes and (left or spent + part.seconds + reserve > budget):
            left.append(part.name)
            continue
        tell(f"{spent:6.0f} s  {part.name} (about {part.seconds:.0f} s)")
        begun = time.monotonic()
        part.do()
        note = {"part": part.name, "foretold": part.seconds, "seconds": time.monotonic() - begun}
        with (study.root / TOOK).open("a") as lines:
            lines.write(json.dumps(note) + "\n")
    return left


def rounded(value: Any) -> Any:
    """Plain values with six digits of each figure: far below any interval, and a file half as long."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(one) for one in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value
