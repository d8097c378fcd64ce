"""A CLAP in stretches: cut, laid out, and what its parts tell of presence and of order."""

import numpy as np
import pytest
import torch

from pipelines.errors import StudioError
from pipelines.prompts.reading import phrases_of
from pipelines.reward.head import HeadConfig, RewardHead, our_shape
from pipelines.reward.saved import Ground, load_head, save_head
from pipelines.reward.stretches import EVIDENCE, Stretched, Stretches, cut_evenly, evidence

A, B, C = torch.eye(3)
LAYOUT = Stretches(size=3, stretches=4, phrases=3)


def told(phrases, joints, stretches) -> dict[str, float]:
    """The evidence by name."""
    found = evidence(torch.stack(phrases), torch.tensor(joints, dtype=torch.float32),
                     torch.stack(stretches))  # fmt: skip
    return dict(zip(EVIDENCE, found.tolist(), strict=True))


class Sines:
    """A CLAP of three directions: a sound is its mean values, a phrase its first letter."""

    engine, sample_rate, window, as_16_bit, revision, dimensions = "none", 10, 20, False, "s1", 3

    def embed_text(self, texts):
        return np.eye(3, dtype=np.float32)[["abc".index(text[0]) for text in texts]]

    def embed_audio(self, audio, sample_rate):
        rows = np.stack([np.eye(3)[a.astype(int).ravel()].mean(0) for a in audio])
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_order_by_hand():
    """Two stretches: softmax of cosines (1, 0) at sharpness 10 puts w = 1 / (1 + e^-10) on one.

    A in the first, B in the second: pairs of moments in order w^2, ties 2 w (1 - w) / 2, less 1/2.
    """
    w = 1 / (1 + np.exp(-10))
    right = told([A, B], [1], [A, B])
    assert right["mean order"] == pytest.approx(w * w + w * (1 - w) - 0.5)
    assert right["least presence"] == right["mean presence"] == right["order told"] == 1
    wrong = told([A, B], [1], [B, A])
    assert wrong["mean order"] == pytest.approx(-right["mean order"])
    assert wrong["least presence"] == 1


def test_what_is_missing_and_what_is_not_asked():
    """A phrase that sounds nowhere; joints without order; of several promises the worst kept one."""
    missing = told([A, B], [0], [A, A, C])
    assert (missing["least presence"], missing["mean presence"]) == (0, 0.5)
    assert missing["mean order"] == missing["least order"] == missing["order told"] == 0
    mixed = told([A, B, C], [1, 1], [A, C, B])  # A before B holds, B before C does not
    assert mixed["least order"] < -0.4 and abs(mixed["mean order"]) < 0.1
    assert told([A, B], [1], [A])["mean order"] == pytest.approx(0)  # one moment has no order


def test_empty_places_change_nothing():
    """Phrases and stretches that are zeros, wherever the layout has room for more."""
    none = torch.zeros(3)
    plain = told([A, B], [1], [A, C, B])
    assert told([A, B, none, none], [1, 0, 0], [A, C, B, none, none]) == pytest.approx(plain)


@pytest.mark.parametrize(
    ("samples", "length", "most", "count"),
    [
        (10, 20, 4, 1),
        (20, 20, 4, 1),
        (30, 20, 4, 2),
        (40, 20, 4, 3),
        (50, 20, 4, 4),
        (99, 20, 4, 4),
    ],
)
def test_stretches_cover_a_sound(samples, length, most, count):
    """From its start to its end, each next to overlap by half or more, never more than `most`."""
    parts = cut_evenly(np.arange(samples)[None], length, most)
    assert len(parts) == count and len({part.shape for part in parts}) == 1
    assert parts[0][0, 0] == 0 and parts[-1][0, -1] == samples - 1
    steps = np.diff([part[0, 0] for part in parts])
    assert all(step <= (parts[0].shape[1] + 1) / 2 for step in steps)


def test_vectors_are_laid_out_as_told():
    """The wholes first, phrases and stretches at their places, zeros where there is none."""
    clap = Stretched(Sines(), phrases_of)
    text = torch.from_numpy(clap.embed_text(["a horn then b horn", "c horn"]))
    audio = torch.from_numpy(clap.embed_audio([np.repeat([0, 1], 20)[None]], 10))
    assert text.shape == (2, clap.layout.text_size) and audio.shape == (1, clap.dimensions)
    phrases, joints, whole = clap.layout.parted_text(text)
    assert phrases[0, :2].tolist() == [A.tolist(), B.tolist()] and not phrases[0, 2:].any()
    assert joints.tolist() == [[1, 0, 0, 0, 0], [0, 0, 0, 0, 0]] and whole.tolist() == [[1, 0, 0], [0, 0, 1]]  # fmt: skip
    stretches, sound = clap.layout.parted_audio(audio)
    assert torch.allclose(sound, (A + B)[None] / 2**0.5)
    assert torch.allclose(stretches[0, :3], torch.stack([A, (A + B) / 2**0.5, B]))
    assert not stretches[0, 3:].any() and clap.revision != Sines.revision


def test_an_untrained_head_tells_right_orders_from_wrong_ones(tmp_path):
    """Of the same events: the whole's vector is equal, the stretches are not; saved, it comes back."""
    clap = Stretched(Sines(), phrases_of)
    text = torch.from_numpy(clap.embed_text(["a horn then b horn"] * 2))
    right, wrong = np.repeat([0, 1], 20)[None], np.repeat([1, 0], 20)[None]
    audio = torch.from_numpy(clap.embed_audio([right, wrong], 10))
    head = RewardHead(our_shape(text.shape[1], audio.shape[1], clap.layout), seed=0)
    head.prepare(text, audio, mean_target=0.5)
    rewards = head.reward(text, audio)
    assert rewards.tolist() == pytest.approx([1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1))], abs=1e-4)
    ground = Ground(audio="x", text="x", task="temporal", simulated=True)
    save_head(head, ground, tmp_path)
    found, _ = load_head(tmp_path)
    assert torch.equal(found.reward(text, audio), rewards) and found.config == head.config


def test_vectors_of_another_layout_are_refused():
    """A head over stretches needs them on both sides, and knows no products."""
    sizes = {"text_size": LAYOUT.text_size, "audio_size": LAYOUT.audio_size}
    HeadConfig(**sizes, stretches=LAYOUT)
    with pytest.raises(StudioError, match="not laid out in stretches"):
        HeadConfig(text_size=3, audio_size=LAYOUT.audio_size, stretches=LAYOUT)
    with pytest.raises(StudioError, match="has no interactions, and got 'product'"):
        HeadConfig(**sizes, stretches=LAYOUT, interactions="product")
