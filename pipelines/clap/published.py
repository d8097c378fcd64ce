"""LAION's published checkpoints onto transformers' ClapModel, by a map of names, no key unheard."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from pipelines.clap import checkpoint
from pipelines.clap.checkpoint import Sizes, read_checkpoint, sizes_of
from pipelines.clap.model import Clap, hash_of
from pipelines.clap.words import PADDING, load_words
from pipelines.errors import StudioError

if TYPE_CHECKING:
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

NEWER_NAMES = (  # of the audio tower, in this order
    (r"^audio_branch\.", "audio_model.audio_encoder."),
    (r"\.bn0\.", ".batch_norm."),
    (r"\.norm1\.", ".layernorm_before."),
    (r"\.norm2\.", ".layernorm_after."),
    (r"\.attn\.proj\.", ".attention.output.dense."),
    (r"\.attn\.", ".attention.self."),
    (r"\.mlp\.fc1\.", ".intermediate.dense."),
    (r"\.mlp\.fc2\.", ".output.dense."),
)
COMPUTED = re.compile(r"\.(attn_mask|relative_position_index|position_ids|token_type_ids)$")
UNUSED = re.compile(
    r"^(text_transform|audio_transform)\."  # layers of the training loss only
    r"|^audio_branch\.(spectrogram_extractor|logmel_extractor|tscam_conv|head)\."
)


def load_published(
    path: Path,
    *,
    tokenizer: str | Path | None = None,
    device: torch.device | str = "cpu",
    as_16_bit: bool = True,
) -> Clap:
    """A checkpoint that LAION published (.pt), by transformers' classes; laion_clap is not needed.

    Args:
        path: HTSAT-tiny or HTSAT-base with RoBERTa, plain or fusion.
        tokenizer: a folder with roberta-base's tokenizer files, if they do not lie beside it.
        device: where it computes.
        as_16_bit: whether clips are cut to 16-bit integers first, as laion_clap does.

    Raises:
        StudioError: no such file, cut short, another layout, or no tokenizer.
    """
    tensors = read_checkpoint(path)
    sizes = sizes_of(tensors, path)
    words = load_words(tokenizer, path.parent, sizes.words)
    model = model_of(sizes)
    told = model.load_state_dict(renamed(tensors), strict=False, assign=True)
    missing = [name for name in told.missing_keys if not COMPUTED.search(name)]
    if missing or told.unexpected_keys:
        raise StudioError(
            f"{path} does not fit {sizes.name}: {len(missing)} keys are missing "
            f"({', '.join(missing[:2])}) and {len(told.unexpected_keys)} unknown "
            f"({', '.join(told.unexpected_keys[:2])}); give a published checkpoint."
        )
    found = Clap(
        model.float(),
        extractor_of(sizes.is_fused),
        words,
        revision=hash_of(path),
        as_16_bit=as_16_bit,
    )
    return found.to(device).eval()


def renamed(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """LAION's tensors under the names of ClapModel; what embeds nothing is left out."""
    found = {}
    for name, tensor in tensors.items():
        if UNUSED.search(name) or COMPUTED.search(name):
            continue
        new = re.sub(r"^text_branch\.", "text_model.", name)
        new = re.sub(r"^(text|audio)_projection\.0\.", r"\1_projection.linear1.", new)
        new = re.sub(r"^(text|audio)_projection\.2\.", r"\1_projection.linear2.", new)
        if name.startswith("audio_branch."):
            for old, newer in NEWER_NAMES:
                new = re.sub(old, newer, new)
        if ".qkv." in new:
            for part, own in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
                found[new.replace(".qkv.", f".{part}.")] = own.contiguous()
        else:
            found[new] = tensor
    return found


def config_of(sizes: Sizes) -> "ClapConfig":
    """transformers' configuration of a checkpoint's sizes."""
    from transformers import ClapConfig

    audio = {
        "num_mel_bins": checkpoint.MELS,
        "spec_size": 256,
        "patch_embeds_hidden_size": sizes.width,
        "depths": list(sizes.depths),
        "num_hidden_layers": len(sizes.depths),
        "num_attention_heads": list(sizes.heads),
        "hidden_size": sizes.width * 2 ** (len(sizes.depths) - 1),
        "enable_fusion": sizes.is_fused,
        "fusion_type": "aff_2d" if sizes.is_fused else None,
    }
    text = {
        "vocab_size": sizes.words,
        "max_position_embeddings": sizes.places,
        "hidden_size": sizes.text_width,
        "num_hidden_layers": sizes.text_layers,
        "num_attention_heads": sizes.text_width // checkpoint.HEAD,
        "intermediate_size": sizes.text_inner,
        "pad_token_id": PADDING,
        "layer_norm_eps": 1e-5,  # RoBERTa's; ClapTextConfig's own default is 1e-12
    }
    return ClapConfig(text_config=text, audio_config=audio, projection_dim=sizes.dimensions)


def model_of(sizes: Sizes) -> "ClapModel":
    """ClapModel of these sizes whose weights are still to be given."""
    from transformers import ClapModel
    from transformers.initialization import no_init_weights

    with no_init_weights():  # drawing 150 million numbers to overwrite them takes seconds
        return ClapModel(config_of(sizes))


def extractor_of(is_fused: bool) -> "ClapFeatureExtractor":
    """The front end of every HTSAT that LAION published."""
    from transformers import ClapFeatureExtractor

    return ClapFeatureExtractor(
        feature_size=checkpoint.MELS,
        sampling_rate=checkpoint.SAMPLE_RATE,
        hop_length=checkpoint.HOP,
        max_length_s=checkpoint.WINDOW_SECONDS,
        fft_window_size=checkpoint.FFT,
        frequency_min=checkpoint.LOWEST,
        frequency_max=checkpoint.HIGHEST,
        truncation="fusion" if is_fused else "rand_trunc",  # names the filters; nothing is cropped
        padding="repeatpad",
    )
