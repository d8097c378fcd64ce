"""CRPO in its real process: a reward that was trained here ranks, and pairs of votes and labels join in."""

import pytest

from studio.config import Config
from studio.services.finetune import listening, run
from studio.services.services import Services
from studio.visitors import HERE
from tests.studio.casting import cast
from tests.studio.fake_improving import CRPO_PACE
from tests.studio.fake_training import CAPTIONS
from tests.studio.small_campaign import small_campaign

pytestmark = pytest.mark.slow
SHARE, WEIGHT = 0.5, 0.25
SETTINGS = {"iterations": 1, "prompts": 2, "candidates": 2, "steps": 2, "pairs": 4, "rank": 2,
            "seed": 5, "given_share": SHARE, "reward_weight": WEIGHT}  # fmt: skip


@pytest.fixture
def services(tmp_path, monkeypatch):
    """The embedded model and its CLAP themselves, one prompt to listen to, no probe."""
    monkeypatch.setattr(run, "HELD_OUT", 1)
    monkeypatch.setattr(listening, "HELD_OUT", 1)
    opened = Services(Config(data=tmp_path / "data", device="cpu"))
    object.__setattr__(opened.finetune.estimates, "probe", lambda *asked: dict(CRPO_PACE))
    yield opened
    opened.close()


def judged(services) -> tuple[str, str]:
    """A campaign of labels and one of battles, both of simulated listeners, to whom s0 is the better.

    The battle's pair is one of the labels', so that it counts once, as a vote.
    """
    prompts = [{"text": text, "seconds": 0.5, "labels": [], "tags": []} for text in CAPTIONS]
    told = {"seconds": 0.5, "voters": "simulated"}
    labels = small_campaign(services.store, "integrity", 2, prompts, title="Labels", **told)
    battles = small_campaign(services.store, "pairwise", 2, prompts[:1], title="Battles", **told)
    for prompt in range(len(prompts)):
        for system, value in (("s0", 1.0), ("s1", 0.0)):
            cast(services.store, labels, "sim", prompt, (system,), None, kind="set",
                 scores=((0, "integrity", value),))  # fmt: skip
    cast(services.store, battles, "sim", 0, ("s0", "s1"), "a")
    return labels, battles


def test_a_trained_reward_ranks_and_pairs_of_votes_and_labels_join_in(services, work):
    """It ends, its adapter is a model, and its record names the reward, the share and every origin."""
    labels, battles = judged(services)
    reward = services.reward.submit(
        HERE, campaigns=[labels], title="Ours", settings={"epochs": 2, "seed": 1}
    )
    work(services)
    assert services.reward.view(reward, HERE)["error"] is None
    asked = {"recipe": "crpo", "title": "Mine", "reward": reward, "settings": SETTINGS,
             "campaigns": [labels, battles]}  # fmt: skip
    name = services.finetune.start(HERE, asked)
    work(services)
    found = services.finetune.views.view(name, HERE)
    assert (found["status"], found["error"], found["step"]) == ("done", None, 2), found["log"]
    assert found["data"]["ranked_by"] == "25 % “Ours” and 75 % CLAP"
    assert (found["data"]["is_world"], found["data"]["simulated"]) == (True, True)
    assert all(isinstance(one["reward"], float) for one in found["dev"])

    record = services.finetune.views.record(name, HERE)["data"]
    assert (record["reward"], record["reward_title"], record["share"]) == (reward, "Ours", SHARE)
    assert record["reward_revision"].startswith("0.75 (clap ")
    assert {one["title"] for one in record["campaigns"]} == {"Labels", "Battles"}
    [iteration] = found["iterations"]
    assert record["pairs"] == {"labels": 2, "votes": 1}
    ranked = iteration["origins"].pop("ranked")
    assert iteration["origins"] == record["pairs"]
    assert ranked + sum(iteration["left_out"].values()) == SETTINGS["prompts"]
    assert set(CAPTIONS) < set(record["prompts"]) and len(record["prompts"]) == 3 + ranked

    [model] = [one for one in services.engines.adapters.models() if one.title == "Mine"]
    assert "a simulated listener's judgements" in model.note
    assert services.engines.backend(model.name).adapter == found["model"]["hash"]
