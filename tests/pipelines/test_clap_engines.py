"""CLAP's two engines: one checkpoint, one set of numbers, and a sentence for what is wrong."""

import os
import pickle
import sys

import numpy as np
import pytest
import torch

from pipelines.clap import TextAudioEmbedder, load
from pipelines.clap.checkpoint import read_checkpoint, sizes_of
from pipelines.clap.hub import fetch, is_hub_id
from pipelines.clap.laion_import import filters_stand_in, import_laion_clap
from pipelines.clap.windows import sixteen_bit
from pipelines.errors import StudioError
from tests.pipelines.laion_checkpoint import (
    BASE,
    NARROW,
    TINY,
    write_checkpoint,
    write_tokenizer,
)

SAME = 1e-6  # largest difference between the engines in any coordinate of a unit vector; seen: 1e-7
TEXTS = ["w1 w2 w3", "w9 w200 w4 w5 w6 w7", "w1 unheard"]


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory) -> dict:
    """A narrow plain and a narrow fused checkpoint, and their tokenizer."""
    folder = tmp_path_factory.mktemp("laion")
    write_tokenizer(folder)
    return {
        is_fused: write_checkpoint(folder, NARROW, is_fused=is_fused) for is_fused in (False, True)
    }


def swelling(seconds: float, rate: int = 48_000, seed: int = 0) -> np.ndarray:
    """Noise that swells, so that every second sounds unlike the others; float32 [1, samples]."""
    count = int(seconds * rate)
    draws = np.random.default_rng(seed).standard_normal((1, count))
    return (0.2 * draws * np.linspace(0, 1, count) ** 2).astype(np.float32)


def check_the_same(path) -> None:
    """Both engines give one set of numbers for short, exact and long clips and for texts."""
    ours, theirs = load(path), load(path, engine="laion")
    assert isinstance(ours, TextAudioEmbedder) and isinstance(theirs, TextAudioEmbedder)
    assert (ours.engine, theirs.engine) == ("transformers", "laion")
    assert ours.revision == theirs.revision and ours.dimensions == theirs.dimensions == 512
    clips = [swelling(seconds, seed=place) for place, seconds in enumerate((3, 7, 10, 13))]
    one, other = ours.embed_audio(clips, 48_000), theirs.embed_audio(clips, 48_000)
    assert np.abs(one - other).max() < SAME
    assert np.abs(one - one[0]).max() > 1e-3, "the sounds must not all embed alike"
    low = swelling(2, rate=16_000)
    assert np.abs(ours.embed_audio([low], 16_000) - theirs.embed_audio([low], 16_000)).max() < SAME
    one, other = ours.embed_text(TEXTS), theirs.embed_text(TEXTS)
    assert np.abs(one - other).max() < SAME
    assert np.abs(one[0] - one[1]).max() > 1e-3
    assert ours.score(clips[3], 48_000, TEXTS[0]) == pytest.approx(
        theirs.score(clips[3], 48_000, TEXTS[0]), abs=SAME
    )


@pytest.mark.parametrize("is_fused", [False, True], ids=["plain", "fusion"])
def test_one_checkpoint_gives_one_set_of_numbers(checkpoints, is_fused):
    """A narrow HTSAT through transformers and through laion_clap, up to 13 s."""
    check_the_same(checkpoints[is_fused])


@pytest.mark.slow
@pytest.mark.parametrize("is_fused", [False, True], ids=["plain", "fusion"])
@pytest.mark.parametrize("shape", [TINY, BASE], ids=["tiny", "base"])
def test_the_published_sizes_give_one_set_of_numbers(tmp_path, shape, is_fused):
    """HTSAT-tiny, and HTSAT-base with a whole RoBERTa, at their published widths."""
    write_tokenizer(tmp_path)
    path = write_checkpoint(tmp_path, shape, is_fused=is_fused, seed=1)
    assert sizes_of(read_checkpoint(path), path).name.startswith("HTSAT-")
    check_the_same(path)


@pytest.mark.parametrize("engine", ["transformers", "laion"])
def test_a_long_clip_is_heard_whole_and_never_by_chance(checkpoints, engine):
    """13 s twice give equal bytes whatever numpy's chance does; the last second counts."""
    for path in checkpoints.values():
        clap = load(path, engine=engine)
        clip = swelling(13)
        changed = clip.copy()
        changed[:, -48_000:] *= 0.1
        np.random.seed(1)
        first = clap.embed_audio([clip], 48_000)
        np.random.seed(2)
        assert np.array_equal(first, clap.embed_audio([clip], 48_000))
        assert np.abs(first - clap.embed_audio([changed], 48_000)).max() > 1e-4


def test_the_plain_model_hears_as_laion_claps_own_door(checkpoints):
    """For at most 10 s our windows are what CLAP_Module gives its model, sample by sample."""
    import_laion_clap()
    features = sys.modules["laion_clap.training.data"]
    clap = load(checkpoints[False], engine="laion")
    for seconds in (0.5, 3, 7, 10):
        clip = swelling(seconds)
        quantised = features.int16_to_float32(features.float32_to_int16(clip[0]))
        theirs = features.get_audio_features(
            {}, torch.from_numpy(quantised).float(), 480_000, "rand_trunc", "repeatpad",
            audio_cfg={},
        )  # fmt: skip
        (window,) = clap.windows_of(clip, 48_000)
        assert np.array_equal(window, theirs["waveform"].numpy())


def test_sixteen_bit_by_hand():
    """0.5 is 16383.5 of 32767 and is cut to 16383; -0.5 to -16383; beyond 1 is 1."""
    cut = sixteen_bit(np.array([0.5, -0.5, 2.0, 0.0], np.float32))
    assert np.allclose(cut, np.array([16383, -16383, 32767, 0]) / 32767, atol=1e-7)


def test_importing_laion_clap_leaves_no_trace():
    """No stand-in, no path and no dead tokenizer door stays behind."""
    import_laion_clap()
    from transformers import BertTokenizer, RobertaTokenizer

    assert not [name for name in sys.modules if name.partition(".")[0] == "torchvision"]
    assert not [path for path in sys.path if "laion_clap" in path]
    assert "from_pretrained" not in {**vars(BertTokenizer), **vars(RobertaTokenizer)}
    assert os.environ.get("HF_HUB_OFFLINE") != "1" or "librosa.util.utils" not in sys.modules


def test_filters_that_stand_in_for_librosas():
    """The window is Hann's and the bank is Slaney's: each band has area 1."""
    stand_in = filters_stand_in()
    window = stand_in.util.pad_center(stand_in.filters.get_window("hann", 4, fftbins=True), size=6)
    assert np.allclose(window, [0, 0, 0.5, 1, 0.5, 0])
    bank = stand_in.filters.mel(sr=48_000, n_fft=1024, n_mels=64, fmin=50, fmax=14_000)
    assert bank.shape == (64, 513) and bank.dtype == np.float32
    assert np.allclose(bank.sum(axis=1)[20:] * 48_000 / 1024, 1, atol=0.04)


def test_what_is_wrong_with_a_file_is_said(checkpoints, tmp_path):
    """Missing, cut short, not a checkpoint, dangerous, another model, another front end."""
    whole = checkpoints[False]
    write_tokenizer(tmp_path)
    with pytest.raises(StudioError, match="There is no file .*nowhere.pt; give the path"):
        load(tmp_path / "nowhere.pt")
    cut = tmp_path / "cut.pt"
    cut.write_bytes(whole.read_bytes()[:100_000])
    with pytest.raises(StudioError, match="cut short at 100,000 bytes .*fetch it again"):
        load(cut)
    evil = tmp_path / "evil.pt"
    evil.write_bytes(pickle.dumps(os.system))
    with pytest.raises(StudioError, match="no checkpoint"):
        load(evil)
    held = torch.load(whole, weights_only=False)["state_dict"]
    changes = {
        "not a CLAP with HTSAT": {n: t for n, t in held.items() if "text_branch" not in n},
        "other mel filters": held | {
            "module.audio_branch.logmel_extractor.melW": torch.zeros(513, 64)
        },
        "another way than aff_2d": held | {
            "module.audio_branch.mel_conv1d.0.weight": torch.zeros(1)
        },
        "1 keys are missing .*audio_model.audio_encoder.norm.weight": {
            n: t for n, t in held.items() if n != "module.audio_branch.norm.weight"
        },
        "1 unknown .*text_model.surprise": held | {
            "module.text_branch.surprise": torch.zeros(1)
        },
    }  # fmt: skip
    for place, (sentence, tensors) in enumerate(changes.items()):
        path = tmp_path / f"{place}.pt"
        torch.save(tensors, path)
        with pytest.raises(StudioError, match=sentence):
            load(path)
    with pytest.raises(StudioError, match="does not fit laion_clap's model: .*surprise"):
        load(tmp_path / "4.pt", engine="laion")


def test_the_tokenizer_is_never_a_silent_empty_one(checkpoints, tmp_path):
    """Without roberta-base's files, or with another model's, one sentence and no vectors."""
    lonely = tmp_path / "lonely.pt"
    lonely.symlink_to(checkpoints[False])
    with pytest.raises(StudioError, match="need the tokenizer of roberta-base.*beside the chec"):
        load(lonely)
    with pytest.raises(StudioError, match="tokenizer folder .*empty cannot be read"):
        load(lonely, tokenizer=tmp_path / "empty")
    write_tokenizer(tmp_path / "other", words=40)
    with pytest.raises(StudioError, match="knows 40 words and the model 300"):
        load(lonely, tokenizer=tmp_path / "other")
    assert load(lonely, tokenizer=checkpoints[False].parent).embed_text(["w1"]).shape == (1, 512)


def test_names_that_only_the_hub_could_know(monkeypatch):
    """An id is told from a path; offline it is said that it is nowhere; engines are checked."""
    for name in ("laion/clap-htsat-unfused", "a/b@main", "lukewys/laion_clap/630k-best.pt"):
        assert is_hub_id(name), name
    for name in ("reward", "/a/b", "../a", "a/b/c", "x.pt", "a//b.pt"):
        assert not is_hub_id(name), name
    with pytest.raises(StudioError, match="neither on this disk nor reachable on the Hub"):
        load("laion/clap-htsat-unfused")
    with pytest.raises(StudioError, match="neither on this disk nor reachable on the Hub"):
        load("lukewys/laion_clap/630k-audioset-best.pt@main", engine="laion")
    with pytest.raises(StudioError, match="no engine 'msclap' for CLAP; choose transformers or l"):
        load("reward", engine="msclap")
    with pytest.raises(StudioError, match="reads LAION's own files .* and reward is not one"):
        load("reward", engine="laion")


def test_what_the_hub_answers_is_said_in_a_sentence(monkeypatch):
    """Gated, unknown, and without weights: each says what to do; a pinned revision is asked for."""
    import huggingface_hub
    from huggingface_hub import errors

    asked = {}

    def answer(error):
        def snapshot_download(repository, *, revision, allow_patterns):
            asked.update(repository=repository, revision=revision)
            if error is None:
                return "nowhere"
            raise error

        return snapshot_download

    response = type("Response", (), {"headers": {}, "request": None})()
    for error, sentence in (
        (errors.GatedRepoError("closed", response=response), "accept them on its page"),
        (errors.RepositoryNotFoundError("none", response=response), "The Hub has no laion/clap"),
        (None, "holds neither model.safetensors nor pytorch_model.bin"),
    ):
        monkeypatch.setattr(huggingface_hub, "snapshot_download", answer(error))
        with pytest.raises(StudioError, match=sentence):
            fetch("laion/clap-htsat-unfused")
    assert asked["revision"].startswith("8fa0f1c")
    with pytest.raises(StudioError):
        fetch("laion/clap-htsat-unfused@main")
    assert asked["revision"] == "main"
