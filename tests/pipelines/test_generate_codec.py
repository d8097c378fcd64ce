"""The door to the autoencoders: only the frames that are heard are decoded."""

import pytest
import torch
from diffusers import AutoencoderOobleck

from pipelines.generate.autoencoder import SpectralAutoencoder
from pipelines.generate.codec import Codec
from tests.pipelines.tiny import tiny_pipeline

OOBLECK = {
    "encoder_hidden_size": 16,
    "channel_multiples": [1, 1, 1, 2, 2],
    "decoder_channels": 4,
    "decoder_input_channels": 8,
    "sampling_rate": 4000,
}


@pytest.fixture(params=["spectral", "oobleck"])
def codec(request):
    """Both autoencoders, tiny and random."""
    torch.manual_seed(0)
    if request.param == "spectral":
        return tiny_pipeline().codec
    return Codec(AutoencoderOobleck(**OOBLECK).eval())


@torch.no_grad()
def test_cut_decode_is_the_start_of_the_full_one(codec):
    """Sound of the first frames is the same to 1e-6 of its size; one frame less would show."""
    latents = torch.randn(2, 40, 8)
    full = codec.decode(latents)
    assert full.shape == (2, codec.channels, 40 * codec.hop)
    samples = 10 * codec.hop - 7
    cut = codec.decode(latents, samples)
    assert cut.shape[-1] == samples
    size = full.abs().max().item()
    torch.testing.assert_close(cut, full[..., :samples], atol=3e-6 * size, rtol=0)


@torch.no_grad()
def test_no_more_than_there_is(codec):
    """Asking beyond the last frame gives what the frames hold."""
    assert codec.decode(torch.randn(1, 3, 8), 10**6).shape[-1] == 3 * codec.hop


@torch.no_grad()
def test_look_ahead_is_needed_and_enough(codec):
    """A change beyond the look-ahead is not heard; one inside it is."""
    latents = torch.randn(1, 40, 8)
    base, changed, heard = codec.decode(latents), latents.clone(), latents.clone()
    changed[:, 10 + codec.look_ahead :] += 5.0
    heard[:, 10:] += 5.0
    end = 10 * codec.hop
    size = base.abs().max().item()
    off = (codec.decode(changed) - base)[..., :end].abs().max().item()
    assert off <= 3e-6 * size
    assert (codec.decode(heard) - base)[..., :end].abs().max().item() > 1e-3 * size


@torch.no_grad()
def test_encode_shapes_and_channels(codec):
    """Mono and stereo both go in; frames are first, channels last."""
    for channels in (1, 2):
        mean, std = codec.encode(torch.randn(2, channels, 4 * codec.hop) * 0.1)
        assert mean.shape == std.shape == (2, 4, 8) and (std > 0).all()


def test_embedded_measures():
    """6.25 latent frames a second of 16 kHz mono, and 12 frames of look-ahead at most."""
    codec = Codec(SpectralAutoencoder())
    assert (codec.sample_rate, codec.hop, codec.channels) == (16000, 2560, 1)
    assert codec.look_ahead <= 12


@torch.no_grad()
@pytest.mark.parametrize("tile", [1, 7, 16, 100])
def test_tiles_leave_no_seams(codec, tile):
    """Decoded piece by piece, the sound is that of one piece to 3e-6 of its size, at seams too."""
    latents = torch.randn(2, 40, 8)
    samples = 37 * codec.hop - 5
    whole, tiled = codec.decode(latents, samples), codec.decode(latents, samples, tile=tile)
    assert tiled.shape == whole.shape
    size = whole.abs().max().item()
    torch.testing.assert_close(tiled, whole, atol=3e-6 * size, rtol=0)


@torch.no_grad()
def test_a_tile_needs_the_frames_around_it(codec, monkeypatch):
    """With a smaller reach the seams would show: the test above can fail."""
    latents = torch.randn(1, 40, 8)
    whole = codec.decode(latents)
    monkeypatch.setattr(type(codec), "look_ahead", 1)
    assert (codec.decode(latents, tile=8) - whole).abs().max() > 1e-4 * whole.abs().max()
