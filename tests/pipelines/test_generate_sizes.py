"""The published files by arithmetic: keys, shapes and bytes of our classes at full size (facts 1.1, 1.2).

Everything here lives on the meta device, where a tensor has a shape and no memory.
"""

import json
import math
from collections import Counter

import pytest
import torch
from diffusers import AutoencoderOobleck

from pipelines.generate.published import in_model_file
from pipelines.generate.sizes import published_config
from pipelines.generate.tangoflux import build
from pipelines.generate.weights import TIED, check_keys, shapes_of


@pytest.fixture(scope="module")
def parts():
    """The published model without its autoencoder."""
    with torch.device("meta"):
        return in_model_file(*build(published_config()))


@pytest.fixture(scope="module")
def model_file(parts):
    """Key and shape of all that tangoflux.safetensors holds."""
    return stored_shapes(parts)


@pytest.fixture(scope="module")
def vae_file():
    """The same of vae.safetensors."""
    with torch.device("meta"):
        return stored_shapes({"": AutoencoderOobleck()})


def stored_shapes(parts):
    """What a published file holds: T5's one table under its first name alone."""
    found = shapes_of(parts)
    for prefix in parts:
        if prefix + TIED[0] in found:
            found.pop(prefix + TIED[1], None)
    return found


def values(shapes):
    """How many numbers."""
    return sum(map(math.prod, shapes.values()))


def file_bytes(shapes):
    """Size of a float32 safetensors file: eight bytes, the header as JSON, the values."""
    header, at = {}, 0
    for name in sorted(shapes):
        size = 4 * math.prod(shapes[name])
        header[name] = {"dtype": "F32", "shape": shapes[name], "data_offsets": [at, at + size]}
        at += size
    text = len(json.dumps(header, separators=(",", ":")))
    return 8 + (text + 7) // 8 * 8 + at


def part_of(name):
    """The top-level prefix of a key."""
    return name.split(".")[0]


def test_counts_of_the_model_file(model_file):
    """Four prefixes (one with its published typo): 460, 219, 2 and 3 tensors."""
    assert Counter(map(part_of, model_file)) == {
        "transformer": 460,
        "text_encoder": 219,
        "fc": 2,
        "duration_emebdder": 3,
    }
    sizes = Counter()
    for name, shape in model_file.items():
        sizes[part_of(name)] += math.prod(shape)
    assert sizes == {
        "transformer": 516_695_616,
        "text_encoder": 341_231_104,
        "fc": 1_049_600,
        "duration_emebdder": 264_320,
    }


def test_bytes_of_the_model_file(model_file):
    """4 x (516,695,616 + 341,231,104 + 1,049,600 + 264,320) = 3,436,962,560: the 3.44 GB listed."""
    assert 4 * values(model_file) == 3_436_962_560
    assert round(file_bytes(model_file) / 1e9, 2) == 3.44


def test_bytes_of_a_checkpoint_that_dpo_left(model_file):
    """With its frozen copy of the transformer under `ref_transformer.`: 5.50 GB."""
    copied = {f"ref_{name}": shape for name, shape in model_file.items() if part_of(name)[0] == "t"}
    copied = {name: shape for name, shape in copied.items() if name.startswith("ref_transformer.")}
    assert len(copied) == 460
    assert round(file_bytes(model_file | copied) / 1e9, 2) == 5.50


def test_the_autoencoder_file(vae_file):
    """365 tensors of 156,112,514 values, 74 of them weight-normed convolutions: the 624 MB listed."""
    assert len(vae_file) == 365 and values(vae_file) == 156_112_514
    assert round(file_bytes(vae_file) / 1e6) == 624
    kinds = Counter(name.rsplit(".", 1)[1] for name in vae_file)
    assert kinds["weight_g"] == kinds["weight_v"] == 74 and kinds["bias"] == 73
    assert "decoder.conv2.bias" not in vae_file


SHAPES = {
    "transformer.time_text_embed.timestep_embedder.linear_1.weight": (1024, 256),
    "transformer.time_text_embed.text_embedder.linear_2.weight": (1024, 1024),
    "transformer.context_embedder.weight": (1024, 1024),
    "transformer.x_embedder.weight": (1024, 64),
    "transformer.transformer_blocks.5.norm1_context.linear.weight": (6144, 1024),
    "transformer.transformer_blocks.0.attn.norm_added_k.weight": (128,),
    "transformer.transformer_blocks.0.attn.to_add_out.weight": (1024, 1024),
    "transformer.transformer_blocks.0.ff_context.net.0.proj.weight": (4096, 1024),
    "transformer.transformer_blocks.0.ff.net.2.weight": (1024, 4096),
    "transformer.single_transformer_blocks.17.norm.linear.weight": (3072, 1024),
    "transformer.single_transformer_blocks.0.proj_mlp.weight": (4096, 1024),
    "transformer.single_transformer_blocks.0.proj_out.weight": (1024, 5120),
    "transformer.norm_out.linear.weight": (2048, 1024),
    "transformer.proj_out.weight": (64, 1024),
    "text_encoder.shared.weight": (32128, 1024),
    "text_encoder.encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight": (32, 16),
    "text_encoder.encoder.block.23.layer.1.DenseReluDense.wi_1.weight": (2816, 1024),
    "text_encoder.encoder.final_layer_norm.weight": (1024,),
    "fc.0.weight": (1024, 1024),
    "duration_emebdder.time_positional_embedding.0.weights": (128,),
    "duration_emebdder.time_positional_embedding.1.weight": (1024, 257),
    "duration_emebdder.time_positional_embedding.1.bias": (1024,),
}
VAE_SHAPES = {
    "encoder.conv1.weight_v": (128, 2, 7),
    "encoder.conv2.weight_v": (128, 2048, 3),
    "encoder.snake1.alpha": (1, 2048, 1),
    "decoder.conv1.weight_v": (2048, 64, 7),
    "decoder.snake1.beta": (1, 128, 1),
    "decoder.conv2.weight_v": (2, 128, 7),
}


def test_shapes(model_file, vae_file):
    """Each kind of tensor once, as the facts list them."""
    assert {name: model_file.get(name) for name in SHAPES} == SHAPES
    assert {name: vae_file.get(name) for name in VAE_SHAPES} == VAE_SHAPES


def test_only_the_tied_table_may_be_missing(parts, model_file):
    """What we want and a published file differ in T5's second name for its one table."""
    wanted = shapes_of(parts)
    assert set(wanted) - set(model_file) == {"text_encoder.encoder.embed_tokens.weight"}
    check_keys("tangoflux.safetensors", model_file, model_file)


def test_frames_are_thirty_seconds():
    """645 frames of 2048 samples at 44.1 kHz: 29.954 s of the 30 asked for (facts 1.4)."""
    config = published_config()
    assert config.frames * 2048 == 1_320_960
    assert round(config.frames * 2048 / 44_100, 3) == 29.954
