"""`vote export`, `vote import` and `vote push` as they are typed: lines of JSON, reasons on the side."""

import json

import pytest

from studio import cli
from studio.services.services import Services
from tests.studio.casting import cast
from tests.studio.sine_engines import SineEngines
from tests.studio.small_campaign import small_campaign


@pytest.fixture
def run(tmp_path, capsys, monkeypatch):
    """Runs a verb over a data folder of its own: exit code, lines of JSON, what was said."""
    monkeypatch.delenv("HF_TOKEN", raising=False)

    def verb(folder, *arguments):
        code = cli.main(
            ["--data", str(tmp_path / folder), "vote", *map(str, arguments)],
            lambda config: Services(config, SineEngines(config)),
        )
        said = capsys.readouterr()
        return code, [json.loads(line) for line in said.out.splitlines()], said.err

    return verb


@pytest.fixture
def campaign(services) -> str:
    """A vote that trains and one that is a skip, in the data folder `data`."""
    name = small_campaign(services.store, systems=2, prompts=1, seconds=0.1)
    cast(services.store, name, "ann", 0, ("s0", "s1"), "a")
    cast(services.store, name, "bob", 0, ("s0", "s1"), "skip")
    return name


def test_out_of_one_folder_and_into_another(run, campaign, tmp_path):
    """The export says what it left out; the import says what was new."""
    code, [told], said = run("data", "export", campaign, "--out", tmp_path / "out")
    assert code == 0 and told["votes"] == 2 and "votes: skip" in said
    code, [told], said = run("elsewhere", "import", tmp_path / "out", "--title", "Theirs")
    assert (code, told["new"], said) == (0, 2, "")
    assert run("elsewhere", "import", tmp_path / "out")[1][0]["new"] == 0


def test_a_preference_set_with_its_sounds(run, campaign, tmp_path):
    """Rows in one folder, sounds in another."""
    code, _, _ = run("data", "export", campaign, "--as", "trl", "--out", tmp_path / "out")
    [rows] = (tmp_path / "out").glob("trl-*.jsonl")
    moved = rows.rename(tmp_path / "rows.jsonl")
    code, _, said = run("elsewhere", "import", moved)
    assert code == 2 and "No row of rows.jsonl could be taken" in said
    code, [told], _ = run("elsewhere", "import", moved, "--sounds", tmp_path / "out" / "sounds")
    assert (code, told["new"], told["sounds"]) == (0, 1, 2)


def test_faults_are_one_sentence(run, campaign, tmp_path):
    """Exit code 2, nothing on standard output."""
    for arguments, words in (
        (("export", "nothing", "--out", tmp_path / "x"), "There is no such campaign"),
        (
            ("export", campaign, "--as", "baton", "--out", tmp_path / "x"),
            "nothing to write as baton",
        ),
        (("push", campaign, "org/name"), "There is no HF_TOKEN"),
        (("import", tmp_path / "nothing.zip"), "cannot be unpacked"),
    ):
        code, lines, said = run("data", *arguments)
        assert (code, lines) == (2, []) and words in said
