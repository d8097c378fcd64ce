"""The parts of a diffusers pipeline folder, each by its library's own loader, none half-filled.

The libraries give random weights where a tensor is missing and say so in a log that nobody reads;
here that is a StudioError. Only safetensors are read, and only classes of a list.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

from pipelines.errors import StudioError
from pipelines.generate.folders import read_json

INDEX = "model_index.json"
Kinds = Mapping[str, Mapping[str, type]]  # part -> names in model_index.json -> class to build


def read_parts(folder: Path, pipeline: str, kinds: Kinds) -> dict[str, Any]:
    """Every part that a pipeline needs, in float32 on the CPU.

    Args:
        folder: holds model_index.json and one subfolder per part.
        pipeline: the class that the index must name.
        kinds: what each part may be.

    Raises:
        StudioError: a part is missing, cut short, of another class, or does not fit its config.
    """
    index = read_json(folder / INDEX)
    if index.get("_class_name") != pipeline:
        raise StudioError(f"{folder} holds a {index.get('_class_name')}, not a {pipeline}.")
    return {part: read_part(folder / part, index.get(part), known) for part, known in kinds.items()}


def read_part(folder: Path, told: Any, known: Mapping[str, type]) -> Any:
    """One part: weights, tokenizer, front end or scheduler."""
    name = told[1] if isinstance(told, list) and len(told) == 2 else None
    if name not in known:
        raise StudioError(
            f"{folder.parent / INDEX} says {folder.name} is {name!r}; known are {', '.join(known)}. "
            "Choose another model."
        )
    if not folder.is_dir() or not any(folder.iterdir()):
        raise StudioError(f"{folder.parent} has no {folder.name}; fetch the whole folder again.")
    kind = known[name]
    try:
        if not issubclass(kind, nn.Module):
            return kind.from_pretrained(folder)
        module, found = kind.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
            torch_dtype=torch.float32,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:160]
        raise StudioError(
            f"{folder} is broken, cut short or incomplete ({reason}); fetch it again."
        ) from error
    check_found(folder, found)
    return module.eval()


def check_found(folder: Path, found: Mapping[str, Any]) -> None:
    """Nothing, or a StudioError where weights are missing, left over, or of another shape."""
    complaints = [
        f"{len(names)} {what}, such as {sorted(map(str, names))[0]}"
        for what, key in (
            ("missing", "missing_keys"),
            ("unexpected", "unexpected_keys"),
            ("of another shape", "mismatched_keys"),
        )
        if (names := found.get(key))
    ]
    if complaints:
        raise StudioError(
            f"The weights in {folder} do not fit the config beside them: {'; '.join(complaints)}. "
            "Fetch the folder again, all from one model."
        )
