"""Where weights come from: the embedded models, a folder, the Hub; what is wrong when not."""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import StudioError
from pipelines.generate.catalogue import CATALOGUE
from pipelines.generate.hub import fetch
from pipelines.generate.layouts import INDEX, Layout, function_of, known_layout, layout_of

if TYPE_CHECKING:
    import torch

    from pipelines.generate.backend import Backend

ASSETS = Path(__file__).parents[2] / "assets"
WEIGHED = (".safetensors", ".bin", ".json", ".model")  # files that decide what a model does
DECIDING = {  # of the JSON files beside the weights
    INDEX, "config.json", "transformer_overrides.json",
    "main_config.json", "vae_config.json", "stft_config.json", "vocoder_config.json",
}  # fmt: skip
MODE_WORDS = {
    "low_memory": "low-memory mode",
    "compiled": "compiled mode",
    "cuda_graphs": "mode of CUDA graphs",
}
HEADER_LIMIT = 100_000_000  # bytes; safetensors' own limit


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """One model that can be loaded."""

    name: str  # what `load` takes
    title: str
    path: Path
    licence: str
    note: str


EMBEDDED = {
    "embedded": ModelInfo(
        name="embedded",
        title="Embedded",
        path=ASSETS / "embedded",
        licence="Apache-2.0",
        note="Our own small TangoFlux, trained on the noisy captions of the sound world.",
    ),
    "embedded-clean": ModelInfo(
        name="embedded-clean",
        title="Embedded, clean captions",
        path=ASSETS / "embedded-clean",
        licence="Apache-2.0",
        note="The same but for its last stage, which read the true captions: what alignment may hope for.",
    ),
}


def available(folder: str | Path | None = None) -> list[ModelInfo]:
    """The models that are there: the embedded ones, and those in the subfolders of a folder."""
    found = [info for info in EMBEDDED.values() if (info.path / INDEX).is_file()]
    for path in sorted(Path(folder).iterdir()) if folder and Path(folder).is_dir() else []:
        if path.is_dir() and (kind := layout_of(path)) is not None:
            found.append(
                ModelInfo(
                    name=str(path),
                    title=path.name,
                    path=path,
                    licence=kind.licence,
                    note=kind.note,
                )
            )
    return found


def load(
    name: str,
    *,
    device: "torch.device | str | None" = None,
    dtype: "torch.dtype | None" = None,
    low_memory: bool = False,
    compiled: bool = False,
    cuda_graphs: bool = False,
) -> "Backend":
    """A model, ready to sample.

    Args:
        name: "embedded", "embedded-clean"; the name of a published model in
            `pipelines.generate.catalogue`, fetched from the Hub the first time; or the path of a
            folder: a published layout or a diffusers pipeline.
        device: default: CUDA, MPS, CPU, the first there is.
        dtype: of the heavy parts; default: the fastest by measurement for the embedded models,
            float32 for all others, whose rounding nobody has listened to.
        low_memory: only the part at work lies on the device, and sound is decoded in tiles.
        compiled: the transformer by torch.compile.
        cuda_graphs: the same, and its kernels recorded once per shape and replayed: CUDA alone.

    Raises:
        StudioError: no such model, files that are missing, cut short or of another model, a Hub
            that cannot be reached, too little disk or memory, or a mode that this model or this
            device has not.
    """
    import torch

    from pipelines.devices import default_device
    from pipelines.generate.modes import Modes, check_graphs

    folders = folders_of(name)
    kind = known_layout(folders[0])
    chosen = {"low_memory": low_memory, "compiled": compiled, "cuda_graphs": cuda_graphs}
    check_modes(folders[0], kind, chosen)
    place = torch.device(device) if device else default_device()
    modes = Modes(**chosen)
    check_graphs(modes, place)
    check_memory(folders, torch.device("cpu") if low_memory else place)
    return function_of(kind.reader)(
        folders,
        name=recorded_as(name),
        revision=revision(folders),
        device=place,
        dtype=dtype if dtype or name in EMBEDDED else torch.float32,
        **({"modes": modes} if kind.modes else {}),
    )


def recorded_as(name: str) -> str:
    """What a sound says of the model that made it: its name, or its folder's, which is no path.

    Args:
        name: as `load` takes it.
    """
    if name in EMBEDDED or name in CATALOGUE:
        return name
    own = Path(name).name
    return f"{own} (folder)" if own in EMBEDDED or own in CATALOGUE else own


def folders_of(name: str) -> list[Path]:
    """Where a model lies; a published one is fetched if it is not on this disk yet."""
    if name in CATALOGUE:
        return [fetch(CATALOGUE[name])]
    folder = EMBEDDED[name].path if name in EMBEDDED else Path(name)
    if not folder.is_dir():
        raise no_such_model(name, [info.name for info in available()] or list(EMBEDDED))
    return [folder, EMBEDDED["embedded"].path] if name == "embedded-clean" else [folder]


def no_such_model(name: str, known: Sequence[str]) -> StudioError:
    """The sentence for a name that is neither a model's nor a folder's.

    Args:
        name: what was asked for.
        known: names that can be chosen beside the published ones.
    """
    names = dict.fromkeys([*known, *CATALOGUE])
    return StudioError(
        f"There is no model '{name}'; choose {', '.join(names)}, or give the path of a model folder."
    )


def check_modes(folder: Path, kind: Layout, chosen: Mapping[str, bool]) -> None:
    """Nothing, or a StudioError for a way of running that this kind of model has not."""
    for mode, is_chosen in chosen.items():
        if is_chosen and mode not in kind.modes:
            raise StudioError(
                f"{folder.name} ({kind.kind}) has no {MODE_WORDS[mode]}; leave it off for this model."
            )


def check_memory(folders: Sequence[Path], device: "torch.device") -> None:
    """Nothing, or a StudioError where the weights alone do not fit, before any is read."""
    from pipelines.devices import free_bytes

    needed, free = sum(map(weights_bytes, folders[:1])), free_bytes(device)
    if free is not None and needed > free:
        raise StudioError(
            f"The weights in {folders[0]} take {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are "
            f"free on this {'machine' if device.type == 'cpu' else 'GPU'}; close other programs, or "
            "choose a smaller model."
        )


def weights_bytes(folder: Path) -> int:
    """Bytes that the weights of a folder take in float32.

    Safetensors tell the number of their values in the header; of a pickle the file's own size is
    taken.
    """
    total = sum(path.stat().st_size for path in folder.rglob("*.bin"))
    for path in folder.rglob("*.safetensors"):
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            head = file.read(size) if size < HEADER_LIMIT else b""
        try:
            told = json.loads(head)
            shapes = [each["shape"] for key, each in told.items() if key != "__metadata__"]
            total += 4 * sum(map(math.prod, shapes))
        except (ValueError, TypeError, KeyError, AttributeError):
            total += path.stat().st_size  # broken: its reader says so
    return total


def revision(folders: Iterable[Path]) -> str:
    """The hash of every file that decides what a model does: 16 hex digits.

    Model cards and pictures beside the weights may change without making another model of it.
    """
    total = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            top = path.parent == folder and path.suffix == ".json"
            if path.suffix in WEIGHED and not (top and path.name not in DECIDING):
                total.update(path.relative_to(folder).as_posix().encode())
                with path.open("rb") as file:
                    total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()[:16]
