"""Where weights come from: the embedded models in assets, or a folder; what is wrong when not."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import StudioError

if TYPE_CHECKING:
    import torch

    from pipelines.generate.backend import Backend

ASSETS = Path(__file__).parents[2] / "assets"
INDEX = "model_index.json"
WEIGHED = (".safetensors", ".json", ".model")  # files that decide what a model does


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
TANGOFLUX_LICENCE = "non-commercial research; Stability AI Community Licence"


def available(folder: str | Path | None = None) -> list[ModelInfo]:
    """The models that are there: the embedded ones, and those in the subfolders of a folder."""
    found = [info for info in EMBEDDED.values() if (info.path / INDEX).is_file()]
    for path in sorted(Path(folder).iterdir()) if folder and Path(folder).is_dir() else []:
        if (path / "tangoflux.safetensors").is_file():
            note, licence = "TangoFlux in its published layout.", TANGOFLUX_LICENCE
        elif (path / INDEX).is_file():
            note, licence = "A TangoFlux saved as a diffusers pipeline.", "see its model card"
        else:
            continue
        found.append(
            ModelInfo(name=str(path), title=path.name, path=path, licence=licence, note=note)
        )
    return found


def load(
    name: str,
    *,
    device: "torch.device | str | None" = None,
    dtype: "torch.dtype | None" = None,
) -> "Backend":
    """A model, ready to sample.

    Args:
        name: "embedded", "embedded-clean", or the path of a folder: TangoFlux as published
            (config.json, tangoflux.safetensors, vae.safetensors) or a diffusers pipeline.
        device: default: CUDA, MPS, CPU, the first there is.
        dtype: of the transformer; default: the fastest by measurement.

    Raises:
        StudioError: no such model, or files that are missing, cut short or of another model.
    """
    import torch

    from pipelines.generate.folders import load_folder
    from pipelines.generate.published import load_published
    from pipelines.generate.tangoflux_backend import TangoFluxBackend

    folder = EMBEDDED[name].path if name in EMBEDDED else Path(name)
    if not folder.is_dir():
        known = ", ".join(info.name for info in available())
        raise StudioError(
            f"There is no model '{name}'; choose {known or 'one of ' + ', '.join(EMBEDDED)}, "
            "or give the path of a model folder."
        )
    folders = [folder]
    if (folder / INDEX).is_file():
        if name == "embedded-clean":
            folders.append(EMBEDDED["embedded"].path)
        pipe = load_folder(*folders)
    else:
        pipe = load_published(folder)
    return TangoFluxBackend(
        pipe,
        name=name if name in EMBEDDED else folder.name,
        revision=revision(folders),
        device=torch.device(device) if device else None,
        dtype=dtype,
    )


def revision(folders: Iterable[Path]) -> str:
    """The hash of every file that decides what a model does: 16 hex digits.

    Model cards and pictures beside the weights may change without making another model of it.
    """
    total = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            top = path.parent == folder and path.suffix == ".json"
            if path.suffix in WEIGHED and not (top and path.name not in (INDEX, "config.json")):
                total.update(path.relative_to(folder).as_posix().encode())
                with path.open("rb") as file:
                    total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()[:16]
