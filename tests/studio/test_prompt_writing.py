"""Captions under review: written, reworded, ordered, dropped, drawn again; a language model's words."""

import json
import re

import pytest

from pipelines.errors import Cancelled, StudioError
from pipelines.prompts.grammar import order_of
from pipelines.seeds import fork
from pipelines.soundworld.splits import split_of
from pipelines.splits import group_of
from studio.config import Config
from studio.refusals import Conflict, Unknown
from studio.services.prompt_sets import read_prompt_rows
from studio.services.prompt_writing import drafts as drafts_module
from studio.services.prompt_writing.model_wording import KIND, ModelWording
from studio.services.services import Services
from tests.studio.sine_engines import SineEngines

HERE = "here"
OWN = "label,says,saying\n" + "".join(
    f"L{n} bang{n},bang{n} goes,bang{n} going\n" for n in range(9)
)


def listed(services, **wishes) -> tuple[str, list[dict]]:
    """A list of captions: its id and its captions."""
    writing = services.prompt_writing
    draft = writing.create(HERE, writing.check(**{"seed": 3, "count": 6, **wishes}))
    return draft, writing.view(HERE, draft)["captions"]


@pytest.mark.parametrize(("task", "size"), [("integrity", 2), ("temporal", 3)])
@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_groups_keep_to_their_task_and_split(services, task, size, split):
    """Held-out captions have no group of the train split; the order is that of the conjunctions."""
    _, captions = listed(services, task=task, split=split)
    for one in captions:
        assert len(one["labels"]) == size and split_of(one["labels"]) == split
        assert services.prompt_writing.choices()["orders"][size][one["order"]]
    assert len({frozenset(one["labels"]) for one in captions}) == 6


def test_equal_seeds_are_equal_captions(services):
    """And others are others."""
    texts = [[c["text"] for c in listed(services, seed=seed)[1]] for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_own_labels_are_worded_split_and_read(services):
    """A CSV with wordings; a draft of them outlives the process."""
    draft, captions = listed(
        services, task="temporal", labels={"name": "mine.csv", "text": OWN}, split="dev", count=2
    )
    for one in captions:
        assert group_of("", one["labels"]).startswith("labels: ")
        assert all(f"bang{label[1]}" in one["text"] for label in one["labels"])
    first = captions[0]
    numbers = [label[1] for label in first["labels"]]
    text = f"bang{numbers[2]} then bang{numbers[0]} and bang{numbers[1]}"
    later = Services(services.config, SineEngines(services.config))
    found = later.prompt_writing.reword(HERE, draft, first["number"], text)["captions"][0]
    later.close()
    assert found["order_words"].startswith(f"L{numbers[2]} bang{numbers[2]} before L{numbers[0]}")
    assert (found["labels"], found["mark"]) == (first["labels"], None)


def test_a_reworded_caption_keeps_its_labels_and_says_what_it_cannot_read(services):
    """Then a person says the order; before, no campaign is made of it."""
    writing = services.prompt_writing
    draft, captions = listed(services, task="temporal")
    one = captions[1]
    found = writing.reword(HERE, draft, 2, "  wind after   all, a phone rings, a woman talks ")
    assert found["captions"][1]["labels"] == one["labels"]
    assert found["captions"][1]["text"] == "wind after all, a phone rings, a woman talks"
    assert "“after”" in found["captions"][1]["mark"] and found["to_order"] == 1
    with pytest.raises(Conflict, match="which order caption 2 promises"):
        writing.make_campaign(HERE, draft, model="embedded")
    found = writing.set_order(HERE, draft, 2, [[0, 1], [1, 2]])["captions"][1]
    assert found["order_words"] == "Wind, then Telephone bell ringing, then Female speech"
    assert (found["order_by"], found["mark"]) == ("person", None)
    again = writing.reword(HERE, draft, 2, "a dog barks")["captions"][1]
    assert again["order"] is None and "Wind, Telephone bell ringing" in again["mark"]


def test_an_order_against_the_words_is_marked(services):
    """It is the person's to say; the page tells that the words say otherwise."""
    draft, captions = listed(services, task="integrity", count=9)
    one = next(c for c in captions if c["order_words"].count("before"))
    backwards = {1: 2, 2: 1}[one["order"]]
    found = services.prompt_writing.set_order(HERE, draft, one["number"], backwards)
    changed = found["captions"][one["number"] - 1]
    assert changed["mark"] == f"Its words promise another order: {one['order_words']}."
    for wrong in (3, -1, True, "x", [[0, 0]], None):
        with pytest.raises(StudioError, match="The order is"):
            services.prompt_writing.set_order(HERE, draft, one["number"], wrong)


def test_drop_bring_back_draw_again_and_add(services):
    """Numbers stay; a drawn group is new; what was dropped is in no table."""
    writing = services.prompt_writing
    draft, captions = listed(services, task="integrity", split="dev")
    found = writing.drop(HERE, draft, 3, is_dropped=True)
    assert found["count"] == 5 and captions[2]["text"] not in writing.table(HERE, draft)
    found = writing.draw_again(HERE, draft, 1)
    assert found["captions"][0]["number"] == 1
    groups = [frozenset(one["labels"]) for one in found["captions"]]
    assert frozenset(captions[0]["labels"]) not in groups and len(set(groups)) == 6
    found = writing.add(HERE, draft)
    assert (
        found["captions"][-1]["number"] == 7 and split_of(found["captions"][-1]["labels"]) == "dev"
    )
    assert writing.drop(HERE, draft, 3, is_dropped=False)["count"] == 7
    with pytest.raises(Unknown, match="no caption 9"):
        writing.drop(HERE, draft, 9, is_dropped=True)


def test_a_split_without_more_groups_says_so(services):
    """Three labels make three pairs."""
    text = "a\nb\nc\n"
    for split in ("train", "dev", "test"):
        try:
            draft, _ = listed(
                services, labels={"name": "x.txt", "text": text}, split=split, count=1
            )
        except StudioError:
            continue
        with pytest.raises(Conflict, match=f"belongs to {split} is in the list"):
            for _ in range(3):
                services.prompt_writing.add(HERE, draft)
        return
    pytest.fail("no split has a group")


def test_two_captions_are_never_the_same(services):
    """Nor empty, nor too long."""
    draft, captions = listed(services)
    writing = services.prompt_writing
    with pytest.raises(Conflict, match="Caption 1 has these words already"):
        writing.reword(HERE, draft, 2, captions[0]["text"].upper())
    for text, message in ((" ", "empty"), (None, "give a text"), ("w" * 1001, "1001 characters")):
        with pytest.raises(StudioError, match=message):
            writing.reword(HERE, draft, 2, text)


def test_a_list_becomes_a_campaign_with_labels_and_order(services, work):
    """BATON's task, five sounds of each; the form's own words get their labels, too."""
    writing = services.prompt_writing
    draft, captions = listed(services, task="temporal", count=3)
    writing.drop(HERE, draft, 2, is_dropped=True)
    name = writing.make_campaign(HERE, draft, model="embedded", seconds=0.5)
    told = services.store.campaigns.get(name).definition
    assert (told["task"], told["takes"], told["study"]) == ("temporal", 5, "BATON labels")
    assert [one["text"] for one in told["prompts"]] == [captions[0]["text"], captions[2]["text"]]
    first = told["prompts"][0]
    assert first["labels"] == list(captions[0]["labels"]) and first["tags"][-1] == "train"
    assert tuple(map(tuple, first["order"])) == order_of(captions[0]["conjunctions"])
    work(services)
    assert services.campaigns.view(name, HERE)["status"] == "open"
    assert len(services.store.campaigns.clips(name)) == 10
    assert writing.view(HERE, draft)["campaigns"] == [name]
    plain, row = writing.with_labels(HERE, f"a cow moos\n {captions[0]['text']} ")
    assert plain == "a cow moos" and row["labels"] == list(captions[0]["labels"])
    assert writing.with_labels("stranger", captions[0]["text"]) == [captions[0]["text"]]


def test_the_table_is_read_again_as_it_was(services, tmp_path):
    """Labels in the order of mention, order, kind."""
    draft, captions = listed(services, task="temporal")
    path = tmp_path / "captions.csv"
    path.write_text(services.prompt_writing.table(HERE, draft), encoding="utf-8")
    for row, one in zip(read_prompt_rows(path), captions, strict=True):
        assert row["text"] == one["text"] and row["labels"] == list(one["labels"])
        assert row["order"] == order_of(one["conjunctions"]) and row["tags"][0].startswith("three")


def test_lists_are_their_owners_alone(services, monkeypatch):
    """Nobody else sees, changes or removes one; names of no list ask no disk."""
    writing = services.prompt_writing
    draft, _ = listed(services)
    for name, owner in ((draft, "stranger"), ("../" + draft, HERE), ("x" * 32, HERE), ("", HERE)):
        with pytest.raises(Unknown, match="no such list"):
            writing.view(owner, name)
        with pytest.raises(Unknown):
            writing.remove(owner, name)
    assert writing.listing("stranger") == [] and len(writing.listing(HERE)) == 1
    monkeypatch.setattr(drafts_module, "MOST_DRAFTS", 1)
    with pytest.raises(Conflict, match="You have 1 lists of captions; remove one first"):
        listed(services)
    writing.remove(HERE, draft)
    assert writing.listing(HERE) == []


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"task": "both"}, "The task is 'both'; choose from integrity, temporal"),
        ({"task": ["x"]}, "The task is"),
        ({"split": "all"}, "The split is 'all'; choose from train, dev, test"),
        ({"writer": "monkey"}, "The writer is 'monkey'; choose from grammar, model"),
        ({"writer": "model"}, "No language model is configured; set BATON_LLM_MODEL"),
        ({"count": 0}, "The number of captions is 0; give a number from 1 to 200"),
        ({"count": 2.5}, "give a whole number"),
        ({"count": "6"}, "The number of captions is 6"),
        ({"seed": -1}, "The seed is -1"),
        ({"title": "t" * 81}, "The title has 81 characters; give at most 80"),
        ({"labels": {"name": "x.txt", "text": "one"}}, "x.txt holds 1 labels"),
        ({"labels": [1]}, "labels.txt holds 0 labels"),
        ({"split": "dev", "count": 200}, "200 groups of 2 were asked for"),
    ],
)
def test_what_cannot_be_written_is_one_sentence(services, wishes, message):
    """And nothing is kept."""
    with pytest.raises(StudioError, match=message):
        listed(services, **wishes)
    assert services.prompt_writing.listing(HERE) == []


class Model:
    """A language model that says what `how` makes of each line that it is asked."""

    name = "fake"

    def __init__(self, how) -> None:
        self.how, self.asked = how, 0

    def answer(self, system, request, *, seed, should_stop):
        """One object a line."""
        self.asked += 1
        if should_stop():
            raise Cancelled()
        asked = re.findall(r"^(\d+)\. (.*)$", request, re.M)
        said = [(number, self.how(int(number), words)) for number, words in asked]
        return "Sure!\n" + "\n".join(
            json.dumps({"number": int(number), "caption": text}) for number, text in said if text
        )


def plainly(number: int, words: str) -> str:
    """What was asked, its brackets gone: "[Dog] then [Rain]" becomes "the dog then the rain"."""
    words = words.replace(" (a comma) ", ", ")
    return re.sub(r"\[(.*?)\]", lambda found: "the " + found[1].split(",")[0].lower(), words)


@pytest.fixture
def worded(tmp_path, work):
    """Services with a language model configured, which is the one given."""
    opened = []

    def open_one(model) -> Services:
        config = Config(data=tmp_path / "data", llm_model="org/fake")
        services = Services(config, SineEngines(config))
        work_of = ModelWording(config, services.prompt_writing.drafts, lambda config: model)
        services.worker.works[KIND] = work_of.work
        opened.append(services)
        return services

    yield open_one
    for one in opened:
        one.close()


def test_a_model_words_captions_and_is_believed_as_far_as_it_can_be_read(worded, work):
    """Caption 2 gets another event, 3 another order, 4 nothing: these stay the grammar's, marked."""

    def how(number: int, words: str) -> str:
        wrong = {2: "a cow moos and a hen clucks", 3: f"{plainly(3, words)} then all again", 4: ""}
        return wrong.get(number, plainly(number, words))

    services = worded(Model(how))
    draft, before = listed(services, writer="model", count=5, task="temporal",
                           labels={"name": "mine.csv", "text": OWN})  # fmt: skip
    assert all(one["awaits_model"] for one in before)
    work(services)
    found = services.prompt_writing.view(HERE, draft)
    by = [one["written_by"] for one in found["captions"]]
    assert by == ["model", "grammar", "grammar", "grammar", "model"]
    assert [one["labels"] for one in found["captions"]] == [one["labels"] for one in before]
    for number in (1, 2, 3):
        one = found["captions"][number]
        assert one["text"] == before[number]["text"]
        assert one["mark"].startswith("By grammar: the model's caption could not be used.")
    assert (found["is_writing"], found["awaiting"], found["error"]) == (False, 0, None)


def test_what_a_person_changed_meanwhile_stays_theirs(worded, work):
    """Reworded and dropped ones are not asked for; a list that is removed ends the job."""
    model = Model(plainly)
    services = worded(model)
    writing = services.prompt_writing
    draft, _ = listed(services, writer="model", count=6)
    writing.reword(HERE, draft, 1, "my own words")
    writing.drop(HERE, draft, 2, is_dropped=True)
    work(services)
    found = writing.view(HERE, draft)["captions"]
    assert (found[0]["text"], found[1]["written_by"], model.asked) == ("my own words", "grammar", 1)
    with pytest.raises(Conflict, match="No caption of this list waits"):
        writing.ask_model(HERE, draft)
    writing.drop(HERE, draft, 2, is_dropped=False)
    writing.ask_model(HERE, draft)
    with pytest.raises(Conflict, match="at this list already"):
        writing.ask_model(HERE, draft)
    assert writing.stop(HERE, draft)
    assert writing.view(HERE, draft)["awaiting"] == 1


def test_a_model_that_fails_leaves_the_grammars_and_is_asked_again(worded, work):
    """The sentence is on the page; what it had worded is kept."""
    model, calls = Model(plainly), []

    def how(number: int, words: str) -> str:
        calls.append(number)
        if len(calls) > 5:
            raise StudioError("The language model at host gave no whole answer in 60 s.")
        return plainly(number, words)

    model.how = how
    services = worded(model)
    writing = services.prompt_writing
    draft, _ = listed(services, writer="model", count=8)
    work(services)
    found = writing.view(HERE, draft)
    assert "no whole answer in 60 s" in found["error"] and found["awaiting"] == 3
    model.how = plainly
    writing.ask_model(HERE, draft)
    work(services)
    found = writing.view(HERE, draft)
    assert (found["error"], found["awaiting"]) == (None, 0)


def test_wording_goes_on_after_a_restart_and_lets_others_first(worded, work):
    """A second opening takes the job up where the first left it; a waiting sound goes between."""
    services = worded(Model(plainly))
    draft, _ = listed(services, writer="model", count=12)
    assert services.worker.run_next()  # looked for the model; the words wait
    services.generate(HERE, services.check("a dog barks", seconds=0.5, model="embedded"))
    assert services.worker.run_next()  # the sound's first phase, not the words
    assert services.prompt_writing.view(HERE, draft)["awaiting"] == 12
    services.close()
    later = worded(Model(plainly))
    work(later)
    assert later.prompt_writing.view(HERE, draft)["awaiting"] == 0


def test_the_seed_of_each_request_is_its_own(worded, work):
    """Named by the list's seed, the job and the first caption."""
    seeds = []
    model = Model(plainly)
    usual = model.answer
    model.answer = lambda *said, seed, should_stop: (
        seeds.append(seed) or usual(*said, seed=seed, should_stop=should_stop)
    )
    services = worded(model)
    draft, _ = listed(services, writer="model", count=7)
    work(services)
    job = services.prompt_writing.drafts.get(HERE, draft)["job"]
    assert seeds == [fork(3, "words", job, first) for first in (1, 6)]
