"""`models` and `convert`: what can be fetched, on which terms, and as which kind of folder."""

import json
from pathlib import Path

import pytest

from studio import cli
from studio.services.services import Services
from tests.studio.sine_engines import SineEngines

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(tmp_path, capsys):
    """Runs a verb over engines of sines: exit code, lines of JSON, what was said on the side."""

    def verb(*arguments):
        code = cli.main(
            ["--data", str(tmp_path / "data"), *map(str, arguments)],
            lambda config: Services(config, SineEngines(config)),
        )
        said = capsys.readouterr()
        return code, [json.loads(line) for line in said.out.splitlines()], said.err

    return verb


def test_licences_are_shown_and_accepted(run):
    """A published model is refused with its terms until they are accepted, and listed from then on."""
    code, lines, _ = run("models", "published")
    flux = next(line for line in lines if line["name"] == "tangoflux")
    assert code == 0 and flux["gigabytes"] == 4.06 and flux["is_accepted"] is False
    code, _, said = run("models", "accept", "nothing")
    assert code == 2 and "no published model 'nothing'" in said
    code, [line], said = run("models", "accept", "tangoflux")
    assert code == 0 and line["is_accepted"] is True and "Stability AI Community Licence" in said
    _, lines, _ = run("models", "published")
    assert next(line for line in lines if line["name"] == "tangoflux")["is_accepted"] is True


def test_convert_writes_a_folder_that_opens(run, tmp_path):
    """The tiny published model; the second time the folder is there already."""
    source = ROOT / "tests" / "parity" / "tangoflux"
    code, [line], said = run("convert", source, "--out", tmp_path / "converted")
    assert code == 0 and "non-commercial research" in said
    assert (Path(line["path"]) / "model_index.json").is_file()
    code, _, said = run("convert", source, "--out", tmp_path / "converted")
    assert code == 2 and "is there already" in said
    code, _, said = run("convert", "tango2", "--out", tmp_path / "other")
    assert code == 2 and "models accept tango2" in said
