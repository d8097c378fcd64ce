"""Best of N: ranked by CLAP, by a reward model, by both; told, kept, exported, said no to."""

import doctest
import json
import zipfile

import numpy as np
import pytest

from pipelines.errors import StudioError
from pipelines.reward.scorers import ClapScorer, MixedScorer, best_of
from studio import cli
from studio.config import Config
from studio.refusals import Conflict, Unknown
from studio.services.generate import ranking
from studio.services.requests import check_request, from_plain
from studio.services.services import Services
from studio.visitors import HERE
from tests.studio.judged import BandClap, BandEngines, labelled
from tests.studio.test_page import client_of

TEXT = "a dog barks"


class CosineClap(BandClap):
    """Bands, whose score is the cosine, as a real CLAP's."""

    def score(self, audio, sample_rate, text):
        return float(self.embed_audio([audio], sample_rate)[0] @ self.embed_text([text])[0])


class CosineEngines(BandEngines):
    """Sines, and that CLAP."""

    def _load_clap(self, name):
        return CosineClap(revision=f"bands {name}")


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    """Open services, for all tests of this file."""
    opened = Services(config := Config(data=tmp_path_factory.mktemp("data")), CosineEngines(config))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def reward(services):
    """The id of a reward model that simulated listeners taught to like low sines."""
    campaign = labelled(services.store, voters_are="simulated", title="Low sines")
    asked = {"campaigns": [campaign], "settings": {"preset": "paper", "epochs": 6, "seed": 1}}
    return services.reward.train_now(HERE, lambda *_: None, **asked)["id"]


def run(services, prompts=TEXT, **wishes):
    """A run of this owner, from its beginning to its end."""
    wishes = {"count": 5, "seconds": 0.5, "seed": 0, **wishes}
    return services.generate_now(HERE, services.check(prompts, **wishes), lambda *_: None)


def by_place(found):
    """Its cards, the best first."""
    return sorted(found["cards"], key=lambda card: card["ranking"]["place"])


def scores_of(services, scorer, found):
    """What a scorer gives the cards, one after another."""
    scores = []
    for card in found["cards"]:
        audio, rate = services.store.clips.read(card["clip"])
        scores.append(float(scorer.score([audio], rate, [card["prompt"]])[0]))
    return scores


def expected_order(found, scores):
    return [found["cards"][at]["id"] for at in best_of(scores, len(scores))]


def test_clap_ranks_where_nothing_else_is_asked_for(services):
    """Places by cosine, each of five; the run says what ranked, and that no human taught it."""
    found = run(services)
    claps = [card["clap"] for card in found["cards"]]
    assert [card["id"] for card in by_place(found)] == expected_order(found, claps)
    best = by_place(found)[0]
    assert best["ranking"] == {"place": 1, "of": 5, "score": max(claps)}
    assert found["ranking"] == ranking.BY_CLAP and best["reward"] is None
    scorer = ClapScorer(services.engines.clap())
    assert (scorer.name, scorer.trained_on) == (
        ranking.BY_CLAP["by"],
        ranking.BY_CLAP["learned_from"],
    )


def test_a_reward_model_ranks_and_is_named_with_its_teachers(services, reward):
    """The order is the scorer's own; the run tells the model, its revision, whom it learned from."""
    found = run(services, reward=reward)
    scorer = services.reward.scorer(reward, HERE)
    scores = scores_of(services, scorer, found)
    assert [card["reward"] for card in found["cards"]] == scores
    assert len(set(scores)) == 5
    assert [card["id"] for card in by_place(found)] == expected_order(found, scores)
    assert found["ranking"] == {
        "by": "reward model, integrity",
        "learned_from": "integrity judged by simulated listeners",
        "simulated": True,
        "reward": reward,
        "title": "Reward of Low sines",
        "weight": 1.0,
        "revision": scorer.revision,
    }
    assert services.views.history(HERE, limit=1)[0]["ranking"]["title"] == "Reward of Low sines"


def test_both_at_a_weight_are_what_the_mixed_scorer_gives(services, reward):
    """Three quarters of CLAP: scores, order, name and teachers are MixedScorer's."""
    found = run(services, reward=reward, reward_weight=0.25)
    clap = ClapScorer(services.engines.clap())
    scorer = MixedScorer(clap, services.reward.scorer(reward, HERE), weight=0.25)
    scores = scores_of(services, scorer, found)
    told = [card["ranking"]["score"] for card in found["cards"]]
    assert told == pytest.approx(scores, abs=1e-6)
    assert [card["id"] for card in by_place(found)] == expected_order(found, scores)
    assert (found["ranking"]["by"], found["ranking"]["learned_from"]) == (
        scorer.name,
        scorer.trained_on,
    )


def test_examples_in_docstrings_hold():
    """Every example that a docstring shows prints what it says."""
    found = doctest.testmod(ranking)
    assert found.attempted and not found.failed


def test_places_are_those_of_best_of():
    """For any scores, ties among them."""
    scores = np.random.default_rng(0).integers(0, 4, 40) / 4
    ordered = best_of(scores, 40)
    assert ranking.places(scores.tolist()) == [ordered.index(at) + 1 for at in range(40)]


@pytest.mark.parametrize(
    ("cosine", "reward", "weight", "score"),
    [(0.5, None, 0.0, 0.75), (None, 0.25, 1.0, 0.25), (None, 0.25, 0.5, None), (-3, 1, 0.5, 0.5)],
)
def test_a_part_without_a_share_need_not_speak(cosine, reward, weight, score):
    """CLAP alone and the model alone need one word; both need two; a cosine is kept in bounds."""
    assert ranking.mixed(cosine, reward, weight) == score


def test_each_prompt_has_a_best_of_its_own(services, reward):
    """Two prompts, three candidates each: two firsts, of three each."""
    found = run(services, "a dog barks\nrain falls", count=3, reward=reward)
    firsts = [card for card in found["cards"] if card["ranking"]["place"] == 1]
    assert [card["prompt"] for card in firsts] == ["a dog barks", "rain falls"]
    assert {card["ranking"]["of"] for card in found["cards"]} == {3}


def test_the_zip_tells_place_score_and_what_ranked(services, reward):
    """Each line of its recipes; the recipe itself is as it was."""
    found = run(services, reward=reward)
    with client_of(services) as page:
        answer = page.get(f"/studio/jobs/{found['id']}/all.wav.zip")
    (services.config.data / "all.zip").write_bytes(answer.content)
    with zipfile.ZipFile(services.config.data / "all.zip") as bundle:
        lines = [json.loads(line) for line in bundle.read("recipes.jsonl").decode().splitlines()]
    for line, card in zip(lines, found["cards"], strict=True):
        assert line.pop("ranking") == {**card["ranking"], **found["ranking"]}
        assert line == {"file": f"baton-{card['id']}.wav", **card["recipe"]}


def test_variations_are_ranked_as_the_run_they_come_from(services, reward):
    """Through the page's own address; without it CLAP ranks."""
    found = run(services, reward=reward, reward_weight=0.5)
    one = found["cards"][0]["id"]
    with client_of(services) as page:
        vary = f"/studio/candidates/{one}/vary?count=2"
        like, plain = (page.post(vary + more).json()["job"] for more in (f"&run={found['id']}", ""))
    asked = [services.store.jobs.get(job).request for job in (like, plain)]
    assert [(one["reward"], one["reward_weight"]) for one in asked] == [(reward, 0.5), (None, 1.0)]
    while services.worker.run_next():
        pass


def test_a_score_is_given_once_and_kept(services, reward, monkeypatch):
    """The same request again asks the reward model of nothing; a restart in the middle goes on."""
    first = run(services, reward=reward, seed=50)

    def refuse(*_):
        raise AssertionError("asked again")

    monkeypatch.setattr("pipelines.reward.scorers.HeadScorer.score", refuse)
    again = run(services, reward=reward, seed=50)
    assert [card["ranking"] for card in again["cards"]] == [c["ranking"] for c in first["cards"]]


def test_a_stop_before_the_ranking_still_ranks_what_is_there(services, reward):
    """A run stopped while its sounds are made is heard and ranked, as it is without a reward model."""
    job = services.generate(
        HERE, services.check(TEXT, count=9, seconds=0.5, seed=70, reward=reward)
    )
    make = services.engines.make

    def stopping(*asked, **named):
        yield from make(*asked, **named)
        services.stop(HERE, job)
        named["should_stop"].__self__.stop.set()

    services.engines.make = stopping
    try:
        while services.worker.run_next():
            pass
    finally:
        services.engines.make = make
    found = services.views.job(job, HERE)
    assert found["status"] == "stopped" and len(found["cards"]) < 9
    assert {card["ranking"]["of"] for card in found["cards"]} == {len(found["cards"])}


def test_without_its_reward_model_nothing_is_ranked_and_the_run_says_so(services, reward):
    """Removed while the run waited: the sounds are there, CLAP's scores too, and no places."""
    other = labelled(services.store, prompts=8, title="Short lived")
    asked = {"campaigns": [other], "settings": {"preset": "paper", "epochs": 1}}
    lost = services.reward.train_now(HERE, lambda *_: None, **asked)["id"]
    job = services.generate(HERE, services.check(TEXT, count=2, seconds=0.5, reward=lost))
    services.reward.remove(lost, HERE)
    while services.worker.run_next():
        pass
    found = services.views.job(job, HERE)
    assert (found["status"], found["ranking"]) == ("done", None)
    assert [card["ranking"] for card in found["cards"]] == [None, None]
    assert found["notices"] == [
        "These sounds are not ranked. There is no such reward model here; choose one from the list."
    ]
    assert all(card["clap"] is not None for card in found["cards"])
    assert services.views.rankings(job, HERE) == {}


def test_a_reward_model_of_somebody_else_ranks_nothing(services, reward):
    """As if it were not there, at the door and on the command line."""
    wish = services.check(TEXT, reward=reward)
    with pytest.raises(Unknown, match="no such reward model here"):
        services.generate("another", wish)
    with pytest.raises(Unknown, match="no such reward model here"):
        services.generate_now(HERE, services.check(TEXT, reward="../etc"), lambda *_: None)


def test_a_reward_model_that_is_not_trained_ranks_nothing(services):
    """It waits for its turn: the sentence names it."""
    campaign = labelled(services.store, prompts=8, title="Later")
    waiting = services.reward.submit(HERE, campaigns=[campaign], settings={"epochs": 1})
    with pytest.raises(Conflict, match="“Reward of Later” is waiting, so it scores nothing"):
        services.generate(HERE, services.check(TEXT, reward=waiting))
    services.store.jobs.ask_stop(waiting, HERE)
    while services.worker.run_next():
        pass


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"reward": "x", "reward_weight": 1.5}, "share is 1.5; give a number from 0 to 1."),
        ({"reward": "x", "reward_weight": float("nan")}, "share is nan; give a number"),
        ({"reward": "x", "reward_weight": "much"}, "share is much; give a number"),
        ({"reward": 7}, "What ranks is '7'; give clap, or the id of a reward model."),
        ({"reward": ["x"]}, "give clap, or the id of a reward model."),
        ({"reward": "x", "is_judged": False}, "cannot be ranked without scores"),
    ],
)
def test_a_ranking_that_cannot_be_is_one_sentence(wishes, words):
    """What was got and what is allowed."""
    with pytest.raises(StudioError, match=words):
        check_request(Config(), TEXT, **wishes)


def test_requests_of_older_studios_are_read(services):
    """Without a word of what ranks, CLAP does."""
    plain = check_request(Config(), TEXT, reward="clap").plain()
    for name in ("reward", "reward_weight"):
        plain.pop(name)
    assert from_plain(plain).reward is None
    assert ranking.about(plain, {}) == ranking.BY_CLAP


def test_the_command_line_writes_the_best_alone(services, reward, tmp_path, capsys):
    """--best 2 of five by the reward model: two lines and two files, the best first."""
    found = run(services, reward=reward)
    asked = [
        "--data", str(services.config.data), "generate", TEXT, "--count", "5", "--seed", "0",
        "--seconds", "0.5", "--rank-by", reward, "--best", "2", "--out", str(tmp_path),
    ]  # fmt: skip
    assert cli.main(asked, lambda config: Services(config, CosineEngines(config))) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    best = by_place(found)[:2]
    assert [line["id"] for line in lines] == [card["id"] for card in best]
    assert lines[0]["ranking"] == {**best[0]["ranking"], **found["ranking"]}
    assert lines[0]["scores"]["reward"] == best[0]["reward"]
    assert sorted(path.stem for path in tmp_path.iterdir()) == sorted(
        f"baton-{card['id']}" for card in best
    )


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--best", "3", "--count", "2"], "--best is 3; give a number from 1 to 2."),
        (["--best", "1", "--no-scores"], "--no-scores leaves nothing to rank by"),
        (
            ["--reward-weight", "0.5"],
            "--reward-weight needs a reward model; name one by --rank-by.",
        ),
        (["--rank-by", "f" * 32], "There is no such reward model here"),
        (["--rank-by", "x", "--reward-weight", "2"], "share is 2; give a number from 0 to 1."),
    ],
)
def test_the_command_line_refuses_in_one_sentence(tmp_path, capsys, flags, words):
    """Exit code 2, and nothing is made."""
    asked = ["--data", str(tmp_path), "generate", TEXT, "--seconds", "0.5", *flags]
    assert cli.main(asked, lambda config: Services(config, CosineEngines(config))) == 2
    said = capsys.readouterr()
    assert words in said.err and said.out == ""


def test_the_form_lists_what_can_rank():
    """CLAP first; then what is done, with its task and its teachers."""
    from studio.tabs.ranking_choice import choices

    done = {"status": "done", "simulated": True, "title": "T", "task": "temporal", "id": "a"}
    others = [{**done, "id": "b", "status": "failed"}, {**done, "id": "c", "simulated": False}]
    assert choices([done, *others])[1:] == [
        ("T (temporal, simulated listeners)", "a"),
        ("T (temporal, people)", "c"),
    ]
