"""`finetune`: runs from the command line, an estimate first, a line of JSON for each answer."""

import json
import zipfile

import pytest

from studio import cli
from studio.config import Config
from studio.services.services import Services
from tests.studio.fake_improving import improved_here
from tests.studio.fake_training import labelled, trained_here
from tests.studio.sine_engines import SineEngines
from tests.studio.test_finetune_folders import GOOD


@pytest.fixture
def run(tmp_path, capsys):
    """Runs an action of `finetune`: exit code, lines of JSON, what was said on the side."""
    stops = []

    def opened(config):
        services = Services(config, SineEngines(config))
        trained_here(services, stops_at=stops.pop() if stops else None).__enter__()
        return services

    def action(*arguments, stops_at=None):
        stops[:] = [] if stops_at is None else [stops_at]
        code = cli.main(
            ["--data", str(tmp_path / "data"), "finetune", *map(str, arguments)], opened
        )
        said = capsys.readouterr()
        return code, [json.loads(line) for line in said.out.splitlines()], said.err

    return action


@pytest.fixture
def campaign(tmp_path):
    config = Config(data=tmp_path / "data")
    services = Services(config, SineEngines(config))
    found = labelled(services)
    services.close()
    return found


def test_a_run_from_the_estimate_to_the_model(run, campaign):
    """Stopped, gone on with, listed, kept under a title, removed."""
    code, [told], err = run("start", campaign, "--steps", 10, "--estimate")
    assert (code, told["steps"]) == (0, 10)
    assert "10 steps of training" in err
    assert "MB of memory" in err
    code, [found], err = run("start", campaign, "--title", "Mine", "--seed", 4, stops_at=3)
    assert (code, found["status"], found["step"]) == (1, "stopped", 3)
    assert "in all" in err
    code, [found], err = run("resume", found["id"])
    assert (code, found["status"], found["title"]) == (0, "done", "Mine")
    assert f"--model {found['adapter']}" in err
    assert "losses" not in found
    assert run("list")[1][0]["adapter"] == found["adapter"]
    assert run("keep", found["id"], "--title", "Other")[1][0]["title"] == "Other"
    assert run("show", found["id"])[1][0]["title"] == "Other"
    assert run("stop", found["id"])[1] == [{"id": found["id"], "stopping": False}]
    assert run("remove", found["id"], "--only", "model")[1][0]["is_removed"]
    assert run("show", found["id"])[1][0]["adapter"] is None
    assert run("remove", found["id"])[0] == 0
    assert run("list")[1] == []


def test_a_folder_of_ones_own(run, tmp_path):
    """Taken in, then trained on."""
    path = tmp_path / "weather.zip"
    with zipfile.ZipFile(path, "w") as bundle:
        for name, content in GOOD.items():
            bundle.writestr(name, content)
    code, [told], _ = run("folder", path, "--title", "Weather")
    assert (code, told["sounds"]) == (0, 3)
    code, [found], _ = run("start", "--folder", told["id"], "--seed", 1)
    assert (code, found["recipe"]) == (0, "supervised")


def test_what_is_wrong_is_one_sentence(run, campaign):
    """Exit code 2, before anything is begun."""
    code, lines, err = run("start")
    assert (code, lines) == (2, [])
    assert err.startswith("No campaign is chosen")
    code, _, err = run("start", campaign, "--steps", 0)
    assert code == 2
    assert "number of steps is 0" in err
    assert run("show", "0" * 32)[0] == 2
    assert run("list")[1] == []


def test_a_crpo_run_by_its_flags(tmp_path, capsys):
    """Prompts of a file; stopped, gone on with; an iteration of it kept under a title."""
    stops = [1]

    def opened(config):
        services = Services(config, SineEngines(config))
        improved_here(services, stops_after=stops.pop() if stops else None).__enter__()
        return services

    def action(*arguments):
        data = ["--data", str(tmp_path / "data"), "finetune"]
        code = cli.main([*data, *map(str, arguments)], opened)
        said = capsys.readouterr()
        return code, [json.loads(line) for line in said.out.splitlines()], said.err

    prompts = tmp_path / "prompts.txt"
    prompts.write_text("a dog barks\nrain falls\n")
    asked = ("crpo", "--from", prompts, "--iterations", 2, "--candidates", 3, "--seed", 4)
    stops.append(None)
    code, [told], err = action(*asked, "--estimate")
    assert (code, told["candidates"]) == (0, 12) and "12 candidates" in err
    code, [found], err = action(*asked)
    assert (code, found["status"], found["recipe"]) == (1, "stopped", "crpo")
    code, [found], err = action("resume", found["id"])
    assert (code, found["status"]) == (0, "done") and f"--model {found['adapter']}" in err
    [kept] = action("keep", found["id"], "--title", "First", "--iteration", 1)[1]
    assert kept["iterations"][0]["model"]["title"] == "First"
    code, _, err = action("crpo", "--set", "order", "--loss", "mse")
    assert code == 2 and "The loss is 'mse'" in err
