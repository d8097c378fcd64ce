import csv
from collections import Counter

import pytest

from pipelines.soundworld.captions import read_caption
from pipelines.soundworld.events import LABELS
from pipelines.soundworld.prompt_sets import SETS, rows_of, text_of, write_sets
from pipelines.soundworld.splits import split_of
from tests.test_layering import ROOT

FOLDER = ROOT / "assets" / "prompts"


def test_the_committed_sets_are_what_the_command_writes(tmp_path):
    """No prompt in them was typed or chosen by ear."""
    for path in write_sets(tmp_path):
        assert (FOLDER / path.name).read_text() == path.read_text(), path.name
    assert {path.stem for path in FOLDER.glob("*.csv")} >= {one.name for one in SETS}


@pytest.mark.parametrize("wanted", SETS, ids=lambda one: one.name)
def test_combinations_are_of_the_dev_split_and_come_once(wanted):
    """Never of train, which the models know, nor of test, which nobody may tune on."""
    rows = rows_of(wanted)
    assert len(rows) == sum(wanted.counts.values())
    several = [set(read_caption(prompt).labels) for prompt, kind, _, _ in rows if kind != "one"]
    assert all(split_of(labels) == "dev" for labels in several)
    assert len({frozenset(labels) for labels in several}) == len(several)
    uses = Counter(label for labels in several for label in labels)
    assert max(uses.values(), default=0) <= max(5, uses.total() / len(LABELS) + 2)


def test_the_order_set_asks_for_an_order_in_every_prompt():
    """And the set of single events names each event once."""
    with (FOLDER / "order.csv").open() as file:
        assert all(read_caption(row["prompt"]).order for row in csv.DictReader(file))
    with (FOLDER / "single.csv").open() as file:
        named = [read_caption(row["prompt"]).labels for row in csv.DictReader(file)]
    assert named == [(label,) for label in LABELS]


def test_a_set_reads_back_with_its_labels():
    """What stands in the column is what the reader of captions finds."""
    for row in csv.DictReader(text_of(SETS[0]).splitlines()):
        assert "; ".join(read_caption(row["prompt"]).labels) == row["labels"]
