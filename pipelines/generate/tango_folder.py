"""Tango from a diffusers pipeline folder, strictly: nothing missing, nothing left over."""

from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.schedulers import DDPMScheduler
from torch import nn
from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig, T5Config, T5EncoderModel

from pipelines.errors import StudioError
from pipelines.generate.folders import read_json
from pipelines.generate.tango import TangoPipeline
from pipelines.generate.tokenizer import load_tokenizer
from pipelines.generate.weights import fill

INDEX = "model_index.json"
NUMBERS = ("front", "frames", "default_steps", "default_guidance")


def load_tango_folder(folder: Path) -> TangoPipeline:
    """The pipeline that `TangoPipeline.save_pretrained` wrote, in float32 on the CPU.

    Raises:
        StudioError: a file is missing, cut short, or of another model.
    """
    index = read_json(folder / INDEX)
    if index.get("_class_name") != TangoPipeline.__name__:
        raise StudioError(
            f"{folder} holds a {index.get('_class_name')}, not a {TangoPipeline.__name__}."
        )
    if missing := [key for key in NUMBERS if key not in index]:
        raise StudioError(
            f"{folder / INDEX} names no {', '.join(missing)}; fetch the folder again."
        )
    parts = {name: read_part(folder / name) for name in ("vae", "text_encoder", "unet", "vocoder")}
    rows = parts["text_encoder"].config.vocab_size
    return TangoPipeline(
        **parts,
        tokenizer=load_tokenizer(folder / "tokenizer", vocabulary=rows),
        scheduler=DDPMScheduler.from_config(
            read_json(folder / "scheduler" / "scheduler_config.json")
        ),
        **{key: index[key] for key in NUMBERS},
    )


def read_part(folder: Path) -> nn.Module:
    """One component with its weights."""
    config = read_json(folder / "config.json")
    with torch.device("meta"):
        module = made(folder.name, config)
    fill({"": module}, folder)
    return module.eval()


def made(part: str, config: dict[str, Any]) -> nn.Module:
    """The module of a part, with no weights yet."""
    if part == "text_encoder":
        return T5EncoderModel(T5Config.from_dict(config))
    if part == "vocoder":
        return SpeechT5HifiGan(SpeechT5HifiGanConfig.from_dict(config))
    return (UNet2DConditionModel if part == "unet" else AutoencoderKL).from_config(config)
