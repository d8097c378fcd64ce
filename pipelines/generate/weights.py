"""Safetensors files onto modules, all or none, with every key accounted for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from safetensors import SafetensorError, safe_open
from torch import Tensor

from pipelines.errors import StudioError
from pipelines.generate.pickles import read_pickle

TIED = ("shared.weight", "encoder.embed_tokens.weight")  # T5's one table under two names


class Holder(Protocol):
    """What can be filled: a torch module, or a view of one under other names."""

    def state_dict(self) -> Mapping[str, Tensor]:
        """Its tensors by name."""

    def load_state_dict(self, state_dict: Mapping[str, Tensor], *, assign: bool) -> object:
        """Take tensors by name."""

    def get_submodule(self, target: str) -> Any:
        """The submodule of this name."""


def fill(parts: Mapping[str, Holder], path: Path, *, ignored: str | None = None) -> None:
    """Give modules the tensors of a safetensors file or of all such files in a folder.

    Args:
        parts: modules under the prefix that their keys have in the file.
        path: the file or folder.
        ignored: prefix of keys that are passed over.

    Raises:
        StudioError: no such file, cut short, or keys or shapes that do not fit.
    """
    found = read_tensors(path, ignored)
    for prefix in parts:
        first, second = (prefix + name for name in TIED)
        if (first in found) != (second in found):
            found[first] = found[second] = found.get(first, found.get(second))
    wanted = shapes_of(parts)
    check_keys(path, wanted, {name: tuple(tensor.shape) for name, tensor in found.items()})
    for prefix, part in parts.items():
        own = {name: found[prefix + name] for name in part.state_dict()}
        part.load_state_dict(own, assign=True)
        if prefix + TIED[1] in wanted:  # assigning made two parameters of the one table
            part.get_submodule("encoder.embed_tokens").weight = part.get_submodule("shared").weight


def shapes_of(parts: Mapping[str, Holder]) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor of these modules, under the prefixes of their keys."""
    return {
        prefix + name: tuple(tensor.shape)
        for prefix, part in parts.items()
        for name, tensor in part.state_dict().items()
    }


def read_tensors(path: Path, ignored: str | None = None) -> dict[str, Tensor]:
    """All tensors of a safetensors or .bin file, or of every safetensors in a folder, in float32."""
    files = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise StudioError(
            f"{path if path.is_dir() else path.parent} has no "
            f"{'weights' if path.is_dir() else path.name}; fetch the whole model folder again."
        )
    if path.suffix == ".bin":
        return read_pickle(path)
    found = {}
    for file in files:
        try:
            with safe_open(file, framework="pt") as held:
                for name in held.keys():
                    if not (ignored and name.startswith(ignored)):
                        found[name] = held.get_tensor(name).float()
        except (SafetensorError, OSError) as error:
            raise StudioError(
                f"{file} is broken or cut short at {file.stat().st_size:,} bytes ({error}); "
                "fetch it again."
            ) from error
    return found


def check_keys(
    path: Path, wanted: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]]
) -> None:
    """Nothing, or a StudioError that names what is missing, unexpected or of another shape."""
    other = {name for name in wanted.keys() & found.keys() if wanted[name] != found[name]}
    complaints = []
    for what, names in (
        ("missing", wanted.keys() - found.keys()),
        ("unexpected", found.keys() - wanted.keys()),
        ("of another shape", other),
    ):
        if names:
            first = min(names)
            shapes = f" ({list(found[first])}, not {list(wanted[first])})" if names == other else ""
            complaints.append(f"{len(names)} {what}, such as {first}{shapes}")
    if complaints:
        raise StudioError(
            f"The weights in {path} do not fit the config beside them: {'; '.join(complaints)}. "
            "Fetch the folder again, all from one model."
        )
