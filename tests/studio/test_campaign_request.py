import json
from collections.abc import Iterator

import pytest

from pipelines.errors import StudioError
from studio.config import Config
from studio.services.campaigns.passphrases import fits, hashed
from studio.services.campaigns.request import CampaignRequest, Wishes, check_door
from studio.services.campaigns.systems import slug
from studio.services.prompt_sets import FOLDER, read_prompt_rows
from studio.services.services import Services
from tests.studio.sine_engines import SineEngines

TWO = ["embedded", "embedded-clean"]


@pytest.fixture(scope="module")
def services(tmp_path_factory) -> Iterator[Services]:
    """One studio for all: nothing is stored here."""
    config = Config(data=tmp_path_factory.mktemp("data"))
    opened = Services(config, SineEngines(config))
    yield opened
    opened.close()


def check(services, prompts="a dog barks", **wishes) -> CampaignRequest:
    """A pairwise campaign of two models, unless wished otherwise."""
    return services.campaigns.check(prompts, **{"task": "pairwise", "systems": TWO, **wishes})


def test_a_definition_is_whole_and_plain(services):
    """All that common words name is in it, and JSON holds it."""
    found = check(services, "a dog barks\n\nrain  falls\na dog barks", seed=3).plain()
    assert json.loads(json.dumps(found)) == found
    assert set(found) == {
        "title", "task", "aspects", "rubric", "half_steps", "prompts", "systems", "takes",
        "votes_wanted", "most_per_voter", "gold", "same_system", "reveals", "heard_share", "who",
        "passphrase", "is_listed", "voters", "study", "seed",
    }  # fmt: skip
    assert [prompt["text"] for prompt in found["prompts"]] == ["a dog barks", "rain falls"]
    assert found["prompts"][0] == {"text": "a dog barks", "seconds": 10.0, "labels": ["Dog"],
                                   "tags": ["one"]}  # fmt: skip
    assert [system["name"] for system in found["systems"]] == TWO
    assert found["title"] == "A against B"  # no system is named
    assert (found["takes"], found["votes_wanted"], found["seed"]) == (2, 10, 3)


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("pairwise", {"task": "pairwise", "aspects": ["quality", "relevance"], "takes": 2}),
        ("baton-integrity", {"task": "integrity", "aspects": ["integrity"], "takes": 5}),
        ("baton-temporal", {"task": "temporal", "study": "BATON labels", "takes": 5}),
        ("baton-mos-integrity", {"task": "mos", "rubric": "integrity", "votes_wanted": 20}),
        ("baton-mos-temporal", {"task": "mos", "aspects": ["alignment", "quality"]}),
        ("tangoflux-study", {"task": "ovl_rel", "most_per_voter": 20, "votes_wanted": 4}),
    ],
)
def test_every_template_makes_a_campaign(services, template, told):
    """With the numbers of its paper; one's own wishes go before the template's."""
    found = check(services, template=template, task=None).plain()
    assert {name: found[name] for name in told} == told
    assert check(services, template=template, task=None, takes=3).takes == 3
    assert template in [one["name"] for one in services.campaigns.templates()]


def test_tangoflux_study_brings_its_fifty_prompts(services):
    """No prompts given: the template's set, with its tags."""
    found = check(services, "", template="tangoflux-study", task=None, most=1000).plain()
    assert len(found["prompts"]) == 50
    tags = [prompt["tags"] for prompt in found["prompts"]]
    assert all("multi-event" in tag for tag in tags)
    assert sum("temporal" in tag for tag in tags) == 25


def test_demanding_prompts_are_fifty_and_all_different():
    """Three to six events each; an order is promised where words order the events, and only there."""
    rows = read_prompt_rows(FOLDER / "demanding.csv")
    words = [set(row["text"].lower().strip(".").replace(",", "").split()) for row in rows]
    assert len(rows) == 50
    for i, one in enumerate(words):
        assert 10 <= len(one) <= 30
        for other in words[:i]:
            assert len(one & other) / len(one | other) < 0.4
    ordering = {"then", "followed", "before", "after", "afterwards", "finally", "last", "again", "end", "later",
                "follows"}  # fmt: skip
    for row, told in zip(rows, words, strict=True):
        assert ("temporal" in row["tags"]) == bool(told & ordering), row["text"]


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"task": "vote"}, "The task is 'vote'; choose from pairwise, integrity"),
        ({"task": None}, "Nothing is asked yet; give a template, or a task: pairwise"),
        ({"prompts": []}, "A campaign needs prompts"),
        ({"prompts": " \n"}, "The prompt is empty"),
        ({"prompts": [f"dog {n}" for n in range(301)]}, "301 prompts, 2 systems and 2 takes are 1204"),
        ({"systems": ["embedded"]}, "There is 1 system; pairwise needs 2 to 12"),
        ({"systems": ["embedded"] * 2}, "Sine and Sine are the same model with the same settings"),
        ({"systems": ["embedded", {"model": "embedded", "steps": 25}]}, "the same settings"),
        ({"systems": [*TWO, {"model": "x", "colour": 1}]}, "A system has colour; give model"),
        ({"systems": ["embedded", {"model": "embedded", "steps": 0}]}, "number of steps is 0"),
        ({"systems": []}, "There are 0 systems"),
        ({"takes": 99}, "The number of takes is 99"),
        ({"takes": 1, "same_system": 0.1}, "there is one take; ask for 2 takes"),
        ({"gold": 0.9}, "The rate of gold battles is 0.9; give a number from 0 to 0.5"),
        ({"votes_wanted": 0}, "The votes wanted is 0"),
        ({"votes_wanted": float("nan")}, "The votes wanted is nan"),
        ({"most_per_voter": 0}, "The most for each voter is 0"),
        ({"aspects": ["beauty"]}, "There is no aspect 'beauty'; choose from quality, relevance"),
        ({"task": "mos", "rubric": "x"}, "The rubric is 'x'; choose from integrity, temporal"),
        ({"reveals": "always"}, "“reveals” is 'always'; choose from on request, never"),
        ({"heard_share": 2}, "The share to be heard is 2"),
        ({"who": "friends"}, "“who” is 'friends'; choose from anyone, passphrase, account"),
        ({"who": "passphrase"}, "needs one; give at least 4"),
        ({"who": "passphrase", "passphrase": "abc"}, "has 3 characters; give 4 to 200"),
        ({"who": "account"}, "known only on a Space"),
        ({"is_listed": "yes"}, "Listed is 'yes'; give true or false"),
        ({"voters": "robots"}, "“voters” is 'robots'"),
        ({"title": "x" * 121}, "The title has 121 characters"),
        ({"seed": -1}, "The seed is -1"),
        ({"seconds": 0.1}, "The duration is 0.1 s"),
        ({"colour": "red"}, "A campaign has no colour; known are title"),
        ({"template": "x"}, "There is no template 'x'; choose from pairwise"),
        ({"prompts": [{"text": "dog", "tags": ["x" * 61]}]}, "A prompt has 1 tags, the longest of 61"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_a_sentence(services, wishes, words):
    """Each limit says what was got and what is allowed."""
    with pytest.raises(StudioError) as refused:
        check(services, **wishes)
    assert words in str(refused.value)


def test_what_was_not_wished_is_usual(services):
    """None counts as not wished; rates depend on the takes; other tasks have none."""
    found = check(services, takes=1, gold=None)
    assert (found.gold, found.same_system) == (0.05, 0.0)
    assert check(services).same_system == 0.05
    labels = check(services, task="integrity", systems="embedded")
    assert (labels.gold, labels.same_system, labels.takes) == (0.0, 0.0, 5)
    assert check(services, task="mos", half_steps=True).half_steps is True
    assert check(services, half_steps=True).half_steps is False


def test_systems_have_names_of_their_own(services):
    """Two settings of one model are two systems; titles tell what is not the model's own."""
    systems = ["embedded", {"model": "embedded", "steps": 9, "guidance": 2}, {"model": "embedded",
               "sampler": "heun", "title": "Mine"}]  # fmt: skip
    found = check(services, systems=systems).systems
    assert [one["name"] for one in found] == ["embedded", "embedded-2", "embedded-3"]
    assert [one["title"] for one in found] == ["Sine", "Sine, 9 steps, guidance 2", "Mine"]
    assert slug("My Model #degraded!") == "my-model-degraded"
    assert slug("../..") == "system"


def test_a_passphrase_is_kept_as_salt_and_hash_alone(services):
    """The words are nowhere in the definition; they fit again, others do not."""
    words = "three blue whales"
    kept = check(services, who="passphrase", passphrase=words).passphrase
    assert set(kept) == {"salt", "hash"} and words not in json.dumps(kept)
    assert fits(words, kept) and fits(f"  {words} ", kept)
    assert not fits("three blue whale", kept) and not fits("", kept)
    assert hashed(words)["hash"] != hashed(words)["hash"]
    assert check(services, passphrase="not asked for").passphrase is None


def test_accounts_are_for_spaces_that_have_them(config):
    """There, and only there."""
    there = Config(data=config.data, on_space=True, has_sign_in=True, system="spaces")
    assert check_door(there, Wishes(who="account"))["who"] == "account"


def test_a_csv_gives_labels_and_tags(tmp_path):
    """Labels by semicolons, tags by kind and columns that say yes; other files give words alone."""
    path = tmp_path / "list.csv"
    path.write_text(
        "Caption,labels,kind,temporal\nrain then a dog,Rain; Dog,two,yes\n dogs ,,,no\n"
    )
    assert read_prompt_rows(path) == [
        {"text": "rain then a dog", "labels": ["Dog", "Rain"], "tags": ["two", "temporal"]},
        {"text": "dogs", "labels": [], "tags": []},
    ]
    plain = tmp_path / "list.txt"
    plain.write_text("a\nb\n")
    assert read_prompt_rows(plain) == [{"text": "a"}, {"text": "b"}]
