"""`prompts`: from a data set's file, or from label groups, to a list that the other verbs read."""

import json

import pytest

from pipelines.soundworld.splits import split_of
from studio import cli
from studio.services.prompt_sets import read_prompt_rows
from studio.services.services import Services
from tests.pipelines.test_prompts_audiocaps import OURS, SEGMENTS
from tests.studio.sine_engines import SineEngines


@pytest.fixture
def run(tmp_path, capsys):
    """Runs `prompts audiocaps` on our eight captions: exit code, lines, what was said."""
    source = tmp_path / "test.csv"
    source.write_text(OURS)

    def verb(*arguments):
        code = cli.main(
            ["--data", str(tmp_path / "data"), "prompts", "audiocaps", str(source), *arguments],
            lambda config: Services(config, SineEngines(config)),
        )
        said = capsys.readouterr()
        return code, [json.loads(line) for line in said.out.splitlines()], said.err

    return verb


def test_both_sets_are_written_and_read_again(run, tmp_path, services):
    """Counts beside the paper's; the list holds the prompts in order."""
    out = tmp_path / "sets.csv"
    code, lines, said = run("--out", str(out))
    assert code == 0
    assert [(line["set"], line["prompts"], line["in_paper"]) for line in lines] == [
        ("two-label", 3, 148), ("three-label", 1, 165),
    ]  # fmt: skip
    assert lines[0]["counted_by"] == "caption" and "by hand" in said
    assert len(services.read_prompt_file(out)) == 4
    assert services.read_prompt_file(out)[0] == "A kettle whistles followed by a cup breaking"


def test_labels_count_where_they_are_known(run, tmp_path):
    """With AudioSet's segments, unless told otherwise."""
    segments = tmp_path / "segments.csv"
    segments.write_text(SEGMENTS)
    out = str(tmp_path / "sets.csv")
    _, [three], _ = run("--out", out, "--labels", str(segments), "--events", "3")
    assert (three["counted_by"], three["prompts"]) == ("labels", 1)
    _, lines, _ = run("--out", out, "--labels", str(segments), "--by", "caption", "--most", "2")
    assert [(line["counted_by"], line["prompts"]) for line in lines] == [
        ("caption", 2), ("caption", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--out", "nowhere/x.csv"], "cannot be written"),
        (["--out", "x.csv", "--most", "0"], "--most is 0; give a whole number from 1"),
        (["--out", "x.csv", "--by", "labels"], "No caption has labels"),
        (["--out", "x.csv", "--events", "5"], "invalid choice"),
        (["--out", "x.csv", "--seed", "-1"], "The seed is -1"),
    ],
)
def test_bad_input_is_exit_code_2_and_one_sentence(run, flags, message):
    """Nothing is written."""
    code, lines, said = run(*flags)
    assert (code, lines) == (2, [])
    assert message in said


@pytest.fixture
def write(tmp_path, capsys):
    """Runs `prompts write`: exit code, lines, what was said."""

    def verb(*arguments):
        code = cli.main(
            ["--data", str(tmp_path / "data"), "prompts", "write", *arguments],
            lambda config: Services(config, SineEngines(config)),
        )
        said = capsys.readouterr()
        return code, [json.loads(line) for line in said.out.splitlines()], said.err

    return verb


def test_captions_are_written_to_label_and_held_out(write, tmp_path):
    """A train list leads to `vote new`, a dev list to `compare`; each keeps to its groups."""
    for split, leads in (("train", "vote new --template baton-temporal"), ("dev", "compare A B")):
        out = tmp_path / f"{split}.csv"
        flags = ["--task", "temporal", "--count", "5", "--seed", "1", "--split", split]
        code, [line], said = write(*flags, "--out", str(out))
        assert (code, line["prompts"], line["split"], line["seed"]) == (0, 5, split, 1)
        assert leads in said and str(out) in said
        rows = read_prompt_rows(out)
        assert {split_of(row["labels"]) for row in rows} == {split}
        assert all(len(row["labels"]) == 3 and row["order"] is not None for row in rows)
        again = tmp_path / "again.csv"
        write(*flags, "--out", str(again))
        assert again.read_bytes() == out.read_bytes()


def test_captions_from_ones_own_labels(write, tmp_path):
    """As many as the file has; more than the page would write."""
    labels = tmp_path / "mine.txt"
    labels.write_text("\n".join(f"Sound {n}" for n in range(40)))
    out = tmp_path / "x.csv"
    code, [line], _ = write("--labels", str(labels), "--count", "300", "--out", str(out))
    assert (code, line["labels"], len(read_prompt_rows(out))) == (0, 40, 300)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--out", "nowhere/x.csv", "--count", "2"], "cannot be written"),
        (["--out", "x.csv", "--task", "both"], "The task is 'both'"),
        (["--out", "x.csv", "--writer", "model"], "No language model is configured"),
        (["--out", "x.csv", "--labels", "nowhere.txt"], "cannot be read as text"),
        (["--out", "x.csv", "--count", "9999"], "give a number from 1 to 5000"),
    ],
)
def test_what_cannot_be_written_is_exit_code_2(write, flags, message):
    """One sentence."""
    code, lines, said = write(*flags)
    assert (code, lines) == (2, []) and message in said
