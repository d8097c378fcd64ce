"""The command of CRPO: what is left and how long it takes, what it says, what it refuses."""

import json
from dataclasses import replace

import pytest

from pipelines.recipes.crpo.__main__ import main
from pipelines.recipes.crpo.config import EMBEDDED
from pipelines.recipes.crpo.embedded import prompts_of
from pipelines.recipes.crpo.estimate import Paces, parts_left
from pipelines.recipes.crpo.iteration import write_json
from pipelines.recipes.crpo.told import table
from pipelines.soundworld.captions import read_caption

PACES = Paces(candidate=0.1, step=2.0, heard=0.2)
CONFIG = replace(EMBEDDED, iterations=2, prompts=20, plan=replace(EMBEDDED.plan, steps=50))


def test_what_is_left_is_told_part_by_part(tmp_path):
    """100 candidates at .1 and 50 steps at 2 each time, 10 sounds heard three times; by halves for two."""
    parts = parts_left(tmp_path, CONFIG, PACES, 10, 1)
    assert [round(part.seconds, 6) for part in parts] == [2, 10, 100, 2, 10, 100, 2]
    assert [part.seconds for part in parts_left(tmp_path, CONFIG, PACES, 0, 2)] == [5, 50, 5, 50]
    offline = parts_left(tmp_path, replace(CONFIG, online=False), PACES, 0, 1)
    assert [part.seconds for part in offline] == [10, 100, 100]


def test_what_is_done_is_not_told_again(tmp_path):
    """Two files of eight prompts are there, then 30 steps, then all of an iteration."""
    place = tmp_path / "iteration-1"
    (place / "candidates").mkdir(parents=True)
    for n in range(2):
        (place / f"candidates/part-{n:05d}.safetensors").touch()
    assert parts_left(tmp_path, CONFIG, PACES, 0, 1)[0].seconds == pytest.approx(2.0)
    (place / "candidates/part-00002.safetensors").touch()
    (place / "training/checkpoints").mkdir(parents=True)
    (place / "training/checkpoints/step-0000030.pt").touch()
    assert [p.seconds for p in parts_left(tmp_path, CONFIG, PACES, 0, 1)] == [40, 10, 100]
    (place / "done.json").touch()
    assert [p.seconds for p in parts_left(tmp_path, CONFIG, PACES, 0, 1)] == [10, 100]


def test_the_table_has_a_line_for_each_iteration(tmp_path):
    """What is not known yet is a dash."""
    told = {
        "summary": {"rows": 7},
        "rewards": {"winners": 0.75, "losers": 0.5, "gap": 0.25},
        "last": {"winning_loss": 0.5, "losing_loss": 0.625, "accuracy": 0.875},
    }
    write_json(tmp_path / "iteration-1/done.json", told)
    heard = {"iteration": 0, "means": {"clap": 0.7}, "sounds": []}
    (tmp_path / "samples.jsonl").write_text(json.dumps(heard) + "\n")
    lines = table(tmp_path, 3).splitlines()
    assert lines[2] == "| 0 | — | — | — | — | — | — | — | 0.7000 |"
    assert lines[3] == "| 1 | 7 | 0.7500 | 0.5000 | 0.2500 | 0.5000 | 0.6250 | 0.8750 | — |"
    assert len(lines) == 4 and len({line.count("|") for line in lines}) == 1


def test_the_bank_is_of_its_split_and_no_caption_comes_twice():
    """Half of it asks for three events in order; the same seed draws the same."""
    bank = prompts_of("train", 40, seed=0)
    assert len({prompt.text for prompt in bank}) == 40
    assert sum(len(read_caption(prompt.text).labels) == 3 for prompt in bank) == 20
    assert prompts_of("train", 40, seed=0) == bank and prompts_of("train", 40, seed=1) != bank
    dev = prompts_of("dev", 12, seed=0)
    assert not {prompt.text for prompt in dev} & {prompt.text for prompt in bank}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["--iterations", "0"], "iterations is 0; it must be 1 or more"),
        (["--candidates", "1"], "candidates is 1; it must be 2 to 64"),
        (["--iterations", "20"], "add up to 320; at most 256"),
        (["--loss", "group", "--given-share", "0.5"], "set their share to 0"),
    ],
)
def test_a_request_that_cannot_be_met_ends_with_2_and_a_sentence(asked, told, capsys, tmp_path):
    """Before any model is loaded."""
    assert main([*asked, "--root", str(tmp_path / "run")]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
