"""Published weight files onto our modules, read without trust, every key accounted for."""

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from pipelines.errors import StudioError


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a .pt, .pth or .safetensors file by their names, in float32.

    Nothing but tensors and plain values is unpickled. Where the file keeps its tensors under
    "model" or "state_dict", those are taken.

    Raises:
        StudioError: no such file, cut short, or not a file of tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise StudioError(f"There is no file {path}; give the path of the published weights.")
    try:
        if path.suffix == ".safetensors":
            found = load_file(path)
        else:
            is_zip = zipfile.is_zipfile(path)
            found = torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
    except (
        RuntimeError, EOFError, OSError, ValueError, KeyError, UnpicklingError, SafetensorError,
    ) as error:  # fmt: skip
        raise StudioError(
            f"{path} is no file of weights, or cut short at {path.stat().st_size:,} bytes "
            f"({str(error).splitlines()[0]}); fetch it again."
        ) from error
    for name in ("model", "state_dict"):
        if isinstance(found, Mapping) and isinstance(found.get(name), Mapping):
            found = found[name]
    tensors = found if isinstance(found, Mapping) else {}
    tensors = {str(n): t.float() for n, t in tensors.items() if isinstance(t, Tensor)}
    if not tensors:
        raise StudioError(f"{path} holds no tensors by name; give the published weights.")
    return tensors


def fill(
    module: nn.Module, tensors: Mapping[str, Tensor], path: str | Path, *, unused: str = "^$"
) -> nn.Module:
    """Give a module the tensors of a file, all or none; the module, ready to embed.

    Args:
        module: ours, with the published names.
        tensors: from `read_weights`.
        path: of the file, for the sentence.
        unused: pattern of the names that embed nothing, such as a spectrogram's constants.

    Raises:
        StudioError: keys or shapes that do not fit.
    """
    given = {name: tensor for name, tensor in tensors.items() if not re.search(unused, name)}
    try:
        module.load_state_dict(given, assign=True)
    except RuntimeError as error:
        told = " ".join(str(error).split())
        raise StudioError(
            f"{path} does not hold the weights of {type(module).__name__}: {told[:300]}"
        ) from error
    return module.eval().requires_grad_(False)


def need(tensors: Mapping[str, Tensor], name: str, path: str | Path, model: str) -> Tensor:
    """One tensor by its name, or a sentence that the file is of another model."""
    if name not in tensors:
        raise StudioError(
            f"{path} does not hold the weights of {model}: {name} is missing and its first key is "
            f"{next(iter(tensors))}; give the published file."
        )
    return tensors[name]
