"""What a training may be asked for: presets, limits, too little to learn from; a sentence for each."""

import pytest

from pipelines.errors import StudioError
from pipelines.reward.plans import OURS, PAPER
from studio.refusals import Unknown
from studio.services.reward.request import check_settings, preset, presets, settings_from_plain
from studio.services.reward.sources import gather
from studio.services.services import Services
from studio.visitors import HERE
from tests.studio.casting import cast
from tests.studio.judged import BandEngines, labelled
from tests.studio.small_campaign import small_campaign


@pytest.fixture
def services(config):
    """Sines, and a CLAP that can tell low ones from high ones."""
    opened = Services(config, BandEngines(config))
    yield opened
    opened.close()


def test_the_presets_are_the_paper_s_and_ours():
    """50 epochs of 64 at 0.01 over CLAP's text; ours as pipelines.reward says, text by the labels."""
    paper, ours = preset("paper"), preset("ours")
    assert paper.plan() == PAPER and ours.plan() == OURS
    assert (paper.text, ours.text) == ("clap", None)
    assert presets()["paper"]["hidden"] == [256] and presets()["ours"]["seed"] is None
    assert check_settings({}).preset == "ours"
    assert check_settings({"preset": "paper", "epochs": None}).epochs == 50


def test_settings_come_back_as_they_were_kept():
    """Through JSON and back, equal."""
    found = check_settings({"hidden": [32, 16], "learning_rate": 0.002, "seed": 5, "loss": "mse"})
    assert settings_from_plain(found.plain()) == found and found.hidden == (32, 16)


def test_a_seed_that_is_not_given_is_drawn():
    """Two of them differ, and each is told."""
    seeds = {check_settings({}).seed for _ in range(3)}
    assert len(seeds) == 3 and all(isinstance(seed, int) for seed in seeds)


def test_the_text_encoder_is_chosen_by_the_number_of_labels_unless_it_is_named():
    """CLAP's alone under 300, with a T5's beside it from there."""
    free, named = check_settings({}), check_settings({"text": "t5"})
    assert [free.for_count(n).text for n in (60, 299, 300)] == ["clap", "clap", "clap+t5"]
    assert named.for_count(10).text == "t5"


WRONG = {
    "an unknown setting": ({"momentum": 0.9}, "no setting 'momentum'; known are preset"),
    "a list of settings": ([1], "The settings are a list; send an object"),
    "another preset": ({"preset": "theirs"}, "preset is 'theirs'; choose from ours, paper"),
    "another text": ({"text": "bert"}, "text is 'bert'; choose from clap, clap.t5, t5"),
    "another loss": ({"loss": "l1"}, "loss is 'l1'; choose from bce, mse"),
    "a loss that is a list": ({"loss": ["bce"]}, "choose from bce, mse"),
    "a preset that is an object": ({"preset": {}}, "choose from ours, paper"),
    "no epochs": ({"epochs": 0}, "number of epochs is 0; give a number from 1 to 1000"),
    "half an epoch": ({"epochs": 1.5}, "number of epochs is 1.5; give a whole number"),
    "true epochs": ({"epochs": True}, "number of epochs is True"),
    "a rate of nothing": ({"learning_rate": 0}, "learning rate is 0"),
    "a rate that is no number": ({"learning_rate": "fast"}, "learning rate is fast"),
    "a share above one": ({"pair_share": 1.1}, "share of pairs is 1.1; give a number from 0 to 1"),
    "five layers": ({"hidden": [1] * 5}, "5 hidden layers; give at most 4"),
    "a layer of words": ({"hidden": "wide"}, "width of a hidden layer is wide"),
    "a layer too wide": ({"hidden": [9999]}, "width of a hidden layer is 9999"),
    "a seed below nought": ({"seed": -1}, "seed is -1"),
    "a seed of words": ({"seed": "x"}, "seed is x"),
    "a seed with a half": ({"seed": 0.5}, "seed is 0.5"),
    "another way to agree": (
        {"agreeing": "best"},
        "agreeing is 'best'; choose from mean, majority",
    ),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_setting_is_refused_in_a_sentence(fault):
    """What was got, what is allowed."""
    settings, sentence = WRONG[fault]
    with pytest.raises(StudioError, match=sentence):
        check_settings(settings)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"campaigns": []}, "No campaigns are chosen"),
        ({"campaigns": None}, "a list of their ids"),
        ({"campaigns": "abc"}, "a list of their ids"),
        ({"campaigns": [1]}, "a list of their ids"),
        ({"campaigns": ["a"] * 51}, "51 campaigns are chosen; choose 1 to 50"),
        ({"campaigns": ["../../etc/passwd"]}, "no such campaign"),
        ({"campaigns": ["0" * 32]}, "no such campaign"),
    ],
)
def test_campaigns_that_are_none_are_refused(services, asked, sentence):
    """Before anything is read or kept."""
    with pytest.raises(StudioError, match=sentence):
        services.reward.submit(HERE, **asked)
    assert not (services.config.data / "rewards").exists()


def test_a_title_is_one_line_of_words(services):
    """Too long or no text: refused; empty: the campaigns' own."""
    campaign = labelled(services.store, prompts=3, title="Dogs")
    for title, sentence in (("x" * 999, "title has 999 characters"), ([1], "title is a list")):
        with pytest.raises(StudioError, match=sentence):
            services.reward.submit(HERE, campaigns=[campaign], title=title)
    reward = services.reward.submit(HERE, campaigns=[campaign], title="  ")
    assert services.reward.view(reward, HERE)["title"] == "Reward of Dogs"


def test_what_teaches_nothing_is_refused_with_its_reason(services):
    """Scores, no votes: the sentence of its source, and which campaign it is."""
    for task, reason in (("mos", "Scores teach no reward"), ("integrity", "Nobody has voted")):
        campaign = small_campaign(services.store, task, title="Mine")
        with pytest.raises(StudioError, match=f"“Mine” cannot teach a reward model: {reason}"):
            services.reward.submit(HERE, campaigns=[campaign])


def test_labels_of_one_kind_or_of_two_prompts_are_too_little(services):
    """All aligned: nothing to tell apart; two prompts: nothing to measure on."""
    aligned = small_campaign(services.store, "integrity", 1, 4)
    for prompt in range(4):
        cast(services.store, aligned, "ann", prompt, ("s0",), None, kind="set",
             scores=((0, "integrity", 1.0),))  # fmt: skip
    with pytest.raises(StudioError, match="All 4 labelled sounds are aligned, so there is nothing"):
        services.reward.submit(HERE, campaigns=[aligned])
    few = labelled(services.store, prompts=2)
    with pytest.raises(StudioError, match="asks for 2 different sets of events; at least 3"):
        services.reward.submit(HERE, campaigns=[few])


def test_phrasings_of_the_same_events_are_one_group_whichever_campaign_asks(services):
    """Labels of the prompt in one campaign hold for its words in another, so that no split parts them."""
    events = [("Dog", "Rain"), ("Bell", "Cat"), ("Wind", "Duck")]
    rows = [
        {"text": f"{one} then {other} {n}", "seconds": 0.2, "labels": [one, other], "tags": []}
        for one, other in events
        for n in range(2)
    ]
    bare = [{**row, "labels": []} for row in rows[:2]]
    told = labelled(services.store, prompts_as=rows)
    untold = labelled(services.store, "temporal", prompts_as=bare)
    _, found = gather(services.store, HERE, [told, untold])
    assert {one.group for one in found.material.examples} == {
        "labels: dog + rain", "labels: bell + cat", "labels: duck + wind"
    }  # fmt: skip


def test_an_id_that_is_no_reward_model_is_unknown(services):
    """A path, a campaign's id, nothing."""
    campaign = small_campaign(services.store)
    for wrong in ("../../studio.db", campaign, ""):
        with pytest.raises(Unknown, match="no such reward model"):
            services.reward.view(wrong, HERE)
