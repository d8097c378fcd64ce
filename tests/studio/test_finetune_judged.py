"""How judgements become weights: shares of labels, shares of wins, and nothing of other people's."""

import pytest

from pipelines.errors import StudioError
from studio.refusals import NotAllowed, Unknown
from studio.services.finetune.judged import judged
from studio.visitors import HERE
from tests.studio.casting import cast
from tests.studio.fake_training import label, labelled
from tests.studio.small_campaign import small_campaign

OTHER = "b" * 32


def weights(found):
    return {one.caption: one.weight for one in found.sounds}


def test_a_label_is_the_share_that_calls_it_aligned(services):
    """Uncertain labels count for nothing; where all are, the sound is left out, and counted."""
    campaign = labelled(services, ones=2, zeros=1)
    label(services, campaign, 0, 0.0, voter=OTHER)
    label(services, campaign, 1, None, voter=OTHER)
    found = judged(services.store, HERE, [campaign])
    assert list(weights(found).values()) == [0.0, 0.5, 1.0]  # by caption: cat, dog, siren
    assert found.left_out == {}
    assert (found.tasks, found.simulated) == (("integrity",), False)
    unsure = small_campaign(services.store, "integrity", 1, 2, seconds=0.5)
    label(services, unsure, 0, None)
    label(services, unsure, 1, 1.0)
    both = judged(services.store, HERE, [campaign, unsure])
    assert both.left_out == {"sounds of which nobody was sure": 1}
    assert len(both.sounds) == 4


def test_a_battle_is_the_share_that_was_won(services):
    """A wins 3 of 4 and ties 1: (3 + 1/2) / 4; both bad is lost for both; it is said how."""
    campaign = small_campaign(services.store, "pairwise", systems=2, prompts=1)
    for voter, outcome in (("1", "a"), ("2", "a"), ("3", "a"), ("6", "tie")):
        cast(services.store, campaign, voter * 32, 0, ("s0", "s1"), outcome)
    found = judged(services.store, HERE, [campaign])
    assert sorted(one.weight for one in found.sounds) == pytest.approx([0.5 / 4, 3.5 / 4])
    cast(services.store, campaign, "4" * 32, 0, ("s1", "s0"), "both_bad")
    cast(services.store, campaign, "5" * 32, 0, ("s0", "s1"), "skip")
    found = judged(services.store, HERE, [campaign])
    assert sorted(one.weight for one in found.sounds) == pytest.approx([0.5 / 5, 3.5 / 5])
    assert sum(found.left_out.values()) == 1
    assert "share of its votes that it won" in found.notices[0]


def test_a_label_is_read_before_a_battle(services):
    """The same sound in both: what was said of it by itself counts."""
    prompts = [{"text": "rain falls", "seconds": 0.2, "labels": [], "tags": []}]
    battle = small_campaign(services.store, "pairwise", systems=2, prompts=prompts)
    cast(services.store, battle, "1" * 32, 0, ("s0", "s1"), "b")
    single = small_campaign(services.store, "integrity", systems=1, prompts=prompts)
    label(services, single, 0, 1.0)
    clip = services.store.campaigns.clips(single)[0].source
    found = judged(services.store, HERE, [battle, single])
    assert {one.clip: one.weight for one in found.sounds}[clip] == 1.0


def test_only_ones_own_campaigns_of_one_kind(services):
    """Others' are refused, simulated ones are never mixed in, scores are no labels."""
    mine = labelled(services)
    with pytest.raises(NotAllowed):
        judged(services.store, OTHER, [mine])
    with pytest.raises(Unknown):
        judged(services.store, HERE, ["0" * 32])
    simulated = labelled(services, voters="simulated")
    assert judged(services.store, HERE, [simulated]).simulated
    with pytest.raises(StudioError, match="never mixed"):
        judged(services.store, HERE, [mine, simulated])
    scores = small_campaign(services.store, "mos", systems=1)
    with pytest.raises(StudioError, match="“A small campaign” has nothing to fine-tune on: Scores"):
        judged(services.store, HERE, [scores])
    with pytest.raises(StudioError, match="nothing to fine-tune on: Nobody has voted"):
        judged(services.store, HERE, [small_campaign(services.store, "integrity", systems=1)])


def test_a_sound_that_is_gone_is_left_out(services):
    """And counted; where all are gone that is the sentence."""
    campaign = labelled(services, ones=1, zeros=1)
    first, second = (clip.source for clip in services.store.campaigns.clips(campaign))
    services.store.clips.path(first).unlink()
    found = judged(services.store, HERE, [campaign])
    assert found.left_out == {"sounds that are no longer on the disk": 1}
    services.store.clips.path(second).unlink()
    with pytest.raises(StudioError, match="None of the judged sounds can be used: 2 sounds that"):
        judged(services.store, HERE, [campaign])
