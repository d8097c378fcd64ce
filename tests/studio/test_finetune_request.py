"""What may be asked of a fine-tuning: every fault has one sentence, and presets fill the rest."""

from pathlib import Path

import pytest

from pipelines.errors import StudioError
from studio.config import Config
from studio.services.finetune.request import check_wish, wish_from_plain
from studio.services.finetune.settings import (
    for_own_sounds,
    plan_of,
    sample_every,
    steps_of,
    usual_settings,
)

CAMPAIGN = "c" * 32


@pytest.fixture(scope="module")
def usual():
    return usual_settings("embedded")


def wish(usual, shared=False, **asked):
    config = Config(data=Path("nowhere"), shared=shared, host="0.0.0.0" if shared else None)
    return check_wish(config, {"campaigns": [CAMPAIGN], **asked}, usual)


def test_what_is_not_said_is_the_presets(usual):
    """Of the embedded base its own plan, and nothing of it typed here; the paper's where asked."""
    from pipelines.finetune.plans import EMBEDDED, PAPER

    found = wish(usual)
    assert found.recipe == "baton"
    assert found.base == "embedded"
    assert found.unlabelled == 0  # no reward: labels alone
    plan = plan_of({**found.settings, "seed": 0})
    assert plan.identity == EMBEDDED.identity
    paper = wish(usual, settings={"preset": "paper", "seed": 0})
    assert plan_of(paper.settings).identity == PAPER.identity
    assert wish(usual, reward="clap").unlabelled is None  # as many as are labelled
    assert wish_from_plain(found.plain()) == found


def test_a_folder_is_learned_from_at_all_levels(usual):
    """The base's own sounds teach at high noise alone; a creator's teach how they sound, too."""
    from pipelines.finetune.plans import EMBEDDED

    found = wish(usual, recipe="supervised", folder="f" * 32, settings={"seed": 0})
    plan = plan_of(found.settings, found.recipe)
    assert EMBEDDED.data_levels is not None
    assert plan.data_levels is None
    assert plan.levels == EMBEDDED.levels


def test_strangers_do_not_have_every_step_heard(usual):
    """Each moment costs seconds and 8 MB; at home it is one's own disk."""
    assert wish(usual, settings={"sample_every": 1}).settings["sample_every"] == 1
    with pytest.raises(StudioError, match="between samples is 1; give .*20"):
        wish(usual, shared=True, settings={"sample_every": 1})
    assert wish(usual, shared=True, settings={"sample_every": 20}).settings["sample_every"] == 20


def test_a_setting_changes_only_itself(usual):
    """Epochs take the place of steps, a rank that of all weights."""
    found = wish(usual, settings={"epochs": 3, "rank": 8, "seed": 5}).settings
    plan = plan_of(found)
    assert (plan.steps, plan.epochs, plan.adapter.rank, plan.seed) == (None, 3, 8, 5)
    assert steps_of(found, 40) == 3 * -(-40 // found["batch"])
    assert sample_every(found, 80) == 10
    assert sample_every({**found, "sample_every": 7}, 80) == 7
    whole = wish(usual, settings={"preset": "paper", "rank": 4})
    assert plan_of(whole.settings).adapter.rank == 4
    assert plan_of(wish(usual, settings={"rank": None}).settings).adapter is None


def test_plain_fine_tuning_has_no_pretraining_loss_unless_asked_for(usual):
    """And reads no campaign and no reward."""
    found = wish(usual, recipe="supervised", folder="f" * 32, reward="clap")
    assert (found.settings["beta"], found.campaigns, found.reward) == (0.0, (), None)
    asked = wish(usual, recipe="supervised", folder="f" * 32, settings={"beta": 0.25})
    assert asked.settings["beta"] == 0.25


def test_few_sounds_of_one_s_own_are_not_learned_by_heart(usual):
    """Each is seen 100 times: 30 in steps of 40 rows are 75 steps; 20 at least, 400 at most."""
    asked = {"recipe": "supervised", "folder": "f" * 32}
    found = {n: for_own_sounds(wish(usual, **asked), asked, n).settings for n in (1, 30, 500)}
    assert {n: settings["steps"] for n, settings in found.items()} == {1: 20, 30: 75, 500: 400}
    for chosen in ({"steps": 400}, {"epochs": 3}, {"preset": "paper"}):
        told = {**asked, "settings": chosen}
        made = wish(usual, **told)
        assert for_own_sounds(made, told, 3) == made
    labelled = wish(usual)
    assert for_own_sounds(labelled, {}, 3) == labelled


def test_a_record_tells_steps_or_epochs(usual):
    """Never both: the one that does not count is none."""
    by_steps, by_epochs = wish(usual).settings, wish(usual, settings={"epochs": 3}).settings
    assert (by_steps["steps"], by_steps["epochs"]) == (400, None)
    assert (by_epochs["steps"], by_epochs["epochs"]) == (None, 3.0)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"recipe": "dpo"}, "The recipe is 'dpo'; choose baton or supervised"),
        ({"campaigns": []}, "No campaign is chosen"),
        ({"campaigns": "all"}, "no list of ids"),
        ({"campaigns": [CAMPAIGN + str(n) for n in range(51)]}, "51 campaigns .* at most 50"),
        ({"recipe": "supervised"}, "No folder is chosen"),
        ({"unlabelled": 5}, "5 further sounds .* nothing gives them a reward"),
        ({"unlabelled": -1, "reward": "clap"}, "further sounds is -1"),
        ({"unlabelled": 2.5, "reward": "clap"}, "give a whole number"),
        ({"colour": "red"}, "'colour' is no part of a fine-tuning"),
        ({"title": "x" * 81}, "The title has 81 characters"),
        ({"title": 7}, "The title has 0 characters"),
        ({"base": 7}, "The base is a int"),
        ({"settings": []}, None),
        ({"settings": "fast"}, "The settings are a str"),
        ({"settings": {"lr": 1}}, "'lr' is no setting"),
        ({"settings": {"preset": "mine"}}, "choose embedded or paper"),
        ({"settings": {"steps": 0}}, "number of steps is 0"),
        ({"settings": {"steps": 10, "epochs": 2}}, "both given"),
        ({"settings": {"epochs": 0}}, "number of epochs is 0"),
        ({"settings": {"learning_rate": 1}}, "learning rate is 1"),
        ({"settings": {"learning_rate": "1e-5"}}, "learning rate is 1e-5"),
        ({"settings": {"beta": -1}}, "beta"),
        ({"settings": {"beta": 0.5, "pretrain": 0}}, "its batch is 0"),
        ({"settings": {"batch": 0}}, "batch of labelled sounds is 0"),
        ({"settings": {"rank": 0}}, "rank of the adapter is 0"),
        ({"settings": {"human_share": 1.5}}, "people's rows is 1.5"),
        ({"settings": {"sample_every": 0}}, "between samples is 0"),
        ({"settings": {"seed": -1}}, "seed is -1"),
        ({"settings": {"seed": "x"}}, "seed is x"),
        ({"settings": {"seed": 10**400}}, "seed is 10000"),
        ({"settings": {"steps": True}}, "steps is True"),
        ({"settings": {"beta": float("nan")}}, "is nan"),
        ({"settings": {"preset": ["paper"]}}, "choose embedded or paper"),
        ({"recipe": ["baton"]}, "choose baton or supervised"),
        ({"reward": "../../reward"}, "no such reward model"),
        ({"reward": {}}, "The reward is a dict"),
    ],
)
def test_each_fault_has_a_sentence(usual, asked, said):
    """One that says what was got and what is allowed."""
    if said is None:
        assert wish(usual, **asked)
        return
    with pytest.raises(StudioError, match=said):
        wish(usual, **asked)


def test_a_page_of_strangers_gives_less(usual):
    """Fewer steps, fewer further sounds."""
    wish(usual, shared=False, settings={"steps": 401})
    with pytest.raises(StudioError, match="from 1 to 400"):
        wish(usual, shared=True, settings={"steps": 401})
    with pytest.raises(StudioError, match="further sounds is 257"):
        wish(usual, shared=True, reward="clap", unlabelled=257)
