"""Tango's published files by arithmetic: keys, shapes and bytes of stock classes at full size.

Everything here lives on the meta device, where a tensor has a shape and no memory.
"""

import math

import pytest
import torch

from pipelines.errors import StudioError
from pipelines.generate.tango import build
from pipelines.generate.tango_published import in_main_file, in_vae_file
from pipelines.generate.tango_sizes import SCALE, UNET, VAE, Front, TangoConfig, vae_arguments
from pipelines.generate.weights import TIED, shapes_of


@pytest.fixture(scope="module")
def files():
    """Key and shape of all that the main and the vae file hold."""
    with torch.device("meta"):
        unet, text_encoder, vae, vocoder = build(TangoConfig())
    main, codec = in_main_file(unet, text_encoder), in_vae_file(vae, vocoder)
    return shapes_of(main), shapes_of(codec)


def values(shapes, prefix=""):
    """How many numbers are under a prefix; T5's one table counts once, as a pickle stores it."""
    second = f"text_encoder.{TIED[1]}"
    return sum(
        math.prod(shape)
        for name, shape in shapes.items()
        if name.startswith(prefix) and name != second
    )


def test_the_main_file(files):
    """686 tensors of the UNet with 865,933,768 values, T5 with 341,231,104: the 4.83 GB listed."""
    main, _ = files
    assert sum(name.startswith("unet.") for name in main) == 686
    assert values(main, "unet.") == 865_933_768
    assert values(main, "text_encoder.") == 341_231_104
    assert "text_encoder.encoder.embed_tokens.weight" in main, "the pickle has the alias too"
    assert round(4 * values(main) / 1e9, 2) == 4.83


def test_the_vae_file(files):
    """398 keys: 55,376,873 values of the autoencoder, 55,264,897 of the vocoder; 443 MB."""
    _, codec = files
    assert len(codec) == 398
    vocoder = values(codec, "vocoder.")
    assert (values(codec) - vocoder, vocoder) == (55_376_873, 55_264_897)
    assert round(4 * values(codec) / 1e6) == 443


SHAPES = {
    "unet.conv_in.weight": (320, 8, 3, 3),
    "unet.conv_out.weight": (8, 320, 3, 3),
    "unet.time_embedding.linear_1.weight": (1280, 320),
    "unet.down_blocks.0.attentions.0.proj_in.weight": (320, 320),
    "unet.down_blocks.0.attentions.1.transformer_blocks.0.attn2.to_k.weight": (320, 1024),
    "unet.up_blocks.1.attentions.2.transformer_blocks.0.ff.net.0.proj.weight": (10240, 1280),
    "text_encoder.shared.weight": (32128, 1024),
}
CODEC_SHAPES = {
    "encoder.conv_in.weight": (128, 1, 3, 3),
    "encoder.down.2.block.0.nin_shortcut.weight": (512, 256, 1, 1),
    "encoder.down.1.downsample.conv.weight": (256, 256, 3, 3),
    "encoder.mid.attn_1.q.weight": (512, 512, 1, 1),
    "encoder.conv_out.weight": (16, 512, 3, 3),
    "decoder.up.0.block.0.nin_shortcut.weight": (128, 256, 1, 1),
    "decoder.up.2.upsample.conv.weight": (512, 512, 3, 3),
    "decoder.mid.attn_1.proj_out.weight": (512, 512, 1, 1),
    "quant_conv.weight": (16, 16, 1, 1),
    "post_quant_conv.weight": (8, 8, 1, 1),
    "vocoder.conv_pre.weight": (1024, 64, 7),
    "vocoder.ups.0.weight": (1024, 512, 16),
    "vocoder.ups.4.weight": (64, 32, 4),
    "vocoder.resblocks.14.convs2.2.weight": (32, 32, 11),
    "vocoder.conv_post.weight": (1, 32, 7),
}


def test_shapes(files):
    """One of each kind, as the original names and shapes them."""
    for wanted, found in zip((SHAPES, CODEC_SHAPES), files, strict=True):
        assert {name: found.get(name) for name in wanted} == wanted


def test_measures():
    """256 frames of 40 ms make 10.24 s; a frame holds 8 channels of 16 bands."""
    config, front = TangoConfig(), Front()
    shrink = 2 ** (len(config.vae["block_out_channels"]) - 1)
    assert config.frames * shrink * front.hop == 163_840
    assert config.frames * shrink * front.hop / front.sample_rate == 10.24
    assert UNET["in_channels"] * front.bands // shrink == 128
    assert math.prod(config.vocoder["upsample_rates"]) == front.hop


def test_an_autoencoder_of_another_kind_is_refused():
    """What the stock class cannot be is told by name."""
    with pytest.raises(StudioError, match="attn_resolutions is .16.; only .. is known"):
        vae_arguments(VAE | {"attn_resolutions": [16]}, SCALE)
    with pytest.raises(StudioError, match="says no ch; fetch"):
        vae_arguments({name: value for name, value in VAE.items() if name != "ch"}, SCALE)
