"""`vote board` as it is typed: lines of JSON, the verdict on the side, figures as files."""

import json

import pytest

from studio import cli
from studio.services.services import Services
from tests.studio.casting import cast
from tests.studio.sine_engines import SineEngines
from tests.studio.small_campaign import small_campaign


@pytest.fixture
def run(services, config, capsys):
    """Runs `vote board` over the data folder: exit code, lines of JSON, what was said."""

    def verb(*arguments):
        code = cli.main(
            ["--data", str(config.data), "vote", "board", *map(str, arguments)],
            lambda config: Services(config, SineEngines(config)),
        )
        said = capsys.readouterr()
        return code, [json.loads(line) for line in said.out.splitlines()], said.err

    return verb


def test_a_board_line_by_line_and_as_files(services, run, tmp_path):
    """One line a system, one with the rest; results and figures in the folder."""
    campaign = small_campaign(services.store, aspects=["quality"])
    for voter in ("ann", "bea", "cid"):
        for prompt in range(3):
            sides = [("s0", "s1"), ("s1", "s2"), ("s2", "s0")][prompt]
            cast(services.store, campaign, voter, prompt, sides, "a", aspects={"quality": "b"})
    code, lines, said = run(campaign, "--out", tmp_path / "out")
    assert code == 0 and {line["system"] for line in lines[:3]} == {"s0", "s1", "s2"}
    assert lines[3]["counts"]["votes"] == 9 and "3 voters, 9 votes" in said
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"results.json", "board.json", "wins.json", "elo.json"}
    _, lines, _ = run(campaign, "--aspect", "quality", "--intervals", "two-way")
    assert "prompt" in lines[3]["board"]["intervals"]


def test_scores_have_a_line_for_each_scale_and_system(services, run, tmp_path):
    """Two scales, three systems."""
    campaign = small_campaign(services.store, "mos")
    scores = tuple((n, name, 5.0 - n) for n in range(3) for name in ("alignment", "quality"))
    sides = ("s0", "s1", "s2")
    cast(services.store, campaign, "ann", 0, sides, None, kind="set", scores=scores)
    code, lines, _ = run(campaign, "--out", tmp_path / "out")
    assert (
        code == 0 and [line["scale"] for line in lines[:6]] == ["alignment"] * 3 + ["quality"] * 3
    )
    assert (tmp_path / "out" / "scores-alignment.json").exists()


def test_faults_and_nothing_yet_are_sentences(services, run, tmp_path):
    """No campaign: exit code 2. No votes: a verdict, and no figures."""
    code, lines, said = run("nowhere")
    assert (code, lines) == (2, []) and "no such campaign" in said
    code, lines, said = run(small_campaign(services.store), "--out", tmp_path / "out")
    assert code == 0 and "No vote says yet" in said
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["results.json"]
    code, lines, said = run(small_campaign(services.store), "--out", tmp_path / "out/results.json")
    assert (code, lines) == (2, []) and "results.json is a file; name a folder." in said
