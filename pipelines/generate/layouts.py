"""The kinds of folder that hold a model: what tells each, and who reads it."""

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import StudioError
from pipelines.generate.catalogue import (
    AUDIOLDM2_LICENCE,
    STABILITY,
    TANGO_LICENCE,
    TANGOFLUX_LICENCE,
)

INDEX = "model_index.json"
CARD = "see its model card"
FLUX_MODES = ("low_memory", "compiled", "cuda_graphs")
TANGO_MODES = ("low_memory",)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One kind of folder.

    A reader is called with the folders (a component is taken from the first that holds it) and
    `name`, `revision`, `device`, `dtype`; it gives a backend.
    """

    kind: str  # the class that a diffusers folder names, or the file that tells a published one
    reader: str  # "module:function", imported when it is needed
    licence: str
    note: str
    writer: str | None = None  # "module:function" that writes it as a diffusers folder
    steps: int = 25  # its own, where the folder's index names none
    guidance: float = 4.5
    modes: tuple[str, ...] = ()  # fields of `Modes` that its backend knows; then it takes `modes`


LAYOUTS = {
    each.kind: each
    for each in (
        Layout(
            kind="tangoflux.safetensors",
            reader="pipelines.generate.tangoflux_backend:open_published",
            licence=TANGOFLUX_LICENCE,
            note="TangoFlux in its published layout.",
            writer="pipelines.generate.published:convert",
            modes=FLUX_MODES,
        ),
        Layout(
            kind="pytorch_model_main.bin",
            reader="pipelines.generate.tango_backend:open_tango",
            licence=TANGO_LICENCE,
            note="Tango in its published layout.",
            writer="pipelines.generate.tango_published:convert",
            steps=100,
            guidance=3.0,
            modes=TANGO_MODES,
        ),
        Layout(
            kind="TangoFluxPipeline",
            reader="pipelines.generate.tangoflux_backend:open_folder",
            licence=CARD,
            note="A TangoFlux saved as a diffusers pipeline.",
            modes=FLUX_MODES,
        ),
        Layout(
            kind="TangoPipeline",
            reader="pipelines.generate.tango_backend:open_folder",
            licence=CARD,
            note="A Tango saved as a diffusers pipeline.",
            modes=TANGO_MODES,
        ),
        Layout(
            kind="AudioLDM2Pipeline",
            reader="pipelines.generate.audioldm2:open_audioldm2",
            licence=AUDIOLDM2_LICENCE,
            note="AudioLDM 2: makes sounds and compares, cannot be fine-tuned here.",
            steps=200,
            guidance=3.5,
        ),
        Layout(
            kind="StableAudioPipeline",
            reader="pipelines.generate.stable_audio:open_stable_audio",
            licence=STABILITY,
            note="Stable Audio Open: makes sounds and compares, cannot be fine-tuned here.",
            steps=100,
            guidance=7.0,
        ),
    )
}


def layout_of(folder: Path) -> Layout | None:
    """The kind of a folder; None where it holds no model that is known."""
    if (folder / INDEX).is_file():
        return LAYOUTS.get(class_named_in(folder))
    return next((each for kind, each in LAYOUTS.items() if (folder / kind).is_file()), None)


def defaults_of(folder: Path, kind: str | None = None) -> tuple[int, float]:
    """The steps and the guidance that a model is at its best with, without loading it.

    Args:
        folder: of the model; need not be there where `kind` is given.
        kind: of a published model that was not fetched yet.
    """
    found = layout_of(folder) or LAYOUTS.get(kind or "") or LAYOUTS["TangoFluxPipeline"]
    told = index_of(folder)
    return told.get("default_steps", found.steps), told.get("default_guidance", found.guidance)


def class_named_in(folder: Path) -> str:
    """The pipeline class that model_index.json names; empty where it cannot be read."""
    name = index_of(folder).get("_class_name")
    return name if isinstance(name, str) else ""


def index_of(folder: Path) -> dict[str, Any]:
    """What model_index.json says; nothing where it cannot be read: the reader tells why."""
    try:
        told = json.loads((folder / INDEX).read_text())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def known_layout(folder: Path) -> Layout:
    """The kind of a folder.

    Raises:
        StudioError: no known kind, with what is looked for.
    """
    found = layout_of(folder)
    if found is None and (folder / INDEX).is_file():
        from pipelines.generate.folders import read_json

        named = read_json(folder / INDEX).get("_class_name")
        raise StudioError(
            f"{folder / INDEX} names {named or 'no pipeline class'}; known are "
            f"{', '.join(kind for kind in LAYOUTS if '.' not in kind)}. Fetch the folder again, or "
            "choose another model."
        )
    if found is None:
        raise StudioError(
            f"{folder} holds no model that is known; give the folder that directly holds one of "
            f"{INDEX}, {', '.join(kind for kind in LAYOUTS if '.' in kind)}."
        )
    return found


def function_of(path: str) -> Callable[..., Any]:
    """What "module:function" names, imported now."""
    module, _, function = path.partition(":")
    return getattr(importlib.import_module(module), function)
