"""TangoFlux from a diffusers pipeline folder, strictly: nothing missing, nothing left over."""

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderOobleck, FluxTransformer2DModel
from diffusers.schedulers import FlowMatchEulerDiscreteScheduler
from torch import nn
from transformers import T5Config, T5EncoderModel

from pipelines.errors import StudioError
from pipelines.generate.autoencoder import SpectralAutoencoder
from pipelines.generate.conditioning import Conditioner
from pipelines.generate.tangoflux import TangoFluxPipeline
from pipelines.generate.tokenizer import load_tokenizer
from pipelines.generate.weights import fill

INDEX = "model_index.json"
CLASSES = {
    kind.__name__: kind
    for kind in (
        AutoencoderOobleck,
        SpectralAutoencoder,
        T5EncoderModel,
        FluxTransformer2DModel,
        Conditioner,
        FlowMatchEulerDiscreteScheduler,
    )
}
MODULES = ("vae", "text_encoder", "transformer", "conditioner")
NUMBERS = ("frames", "default_steps", "default_guidance")


def load_folder(*folders: Path) -> TangoFluxPipeline:
    """The pipeline that `TangoFluxPipeline.save_pretrained` wrote, in float32 on the CPU.

    diffusers' own `from_pretrained` reads the same folder, but gives random weights for tensors
    that are missing; here each is accounted for.

    Args:
        folders: the first holds model_index.json; a component is taken from the first that has a
            subfolder of its name, so that a variant needs to hold only what differs.

    Raises:
        StudioError: a file is missing, cut short, or of another model.
    """
    index = read_json(folders[0] / INDEX)
    if index.get("_class_name") != TangoFluxPipeline.__name__:
        raise StudioError(
            f"{folders[0]} holds a {index.get('_class_name')}; only TangoFluxPipeline can be read."
        )
    if missing := [key for key in (*MODULES, *NUMBERS) if key not in index]:
        raise StudioError(
            f"{folders[0] / INDEX} names no {', '.join(missing)}; fetch the folder again."
        )
    places = {
        name: next((f / name for f in folders if (f / name).is_dir()), folders[0] / name)
        for name in (*MODULES, "tokenizer", "scheduler")
    }
    parts: dict[str, Any] = {name: read_module(places[name], index[name][1]) for name in MODULES}
    rows = parts["text_encoder"].config.vocab_size
    return TangoFluxPipeline(
        **parts,
        tokenizer=load_tokenizer(places["tokenizer"], vocabulary=rows),
        scheduler=FlowMatchEulerDiscreteScheduler.from_config(
            read_json(places["scheduler"] / "scheduler_config.json")
        ),
        **{key: index[key] for key in NUMBERS},
    )


def read_module(folder: Path, kind: str) -> nn.Module:
    """One component with its weights, built by the class of this name."""
    if kind not in CLASSES:
        raise StudioError(f"{folder} wants a {kind}; known are {', '.join(sorted(CLASSES))}.")
    config = read_json(folder / "config.json")
    # the spectral autoencoder computes its tables on construction, so it needs real memory
    with torch.device("cpu" if kind == SpectralAutoencoder.__name__ else "meta"):
        if kind == T5EncoderModel.__name__:
            module = T5EncoderModel(T5Config.from_dict(config))
        else:
            module = CLASSES[kind].from_config(config)
    fill({"": module}, folder)
    return module.eval()


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file, or a StudioError that says what to do."""
    if not path.is_file():
        raise StudioError(f"{path.parent} has no {path.name}; fetch the whole model folder again.")
    try:
        found = json.loads(path.read_text())
    except ValueError as error:
        raise StudioError(f"{path} is not JSON; fetch it again.") from error
    if not isinstance(found, dict):
        raise StudioError(f"{path} is not a JSON object; fetch it again.")
    return found
