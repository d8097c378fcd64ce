"""Reward models over HTTP and on the command line: shapes, statuses, whose they are, sounds to hear."""

import json
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from pipelines.audio import read_audio, write_audio
from studio import cli
from studio.config import Config
from studio.routes import routes
from studio.services.services import Services
from studio.visitors import COOKIE, Visitors
from tests.studio.judged import BandEngines, labelled, lows
from tests.studio.served import is_sentence

OURS, THEIRS = "a" * 32, "b" * 32  # two visitors of a shared page
QUICK = {"preset": "paper", "epochs": 2, "seed": 1}


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Iterator[Services]:
    """A page for strangers, on which visitor A has labelled 30 sounds."""
    config = Config(data=tmp_path_factory.mktemp("data"), on_space=True)
    opened = Services(config, BandEngines(config))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def campaign(shared) -> str:
    """A's campaign."""
    return labelled(shared.store, prompts=6, owner=OURS, title="A's own")


@pytest.fixture
def browsers(shared) -> Iterator[tuple[TestClient, TestClient]]:
    """The browsers of A and B."""
    app = Starlette(
        routes=routes(shared), middleware=[Middleware(Visitors, is_shared=True, on_space=True)]
    )
    clients = [
        TestClient(app, base_url="http://studio.test", headers={"cookie": f"{COOKIE}={name}"})
        for name in (OURS, THEIRS)
    ]
    yield tuple(clients)
    for client in clients:
        client.close()


@pytest.fixture(scope="module")
def reward(shared, campaign) -> str:
    """A's reward model, trained."""
    found = shared.reward.submit(OURS, campaigns=[campaign], settings=QUICK)
    while shared.worker.run_next():
        pass
    return found


def test_asked_for_listed_and_looked_at(browsers, shared, campaign):
    """Sources, a training, the list while it waits, the view when it is done."""
    mine, _ = browsers
    asked = mine.get("/studio/reward/sources").json()
    assert [one["id"] for one in asked["sources"]] == [campaign]
    assert set(asked["presets"]) == {"ours", "paper"}
    begun = mine.post("/studio/reward", json={"campaigns": [campaign], "settings": QUICK})
    assert begun.status_code == 200 and begun.headers["cache-control"] == "no-store"
    name = begun.json()["id"]
    assert mine.get("/studio/reward").json()["models"][0]["status"] == "waiting"
    while shared.worker.run_next():
        pass
    found = mine.get(f"/studio/reward/{name}").json()
    assert found["status"] == "done" and found["auc"]["count"] == 30
    assert set(found["figures"]["reward"]["auc"]) == {"value", "low", "high", "count"}
    for figure in ("curves", "histogram", "calibration"):
        assert mine.get(f"/studio/reward/{name}/figures/{figure}").json()["data"], figure
    assert mine.post(f"/studio/reward/{name}/stop").json() == {"stopping": False}
    assert mine.post(f"/studio/reward/{name}/remove").json() == {"is_removed": True}
    assert mine.get(f"/studio/reward/{name}").status_code == 404


def test_sounds_come_with_ranges_and_are_kept_by_nobody(browsers, shared, reward):
    """The very bytes that were labelled; a part of them when a part is asked for."""
    mine, _ = browsers
    [first, *_] = mine.get(f"/studio/reward/{reward}").json()["disagreements"]
    whole = mine.get(f"/studio/{first['sound']}")
    assert whole.content == shared.reward.sound(reward, OURS, 0).read_bytes()
    assert whole.headers["cache-control"] == "no-store"
    assert whole.headers["content-type"] == "audio/wav"
    part = mine.get(f"/studio/{first['sound']}", headers={"range": "bytes=0-3"})
    assert part.status_code == 206 and part.content == b"RIFF"
    assert first["peaks"] and first["seconds"] == 0.2


def test_others_see_hear_stop_and_remove_nothing(browsers, campaign, reward):
    """404 with a sentence, for all that is A's; A's campaign teaches B nothing."""
    _, theirs = browsers
    assert theirs.get("/studio/reward").json() == {"models": []}
    assert theirs.get("/studio/reward/sources").json()["sources"] == []
    for path in ("", "/figures/curves", "/histogram?comparison=x", "/sounds/0.wav"):
        answer = theirs.get(f"/studio/reward/{reward}{path}")
        assert answer.status_code == 404 and is_sentence(answer), path
    for path in ("stop", "remove"):
        assert theirs.post(f"/studio/reward/{reward}/{path}").status_code == 404
    answer = theirs.post("/studio/reward", json={"campaigns": [campaign]})
    assert answer.status_code == 403 and is_sentence(answer)
    assert browsers[0].get(f"/studio/reward/{reward}").status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"campaigns": "all"},
        {"campaigns": [None]},
        {"campaigns": [{"id": 1}]},
        {"campaigns": ["x' or 1=1 --"]},
        {"campaigns": ["0" * 32], "settings": []},
        {"campaigns": ["0" * 32], "settings": {"epochs": 10**400}},
        {"campaigns": ["0" * 32], "settings": {"seed": {}}},
        {"campaigns": ["0" * 32], "settings": {"hidden": [[]]}},
        {"campaigns": ["0" * 32], "settings": {"hidden": {"a": 1}}},
        {"campaigns": ["0" * 32], "settings": {"__class__": 1}},
    ],
    ids=lambda sent: str(sent)[:60],
)
def test_what_is_wrong_is_refused_in_a_sentence(browsers, sent):
    """400 or 404, nothing of Python in it."""
    answer = browsers[0].post("/studio/reward", json=sent)
    assert answer.status_code in (400, 404) and is_sentence(answer)


def test_figures_that_are_none_and_sounds_that_are_none(browsers, reward):
    """A name that is no figure, a comparison that is none, a sound beyond the last."""
    mine, _ = browsers
    for path in ("figures/pie", "histogram?comparison=x", "histogram", "sounds/99.wav"):
        answer = mine.get(f"/studio/reward/{reward}/{path}")
        assert answer.status_code in (400, 404) and is_sentence(answer), path


def test_both_sides_of_a_comparison_are_rewarded(browsers, shared, reward, monkeypatch):
    """A's rewards and B's by pair, their change with its interval over prompts; drawn as a figure."""
    prompts = [f"prompt {n}" for n in range(4)]
    wish = shared.check_comparison(
        prompts, a={"model": "embedded"}, b={"model": "embedded-clean"}, seconds=0.5, seed=3
    )
    comparison = shared.compare(OURS, wish)
    with pytest.raises(Exception, match="No pair of this comparison is there yet"):
        shared.reward.sides(reward, OURS, comparison)
    while shared.worker.run_next():
        pass
    monkeypatch.setattr("studio.services.reward.sides.TOGETHER", 3)
    monkeypatch.setattr("studio.services.reward.sides.SECONDS", -1.0)
    path = f"/studio/reward/{reward}/histogram?comparison={comparison}"
    told = [browsers[0].get(path).json() for _ in range(2)]
    assert told == [{"judged": 3, "of": 8}, {"judged": 6, "of": 8}]  # so much at a time, and kept
    found = shared.reward.sides(reward, OURS, comparison)
    ours, theirs = (found[side]["rewards"] for side in "ab")
    assert len(ours) == len(theirs) == found["change"]["count"] == 4
    gain = sum(theirs) / 4 - sum(ours) / 4
    assert found["change"]["value"] == pytest.approx(gain, abs=1e-4)
    assert (found["a"]["title"], found["b"]["title"]) == ("Sine", "Clean sine")
    monkeypatch.setattr("pipelines.reward.scorers.HeadScorer.score", None)  # not asked again
    figure = browsers[0].get(path)
    assert figure.status_code == 200 and figure.json()["data"]


@pytest.fixture
def run(tmp_path, capsys):
    """Runs an action of `reward`: exit code, lines of JSON, what was said on the side."""

    def action(*arguments):
        code = cli.main(
            ["--data", str(tmp_path / "data"), "reward", *map(str, arguments)],
            lambda config: Services(config, BandEngines(config)),
        )
        said = capsys.readouterr()
        return code, [json.loads(line) for line in said.out.splitlines()], said.err

    return action


def test_the_command_line_trains_shows_scores_and_removes(run, tmp_path):
    """A line of JSON for each answer, the verdict on the side, low sines above high ones."""
    config = Config(data=tmp_path / "data")
    opened = Services(config, BandEngines(config))
    campaign = labelled(opened.store, prompts=8, title="Low")
    clips, low = opened.store.campaigns.clips(campaign), lows(opened.store, campaign)
    folder = tmp_path / "sounds"
    for clip in clips[:10]:
        audio, rate = read_audio(opened.store.clips.path(clip.source))
        name = f"{'low' if low[clip.prompt, clip.system] else 'high'}{clip.prompt}{clip.system}.wav"
        write_audio(folder / name, audio, rate, settings={"prompt": f"prompt {clip.prompt}"})
    opened.close()
    code, [made], said = run("train", campaign, "--preset", "paper", "--epochs", 12, "--seed", 4,
                             "--hidden", 32, "--title", "My ear")  # fmt: skip
    assert code == 0 and (made["title"], made["settings"]["hidden"]) == ("My ear", [32])
    assert "histogram" not in made and "CLAP alone" in said
    _, [listed], _ = run("list")
    assert listed["id"] == made["id"] and listed["auc"] == made["auc"]
    _, [shown], _ = run("show", made["id"])
    assert shown["figures"] == made["figures"]
    code, rows, _ = run("score", made["id"], folder)
    means = [
        [row["reward"] for row in rows if row["file"].startswith(kind)] for kind in ("low", "high")
    ]
    assert code == 0 and len(rows) == 10 and sum(means[0]) / len(means[0]) > max(means[1])
    _, rows, _ = run("score", "clap", folder)
    assert {row["scored_by"] for row in rows} == {"CLAP"}
    assert run("remove", made["id"])[1] == [{"id": made["id"], "is_removed": True}]
    code, lines, said = run("show", made["id"])
    assert code == 2 and lines == [] and "no such reward model" in said


def test_the_command_line_says_what_is_wrong(run, tmp_path):
    """Exit code 2 and one sentence."""
    assert run("train", "0" * 32)[0] == 2
    write_audio(tmp_path / "bare" / "x.wav", *sine())
    code, _, said = run("score", "clap", tmp_path / "bare")
    assert code == 2 and "1 of 1 sounds have no caption, the first x.wav" in said


def sine():
    """Half a second."""
    import numpy as np

    return (0.1 * np.sin(np.arange(8000) / 5)).astype(np.float32)[None], 16_000
