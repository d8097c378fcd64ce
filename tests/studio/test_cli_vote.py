"""`vote`: campaigns from the command line, a line of JSON for each answer."""

import json
from pathlib import Path

import numpy as np
import pytest

from pipelines.audio import write_audio
from studio import cli
from studio.cli.vote import folders_of, system_of
from studio.services.services import Services
from tests.studio.sine_engines import SineEngines
from tests.studio.test_simulated_voters import LevelListener


class LevelEngines(SineEngines):
    """Sines, and a listener that can vote on them."""

    def _load_listener(self, name: str) -> LevelListener:
        return LevelListener()


@pytest.fixture
def run(tmp_path, capsys):
    """Runs an action of `vote`: exit code, lines of JSON, what was said on the side."""

    def action(*arguments):
        code = cli.main(
            ["--data", str(tmp_path / "data"), "vote", *map(str, arguments)],
            lambda config: Services(config, LevelEngines(config)),
        )
        said = capsys.readouterr()
        return code, [json.loads(line) for line in said.out.splitlines()], said.err

    return action


@pytest.fixture
def prompts(tmp_path) -> Path:
    """A list of two."""
    path = tmp_path / "prompts.txt"
    path.write_text("a dog barks\na dog barks then rain falls\n")
    return path


def test_a_campaign_from_new_to_closed(run, prompts):
    """Made, listed, shown, voted in by simulated listeners, closed, opened."""
    code, [made], said = run(
        "new", "--template", "pairwise", "--prompts", prompts, "--models", "embedded",
        "embedded-clean:steps=9", "--seconds", 1, "--seed", 3, "--simulated", "--title", "Mine",
    )  # fmt: skip
    assert code == 0 and made["status"] == "open"
    assert (made["title"], made["voters"], made["systems"][1]["steps"]) == ("Mine", "simulated", 9)
    assert f"vote simulate {made['id']}" in said and "Voters come" not in said
    _, [listed], _ = run("list")
    assert listed["id"] == made["id"] and "systems" not in listed
    _, [done], _ = run("simulate", made["id"], "--voters", 2, "--votes", 3, "--seed", 1)
    assert (done["voters"], done["votes"], done["simulated"]) == (2, 6, True)
    _, [shown], _ = run("show", made["id"])
    assert shown["progress"]["votes"] > 0
    _, [closed], _ = run("close", made["id"])
    assert closed["status"] == "closed"
    _, [opened], _ = run("open", made["id"])
    assert opened["status"] == "open"


def test_folders_become_a_campaign(run, tmp_path):
    """With a list of captions, and a passphrase that is nowhere in the data."""
    for name, level in (("a", 0.3), ("b", 0.1)):
        tone = level * np.sin(np.arange(16000) / 7)[None]
        write_audio(tmp_path / name / "one.wav", tone.astype(np.float32), 16000)
    (tmp_path / "list.csv").write_text("file,caption\none.wav,a humming tone\n")
    (tmp_path / "words.txt").write_text("open sesame now\n")
    code, [made], _ = run(
        "new", "--task", "mos", "--folders", f"a={tmp_path / 'a'}", f"b={tmp_path / 'b'}",
        "--captions", tmp_path / "list.csv", "--passphrase-file", tmp_path / "words.txt",
        "--half-steps", "--listed",
    )  # fmt: skip
    assert code == 0
    assert (made["task"], made["who"], made["needs"]) == ("mos", "passphrase", "passphrase")
    assert (made["half_steps"], made["is_listed"]) == (True, True)
    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").glob("studio.db*"))
    assert b"a humming tone" in stored and b"open sesame now" not in stored


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["new"], "Give --models or --folders, one of the two."),
        (["new", "--models", "x", "--folders", "a=b"], "one of the two"),
        (["new", "--models", "embedded", "--task", "pairwise"], "A campaign needs prompts"),
        (["new", "--models", "embedded"], "give a template, or a task: pairwise, integrity"),
        (["new", "--folders", "a"], "'a' is no folder of a system; write NAME=DIR"),
        (["new", "--folders", "a=nowhere", "--task", "mos"], "There is no folder nowhere"),
        (["new", "--models", "embedded:steps=many"], "write MODEL:steps=25,guidance=4.5"),
        (["show", "0"], "There is no such campaign here"),
        (["simulate", "0"], "There is no such campaign here"),
        (["new", "--models", "embedded", "--passphrase-file", "nowhere"], "nowhere cannot be read"),
    ],
)
def test_faults_are_said_in_a_sentence(run, arguments, words):
    """Exit code 2, nothing on standard output."""
    code, lines, said = run(*arguments)
    assert (code, lines) == (2, [])
    assert words in said


def test_a_model_that_is_not_there_leaves_no_campaign(run, prompts):
    """A name that is mistyped is told before anything is remembered."""
    asked = ("--task", "integrity", "--models", "embeded", "--prompts", prompts)
    code, lines, said = run("new", *asked)
    assert (code, lines) == (2, [])
    assert "There is no model 'embeded'; choose from" in said
    assert run("list")[1] == []


def test_a_campaign_that_nobody_voted_in_is_removed(run, prompts):
    """And then there is none of that name."""
    asked = ("--task", "integrity", "--models", "embedded", "--prompts", prompts, "--takes", 1)
    [made] = run("new", *asked)[1]
    assert run("remove", made["id"])[:2] == (0, [{"id": made["id"], "is_removed": True}])
    assert run("list")[1] == []
    assert "There is no such campaign" in run("remove", made["id"])[2]


def test_a_model_that_fails_is_told(run, prompts):
    """The line has the failed campaign, the sentence says why."""
    code, [made], said = run(
        "new", "--task", "integrity", "--models", "broken", "--prompts", prompts, "--takes", 1
    )
    assert (code, made["status"]) == (2, "failed")
    assert "The checkpoint of broken cannot be read" in said


def test_systems_and_folders_are_read():
    """Settings behind a colon; folders behind an equals sign."""
    assert system_of("embedded:steps=9,guidance=2.5,sampler=heun") == {
        "model": "embedded", "steps": 9, "guidance": 2.5, "sampler": "heun",
    }  # fmt: skip
    assert system_of("embedded") == {"model": "embedded"}
    assert folders_of(["a=x/y", "b=z"]) == {"a": Path("x/y"), "b": Path("z")}
