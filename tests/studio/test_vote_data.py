"""Votes out: every form written, read back by others' means, and nobody's name in any of it."""

import csv
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipelines.errors import StudioError
from pipelines.splits import group_of, split_of
from studio.refusals import NotAllowed
from studio.services.vote_data.formats import check_wish
from studio.store.campaigns import CLOSED, DEGRADED
from studio.visitors import HERE
from tests.studio.casting import cast, taken_back
from tests.studio.small_campaign import small_campaign
from tests.studio.test_page import client_of

PROMPTS = [
    {"text": "a dog barks, then rain", "seconds": 0.2, "labels": ["Dog", "Rain"], "tags": ["t"]},
    {"text": "rain falls while a dog barks", "seconds": 0.2, "labels": ["rain", "Dog"], "tags": []},
    {"text": "=1+1", "seconds": 0.2, "labels": [], "tags": []},
]


@pytest.fixture
def battles(services) -> str:
    """Votes of three people on three prompts, one excluded, one taken back, one on gold."""
    store = services.store
    campaign = small_campaign(store, prompts=PROMPTS, with_gold=True, aspects=["quality"])
    cast(store, campaign, "ann", 0, ("s0", "s1"), "a", reason="=SUM(A1) <b>clear</b>")
    cast(store, campaign, "bob", 0, ("s1", "s0"), "b", aspects={"quality": "a"}, heard=(200, 180))
    cast(store, campaign, "cat", 0, ("s0", "s1"), "b", aspects={"quality": "b"})
    cast(store, campaign, "ann", 1, ("s0", "s1"), "tie")
    cast(store, campaign, "bob", 1, ("s1", "s2"), "skip")
    cast(store, campaign, "bob", 2, ("s2", "s1"), "a")
    cast(store, campaign, "ann", 2, ("s0", "s0" + DEGRADED), "a", kind="gold", answer=0)
    taken_back(store, cast(store, campaign, "cat", 1, ("s0", "s2"), "a"))
    cast(store, campaign, "eve", 0, ("s0", "s1"), "b")
    store.votes.exclude(campaign, made_by=HERE, reason="too fast", voter="eve")
    return campaign


@pytest.fixture
def labels(services) -> str:
    """Two raters on two prompts of one system with three takes."""
    store = services.store
    campaign = small_campaign(store, "integrity", systems=1, prompts=PROMPTS[:2], takes=3)
    sounds = (("s0", 0), ("s0", 1), ("s0", 2))
    said = {"ann": (1.0, 0.0, None), "bob": (1.0, None, None)}
    for voter, values in said.items():
        scores = tuple((place, "integrity", value) for place, value in enumerate(values))
        for prompt in (0, 1):
            cast(store, campaign, voter, prompt, sounds, None, kind="set", scores=scores)
    return campaign


def clip_of(services, campaign: str, prompt: int, system: str, take: int = 0) -> str:
    """The hash of a sound."""
    clips = services.store.campaigns.clips(campaign)
    [found] = [c for c in clips if (c.prompt, c.system, c.take) == (prompt, system, take)]
    return found.source


def rows_in(folder: Path, pattern: str) -> list[dict]:
    """All rows of the JSON-lines files of this name, every split together."""
    lines = [line for path in folder.glob(pattern) for line in path.read_text().splitlines()]
    return [json.loads(line) for line in lines]


def test_everything_is_written_and_counted(services, battles, tmp_path):
    """7 votes count: eve is excluded, one was taken back; what trains is counted apart."""
    told = services.vote_data.export(HERE, battles, tmp_path / "out")
    assert told["forms"] == ["csv", "studio", "datasets", "trl", "tangoflux"]
    assert (told["votes"], told["left_out"]) == (7, {"excluded": 1, "taken back": 1})
    assert told["not_training_rows"]["trl"] == {
        "votes: skip": 1,
        "votes: gold": 1,
        "pairs: tie": 1,
    }
    assert sum(told["rows"]["trl"].values()) == 2
    assert not list((tmp_path / "out").rglob("*ann*"))
    everything = [p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()]
    for name in (b"ann", b"bob", b"cat", b"eve"):  # ids of voters, as the table has them
        assert not any(b'"' + name + b'"' in content for content in everything)


def test_trl_rows_have_its_columns_and_their_sounds(services, battles, tmp_path):
    """prompt, chosen, rejected; s0 won 2 of 3 on the first prompt; the paths lead to the sounds."""
    services.vote_data.export(HERE, battles, tmp_path / "out", form="trl")
    rows = rows_in(tmp_path / "out", "trl-*.jsonl")
    first = next(row for row in rows if row["prompt"] == PROMPTS[0]["text"])
    assert first["chosen"] == f"sounds/{clip_of(services, battles, 0, 's0')}.wav"
    assert first["rejected"] == f"sounds/{clip_of(services, battles, 0, 's1')}.wav"
    assert (first["votes"], first["agreement"]) == (3, pytest.approx(2 / 3))
    for row in rows:
        for side in ("chosen", "rejected"):
            assert soundfile.info(tmp_path / "out" / row[side]).frames == 3200


@pytest.mark.parametrize(
    ("wishes", "count"),
    [
        ({}, 2),
        ({"agreement": 0.7}, 1),  # the first pair has 2 of 3
        ({"ties": True}, 2),  # a tie alone has no lean, even when asked for
        ({"aspect": "quality"}, 1),  # one for s1 on side A, one for s1 on side B
    ],
)
def test_what_trains_is_as_asked(services, battles, tmp_path, wishes, count):
    """Agreement, ties and aspects change the pairs, and nothing else does."""
    told = services.vote_data.export(HERE, battles, tmp_path / "out", form="trl", **wishes)
    assert sum(told["rows"]["trl"].values()) == count


def test_tangoflux_reads_its_own_keys(services, battles, tmp_path):
    """A JSON array of captions, duration, chosen, reject; its validation gets single sounds."""
    services.vote_data.export(HERE, battles, tmp_path / "out", form="tangoflux")
    paths = sorted((tmp_path / "out").glob("tangoflux-*.json"))
    pairs = [p for p in paths if "single" not in p.name]
    rows = [row for path in pairs for row in json.loads(path.read_text())]
    assert len(rows) == 2
    assert {key for row in rows for key in row} == {"captions", "duration", "chosen", "reject"}
    for path in set(paths) - set(pairs):
        for row in json.loads(path.read_text()):
            assert set(row) == {"captions", "duration", "location"}
            assert (tmp_path / "out" / row["location"]).is_file()


def test_batons_triplets_keep_uncertain(services, labels, tmp_path):
    """2 raters x 2 prompts x 3 sounds, 12 rows; the unpaired ones follow the majority."""
    services.vote_data.export(HERE, labels, tmp_path / "out", form="baton")
    rows = rows_in(tmp_path / "out", "baton-*.jsonl")
    assert len(rows) == 12 and {row["label"] for row in rows} == {0, 1, "uncertain"}
    assert {row["rater"] for row in rows} == {"voter 1", "voter 2"}
    assert {row["group"] for row in rows} == {"labels: dog + rain"}
    services.vote_data.export(HERE, labels, tmp_path / "more", form="unpaired")
    rows = rows_in(tmp_path / "more", "unpaired-*.jsonl")
    assert [(type(row["label"]), row["label"]) for row in rows] == [(bool, True)] * 2
    assert {"prompt", "completion", "label"} <= set(rows[0])


def test_datasets_loads_the_folder_and_the_bytes_are_the_same(services, battles, labels, tmp_path):
    """Offline, by the head of the card: sounds with equal bytes, labels as classes, splits whole."""
    datasets = pytest.importorskip("datasets")
    services.vote_data.export(HERE, battles, tmp_path / "a", form="datasets")
    found = datasets.load_dataset(str(tmp_path / "a"), cache_dir=str(tmp_path / "cache"))
    rows = [
        row
        for part in found.values()
        for row in part.cast_column("chosen", datasets.Audio(decode=False)).remove_columns(
            "rejected"
        )
    ]
    assert {"prompt", "chosen", "rejected"} <= set(next(iter(found.values())).column_names)
    assert isinstance(next(iter(found.values())).features["rejected"], datasets.Audio)
    for row in rows:
        path = services.store.clips.path(row["chosen_sound"])
        assert row["chosen"]["bytes"] == path.read_bytes()
    for split, part in found.items():
        assert {split_of(group) for group in part["group"]} == {split}
    votes = datasets.load_dataset(str(tmp_path / "a"), "votes", cache_dir=str(tmp_path / "cache"))
    told = [row for part in votes.values() for row in part]
    assert len(told) == 7 and {row["outcome"] for row in told} == {"a", "b", "tie", "skip"}
    assert not {"reason", "decision_ms"} & set(told[0])
    services.vote_data.export(HERE, labels, tmp_path / "b", form="datasets")
    parts = datasets.load_dataset(
        str(tmp_path / "b"), "triplets", cache_dir=str(tmp_path / "cache")
    )
    [part] = parts.values()  # both prompts ask for the same events: one side
    names = part.features["label"]
    assert [names.int2str(i) for i in range(3)] == ["not aligned", "aligned", "uncertain"]
    assert sorted(part["label"]) == [0] * 2 + [1] * 4 + [2] * 6


def test_every_wording_of_the_same_events_is_on_one_side(services, battles, tmp_path):
    """The two prompts of dog and rain are one group, whatever their order."""
    services.vote_data.export(HERE, battles, tmp_path / "out", form="datasets")
    groups = {group_of(prompt["text"], prompt["labels"]) for prompt in PROMPTS[:2]}
    assert groups == {"labels: dog + rain"}
    import pyarrow.parquet as parquet

    where = {
        prompt: path.stem
        for path in (tmp_path / "out" / "data" / "sounds").glob("*.parquet")
        for prompt in parquet.read_table(path, columns=["prompt"])["prompt"].to_pylist()
    }
    assert where[PROMPTS[0]["text"]] == where[PROMPTS[1]["text"]]


def test_the_card_says_what_is_in_and_what_is_not(services, battles, tmp_path):
    """Whose votes, the question, agreement with its interval, and every reason with its count."""
    services.vote_data.export(HERE, battles, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "(people's votes)" in card and "Which of the two sounds is better" in card
    for said in (
        "votes excluded: 1",
        "votes taken back: 1",
        "`preferences`, `trl`, `tangoflux`: pairs: tie: 1",
    ):
        assert said in card
    assert "Krippendorff" in card or "not known" in card
    store = services.store
    made = small_campaign(store, voters="simulated", title='x"\n---\n# [evil](<b>)')
    with pytest.raises(StudioError, match="No vote counts in this campaign yet"):
        services.vote_data.export(HERE, made, tmp_path / "sim")
    cast(store, made, "sim", 0, ("s0", "s1"), "a")
    services.vote_data.export(HERE, made, tmp_path / "sim", form="datasets")
    card = (tmp_path / "sim" / "README.md").read_text()
    assert "(simulated votes)" in card and "**These votes are simulated.**" in card
    assert "<b>" not in card.split("---", 2)[2] and "simulated-votes" in card


def test_fair_sounds_are_the_ones_that_were_played(services, tmp_path):
    """Asked for, the fair clip takes the place of its source."""
    from dataclasses import replace

    from studio.store.campaigns import CampaignClip

    store = services.store
    campaign = small_campaign(store, systems=2, prompts=1)
    played = store.clips.put(np.full((1, 3200), 0.25, np.float32), 16000)
    [some] = [c for c in store.campaigns.clips(campaign) if c.system == "s0"]
    loud = replace(some, system="s2", clip=played.sha256)
    assert isinstance(loud, CampaignClip)
    store.campaigns.add_clip(loud, [played])
    cast(store, campaign, "ann", 0, ("s2", "s1"), "a")
    for fair, sound in ((True, loud.clip), (False, loud.source)):
        services.vote_data.export(HERE, campaign, tmp_path / str(fair), form="trl", fair=fair)
        [row] = rows_in(tmp_path / str(fair), "trl-*.jsonl")
        assert row["chosen"] == f"sounds/{sound}.wav"


def test_a_cell_cannot_become_a_formula(services, battles, tmp_path):
    """Prompts and reasons that begin like one are plain text."""
    services.vote_data.export(HERE, battles, tmp_path / "out", form="csv")
    text = (tmp_path / "out" / "votes.csv").read_text(encoding="utf-8")
    table = list(csv.DictReader(io.StringIO(text)))
    assert len(table) == 7
    assert {row["prompt"] for row in table} >= {"'=1+1"}
    assert any(row["reason"] == "'=SUM(A1) <b>clear</b>" for row in table)


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"form": "exe"}, "cannot be written as 'exe'; choose from csv"),
        ({"form": "baton"}, "of the task pairwise has nothing to write as baton"),
        ({"agreement": float("nan")}, "The least agreement is nan"),
        ({"agreement": 2}, "must be a share from 0 to 1"),
        ({"aspect": "relevance"}, "it asked for quality"),
    ],
)
def test_what_cannot_be_written_is_said(wishes, words):
    """Before anything is read or written."""
    with pytest.raises(StudioError, match=words):
        check_wish({"task": "pairwise", "aspects": ["quality"]}, **wishes)


def test_a_used_folder_and_a_lost_sound_are_said(services, battles, tmp_path):
    """Old rows never lie beside new ones; a sound that is gone is named."""
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "a.txt").write_text("mine")
    with pytest.raises(StudioError, match="is not empty; name a new folder"):
        services.vote_data.export(HERE, battles, tmp_path / "used")
    services.store.clips.path(clip_of(services, battles, 0, "s0")).unlink()
    with pytest.raises(StudioError, match="no longer on the disk"):
        services.vote_data.export(HERE, battles, tmp_path / "out", form="trl")


def test_only_the_owner_takes_sounds_away(services, battles, labels, tmp_path):
    """Others get the votes of a closed listed campaign, without what tells sounds or people apart."""
    data, store = services.vote_data, services.store
    with pytest.raises(NotAllowed, match="Only who made this campaign"):
        data.export("somebody", battles, tmp_path / "out")
    with pytest.raises(NotAllowed, match="While this campaign is open"):
        data.votes_table("somebody", battles)
    store.campaigns.say(battles, CLOSED)
    text = data.votes_table("somebody", battles).read_text()
    for clip in store.campaigns.clips(battles):
        assert clip.clip not in text and clip.source not in text
    assert "SUM" not in text and "cast_at" not in text and "voter 1" in text
    assert "SUM" in data.votes_table(HERE, battles).read_text()
    store.campaigns.say(labels, CLOSED)
    scores = list(csv.DictReader(io.StringIO(data.votes_table("somebody", labels).read_text())))
    assert len(scores) == 12 and {row["value"] for row in scores} == {"1.0", "0.0", ""}
    assert not {"sound", "vote"} & set(scores[0])
    hidden = small_campaign(store, is_listed=False, owner="ann")
    with pytest.raises(NotAllowed, match="Only who made this campaign"):
        data.votes_table(HERE, hidden)


def test_the_browser_gets_a_zip_and_nothing_stays(services, battles):
    """Sent while it is packed: names are our own words and hashes, sounds are whole."""
    client = client_of(services)
    path = f"/studio/results/{battles}/export"
    answer = client.get(path, params={"as": "all"})
    assert answer.headers["cache-control"] == "no-store"
    bundle = zipfile.ZipFile(io.BytesIO(answer.content))
    top, sound = f"votes-{battles[:8]}", clip_of(services, battles, 0, "s0")
    assert bundle.testzip() is None and f"{top}/README.md" in bundle.namelist()
    assert bundle.read(f"{top}/sounds/{sound}.wav") == services.store.clips.path(sound).read_bytes()
    assert answer.headers["content-disposition"].endswith(f'{top}-all.zip"')
    table = client.get(path)
    assert table.text.splitlines()[0].startswith("vote,voter,cast_at,kind")
    assert list((services.store.folder / "outgoing").iterdir()) == []
    assert client.get(path, params={"as": "baton"}).status_code == 400
    assert client.get(path, params={"as": "trl", "agreement": "x"}).status_code == 400
    assert client.get(path.replace("export", "forms")).json()["forms"] == [
        "csv",
        "studio",
        "datasets",
        "trl",
        "tangoflux",
    ]
    services.store.clips.path(sound).unlink()
    gone = client.get(path, params={"as": "trl"})
    assert gone.status_code == 400 and "no longer on the disk" in gone.json()["error"]
    assert list((services.store.folder / "outgoing").iterdir()) == []
    assert client.get("/studio/results/nothing/export").status_code in (400, 404)
