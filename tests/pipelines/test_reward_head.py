"""The reward head: its equation, where it starts, and its two files."""

import json

import numpy as np
import pytest
import torch

from pipelines.errors import StudioError
from pipelines.reward.head import HeadConfig, RewardHead
from pipelines.reward.saved import CARD, WEIGHTS, Ground, load_head, save_head

GROUND = Ground(
    audio="clap a1", text="clap a1", task="temporal", simulated=True, trained_on={"labels": 3}
)


def vectors(count: int, size: int, seed: int) -> torch.Tensor:
    """Unit vectors."""
    rows = np.random.default_rng(seed).standard_normal((count, size)).astype(np.float32)
    return torch.from_numpy(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def test_the_head_is_an_mlp_over_both_embeddings():
    """Weights by hand: relu(1*2 + 1*3 - 1) = 4 and relu(-5) = 0; 0.5 * 4 + 7 * 0 - 2 = 0: r = 1/2."""
    head = RewardHead(HeadConfig(text_size=1, audio_size=1, hidden=(2,)), seed=0)
    first, last = head.layers[0], head.layers[-1]
    with torch.no_grad():
        first.weight.copy_(torch.tensor([[1.0, 1.0], [-1.0, -1.0]]))
        first.bias.copy_(torch.tensor([-1.0, 0.0]))
        last.weight.copy_(torch.tensor([[0.5, 7.0]]))
        last.bias.copy_(torch.tensor([-2.0]))
    text, audio = torch.tensor([[2.0]]), torch.tensor([[3.0]])
    assert head(text, audio).tolist() == [0.0]
    assert head.reward(text, audio).tolist() == [0.5]


@pytest.mark.parametrize(
    ("interactions", "inputs"), [("none", 16), ("product", 24), ("product and difference", 32)]
)
def test_interactions_widen_what_is_seen(interactions, inputs):
    """8 + 8 numbers, 8 more for products and 8 for differences."""
    config = HeadConfig(text_size=8, audio_size=8, interactions=interactions)
    assert config.inputs == inputs
    assert RewardHead(config, seed=0)(vectors(3, 8, 0), vectors(3, 8, 1)).shape == (3,)


def test_a_head_that_starts_as_clap_ranks_as_clap():
    """Untrained, its rewards are in the order of the cosines and their mean logit is the asked one."""
    text, audio = vectors(50, 8, 0), vectors(50, 8, 1)
    head = RewardHead(HeadConfig(text_size=8, audio_size=8, starts_as_clap=True), seed=0)
    head.prepare(text, audio, mean_target=0.8)
    rewards = head.reward(text, audio)
    assert rewards.argsort().tolist() == (text * audio).sum(1).argsort().tolist()
    assert head(text, audio).mean().sigmoid().item() == pytest.approx(0.8, abs=1e-5)


def test_a_standardised_head_does_not_mind_units():
    """Embeddings that are shifted and scaled, number by number, give the same rewards."""
    text, audio = vectors(50, 8, 0), vectors(50, 6, 1)
    scale, shift = torch.linspace(0.5, 9, 8), torch.linspace(-3, 3, 8)
    config = HeadConfig(text_size=8, audio_size=6, standardised=True)
    one, other = RewardHead(config, seed=0), RewardHead(config, seed=0)
    one.prepare(text, audio)
    other.prepare(text * scale + shift, audio)
    expected = one.reward(text, audio)
    assert torch.allclose(expected, other.reward(text * scale + shift, audio), atol=1e-5)


def test_seeds_name_the_weights_and_leave_others_draws_alone():
    """Equal seeds, equal weights; the global generator is as before."""
    config = HeadConfig(text_size=4, audio_size=4)
    before = torch.get_rng_state()
    heads = [RewardHead(config, seed=seed).layers[0].weight for seed in (1, 1, 2)]
    assert torch.equal(heads[0], heads[1]) and not torch.equal(heads[0], heads[2])
    assert torch.equal(before, torch.get_rng_state())


def test_rewards_are_given_without_dropout():
    """`reward` of a head in training mode is the one in evaluation mode, and leaves it training."""
    head = RewardHead(HeadConfig(text_size=8, audio_size=8, dropout=0.9), seed=0).train()
    text, audio = vectors(5, 8, 0), vectors(5, 8, 1)
    assert torch.equal(head.reward(text, audio), head.reward(text, audio)) and head.training


def test_a_longer_text_vector_opens_with_clap_s():
    """With three numbers of another encoder after CLAP's, the head still starts as CLAP ranks."""
    text, audio, more = vectors(50, 8, 0), vectors(50, 8, 1), vectors(50, 3, 2)
    head = RewardHead(HeadConfig(text_size=11, audio_size=8, starts_as_clap=True), seed=0)
    rewards = head.reward(torch.cat([text, more], dim=1), audio)
    assert rewards.argsort().tolist() == (text * audio).sum(1).argsort().tolist()


def test_other_spaces_have_no_cosine():
    """Text of another size allows no products, a shorter one no cosine; unknown words are named."""
    HeadConfig(text_size=4, audio_size=8)
    for given in (
        {"text_size": 4, "starts_as_clap": True},
        {"text_size": 9, "interactions": "product"},
    ):
        with pytest.raises(StudioError, match="have no cosine and no product"):
            HeadConfig(audio_size=8, **given)
    with pytest.raises(StudioError, match="knows no interactions 'sum'"):
        HeadConfig(text_size=8, audio_size=8, interactions="sum")


def test_a_saved_head_comes_back(tmp_path):
    """Same rewards to the bit, same ground; a part of a file is never left."""
    config = HeadConfig(
        text_size=8, audio_size=8, hidden=(5, 3), standardised=True, starts_as_clap=True
    )
    head = RewardHead(config, seed=0)
    text, audio = vectors(9, 8, 0), vectors(9, 8, 1)
    head.prepare(text, audio, 0.7)
    save_head(head, GROUND, tmp_path)
    found, ground = load_head(tmp_path, audio="clap a1", text="clap a1")
    assert torch.equal(found.reward(text, audio), head.reward(text, audio))
    assert ground == GROUND and found.config == config and not found.training
    assert sorted(path.name for path in tmp_path.iterdir()) == [CARD, WEIGHTS]


def test_a_head_is_refused_over_other_encoders(tmp_path):
    """Another CLAP, or another text encoder, is named with what is wanted."""
    save_head(RewardHead(HeadConfig(text_size=4, audio_size=4), seed=0), GROUND, tmp_path)
    with pytest.raises(StudioError, match="sounds embedded by clap a1, and these are by clap b2"):
        load_head(tmp_path, audio="clap b2")
    with pytest.raises(StudioError, match="prompts embedded by clap a1, and these are by t5"):
        load_head(tmp_path, text="t5")


def test_broken_files_have_a_sentence(tmp_path):
    """No card, an unknown key, weights of another shape, and weights cut short."""
    with pytest.raises(StudioError, match=r"card .* cannot be read"):
        load_head(tmp_path)
    save_head(RewardHead(HeadConfig(text_size=4, audio_size=4), seed=0), GROUND, tmp_path)
    card = json.loads((tmp_path / CARD).read_text())
    for change, said in (
        ({"head": card["head"] | {"depth": 3}}, "depth"),
        ({"head": card["head"] | {"hidden": [7]}}, "do not fit its card"),
    ):
        (tmp_path / CARD).write_text(json.dumps(card | change))
        with pytest.raises(StudioError, match=said):
            load_head(tmp_path)
    (tmp_path / CARD).write_text(json.dumps(card))
    (tmp_path / WEIGHTS).write_bytes((tmp_path / WEIGHTS).read_bytes()[:-9])
    with pytest.raises(StudioError, match="weights of the reward model .* cannot be read"):
        load_head(tmp_path)
