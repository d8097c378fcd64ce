"""Embedders: the registry's doors, and that each keeps the one interface."""

import numpy as np
import pytest
import torch

from pipelines.clap import BUILT_IN
from pipelines.embedders import KNOWN, Classifier, Embedder, open_embedder
from pipelines.errors import StudioError
from pipelines.seeds import numpy_generator
from tests.pipelines.random_embedders import WRITERS, write_panns


def noise(seconds: float, rate: int = 16_000, seed: int = 0) -> np.ndarray:
    """White noise at -20 dB, float32 [1, samples]."""
    draws = np.random.default_rng(seed).standard_normal((1, int(seconds * rate)))
    return (0.1 * draws).astype(np.float32)


def test_the_evaluation_clap_embeds_at_once():
    """One unit vector a clip, 128 long, named, with what decides it."""
    embedder = open_embedder("clap-evaluation")
    rows = embedder.embed([noise(1.0), noise(12.0, seed=1)], 16_000)
    assert rows.shape == (2, embedder.dimensions) == (2, 128) and rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert embedder.name == "CLAP-evaluation" and embedder.row_seconds is None
    assert isinstance(embedder, Embedder) and not isinstance(embedder, Classifier)
    assert embedder.settings == {
        "engine": "transformers", "sample_rate": 16_000, "window_seconds": 11.0,
        "as_16_bit": False,
    }  # fmt: skip
    assert embedder.revision != open_embedder("clap-reward").revision
    same = open_embedder("clap", weights=BUILT_IN["evaluation"])
    assert (same.name, same.revision) == ("CLAP-clap-evaluation", embedder.revision)


def test_unknown_names_and_absent_weights_get_a_sentence(tmp_path):
    """The sentence lists what is known, or names the file, its place and what to pass."""
    with pytest.raises(StudioError, match=r"no embedder 'clop'; choose one of clap-evaluation"):
        open_embedder("clop")
    for name, known in KNOWN.items():
        if known.published is None:
            with pytest.raises(StudioError, match="in our assets; give no others"):
                open_embedder(name, weights=tmp_path)
        else:
            assert "https://" in known.published
            with pytest.raises(StudioError, match=f"published weights: .*{name}=PATH"):
                open_embedder(name)
            with pytest.raises(StudioError, match="nowhere"):
                open_embedder(name, weights=tmp_path / "nowhere.pt")


def swept(seconds: float = 2.6, rate: int = 16_000) -> np.ndarray:
    """A tone that climbs from 200 to 6000 Hz and swells, float32 [2, samples], the sides unlike."""
    time = np.arange(int(seconds * rate)) / rate
    tone = np.sin(2 * np.pi * (200 * time + 2_900 * time**2 / seconds)) * time / seconds
    noise = numpy_generator(0, "swept").standard_normal((2, len(time)))
    return (np.stack([0.5 * tone, 0.25 * tone]) + 0.01 * noise).astype(np.float32)


# Shape, mean, mean size and the first logits of `swept` under the narrow random weights: numbers of
# code that agreed, at full width, with the packages that each class names.
GOLDEN = {
    "panns": ("PANNs-16k", [1, 64], 1.012989, 1.012989, [-2.61351, 0.72178, -0.51325]),
    "vggish": ("VGGish", [2, 128], 0.018703, 0.980274, None),
    "passt": ("PaSST", [1, 64], -0.005019, 0.838993, [0.45374, -1.28684, 1.34372]),
    "openl3": ("OpenL3-mel256-env-16", [6, 16], 26.116247, 26.116247, None),
    "openl3-stereo": ("OpenL3-mel256-env-16-stereo", [6, 32], 26.281221, 26.281221, None),
    "ast": ("AST", [1, 24], 0.042889, 0.607009, [-0.70349, -0.17015, 0.22674]),
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory) -> dict:
    """Every embedder that takes a file, with narrow random weights in the published layout."""
    folder = tmp_path_factory.mktemp("weights")
    return {key: open_embedder(key, weights=write(folder)) for key, write in WRITERS.items()}


@pytest.mark.parametrize("key", GOLDEN)
def test_each_embedder_keeps_its_numbers(opened, key):
    """Name, rows, means and logits of one sound, and a hash of the weights."""
    name, shape, mean, size, logits = GOLDEN[key]
    embedder = opened[key]
    rows = embedder.embed([swept()], 16_000)
    assert embedder.name == name and isinstance(embedder, Embedder)
    assert list(rows.shape) == shape and embedder.dimensions == shape[1]
    assert rows.dtype == np.float32 and len(embedder.revision) == 20
    assert [rows.mean(), np.abs(rows).mean()] == pytest.approx([mean, size], rel=1e-3, abs=1e-4)
    assert isinstance(embedder, Classifier) == KNOWN[key].is_classifier == (logits is not None)
    if logits is not None:
        found = embedder.logits([swept()], 16_000)
        assert found.shape == (1, embedder.classes) == (1, 5)
        assert found[0, :3].tolist() == pytest.approx(logits, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("key", GOLDEN)
def test_rows_depend_on_their_own_clip_only(opened, key):
    """Two clips of unlike lengths give the rows of each, one after the other, byte for byte."""
    embedder = opened[key]
    clips = [swept(1.3), noise(2.4)]
    alone = [embedder.embed([clip], 16_000) for clip in clips]
    assert np.array_equal(embedder.embed(clips, 16_000), np.concatenate(alone))
    assert (embedder.row_seconds is None) == ([len(rows) for rows in alone] == [1, 1])
    assert embedder.embed([], 16_000).shape == (0, embedder.dimensions)
    with pytest.raises(StudioError, match=r"finite \[channels, samples\]"):
        embedder.embed([np.zeros((1, 0), np.float32)], 16_000)


def test_how_many_rows_a_clip_gives(opened):
    """VGGish: whole patches of 0.96 s, at least one. OpenL3: one each half second, from the start.

    VGGish on 10 s: 1 + (160000 - 400) // 160 = 998 frames, and 998 // 96 = 10 patches. OpenL3 on
    10 s with half a second of silence before it: 1 + (10.5 - 1) / 0.5 = 20 rows.
    """
    for key, seconds, rows in (
        ("vggish", 0.2, 1), ("vggish", 1.9, 1), ("vggish", 1.94, 2), ("vggish", 10, 10),
        ("openl3", 0.2, 1), ("openl3", 0.6, 2), ("openl3", 10, 20),
    ):  # fmt: skip
        assert len(opened[key].embed([noise(seconds)], 16_000)) == rows, (key, seconds)


def triangles_over_mel(bins: int, bands: int, lowest: float, highest: float, rate: int):
    """[bands, bins] triangles of height 1 with sides straight over mel = 1127 ln(1 + f / 700)."""
    mels = 1127 * np.log(1 + np.linspace(0, rate / 2, bins) / 700)
    low, high = (1127 * np.log(1 + edge / 700) for edge in (lowest, highest))
    edges = np.linspace(low, high, bands + 2)[:, None]
    rising = (mels - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - mels) / (edges[2:] - edges[1:-1])
    return np.minimum(rising, falling).clip(0)


def test_vggish_frames_by_hand(opened):
    """One frame of a patch, by the formulas of Google's vggish_input with numpy alone.

    400 samples under a periodic Hann window, 512-point magnitudes, 64 triangles from 125 to 7500 Hz
    over mel, and ln(x + 0.01).
    """
    sound = noise(1.0, seed=9)[0]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    magnitude = np.abs(np.fft.rfft(sound[160 * 7 : 160 * 7 + 400] * window, 512))
    by_hand = np.log(triangles_over_mel(257, 64, 125, 7_500, 16_000) @ magnitude + 0.01)
    ours = opened["vggish"].patches(torch.from_numpy(sound))[0, 7].numpy()
    assert np.allclose(ours, by_hand, atol=1e-4)


def test_passt_frames_by_hand(opened):
    """One frame of PaSST's spectrogram with numpy alone.

    x[n] - 0.97 x[n - 1], 800 samples under a symmetric Hann window in the middle of 1024, power,
    128 triangles from 0 to 15 kHz over mel, and (ln(x + 1e-5) + 4.5) / 5.
    """
    sound = noise(1.0, rate=32_000, seed=9)[0]
    sharp = (sound[1:] - 0.97 * sound[:-1]).astype(float)
    middle = sharp[320 * 9 - 512 : 320 * 9 + 512]
    power = np.abs(np.fft.rfft(middle * np.pad(np.hanning(800), 112))) ** 2
    by_hand = np.log(triangles_over_mel(513, 128, 0, 15_000, 32_000) @ power + 1e-5)
    ours = opened["passt"].mels(torch.from_numpy(sound))[0, :, 9].numpy()
    assert np.allclose(ours, (by_hand + 4.5) / 5, atol=1e-4)


def test_openl3_frames_by_hand(opened):
    """One frame of OpenL3's spectrogram with numpy alone.

    A second padded by 982 samples at each side, 2048 samples under a periodic Hann window every
    242, mel power, 10 log10 of its root, the row's loudest at 0 and the softest at -80.
    """
    openl3 = opened["openl3"]
    sound = noise(1.0, rate=48_000, seed=9)[0].astype(float) * np.linspace(0, 1, 48_000) ** 9
    padded = np.pad(sound, 982)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(2048) / 2048)
    frames = np.stack([padded[242 * i : 242 * i + 2048] * window for i in range(199)])
    basis = openl3.net.speclayer.mel_basis.double().numpy()
    mels = np.sqrt(basis @ (np.abs(np.fft.rfft(frames)) ** 2).T)
    decibels = 10 * np.log10(np.maximum(mels, 1e-10))
    by_hand = np.maximum(decibels - decibels.max(), -80)
    ours = openl3.mels(torch.from_numpy(sound[None]).float())[0].numpy()
    assert ours.shape == (256, 199)
    assert ours.max() == 0 and ours.min() < -40
    assert np.abs(ours - by_hand).max() < 0.02


def test_what_each_embedder_does_not_hear(opened):
    """PANNs: the second channel and a constant. PaSST: the level, but for its filters' floor.
    OpenL3 as stereo: a mono clip gives the same twice."""
    clip = swept()
    panns = opened["panns"].embed([clip], 16_000)
    other = np.stack([clip[0] + 0.2, -3 * clip[1]])
    assert np.allclose(panns, opened["panns"].embed([other], 16_000), rtol=1e-3, atol=1e-3)
    assert np.abs(panns - opened["panns"].embed([clip[1:]], 16_000)).max() > 0.01
    loud, soft = (opened["passt"].embed([scale * clip], 16_000) for scale in (1.0, 0.3))
    assert np.allclose(loud, soft, atol=1e-4)
    twice = opened["openl3-stereo"].embed([clip[:1]], 16_000)
    assert np.array_equal(twice[:, :16], twice[:, 16:])
    assert np.isfinite(opened["passt"].embed([0 * clip], 16_000)).all()
    assert np.isfinite(opened["openl3"].embed([0 * clip], 16_000)).all()


def test_panns_tells_its_rate_from_the_file(tmp_path):
    """An FFT of 1024 samples is the 32 kHz model; other filters or another FFT are refused."""
    path = write_panns(tmp_path, fft=1024)
    found = open_embedder("panns", weights=path)
    assert (found.name, found.sample_rate) == ("PANNs-32k", 32_000)
    held = torch.load(path)["model"]
    held["logmel_extractor.melW"] *= 2
    torch.save({"model": held}, tmp_path / "other.pth")
    with pytest.raises(StudioError, match="through other mel filters"):
        open_embedder("panns", weights=tmp_path / "other.pth")
    held["spectrogram_extractor.stft.conv_real.weight"] = torch.zeros(9, 1, 16)
    torch.save(held, tmp_path / "other.pth")
    with pytest.raises(StudioError, match=r"FFT of 16 samples; give Cnn14_16k \(512\)"):
        open_embedder("panns", weights=tmp_path / "other.pth")


@pytest.mark.parametrize("key", ["panns", "vggish", "passt", "openl3"])
def test_a_file_of_another_model_is_refused(tmp_path, key):
    """Another model's file, one with a key more, a cut one and an empty one: each a sentence."""
    other = WRITERS["vggish" if key != "vggish" else "passt"](tmp_path)
    with pytest.raises(StudioError, match="does not hold the weights of .* is missing"):
        open_embedder(key, weights=other)
    whole = WRITERS[key](tmp_path)
    held = torch.load(whole)
    held.get("model", held)["surprise"] = torch.zeros(1)
    torch.save(held, tmp_path / "more.pt")
    with pytest.raises(StudioError, match='Unexpected key.* "surprise"'):
        open_embedder(key, weights=tmp_path / "more.pt")
    (tmp_path / "cut.pt").write_bytes(whole.read_bytes()[:3_000])
    with pytest.raises(StudioError, match="cut short at 3,000 bytes"):
        open_embedder(key, weights=tmp_path / "cut.pt")
    torch.save({"epoch": 3}, tmp_path / "none.pt")
    with pytest.raises(StudioError, match="holds no tensors by name"):
        open_embedder(key, weights=tmp_path / "none.pt")


def test_an_ast_folder_that_is_none_is_refused(tmp_path):
    """No weights, and weights that are no AST."""
    with pytest.raises(StudioError, match="holds neither model.safetensors nor pytorch_model.bin"):
        open_embedder("ast", weights=tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(StudioError, match="AST in .* could not be read"):
        open_embedder("ast", weights=tmp_path)


def test_long_clips_are_averaged_over_fixed_windows(opened):
    """AST on 13 s: its first and its last 10.255 s. PaSST on 12 s: 0 to 10 and 5 to 12 s."""
    clip = swept(13.0)[:1]
    ast, window = opened["ast"], 164_080
    parts = [ast.logits([part], 16_000) for part in (clip[:, :window], clip[:, -window:])]
    assert np.allclose(ast.logits([clip], 16_000), np.mean(parts, axis=0), atol=1e-5)
    assert np.abs(parts[0] - parts[1]).max() > 0.01
    passt = opened["passt"]
    clip = swept(12.0, rate=32_000)[:1]
    clip[0, 6 * 32_000] = 1.0  # one peak in both, so that both are brought to the same level
    parts = [passt.embed([part], 32_000) for part in (clip[:, :320_000], clip[:, 160_000:])]
    assert np.allclose(passt.embed([clip], 32_000), np.mean(parts, axis=0), atol=1e-4)
    assert np.abs(parts[0] - parts[1]).max() > 0.01
