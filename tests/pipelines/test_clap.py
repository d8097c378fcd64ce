"""CLAP: the front end's numbers, fixed windows, saving and loading, and the errors."""

import numpy as np
import pytest
import torch

from pipelines.clap import Clap, build, fixed_windows, load, small_clap_config
from pipelines.errors import StudioError

WORDS = "a dog barks bird sings then before after while rain falls and".split()


@pytest.fixture(scope="module")
def tokenizer():
    """A word-level tokenizer: pad 0, end 1, unknown 2, then a few words."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = {word: place for place, word in enumerate(["<pad>", "<eos>", "<unk>", *WORDS])}
    core = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    core.post_processor = processors.TemplateProcessing(
        single="$A <eos>", special_tokens=[("<eos>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>"
    )


@pytest.fixture(scope="module")
def clap(tokenizer) -> Clap:
    """A small reward CLAP with random weights."""
    return build("reward", tokenizer, seed=3)


def noise(samples: int, seed: int = 0, channels: int = 1) -> np.ndarray:
    """White noise at -20 dB, float32 [channels, samples]."""
    draws = np.random.default_rng(seed).standard_normal((channels, samples))
    return (0.1 * draws).astype(np.float32)


@pytest.mark.parametrize("kind", ["reward", "evaluation"])
def test_mels_are_the_numbers_of_transformers_extractor(kind, tokenizer):
    """The batched torch front end equals ClapFeatureExtractor, within 2e-3 dB of float32."""
    clap = build(kind, tokenizer, seed=0)
    clips = [noise(clap.window)[0], noise(60_000, seed=1)[0], np.zeros(20_000, np.float32)]
    ours = clap.mels(
        torch.from_numpy(np.stack([np.pad(c, (0, clap.window - len(c))) for c in clips]))
    )
    theirs = clap.extractor(clips, sampling_rate=16_000, return_tensors="pt")["input_features"]
    frames, mels = ours.shape[2:]
    audio = clap.model.config.audio_config
    assert ours.shape == theirs.shape
    assert frames * mels == audio.spec_size**2, "the input must fill the tower without resizing"
    assert (ours - theirs).abs().max() < 2e-3


def test_mels_of_a_fused_model_use_its_own_filters(tokenizer):
    """A fused model has four channels and the HTK filters, as ClapFeatureExtractor's fusion has."""
    from transformers import ClapFeatureExtractor, ClapModel

    config, _ = small_clap_config("reward", tokenizer)
    config.audio_config.enable_fusion = True
    config.audio_config.fusion_type = "aff_2d"
    extractor = ClapFeatureExtractor(
        sampling_rate=16_000, hop_length=688, max_length_s=11, frequency_min=50,
        frequency_max=8_000, truncation="fusion", padding="repeatpad",
    )  # fmt: skip
    clap = Clap(ClapModel(config), extractor, tokenizer)
    clip = noise(70_000)
    window = clap.windows_of(clip, 16_000)[0]
    stock = extractor(clip[0], sampling_rate=16_000, return_tensors="pt")
    ours = clap.mels(torch.from_numpy(window)[None])
    assert ours.shape[1] == 4
    assert (ours - stock["input_features"]).abs().max() < 2e-3
    assert stock["is_longer"].all(), "what transformers marks by chance"
    stock["is_longer"][:] = False
    with torch.inference_mode():
        theirs = clap.model.eval().get_audio_features(**stock).pooler_output[0].numpy()
    assert np.allclose(clap.embed_audio([clip], 16_000)[0], theirs, atol=1e-4)
    first, second = (clap.embed_audio([clip, clip], 16_000) for _ in range(2))
    assert np.array_equal(first, second), "no clip may be marked longer by chance"
    assert np.allclose(first[0], first[1], atol=1e-6)


def test_the_two_small_claps_differ_in_everything_that_hears(tokenizer):
    """Mel bands, FFT, hop and width differ, so that what fools one need not fool the other."""
    (one, front), (other, back) = (
        small_clap_config(k, tokenizer) for k in ("reward", "evaluation")
    )
    assert front.feature_size != back.feature_size
    assert front.fft_window_size != back.fft_window_size
    assert front.hop_length != back.hop_length
    assert one.audio_config.hidden_size != other.audio_config.hidden_size


def test_embeddings_are_unit_vectors_and_do_not_depend_on_their_neighbours(clap):
    """A clip alone and the same clip in a list of 20 of other lengths give one vector."""
    clips = [noise(3_000 + 9_000 * i, seed=i) for i in range(20)]
    together, alone = clap.embed_audio(clips, 16_000), clap.embed_audio([clips[19]], 16_000)
    assert together.shape == (20, clap.dimensions) and together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert np.allclose(together[19], alone[0], atol=1e-5)
    texts = clap.embed_text(["dog", "a dog barks before bird sings then rain falls"])
    assert np.allclose(np.linalg.norm(texts, axis=1), 1, atol=1e-5)
    assert np.allclose(texts[0], clap.embed_text(["dog"])[0], atol=1e-5), "padding must not show"


def test_a_long_clip_is_heard_whole_and_the_same_every_time(clap):
    """25 s become three windows; a change in the last second changes the vector; no chance."""
    clip = noise(25 * 16_000, seed=5)
    changed = clip.copy()
    changed[:, -16_000:] *= 4
    first, second, other = clap.embed_audio([clip, clip, changed], 16_000)
    assert len(clap.windows_of(clip, 16_000)) == 3
    assert np.array_equal(clap.embed_audio([clip], 16_000), clap.embed_audio([clip], 16_000))
    assert np.allclose(first, second, atol=1e-6)
    assert not np.allclose(first, other, atol=1e-4)


def test_windows_by_hand():
    """Five samples in windows of 3 start at 0 and 2; two samples are padded, or repeated first."""
    sound = np.array([1, 2, 3, 4, 5], np.float32)
    assert [w.tolist() for w in fixed_windows(sound, 3)] == [[1, 2, 3], [3, 4, 5]]
    assert [w.tolist() for w in fixed_windows(sound[:2], 5)] == [[1, 2, 0, 0, 0]]
    assert [w.tolist() for w in fixed_windows(sound[:2], 5, repeat=True)] == [[1, 2, 1, 2, 0]]
    assert [w.tolist() for w in fixed_windows(sound, 5)] == [[1, 2, 3, 4, 5]]
    assert [w[0] for w in fixed_windows(np.arange(10, dtype=np.float32), 4)] == [0, 3, 6]


def test_channels_are_mixed_and_other_rates_are_resampled(clap):
    """Two equal channels count once; a tone at 48 kHz is the same tone at 16 kHz."""
    tone = np.sin(2 * np.pi * 440 * np.arange(96_000) / 48_000).astype(np.float32)[None]
    same = np.sin(2 * np.pi * 440 * np.arange(32_000) / 16_000).astype(np.float32)[None]
    high = clap.embed_audio([tone, np.repeat(tone, 2, axis=0)], 48_000)
    low = clap.embed_audio([same], 16_000)[0]
    assert np.allclose(high[0], high[1], atol=1e-5)
    assert high[0] @ low > 0.999


def test_the_text_tower_hears_word_order(clap):
    """The same words in another order embed apart, even before training."""
    one, other = clap.embed_text(["dog barks before rain falls", "rain falls before dog barks"])
    assert np.abs(one - other).max() > 1e-3


def test_captions_and_sounds_start_apart(tokenizer):
    """Before training, other words and other sounds are not one vector: training starts fast.

    In training mode, where the batch's own statistics level the mel bands.
    """
    clap = build("reward", tokenizer, seed=3).train()
    tones = np.stack([np.sin(np.arange(170_000) * step) for step in (0.05, 0.2, 0.8, 2.0)])
    with torch.no_grad():
        sounds = clap.hear(clap.mels(torch.from_numpy(tones).float())).numpy()
    texts = clap.embed_text(["dog barks", "bird sings", "rain falls", "a dog then a bird"])
    for rows in (texts, sounds):
        assert np.mean((rows @ rows.T)[np.triu_indices(4, 1)]) < 0.9


def test_the_longest_text_fits_and_a_longer_one_is_cut(clap):
    """300 words are cut to what the table of places holds, instead of failing."""
    assert clap.embed_text(["dog " * 300]).shape == (1, clap.dimensions)


def test_saved_and_loaded_in_half_precision_is_nearly_the_same(clap, tmp_path):
    """The folder holds float16, loads as float32, and opens with stock transformers too."""
    from transformers import AutoProcessor

    clip, text = noise(40_000), "dog barks"
    clap.embed_text([text])  # leaves padding and truncation in the tokenizer
    clap.save(tmp_path / "small")
    found = load(tmp_path / "small")
    assert next(found.model.parameters()).dtype == torch.float32
    assert next(clap.model.parameters()).dtype == torch.float32, "saving must not halve the model"
    assert found.revision == clap.revision != "untrained"
    assert found.score(clip, 16_000, text) == pytest.approx(
        clap.score(clip, 16_000, text), abs=2e-3
    )
    assert (tmp_path / "small" / "model.safetensors").stat().st_size < 2_000_000
    processor = AutoProcessor.from_pretrained(tmp_path / "small")
    stock = processor(text=[text], audio=[clip[0]], sampling_rate=16_000, return_tensors="pt")
    assert stock["input_ids"].tolist() == found.tokenize([text])[0].tolist() == [[1, 4, 5, 1]]
    with torch.inference_mode():
        theirs = found.model(**stock).audio_embeds[0].numpy()
    assert np.allclose(theirs, found.embed_audio([clip], 16_000)[0], atol=1e-4)


def test_training_changes_both_towers_and_leaves_the_mode_alone(tokenizer):
    """Loss gradients reach audio, text and both scales; embedding restores training mode."""
    from pipelines.contrastive import contrastive_loss

    clap = build("evaluation", tokenizer, seed=1).train()
    mels = clap.mels(torch.from_numpy(np.concatenate([noise(16_000, seed=i) for i in range(3)])))
    ids, mask = clap.tokenize(["dog barks", "bird sings", "rain falls"])
    contrastive_loss(*clap(mels, ids, mask)).backward()
    for name in ("logit_scale_a", "logit_scale_t", "audio_model.audio_encoder.norm.weight",
                 "text_model.embeddings.word_embeddings.weight"):  # fmt: skip
        assert clap.model.get_parameter(name).grad.abs().max() > 0, name
    clap.embed_text(["dog"])
    assert clap.training


def test_the_seed_names_the_weights(tokenizer):
    """The same seed builds the same model, another seed another, and the global state is kept."""
    before = torch.get_rng_state()
    one, same, other = (build("reward", tokenizer, seed=s) for s in (1, 1, 2))
    name = "audio_projection.linear1.weight"
    assert torch.equal(one.model.get_parameter(name), same.model.get_parameter(name))
    assert not torch.equal(one.model.get_parameter(name), other.model.get_parameter(name))
    assert torch.equal(before, torch.get_rng_state())


def test_errors_say_what_to_do(clap, tmp_path):
    """Empty text, empty or broken sound, and a missing or broken folder each get a sentence."""
    with pytest.raises(StudioError, match="empty; write what should be heard"):
        clap.embed_text(["dog", " "])
    with pytest.raises(StudioError, match=r"finite \[channels, samples\]"):
        clap.embed_audio([np.zeros((1, 0), np.float32)], 16_000)
    with pytest.raises(StudioError, match="not numbers"):
        clap.embed_audio([np.full((1, 9), np.nan, np.float32)], 16_000)
    with pytest.raises(StudioError, match="lacks model.safetensors.*reward, evaluation"):
        load(tmp_path / "nowhere")
    with pytest.raises(StudioError, match="choose one of reward, evaluation"):
        small_clap_config("larger", clap.tokenizer)
    clap.save(tmp_path / "broken")
    (tmp_path / "broken" / "tokenizer.json").unlink()
    with pytest.raises(StudioError, match="tokenizer"):
        load(tmp_path / "broken")
    (tmp_path / "broken" / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(StudioError):
        load(tmp_path / "broken")
