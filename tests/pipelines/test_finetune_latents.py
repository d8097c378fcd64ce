"""The cache gives what fresh encoding gives, is whole or not there, and belongs to one model."""

import numpy as np
import pytest
import torch

from pipelines.errors import Cancelled, StudioError
from pipelines.finetune.latents import Cache, clip_hash, encoded, is_silent, write_cache
from pipelines.generate.tangoflux_backend import TangoFluxBackend
from tests.pipelines.tiny import tiny_pipeline

SAID = [("a dog barks", 4.0), ("the bird sings and then a dog barks while rain falls", 8.0)]


@pytest.fixture(scope="module")
def backend() -> TangoFluxBackend:
    """A tiny model in float32."""
    return TangoFluxBackend(
        tiny_pipeline(), name="tiny", revision="base-1", device="cpu", dtype=torch.float32
    )


def sounds() -> dict[str, np.ndarray]:
    """Three clips of different length, by their hash."""
    rng = np.random.default_rng(0)
    clips = [0.1 * rng.standard_normal((1, 4000 * n)).astype(np.float32) for n in (2, 3, 5)]
    return {clip_hash(clip, 4000): clip for clip in clips}


def test_cached_latents_are_the_fresh_ones(backend, tmp_path):
    """In float32 to the bit of the batch that made them; each clip padded as if it were alone."""
    clips = sounds()
    cache = write_cache(
        tmp_path / "c.safetensors", backend, encoded(backend, clips.items(), batch_size=2), SAID,
        dtype=torch.float32,
    )  # fmt: skip
    keys = [*clips][::-1]
    fresh = torch.cat([backend.encode(torch.from_numpy(clips[key])[None]) for key in keys])
    assert torch.allclose(cache.latents(keys), fresh, atol=1e-5)


def test_the_denoiser_answers_the_same_to_cached_text(backend, tmp_path):
    """Padding lies elsewhere in cached rows, and is masked: same answer, in any company."""
    cache = write_cache(tmp_path / "c.safetensors", backend, [], SAID, dtype=torch.float32)
    noisy = torch.randn(3, 64, 8, generator=torch.Generator().manual_seed(1))
    sigma = torch.tensor([0.9, 0.5, 0.99])
    asked = [SAID[1], SAID[0], SAID[0]]
    with torch.no_grad():
        fresh = backend.predict(noisy, sigma, backend.encode_text(*zip(*asked, strict=True)))
        kept = backend.predict(noisy, sigma, cache.text_states(asked))
    assert torch.allclose(kept, fresh, atol=1e-5)
    alone = cache.text_states([SAID[0]])
    assert alone.hidden.shape == backend.encode_text(*zip(SAID[0], strict=True)).hidden.shape


def test_float16_keeps_three_digits_and_half_the_room(backend, tmp_path):
    """64 frames of 8 channels take 1,024 bytes."""
    clips = sounds()
    cache = write_cache(tmp_path / "c.safetensors", backend, encoded(backend, clips.items()), SAID)
    fresh = torch.cat([backend.encode(torch.from_numpy(clip)[None]) for clip in clips.values()])
    assert torch.allclose(cache.latents([*clips]), fresh, rtol=2e-3, atol=1e-3)
    assert cache.size.clips == 3 and cache.size.bytes_per_clip == 64 * 8 * 2


def test_a_second_writing_adds_and_makes_nothing_again(backend, tmp_path, monkeypatch):
    """What the file holds is not encoded a second time, neither clips nor captions."""
    path, clips = tmp_path / "c.safetensors", list(sounds().items())
    write_cache(path, backend, encoded(backend, clips[:2]), SAID[:1])
    before = Cache(path, backend).latents([clips[0][0]])
    read = []
    own = TangoFluxBackend.encode_text
    monkeypatch.setattr(
        TangoFluxBackend, "encode_text", lambda self, t, s: read.extend(t) or own(self, t, s)
    )
    fresh = list(encoded(backend, clips, held=Cache(path, backend)))
    assert [key for key, _ in fresh] == [clips[2][0]]
    cache = write_cache(path, backend, fresh, SAID)
    assert cache.keys == [key for key, _ in clips] and cache.captions == SAID
    assert torch.equal(cache.latents([clips[0][0]]), before)
    assert set(read) == {SAID[1][0], "a"} and SAID[0][0] not in read


def test_a_half_written_file_is_none(backend, tmp_path, monkeypatch):
    """A writer that dies leaves the old file; a file cut short is refused."""
    path, clips = tmp_path / "c.safetensors", list(sounds().items())
    write_cache(path, backend, encoded(backend, clips[:1]), SAID)
    with pytest.raises(Cancelled):
        write_cache(path, backend, encoded(backend, clips, should_stop=lambda: True), SAID)
    assert Cache(path, backend).keys == [clips[0][0]]
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(StudioError, match="no whole cache"):
        Cache(path, backend)


def test_it_belongs_to_one_model(backend, tmp_path):
    """Another revision is refused by name."""
    path = tmp_path / "c.safetensors"
    write_cache(path, backend, [], SAID)
    other = TangoFluxBackend(
        tiny_pipeline(), name="tiny", revision="base-2", device="cpu", dtype=torch.float32
    )
    with pytest.raises(StudioError, match="of the model base-1, not of base-2"):
        Cache(path, other)


def test_what_is_missing_is_named(backend, tmp_path):
    """A key or a caption that was never encoded."""
    cache = write_cache(tmp_path / "c.safetensors", backend, [], SAID)
    with pytest.raises(StudioError, match="latents of 1 clips, such as abc"):
        cache.latents(["abc"])
    with pytest.raises(StudioError, match="text states of 1 captions, such as 'rain falls'"):
        cache.text_states([("rain falls", 4.0)])


def test_silence_is_refused():
    """-60 dBFS is the limit: 0.0009 is silent, 0.002 is not."""
    assert is_silent(np.full((1, 10), 0.0009)) and not is_silent(np.full((1, 10), -0.002))
    with pytest.raises(StudioError, match="silent"):
        list(encoded(None, [("quiet", np.zeros((1, 100), np.float32))]))


def test_the_hash_is_of_the_sound_and_its_rate():
    """One sample or the rate changed: another clip."""
    clip = np.zeros((1, 8), np.float32)
    other = clip.copy()
    other[0, 3] = 1e-6
    names = {clip_hash(clip, 4000), clip_hash(other, 4000), clip_hash(clip, 8000)}
    assert len(names) == 3 and clip_hash(clip.copy(), 4000) in names
