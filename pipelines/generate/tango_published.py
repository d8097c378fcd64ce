"""The published Tango and Tango 2 files, read onto stock classes, with every key accounted for."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from diffusers.schedulers import DDPMScheduler
from torch import nn
from transformers import AutoTokenizer, PreTrainedTokenizerBase, T5Config

from pipelines.errors import StudioError
from pipelines.generate.folders import read_json
from pipelines.generate.published import TEXT_ENCODER, TEXT_ENCODER_REVISION
from pipelines.generate.tango import TangoPipeline, build
from pipelines.generate.tango_sizes import (
    FRAMES,
    SCHEDULER_NAMES,
    UNET,
    UNET_FILE,
    UNET_XL_FILE,
    VOCODER,
    Front,
    TangoConfig,
    text_encoder_of,
    vae_arguments,
)
from pipelines.generate.tango_weights import PublishedVae, PublishedVocoder
from pipelines.generate.tokenizer import check_tokenizer, load_tokenizer
from pipelines.generate.weights import Holder, fill

MAIN_CONFIG, MAIN = "main_config.json", "pytorch_model_main.bin"
VAE_CONFIG, VAE = "vae_config.json", "pytorch_model_vae.bin"
FRONT_CONFIG, VOCODER_CONFIG = "stft_config.json", "vocoder_config.json"
KNOWN_KEYS = {
    "text_encoder_name", "scheduler_name", "unet_model_name", "unet_model_config_path", "snr_gamma",
    "uncondition", "frames",
}  # fmt: skip  # frames is ours: another length than 256, which users change in the original's code
FRONT_KEYS = {
    "filter_length": "window", "hop_length": "hop", "n_mel_channels": "bands",
    "sampling_rate": "sample_rate", "mel_fmin": "lowest", "mel_fmax": "highest",
}  # fmt: skip


def load_published_tango(folder: str | Path) -> TangoPipeline:
    """Tango from its three JSON files and two .bin files, in float32 on the CPU.

    The tokenizer comes from the folder named like the last part of `text_encoder_name` if it lies
    there, else from the Hub at a pinned revision. pytorch_model_stft.bin is not needed: what it
    holds is computed.

    Args:
        folder: a local copy of declare-lab/tango, tango-full, tango2 or another of the family.

    Raises:
        StudioError: a file is missing, cut short, or holds other tensors than these classes need.
    """
    folder = Path(folder)
    config, tokenizer = settle(folder)
    with torch.device("meta"):
        unet, text_encoder, vae, vocoder = build(config)
    fill(in_main_file(unet, text_encoder), folder / MAIN)
    fill(in_vae_file(vae, vocoder), folder / VAE)
    return TangoPipeline(
        vae=vae.eval(),
        text_encoder=text_encoder.eval(),
        tokenizer=tokenizer,
        unet=unet.eval(),
        scheduler=DDPMScheduler(**config.scheduler),
        vocoder=vocoder.eval(),
        front=asdict(config.front),
        frames=config.frames,
        default_steps=config.default_steps,
        default_guidance=config.default_guidance,
    )


def convert(source: Path, target: Path) -> None:
    """Write a published folder as a diffusers folder."""
    load_published_tango(source).save_pretrained(target)


def in_main_file(unet: nn.Module, text_encoder: nn.Module) -> dict[str, Holder]:
    """What pytorch_model_main.bin holds, by the prefix of its keys."""
    return {"unet.": unet, "text_encoder.": text_encoder}


def in_vae_file(vae: nn.Module, vocoder: nn.Module) -> dict[str, Holder]:
    """What pytorch_model_vae.bin holds, by the prefix of its keys."""
    return {"": PublishedVae(vae), "vocoder.": PublishedVocoder(vocoder)}


def settle(folder: Path) -> tuple[TangoConfig, PreTrainedTokenizerBase]:
    """All sizes, and the tokenizer, from the config files over what is embedded."""
    given = read_json(folder / MAIN_CONFIG)
    if unknown := set(given) - KNOWN_KEYS:
        raise StudioError(
            f"{folder / MAIN_CONFIG} is not a Tango config: unknown {', '.join(sorted(unknown))}. "
            f"Known: {', '.join(sorted(KNOWN_KEYS))}."
        )
    if (scheduler := given.get("scheduler_name", SCHEDULER_NAMES[0])) not in SCHEDULER_NAMES:
        raise StudioError(
            f"{folder / MAIN_CONFIG} names the scheduler '{scheduler}'; only that of "
            f"{SCHEDULER_NAMES[0]} is known. Choose another model."
        )
    unet = unet_arguments(folder, given)
    text, tokenizer = text_parts(folder, given.get("text_encoder_name", TEXT_ENCODER), unet)
    told = read_json(folder / VAE_CONFIG)
    if not isinstance(told.get("ddconfig"), dict) or "scale_factor" not in told:
        raise StudioError(
            f"{folder / VAE_CONFIG} says no ddconfig or no scale_factor; fetch it again."
        )
    config = TangoConfig(
        unet=unet,
        text_encoder=text,
        vae=vae_arguments(told["ddconfig"], told["scale_factor"]),
        vocoder=vocoder_arguments(folder),
        front=front_of(folder),
        frames=frames_of(folder, given),
    )
    return config, tokenizer


def unet_arguments(folder: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """Of UNet2DConditionModel: the file that the config names where it is, else what is embedded."""
    named = given.get("unet_model_config_path")
    if given.get("unet_model_name") or not isinstance(named, str):
        raise StudioError(
            f"{folder / MAIN_CONFIG} names the UNet {given.get('unet_model_name')!r}; only Tango's "
            f"own, {UNET_FILE}, is known. Choose another model."
        )
    name = PurePosixPath(named).name  # never a path of the file's choosing
    local = folder / "configs" / name
    if local.is_file():
        told = read_json(local)
        return {key: value for key, value in told.items() if not key.startswith("_")}
    widths = {UNET_FILE: 1024, UNET_XL_FILE: 2048}
    if name not in widths:
        raise StudioError(
            f"{folder / MAIN_CONFIG} names the UNet config {name}, which is not in {local.parent}; "
            f"put it there. Known without a file: {', '.join(widths)}."
        )
    return UNET | {"cross_attention_dim": widths[name]}


def frames_of(folder: Path, given: Mapping[str, Any]) -> int:
    """Latent frames of every sound: the published number, or what a `frames` beside it says."""
    frames = given.get("frames", FRAMES)
    if not isinstance(frames, int) or not 8 <= frames <= 4 * FRAMES or frames % 8:
        raise StudioError(
            f"{folder / MAIN_CONFIG} says {frames!r} frames; give a multiple of 8 up to {4 * FRAMES}."
        )
    return frames


def text_parts(
    folder: Path, name: str, unet: Mapping[str, Any]
) -> tuple[dict[str, Any], PreTrainedTokenizerBase]:
    """Arguments of T5Config, and the tokenizer: from the folder of this name, or flan-t5's."""
    local = folder / PurePosixPath(str(name)).name
    if (local / "config.json").is_file():
        text = T5Config.from_pretrained(local).to_dict()
        return text, load_tokenizer(local, vocabulary=text["vocab_size"])
    revisions = {TEXT_ENCODER: TEXT_ENCODER_REVISION, "google/flan-t5-xl": None}
    if name not in revisions:
        raise StudioError(
            f"{folder} names the text encoder '{name}', whose config.json is not in {local}; "
            "put the config and tokenizer files of that model there."
        )
    text = text_encoder_of(unet["cross_attention_dim"])
    if (local / "tokenizer_config.json").is_file():
        return text, load_tokenizer(local, vocabulary=text["vocab_size"])
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, revision=revisions[name] or "main")
    except (OSError, ValueError) as error:
        raise StudioError(
            f"The tokenizer of {name} is neither in {local} nor reachable; "
            "put its tokenizer files there."
        ) from error
    return text, check_tokenizer(tokenizer, vocabulary=text["vocab_size"])


def front_of(folder: Path) -> Front:
    """The log-mel front end that stft_config.json tells."""
    told = read_json(folder / FRONT_CONFIG)
    if missing := set(FRONT_KEYS) - set(told):
        raise StudioError(f"{folder / FRONT_CONFIG} says no {min(missing)}; fetch it again.")
    return Front(**{own: told[name] for name, own in FRONT_KEYS.items()})


def vocoder_arguments(folder: Path) -> dict[str, Any]:
    """Of SpeechT5HifiGan: the embedded ones, and what a vocoder_config.json beside them changes."""
    if not (folder / VOCODER_CONFIG).is_file():
        return dict(VOCODER)
    told = read_json(folder / VOCODER_CONFIG)
    told["model_in_dim"] = told.pop("num_mels", VOCODER["model_in_dim"])
    if unknown := set(told) - set(VOCODER):
        raise StudioError(
            f"{folder / VOCODER_CONFIG} says {', '.join(sorted(unknown))}, which is unknown; "
            "remove the file to have Tango's own vocoder."
        )
    return VOCODER | told
