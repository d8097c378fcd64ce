"""Rewards of sounds: CLAP's, a head's, both at a weight; and the best of several."""

import doctest

import numpy as np
import pytest
import torch

from pipelines.errors import StudioError
from pipelines.reward import scorers
from pipelines.reward.embeddings import Encoder
from pipelines.reward.head import HeadConfig, RewardHead
from pipelines.reward.saved import Ground

TEXTS = ["up", "right", "up"]
CLIPS = [np.full((1, 4), angle, np.float32) for angle in (0.0, 0.0, np.pi)]


class PlaneClap:
    """Unit vectors of a plane: a sound is its angle, "right" lies at 0 and "up" at a right angle."""

    revision = "a1"

    def embed_audio(self, audio, sample_rate):
        return np.array([[np.cos(a.mean()), np.sin(a.mean())] for a in audio], np.float32)

    def embed_text(self, texts):
        return np.array([{"right": [1, 0], "up": [0, 1]}[text] for text in texts], np.float32)


GROUND = Ground(audio="clap a1", text="clap a1", task="integrity", simulated=True)
HEAD = RewardHead(HeadConfig(text_size=2, audio_size=2, hidden=(4,)), seed=0)


def test_examples_in_docstrings_hold():
    """Every example that a docstring shows prints what it says."""
    found = doctest.testmod(scorers)
    assert found.attempted and not found.failed


def test_clap_s_reward_is_its_cosine_between_0_and_1():
    """Cosines 0, 1 and 0: rewards 1/2, 1 and 1/2; against one another -1 gives 0."""
    found = scorers.ClapScorer(PlaneClap()).score(CLIPS, 16_000, TEXTS)
    assert found.tolist() == pytest.approx([0.5, 1.0, 0.5], abs=1e-6)
    opposite = scorers.ClapScorer(PlaneClap()).score(CLIPS[2:], 16_000, ["right"])
    assert opposite.tolist() == pytest.approx([0.0], abs=1e-6)


def test_a_head_s_reward_is_its_own_over_its_clap():
    """The scorer gives what the head gives on the embeddings, and tells who taught it."""
    scorer = scorers.HeadScorer(HEAD, GROUND, PlaneClap())
    clap = PlaneClap()
    text, audio = clap.embed_text(TEXTS), clap.embed_audio(CLIPS, 16_000)
    expected = HEAD.reward(torch.from_numpy(text), torch.from_numpy(audio))
    assert np.array_equal(scorer.score(CLIPS, 16_000, TEXTS), expected.numpy())
    assert scorer.trained_on == "integrity judged by simulated listeners"
    other = RewardHead(HEAD.config, seed=1)
    assert scorers.HeadScorer(other, GROUND, clap).revision != scorer.revision


def test_a_head_refuses_other_encoders():
    """Another CLAP's revision or another text encoder: the sentence names both."""
    other = PlaneClap()
    other.revision = "b2"
    with pytest.raises(StudioError, match="by clap a1 .* not by clap b2"):
        scorers.HeadScorer(HEAD, GROUND, other)
    t5 = Encoder(name="t5 c3", embed=other.embed_text)
    with pytest.raises(StudioError, match="clap a1 and t5 c3"):
        scorers.HeadScorer(HEAD, GROUND, PlaneClap(), text=t5)


def test_two_rewards_mix_at_their_weight():
    """A quarter of the head: 3/4 CLAP + 1/4 head, and the name says so."""
    clap, head = scorers.ClapScorer(PlaneClap()), scorers.HeadScorer(HEAD, GROUND, PlaneClap())
    mixed = scorers.MixedScorer(clap, head, weight=0.25)
    one, other = (s.score(CLIPS, 16_000, TEXTS) for s in (clap, head))
    assert np.allclose(mixed.score(CLIPS, 16_000, TEXTS), 0.75 * one + 0.25 * other)
    assert mixed.name == "0.75 CLAP + 0.25 reward model, integrity"
    assert "human" in mixed.trained_on and "simulated" in mixed.trained_on
    with pytest.raises(StudioError, match="a share in"):
        scorers.MixedScorer(clap, head, weight=1.5)


def test_a_prompt_for_each_sound_and_enough_rewards():
    """Lists of other lengths, too few rewards and rewards that are not numbers are refused."""
    for scorer in (scorers.ClapScorer(PlaneClap()), scorers.HeadScorer(HEAD, GROUND, PlaneClap())):
        with pytest.raises(StudioError, match="3 sounds and 1 prompts"):
            scorer.score(CLIPS, 16_000, ["up"])
    assert scorers.best_of([0.1, 0.3, 0.3]) == [1]
    for rewards, count in (([], 1), ([0.5], 2), ([float("nan")], 1)):
        with pytest.raises(StudioError, match="cannot be told"):
            scorers.best_of(rewards, count)
