from collections import Counter

import numpy as np
import pytest

from pipelines.soundworld.events import LABELS
from pipelines.soundworld.listeners import Hearing
from studio.refusals import Conflict, Unknown
from studio.visitors import HERE
from tests.studio.campaigning import TWO, made_campaign
from tests.studio.small_campaign import small_campaign


class LevelListener:
    """Hears the dog as plainly as a sound is loud in its first half, and no rain."""

    revision = "level"

    def hear(self, audio: np.ndarray, sample_rate: int) -> Hearing:
        frames = 50
        probability = np.full((frames, len(LABELS)), 0.05)
        early = float(np.abs(audio[:, : audio.shape[1] // 2]).mean())
        late = float(np.abs(audio[:, audio.shape[1] // 2 :]).mean())
        share = early / max(1e-6, early + late)
        probability[: round(frames * share), LABELS.index("Dog")] = 0.2 + 0.7 * share
        return Hearing(times=np.arange(frames) / 12.5, probability=probability,
                       activity=probability > 0.5, labels=LABELS, events=[])  # fmt: skip


@pytest.fixture
def simulated(services, monkeypatch):
    """A studio whose listener is the one above."""
    monkeypatch.setattr(services.engines, "_load_listener", lambda name: LevelListener())
    return services


def simulate(services, campaign, **wishes):
    """Three voters."""
    return services.simulated_voters.simulate(campaign, **{"voters": 3, "seed": 1, **wishes})


def said(services, campaign):
    """The votes without what differs by its nature: ids and moments."""
    return [
        (vote.voter, vote.kind, vote.prompt, vote.system_a, vote.take_a, vote.system_b, vote.take_b,
         vote.outcome, sorted(vote.aspects.items()), vote.scores, vote.heard, vote.decision_ms)
        for vote in services.store.votes.live_votes(campaign)
    ]  # fmt: skip


def test_battles_are_voted_on_and_marked(either, work, monkeypatch):
    """On both databases. Every vote is of a simulated voter, with aspects; progress counts them."""
    monkeypatch.setattr(either.engines, "_load_listener", lambda name: LevelListener())
    found = made_campaign(either, work, "a dog barks", voters="simulated", votes_wanted=50)
    done = simulate(either, found["id"], votes_each=5)
    votes = either.store.votes.live_votes(found["id"])
    assert done["votes"] == len(votes) > 10
    assert (done["simulated"], done["listener"]) == (True, "annotator@level")
    kinds = {either.store.votes.kind_of(vote.voter) for vote in votes}
    assert kinds == {"simulated"}
    assert {vote.interface for vote in votes} == {"simulated listener level"}
    assert set(votes[0].aspects) == {"quality", "relevance"}
    assert len({vote.voter for vote in votes}) == 3
    view = either.campaigns.view(found["id"], HERE)
    assert view["voters"] == "simulated" and view["progress"]["votes"] > 0


def test_the_same_seed_gives_the_same_votes(simulated, work):
    """In two campaigns of one definition; another seed gives others."""
    ids = [
        made_campaign(
            simulated, work, "a dog barks", voters="simulated", votes_wanted=50, gold=0.0
        )["id"]
        for _ in range(3)
    ]
    for campaign, seed in zip(ids, (1, 1, 2), strict=True):
        simulate(simulated, campaign, seed=seed, voters=2, votes_each=4)
    one, two, three = ([row[7:] for row in said(simulated, campaign)] for campaign in ids)
    assert one == two != three


@pytest.mark.parametrize("task", ["integrity", "temporal", "mos", "ovl_rel"])
def test_sets_are_scored_on_their_scales(simulated, work, task):
    """Labels 1, 0 or uncertain; 1 to 5; 0 to 100; every sound for every aspect."""
    systems = TWO if task in ("mos", "ovl_rel") else TWO[:1]
    found = made_campaign(simulated, work, "a dog barks\na dog barks then rain falls", task=task,
                          template=None, systems=systems, voters="simulated", takes=2)  # fmt: skip
    simulate(simulated, found["id"])
    values = Counter(
        value for vote in simulated.store.votes.live_votes(found["id"]) for *_, value in vote.scores
    )
    allowed = {
        "integrity": {0, 1, None}, "temporal": {0, 1, None}, "mos": set(range(1, 6)),
        "ovl_rel": set(range(101)),
    }[task]  # fmt: skip
    assert values and set(values) <= allowed


def test_a_second_run_goes_on(simulated, work):
    """Two votes each first; then the rest of one voter, none twice."""
    found = made_campaign(simulated, work, "a dog barks", voters="simulated", votes_wanted=50)
    first = simulate(simulated, found["id"], votes_each=2)
    assert first["votes"] == 6
    rest = simulate(simulated, found["id"], voters=1)
    assert simulate(simulated, found["id"], voters=1)["votes"] == 0
    assert len(simulated.store.votes.live_votes(found["id"])) == 6 + rest["votes"]


def test_never_among_people(simulated):
    """A campaign for people refuses them, and one that is not there does."""
    campaign = small_campaign(simulated.store)
    with pytest.raises(Conflict, match="only in campaigns made for them"):
        simulate(simulated, campaign)
    with pytest.raises(Unknown, match="There is no such campaign here"):
        simulate(simulated, "0" * 32)
    assert simulated.store.votes.live_votes(campaign) == []


def test_what_the_listener_does_not_know_is_skipped(simulated):
    """A prompt of unknown words gets no verdict made up."""
    campaign = small_campaign(simulated.store, voters="simulated", prompts=1)
    done = simulate(simulated, campaign)
    assert done["skips"] == done["votes"] > 0
    assert {vote.outcome for vote in simulated.store.votes.live_votes(campaign)} == {"skip"}
    sets = small_campaign(simulated.store, task="mos", voters="simulated", prompts=1)
    simulate(simulated, sets)
    assert {vote.outcome for vote in simulated.store.votes.live_votes(sets)} == {"skip"}
