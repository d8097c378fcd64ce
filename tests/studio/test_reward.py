"""Reward models from campaigns: learned, measured, kept, scored with, marked, and said no to."""

import json
from collections import Counter

import numpy as np
import pytest

from components.reward_figures import reward_figure
from pipelines.errors import StudioError
from pipelines.reward.stretches import Stretches
from pipelines.splits import split_of
from studio.refusals import Conflict, NotAllowed, Unknown
from studio.services.reward import sources as reading
from studio.services.services import Services
from studio.visitors import HERE
from tests.studio.casting import cast
from tests.studio.judged import BandEngines, labelled, lows, preferred
from tests.studio.small_campaign import small_campaign

QUICK = {"preset": "paper", "epochs": 12, "seed": 1}
ONCE = {**QUICK, "epochs": 1}


@pytest.fixture
def services(config):
    """Sines, and a CLAP that can tell low ones from high ones; nobody at work but the test."""
    opened = Services(config, BandEngines(config))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """Open services with a campaign of 100 labels by two people, and the reward model of it."""
    from studio.config import Config

    opened = Services(config := Config(data=tmp_path_factory.mktemp("data")), BandEngines(config))
    campaign = labelled(opened.store, voters=("ann", "bea"), title="Low sines")
    reward = opened.reward.submit(HERE, campaigns=[campaign], settings=QUICK)
    waiting = opened.reward.view(reward, HERE)
    while opened.worker.run_next():
        pass
    yield opened, campaign, reward, waiting
    opened.close()


def train(services, *campaigns, owner=HERE, **asked):
    """A training from its beginning to its end; the view."""
    asked = {"settings": QUICK, **asked}
    return services.reward.train_now(owner, lambda *_: None, campaigns=list(campaigns), **asked)


def test_a_reward_model_tells_low_sines_from_high_ones(taught):
    """Labels with one slip in ten: the AUC is far above CLAP's, and the verdict says so."""
    services, campaign, reward, _ = taught
    found = services.reward.view(reward, HERE)
    assert (found["status"], found["progress"], found["error"]) == ("done", 1.0, None)
    assert (found["title"], found["task"]) == ("Reward of Low sines", "integrity")
    assert (found["labels"], found["pairs"], found["prompts"]) == (60, 0, 12)
    auc = found["figures"]["reward"]["auc"]
    assert auc["low"] > 0.6 > found["figures"]["clap"]["auc"]["value"] and auc["low"] < auc["value"]
    assert found["figures"]["difference"]["auc"]["low"] > 0
    assert found["auc"] == auc and found["figures"]["by_task"] == {}
    assert "CLAP alone" in found["verdict"][0]
    assert json.loads(json.dumps(found)) == found


def test_few_labels_are_measured_by_folds_and_the_view_says_so(taught):
    """Five folds of twelve groups; the head that is kept learned from all, as long as was best."""
    services, _, reward, _ = taught
    found = services.reward.view(reward, HERE)
    assert (found["measured_on"], found["folds"]) == ("all prompts, by folds", 5)
    assert found["data"]["splits"] == {"train": 60, "dev": 0, "test": 0}
    assert found["data"]["groups"] == 12
    assert [epoch["number"] for epoch in found["history"]] == list(range(1, 13))
    best = min(found["history"], key=lambda epoch: epoch["dev_loss"])
    assert found["kept"] == best["number"]
    assert set(found["took"]) == {"load", "embed", "train", "measure"}


def test_many_labels_have_a_test_split_of_other_groups(services, monkeypatch):
    """Forty groups, with five held out counting as enough: train, dev and test by the exports' rule."""
    monkeypatch.setattr("studio.services.reward.lesson.LEAST_HELD_OUT", 5)
    campaign = labelled(services.store, prompts=40, systems=3)
    found = train(services, campaign, settings={**QUICK, "epochs": 3})
    expected = Counter(split_of(f"prompt: prompt {n}") for n in range(40) for _ in range(3))
    assert found["data"]["splits"] == dict(expected) and expected["test"] >= 5
    assert found["measured_on"] == "held-out prompts" and found["folds"] is None
    assert found["figures"]["reward"]["auc"]["count"] == expected["test"]
    assert [epoch["number"] for epoch in found["history"]] == [1, 2, 3]


def test_what_waits_is_seen_with_its_data_and_without_figures(taught):
    """Settings whole, the seed told, nothing made up."""
    _, campaign, reward, waiting = taught
    assert (waiting["id"], waiting["status"], waiting["is_over"]) == (reward, "waiting", False)
    assert waiting["settings"]["learning_rate"] == 0.01 and waiting["seed"] == 1
    assert waiting["campaigns"] == [campaign]
    for name in ("figures", "histogram", "calibration", "disagreements", "auc", "measured_on"):
        assert waiting[name] is None
    assert waiting["verdict"] == [] and waiting["history"] == []


def test_histogram_calibration_and_curves_can_be_drawn(taught):
    """Figure 4's bars hold every sound once; CLAP's too."""
    services, _, reward, _ = taught
    found = services.reward.view(reward, HERE)
    for who in ("reward", "clap"):
        bars = found["histogram"][who]
        assert sum(sum(bars[label]["counts"]) for label in "01") == auc_count(found)
    assert sum(bin["aligned"]["count"] for bin in found["calibration"]) == auc_count(found)
    for name in ("curves", "histogram", "calibration"):
        assert reward_figure(name, found)["data"]


def auc_count(found) -> int:
    return found["figures"]["reward"]["auc"]["count"]


def test_the_sounds_to_hear_are_those_on_which_they_differ_most(taught):
    """Furthest first, without a hash in what is told; the file is the sound as it was made."""
    services, campaign, reward, _ = taught
    told = services.reward.view(reward, HERE)["disagreements"]
    gaps = [abs(one["reward"] - one["label"]) for one in told]
    assert gaps == sorted(gaps, reverse=True) and gaps[0] > 0.5 and len(told) == 12
    sources = {clip.source for clip in services.store.campaigns.clips(campaign)}
    assert not any(source in json.dumps(told) for source in sources)
    assert told[3]["sound"] == f"reward/{reward}/sounds/3.wav" and told[3]["raters"] == 2
    assert services.reward.sound(reward, HERE, 3).stem in sources
    with pytest.raises(Unknown, match="no sound 13 to listen to"):
        services.reward.sound(reward, HERE, 12)


def test_the_kept_model_scores_other_sounds_and_says_whose_ear_it_has(taught):
    """Low sines get more than high ones; its name tells the task, its card the figures."""
    services, campaign, reward, _ = taught
    scorer = services.reward.scorer(reward, HERE)
    clips, low = services.store.campaigns.clips(campaign), lows(services.store, campaign)
    sounds = [services.store.clips.read(clip.source)[0] for clip in clips]
    scores = scorer.score(sounds, 16_000, [f"prompt {clip.prompt}" for clip in clips])
    is_low = np.array([low[clip.prompt, clip.system] for clip in clips])
    assert scores[is_low].mean() > scores[~is_low].mean() + 0.2
    assert scorer.trained_on == "integrity judged by people"
    told = scorer.ground.trained_on
    assert told["campaigns"] == [campaign] and told["settings"]["seed"] == 1
    assert scorer.ground.figures["reward"]["auc"] == services.reward.view(reward, HERE)["auc"]
    assert services.reward.scorer("clap").name == "CLAP"


def test_equal_seeds_give_equal_bytes_and_others_do_not(taught):
    """The weights, the figures and the rewards of the folds."""
    services, campaign, reward, _ = taught
    again = train(services, campaign)["id"]
    other = train(services, campaign, settings={**QUICK, "seed": 2})["id"]
    folders = [services.reward.training.folder(one) for one in (reward, again, other)]
    for name in ("reward.safetensors", "heldout.json", "figures.json", "history.jsonl"):
        one, same, different = ((folder / name).read_bytes() for folder in folders)
        assert one == same and one != different, name
    assert not list(folders[0].glob("*.pt"))  # states are gone once it is done


def test_sounds_are_embedded_once(taught, monkeypatch):
    """A second training on the same sounds asks CLAP for no sound again."""
    services, campaign, _, _ = taught
    monkeypatch.setattr(services.engines.clap(), "embed_audio", lambda *_: pytest.fail("again"))
    assert train(services, campaign, settings=ONCE)["status"] == "done"


def test_votes_between_two_sounds_teach_alone_and_beside_labels(services):
    """Pairs alone have the share of votes told right; with labels both kinds have their figures."""
    votes = preferred(services.store, title="Battles")
    found = train(services, votes)
    assert found["task"] == "preference" and found["labels"] == 0 and found["pairs"] == 18
    assert found["figures"]["reward"]["pairs"]["value"] > 0.8
    assert found["figures"]["reward"]["pairs"]["low"] < 1
    assert found["auc"] is None and found["histogram"] is None and found["calibration"] is None
    assert found["data"]["left_out"] == {"pairs: tie": 18}
    both = train(services, labelled(services.store, prompts=4), votes, settings=ONCE)
    assert both["task"] == "integrity + preference" and both["title"].endswith("and 1 more")
    assert {"auc", "pairs"} <= set(both["figures"]["clap"]) and both["pairs"] == 18


def test_two_tasks_are_measured_apart_too(services):
    """Both tasks' labels count, and each has its own AUC."""
    campaigns = [labelled(services.store, task, prompts=6) for task in ("integrity", "temporal")]
    found = train(services, *campaigns, settings=ONCE)
    assert found["task"] == "integrity + temporal"
    assert set(found["figures"]["by_task"]) == {"integrity", "temporal"}
    counts = [t["reward"]["auc"]["count"] for t in found["figures"]["by_task"].values()]
    assert sum(counts) == auc_count(found) == 60
    assert "30 sounds were labelled for integrity and for order" in found["notices"][0]


def test_simulated_listeners_are_marked_everywhere(services):
    """In sources, list, view, verdict, card and scorer."""
    campaign = labelled(services.store, prompts=4, voters_are="simulated")
    [source] = services.reward.sources(HERE)["sources"]
    found = train(services, campaign, settings=ONCE)
    [listed] = services.reward.models(HERE)
    assert source["simulated"] and found["simulated"] and listed["simulated"]
    assert any("simulated" in sentence for sentence in found["verdict"])
    scorer = services.reward.scorer(found["id"])
    assert (
        scorer.ground.simulated and scorer.trained_on == "integrity judged by simulated listeners"
    )


def test_people_and_simulated_listeners_are_never_mixed(services):
    """One sentence, and no job."""
    people = labelled(services.store, prompts=3)
    simulated = labelled(services.store, prompts=3, voters_are="simulated")
    with pytest.raises(StudioError, match="never mixed"):
        train(services, people, simulated)
    assert services.reward.models(HERE) == []


def test_sources_say_what_each_could_teach(services):
    """Counts of labels and pairs; why not, in a sentence each."""
    baton = labelled(services.store, prompts=3)
    pairs = preferred(services.store, prompts=3)
    mos = small_campaign(services.store, "mos")
    empty = small_campaign(services.store, "temporal")
    unsure = small_campaign(services.store, "integrity")
    cast(services.store, unsure, "ann", 0, ("s0",), None, kind="set",
         scores=((0, "integrity", None),))  # fmt: skip
    tied = small_campaign(services.store)
    cast(services.store, tied, "ann", 0, ("s0", "s1"), "tie")
    labelled(services.store, owner="somebody else")
    found = {one["id"]: one for one in services.reward.sources(HERE)["sources"]}
    assert list(found) == [
        tied,
        unsure,
        empty,
        mos,
        pairs,
        baton,
    ]  # newest first, and only one's own
    told = found[baton]
    assert (told["task"], told["rubric"], told["status"]) == ("baton", "integrity", "open")
    assert told["labels"] == told["aligned"] + told["not_aligned"] == 15 and told["prompts"] == 3
    assert told["why_not"] is None and told["simulated"] is False
    assert found[pairs]["task"] == "pairwise" and found[pairs]["pairs"] > 0
    assert "Scores teach no reward model" in found[mos]["why_not"]
    assert "Nobody has voted" in found[empty]["why_not"]
    assert "“uncertain”" in found[unsure]["why_not"] and found[unsure]["uncertain"] == 1
    assert "No vote in it prefers" in found[tied]["why_not"]


def test_several_raters_become_one_label_as_asked(services):
    """Two people who differ: a half by the mean, left out by the majority, and counted."""
    campaign = labelled(services.store, voters=("ann", "bea", "cid", "dan"), slips=0.3)
    _, mean = reading.gather(services.store, HERE, [campaign])
    _, majority = reading.gather(services.store, HERE, [campaign], agreeing="majority")
    halves = sum(one.target == 0.5 for one in mean.material.examples)
    assert halves > 0 and {one.target for one in mean.material.examples} > {0.25, 0.5}
    assert {one.target for one in majority.material.examples} == {0.0, 1.0}
    assert majority.left_out == {"sounds with an even split": halves}


def test_a_sound_that_is_gone_is_left_out_and_counted(services):
    """Its label teaches nothing; the others do."""
    campaign = labelled(services.store, prompts=4)
    clip = services.store.campaigns.clips(campaign)[0]
    services.store.clips.path(clip.source).unlink()
    found = train(services, campaign, settings=ONCE)
    assert found["labels"] == 19
    assert found["data"]["left_out"] == {"labels or pairs whose sound is no longer on the disk": 1}


def test_votes_that_come_later_are_not_part_of_a_training(services, work):
    """What is learned from is what was there when it was asked for."""
    campaign = labelled(services.store, prompts=6)
    reward = services.reward.submit(HERE, campaigns=[campaign], settings=ONCE)
    for place in range(6):
        cast(services.store, campaign, "eve", place, ("s0",), None, kind="set",
             scores=((0, "integrity", 1.0),))  # fmt: skip
    work(services)
    found = services.reward.view(reward, HERE)
    assert found["labels"] == auc_count(found) == 30


def test_a_reward_model_is_its_owner_s_alone(taught):
    """Neither seen, heard, scored with, stopped nor removed by others; nor can their votes be used."""
    services, campaign, reward, _ = taught
    assert services.reward.models("somebody else") == []
    for door in (
        lambda: services.reward.view(reward, "somebody else"),
        lambda: services.reward.sound(reward, "somebody else", 0),
        lambda: services.reward.scorer(reward, "somebody else"),
        lambda: services.reward.stop(reward, "somebody else"),
        lambda: services.reward.remove(reward, "somebody else"),
        lambda: services.reward.sides(reward, "somebody else", "x"),
    ):
        with pytest.raises(Unknown, match="no such reward model"):
            door()
    with pytest.raises(NotAllowed):
        train(services, campaign, owner="somebody else")


def test_removed_it_is_gone_from_list_and_disk(services):
    """The votes stay; a second removal finds nothing; one that waits must be stopped first."""
    campaign = labelled(services.store, prompts=4)
    reward = train(services, campaign, settings=ONCE)["id"]
    folder = services.reward.training.folder(reward)
    assert folder.is_dir()
    services.reward.remove(reward, HERE)
    assert not folder.exists() and services.reward.models(HERE) == []
    with pytest.raises(Unknown):
        services.reward.remove(reward, HERE)
    waiting = services.reward.submit(HERE, campaigns=[campaign], settings=QUICK)
    with pytest.raises(Conflict, match="stop it first"):
        services.reward.remove(waiting, HERE)
    with pytest.raises(Conflict, match="is waiting, so it scores nothing"):
        services.reward.scorer(waiting)
    assert services.reward.stop(waiting, HERE) and not services.reward.stop(waiting, HERE)
    services.reward.remove(waiting, HERE)


def test_a_model_without_a_t5_is_said_to_have_none(services):
    """The sines have none: one sentence, and what to choose."""
    campaign = labelled(services.store, prompts=3)
    found = train(services, campaign, settings={**ONCE, "text": "t5"})
    assert (found["status"], found["figures"]) == ("failed", None)
    assert found["error"] == (
        "The model embedded has no T5 that could read prompts; choose clap as the text."
    )


@pytest.mark.slow
@pytest.mark.parametrize(("text", "preset"), [("clap+t5", "ours"), ("t5", "ours"), ("t5", "paper")])
def test_prompts_are_read_by_the_t5_of_the_model_that_we_ship(config, text, preset):
    """Our own CLAP and T5: trained, kept, and as a scorer equal to what it foretells of its sounds."""
    services = Services(config)
    campaign = labelled(services.store, prompts=5, systems=3)
    found = train(
        services, campaign, settings={"text": text, "preset": preset, "epochs": 3, "seed": 0}
    )
    assert found["error"] is None and found["settings"]["text"] == text
    revision = services.engines.backend("embedded").revision
    assert found["versions"]["text"].endswith(f"t5 {revision}")
    scorer = services.reward.scorer(found["id"])
    width = {"clap+t5": Stretches(size=128).text_size + 192, "t5": 192}[text]
    assert scorer.head.config.text_size == width
    assert scorer.head.config.starts_as_clap == (text == "clap+t5")
    clip = services.store.campaigns.clips(campaign)[0]
    audio, rate = services.store.clips.read(clip.source)
    assert 0 <= scorer.score([audio], rate, ["prompt 0"])[0] <= 1
    services.close()
