"""Pairs from scores and from sets that are there: who wins, what is left out, what a file may name."""

import io
import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from pipelines.errors import StudioError
from pipelines.finetune.pairs import PairRow
from pipelines.recipes.crpo.ranking import Ranked, fault_of, ranked_groups, ranked_pairs
from pipelines.recipes.crpo.sources import (
    GivenSet,
    alpaca_set,
    pairs_of_labels,
    pairs_of_votes,
    tangoflux_set,
    without_faults,
)
from pipelines.reward.labels import Example, Pair

RATE = 8000


def group(*scores: float, faults: dict[int, str] | None = None) -> list[Ranked]:
    """Candidates a, b, c … of one prompt."""
    return [
        Ranked(key="abcdef"[n], prompt="p", seconds=2.0, score=score, fault=(faults or {}).get(n))
        for n, score in enumerate(scores)
    ]


def tone(seconds: float = 0.5, gain: float = 0.3) -> np.ndarray:
    """A sine."""
    at = np.arange(int(seconds * RATE)) / RATE
    return (gain * np.sin(2 * np.pi * 440 * at)).astype(np.float32)[None]


def test_the_best_is_before_the_worst_and_equals_keep_their_order():
    """.2 .9 .9 .1 .1: the first .9 wins, the last .1 loses, by .8."""
    [row] = ranked_pairs([group(0.2, 0.9, 0.9, 0.1, 0.1)]).pairs
    assert (row.chosen, row.rejected, row.origin) == ("b", "e", "ranked")
    assert row.gap == pytest.approx(0.8)


def test_what_gives_no_pair_is_counted():
    """Equal, too near, alone; a fault makes neither winner nor loser."""
    found = ranked_pairs(
        [group(0.5, 0.5), group(0.5, 0.55), group(0.9, 0.1, faults={0: "silent"}),
         group(0.9, 0.1, 0.5, faults={0: "clipped"}), group(float("nan"), 0.2)],
        margin=0.1,
    )  # fmt: skip
    assert [(row.chosen, row.rejected) for row in found.pairs] == [("c", "b")]
    assert found.left_out == {
        "all candidates equal": 1,
        "a gap below the margin": 1,
        "fewer than two candidates that can be ranked": 2,
    }
    assert found.faults == {"silent": 1, "clipped": 1}


def test_groups_are_whole_or_not_taken():
    """One with a fault and one of equals teach nothing."""
    found = ranked_groups([group(0.1, 0.9), group(0.1, 0.9, faults={1: "silent"}), group(0.4, 0.4)])
    assert [row.rewards for row in found] == [(0.1, 0.9)]


@pytest.mark.parametrize(
    ("audio", "fault"),
    [
        (tone(), None),
        (tone(gain=0.0005), "silent"),
        (np.zeros((1, 0), np.float32), "silent"),
        (np.full((1, 100), np.nan, np.float32), "silent"),
        (np.clip(tone(gain=3.0), -1, 1), "clipped"),
        (np.pad(tone(0.05), ((0, 0), (4000, 4000))), "too short"),
        (np.pad(tone(0.2), ((0, 0), (4000, 4000))), None),
    ],
)
def test_faults_are_heard(audio, fault):
    """Silent below -60 dBFS, cut at full scale, less than a tenth of a second of sound."""
    assert fault_of(audio, RATE) == fault


def test_votes_are_pairs_by_their_majority():
    """3 of 4 is a gap of .5; an even split is none."""
    votes = [
        Pair(prompt="p", chosen="x", rejected="y", agreement=0.75, group="g"),
        Pair(prompt="p", chosen="x", rejected="z", agreement=0.5, group="g"),
    ]
    [row] = pairs_of_votes(votes, {"p": 2.0})
    assert (row.chosen, row.rejected, row.gap, row.origin) == ("x", "y", 0.5, "votes")


def label(clip: str, target: float, task: str = "integrity", prompt: str = "p") -> Example:
    """What was said of a sound."""
    return Example(prompt=prompt, clip=clip, target=target, raters=1, task=task, group="g")


def test_labels_are_pairs_within_prompt_and_task():
    """2 aligned x 2 not = 4; another prompt's or task's sounds never meet; an even split stands apart."""
    examples = [
        label("a", 1.0), label("b", 0.8), label("x", 0.0), label("y", 0.2), label("even", 0.5),
        label("q1", 1.0, prompt="q"), label("t", 0.0, task="temporal"),
    ]  # fmt: skip
    seconds = {"p": 2.0, "q": 3.0}
    rows = pairs_of_labels(examples, seconds)
    assert {(r.chosen, r.rejected) for r in rows} == {
        ("a", "x"),
        ("b", "y"),
        ("a", "y"),
        ("b", "x"),
    }
    few = pairs_of_labels(examples, seconds, most=2)
    assert [(r.chosen, r.rejected) for r in few] == [("a", "x"), ("b", "y")]
    assert few[0].gap == 1.0 and few[1].gap == pytest.approx(0.6)


def test_a_pair_that_two_tasks_see_the_other_way_round_is_none():
    """Aligned for integrity, not for order, against its opposite."""
    examples = [
        label("a", 1.0), label("b", 0.0),
        label("a", 0.0, task="temporal"), label("b", 1.0, task="temporal"),
    ]  # fmt: skip
    assert pairs_of_labels(examples, {"p": 2.0}) == []


def written(folder, rows) -> None:
    """Two sounds and a list."""
    for name in ("w.wav", "l.wav"):
        soundfile.write(folder / name, tone()[0], RATE)
    (folder / "pairs.json").write_text(json.dumps(rows))


GOOD = {"captions": "a dog", "duration": 2, "chosen": "w.wav", "reject": "l.wav"}


def test_a_tangoflux_list_is_read(tmp_path):
    """Sounds come at the rate that is asked for."""
    written(tmp_path, [GOOD, {**GOOD, "chosen": "l.wav", "reject": "w.wav"}])
    given = tangoflux_set(tmp_path / "pairs.json", sample_rate=4000)
    one, other = given.pairs
    assert (one.chosen, one.rejected) == (other.rejected, other.chosen)
    assert (one.prompt, one.seconds, one.origin) == ("a dog", 2.0, "given")
    assert given.sound(one.chosen).shape == (1, 2000)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"chosen": "../w.wav"}, "names a sound that is not in"),
        ({"chosen": "/etc/passwd"}, "names a sound that is not in"),
        ({"reject": "none.wav"}, "Pair 1 of pairs.json names a sound"),
        ({"duration": -1}, "no usable duration"),
        ({"duration": True}, "no usable duration"),
        ({"duration": float("nan")}, "no usable duration"),
        ({"captions": " "}, "no usable captions"),
        ({"reject": 3}, "no usable reject"),
    ],
)
def test_a_list_that_names_what_it_must_not_is_refused(tmp_path, change, told):
    """Nothing outside of its folder is read."""
    inside = tmp_path / "set"
    inside.mkdir()
    written(inside, [{**GOOD, **change}])
    soundfile.write(tmp_path / "w.wav", tone()[0], RATE)
    with pytest.raises(StudioError, match=told):
        tangoflux_set(inside / "pairs.json", sample_rate=RATE)


def test_what_is_no_list_is_refused(tmp_path):
    """Broken JSON, and an object."""
    (tmp_path / "pairs.json").write_text("{")
    with pytest.raises(StudioError, match="no JSON list that can be read"):
        tangoflux_set(tmp_path / "pairs.json", sample_rate=RATE)
    (tmp_path / "pairs.json").write_text("{}")
    with pytest.raises(StudioError, match="holds no list of pairs"):
        tangoflux_set(tmp_path / "pairs.json", sample_rate=RATE)


def flac(audio: np.ndarray) -> dict:
    """As the datasets library keeps a sound in a table."""
    file = io.BytesIO()
    soundfile.write(file, audio[0], RATE, format="FLAC")
    return {"bytes": file.getvalue(), "path": "x.flac"}


def test_an_alpaca_table_is_read_shard_by_shard(tmp_path):
    """Rows of two shards and several row groups keep their own sounds."""
    for shard in range(2):
        rows = [
            {"prompt": f"p{shard}{n}", "chosen": flac(tone(gain=0.1 * (1 + n + 3 * shard))),
             "rejected": flac(tone(gain=0.05)), "strategy": "x"}
            for n in range(3)
        ]  # fmt: skip
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / f"s{shard}.parquet", row_group_size=2)
    given = alpaca_set(tmp_path, sample_rate=RATE)
    assert [row.prompt for row in given.pairs] == ["p00", "p01", "p02", "p10", "p11", "p12"]
    peaks = [float(np.abs(given.sound(row.chosen)).max()) for row in given.pairs]
    assert peaks == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], abs=0.01)
    assert np.abs(given.sound(given.pairs[5].rejected)).max() == pytest.approx(0.05, abs=0.01)


def test_a_table_of_something_else_is_refused(tmp_path):
    """No shard, no such column, no parquet, a cell without a sound."""
    with pytest.raises(StudioError, match=r"holds no \.parquet file"):
        alpaca_set(tmp_path, sample_rate=RATE)
    pq.write_table(pa.table({"prompt": ["a"], "chosen": [None]}), tmp_path / "a.parquet")
    with pytest.raises(StudioError, match="lacks the column rejected"):
        alpaca_set(tmp_path, sample_rate=RATE)
    pq.write_table(
        pa.table({"prompt": ["a"], "chosen": [{"bytes": b""}], "rejected": [None]}),
        tmp_path / "a.parquet",
    )
    given = alpaca_set(tmp_path, sample_rate=RATE)
    with pytest.raises(StudioError, match="Row 1 of a.parquet has no sound under chosen"):
        given.sound(given.pairs[0].chosen)
    (tmp_path / "a.parquet").write_bytes(b"no")
    with pytest.raises(StudioError, match="is no parquet file"):
        alpaca_set(tmp_path, sample_rate=RATE)


def test_pairs_with_a_silent_side_are_left_out_and_counted():
    """One of two."""
    row = PairRow(prompt="p", seconds=1.0, chosen="w", rejected="l")
    sounds = {"w": tone(), "l": tone(), "s": tone(gain=0.0)}
    found = without_faults(GivenSet([row, replace(row, rejected="s")], sounds.__getitem__), RATE)
    assert found.pairs == [row] and found.left_out == {"silent": 1}
