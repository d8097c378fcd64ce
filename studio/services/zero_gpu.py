"""ZeroGPU Spaces: a GPU is lent for one call at a time, to a process forked from this one.

There `spaces` stands in for CUDA while models are loaded at the start; what really computes must be
inside a function that it lends the device to. What goes in and out of that function is pickled, so
it takes names and records and gives candidates; the models themselves are in the memory that the
forked process has of this one. Without `SPACES_ZERO_GPU` in the environment nothing here is used.
"""

import os
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pipelines.errors import StudioError
from pipelines.records import Candidate, Prompt, Settings

if TYPE_CHECKING:
    from pipelines.generate.backend import Backend

HELD: "dict[str, Backend]" = {}  # by name: what a forked process finds in its memory
START, ROW_STEP = 20.0, 0.08  # seconds to begin with, and for a step of one sound
LONGEST = 120  # seconds that one call may hold a device

Wanted = list[tuple[Prompt, Settings]]


def is_zero_gpu(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this is such a Space, with the package that lends the device."""
    asked = environment.get("SPACES_ZERO_GPU", "").lower() in {"1", "t", "true"}
    return asked and find_spec("spaces") is not None


def seconds_for(name: str, wanted: Wanted) -> int:
    """For how long the device is asked for."""
    steps = sum(settings.steps for _, settings in wanted)
    return int(min(LONGEST, START + ROW_STEP * steps))


def sample_held(name: str, wanted: Wanted) -> tuple[list[Candidate], str]:
    """Candidates by the model of this name, or the sentence that says why not.

    A sentence is given, not raised: of an exception in the forked process only its class comes back.
    """
    from pipelines.generate.sampling import run

    if name not in HELD:
        return [], (
            f"{name} was loaded after this Space started, and its lent device does not know it; "
            "name it in BATON_MODEL and restart the Space."
        )
    try:
        return list(run(HELD[name], wanted, len(wanted), None, None)), ""
    except StudioError as error:
        return [], str(error)


@cache
def lent() -> Any:
    """`sample_held` with a device lent to it for each call."""
    import spaces

    return spaces.GPU(sample_held, duration=seconds_for)


def sample(backend: "Backend", wanted: Wanted) -> list[Candidate]:
    """Candidates made with a lent device.

    Raises:
        StudioError: the model refused, or is not the one that the Space started with.
    """
    made, sentence = lent()(backend.name, wanted)
    if sentence:
        raise StudioError(sentence)
    return made
