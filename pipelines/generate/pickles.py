"""Tensors out of .bin files, which are pickles: nothing but tensors is read, so that no code can run."""

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from pipelines.errors import StudioError


def read_pickle(path: Path) -> dict[str, Tensor]:
    """All tensors of a file that is there, by name, in float32.

    Raises:
        StudioError: the file is cut short, or holds more than tensors by name.
    """
    try:
        found = torch.load(
            path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
        )
    except pickle.UnpicklingError as error:
        raise StudioError(
            f"{path} is cut short at {path.stat().st_size:,} bytes, or holds more than tensors and "
            "was not read, because it could run code; fetch it again from where it was published."
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError) as error:
        reason = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise StudioError(
            f"{path} is broken or cut short at {path.stat().st_size:,} bytes ({reason}); fetch it again."
        ) from error
    if not isinstance(found, Mapping) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in found.items()
    ):
        raise StudioError(f"{path} holds no tensors by name; fetch it again.")
    return {name: value.to(torch.float32, copy=True) for name, value in found.items()}
