"""The published TangoFlux files, read onto the same classes, with every key accounted for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderOobleck
from diffusers.schedulers import FlowMatchEulerDiscreteScheduler
from torch import Tensor, nn
from transformers import AutoTokenizer, PreTrainedTokenizerBase, T5Config

from pipelines.errors import StudioError
from pipelines.generate.folders import read_json
from pipelines.generate.sizes import TangoFluxConfig, published_config
from pipelines.generate.tangoflux import TangoFluxPipeline, build
from pipelines.generate.tokenizer import check_tokenizer, load_tokenizer
from pipelines.generate.weights import Holder, fill

CONFIG_FILE, MODEL_FILE, VAE_FILE = "config.json", "tangoflux.safetensors", "vae.safetensors"
# Sizes that the published config has no keys for; a folder of another size says them here.
TRANSFORMER_FILE, VAE_CONFIG_FILE = "transformer_overrides.json", "vae_config.json"
TEXT_ENCODER = "google/flan-t5-large"
TEXT_ENCODER_REVISION = "0613663d0d48ea86ba8cb3d7a44f0f65dc596a2a"
REFERENCE = "ref_transformer."  # the frozen copy that DPO training leaves in its checkpoints
KNOWN_KEYS = {
    "num_layers", "num_single_layers", "in_channels", "attention_head_dim",
    "joint_attention_dim", "num_attention_heads", "audio_seq_len", "max_duration",
    "uncondition", "text_encoder_name",
}  # fmt: skip


def load_published(
    folder: str | Path,
    *,
    transformer: Mapping[str, Any] | None = None,
    vae: Mapping[str, Any] | None = None,
) -> TangoFluxPipeline:
    """TangoFlux from config.json, tangoflux.safetensors and vae.safetensors, in float32 on the CPU.

    The tokenizer comes from the folder named like the last part of `text_encoder_name` if it lies
    there (so that a copy on disk is complete), else from the Hub at a pinned revision.

    Args:
        folder: a local copy of declare-lab/TangoFlux or TangoFlux-base.
        transformer: constructor arguments that differ from the published ones; default: what
            transformer_overrides.json in the folder says, if it is there.
        vae: the same of AutoencoderOobleck; default: vae_config.json, if it is there.

    Raises:
        StudioError: a file is missing, truncated, or holds other tensors than these classes need.
    """
    folder = Path(folder)
    given = read_config(folder / CONFIG_FILE)
    if transformer is None:
        transformer = told_in(folder / TRANSFORMER_FILE)
    vae = told_in(folder / VAE_CONFIG_FILE) if vae is None else vae
    config, tokenizer = settle(folder, given, transformer)
    with torch.device("meta"):
        flow, text_encoder, conditioner = build(config)
        autoencoder = AutoencoderOobleck(**vae)
    fill(in_model_file(flow, text_encoder, conditioner), folder / MODEL_FILE, ignored=REFERENCE)
    fill({"": autoencoder}, folder / VAE_FILE)
    return TangoFluxPipeline(
        vae=autoencoder.eval(),
        text_encoder=text_encoder.eval(),
        tokenizer=tokenizer,
        transformer=flow.eval(),
        conditioner=conditioner.eval(),
        scheduler=FlowMatchEulerDiscreteScheduler(),
        frames=config.frames,
        default_steps=config.default_steps,
        default_guidance=config.default_guidance,
    )


def convert(source: Path, target: Path) -> None:
    """Write a published folder as a diffusers folder."""
    load_published(source).save_pretrained(target)


def in_model_file(
    flow: nn.Module, text_encoder: nn.Module, conditioner: nn.Module
) -> dict[str, Holder]:
    """What lies in tangoflux.safetensors, under the prefixes of its keys."""
    return {"transformer.": flow, "text_encoder.": text_encoder, "": Renamed(conditioner)}


def told_in(path: Path) -> dict[str, Any]:
    """What a file that need not be there says."""
    return read_json(path) if path.is_file() else {}


def read_config(path: Path) -> dict[str, Any]:
    """The ten keys of the published config.json."""
    given = read_json(path)
    if unknown := set(given) - KNOWN_KEYS:
        raise StudioError(
            f"{path} is not a TangoFlux config: unknown {', '.join(sorted(unknown))}. "
            f"Known: {', '.join(sorted(KNOWN_KEYS))}."
        )
    return given


def settle(
    folder: Path, given: dict[str, Any], overrides: Mapping[str, Any]
) -> tuple[TangoFluxConfig, PreTrainedTokenizerBase]:
    """All sizes, and the tokenizer, from the config file over the published defaults."""
    default = published_config()
    name = given.get("text_encoder_name", TEXT_ENCODER)
    local = folder / Path(name).name
    if (local / "config.json").is_file():
        text = T5Config.from_pretrained(local).to_dict()
    elif name == TEXT_ENCODER:
        text = dict(default.text_encoder)
    else:
        raise StudioError(
            f"{folder} names the text encoder '{name}', whose config.json is not in {local}; "
            "put the config and tokenizer files of that model there."
        )
    sizes = {key: given[key] for key in default.transformer if key in given}
    width = sizes.get("joint_attention_dim", default.transformer["joint_attention_dim"])
    config = TangoFluxConfig(
        transformer=default.transformer | sizes | {"pooled_projection_dim": width, **overrides},
        text_encoder=text,
        conditioner={"width": width, "max_seconds": float(given.get("max_duration", 30))},
        frames=given.get("audio_seq_len", default.frames),
    )
    rows = text["vocab_size"]
    if (local / "tokenizer_config.json").is_file() or name != TEXT_ENCODER:
        return config, load_tokenizer(local, vocabulary=rows)
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, revision=TEXT_ENCODER_REVISION)
    except (OSError, ValueError) as error:
        raise StudioError(
            f"The tokenizer of {name} is neither in {local} nor reachable; "
            "put its tokenizer files there."
        ) from error
    return config, check_tokenizer(tokenizer, vocabulary=rows)


class Renamed:
    """The conditioner under the names that the published file gives its tensors."""

    NAMES = {
        "fc.0.weight": "pool.weight",
        "fc.0.bias": "pool.bias",
        "duration_emebdder.time_positional_embedding.0.weights": "rates",  # the typo is published
        "duration_emebdder.time_positional_embedding.1.weight": "duration.weight",
        "duration_emebdder.time_positional_embedding.1.bias": "duration.bias",
    }

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def state_dict(self) -> dict[str, Tensor]:
        """Tensors under their published names."""
        own = self.module.state_dict()
        return {published: own[name] for published, name in self.NAMES.items()}

    def load_state_dict(self, state_dict: Mapping[str, Tensor], *, assign: bool) -> None:
        """Take tensors under their published names."""
        self.module.load_state_dict(
            {self.NAMES[name]: tensor for name, tensor in state_dict.items()}, assign=assign
        )
