"""Votes in: what another studio exported and preference sets come back whole, or are refused in words."""

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from pipelines.audio import write_audio
from pipelines.errors import StudioError
from studio.config import Config
from studio.services.services import Services
from studio.services.vote_data import exchange
from studio.store.campaigns import CLOSED, DEGRADED
from studio.store.vote_rows import read_votes
from studio.visitors import HERE
from tests.studio.casting import cast, taken_back
from tests.studio.sine_engines import SineEngines
from tests.studio.small_campaign import small_campaign

SAME = ("votes.jsonl", "clips.jsonl", "votes.csv")


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Services]:
    """Another studio."""
    config = Config(data=tmp_path / "elsewhere")
    opened = Services(config, SineEngines(config))
    yield opened
    opened.close()


def battles(services: Services) -> str:
    """Four votes of two voters: with aspects, a reason, a skip, gold."""
    store = services.store
    campaign = small_campaign(store, prompts=2, with_gold=True, aspects=["quality"])
    cast(store, campaign, "ann", 0, ("s0", "s1"), "a", reason="„klar“ <b>", heard=(200, 150))
    cast(store, campaign, "bob", 0, ("s1", "s0"), "tie", aspects={"quality": "b"}, decision_ms=9)
    cast(store, campaign, "ann", 1, ("s2", "s1"), "skip", first_played=1)
    cast(store, campaign, "bob", 1, ("s0", "s0" + DEGRADED), "a", kind="gold", answer=0)
    return campaign


def labels(services: Services) -> str:
    """Two raters, three takes, one uncertain."""
    campaign = small_campaign(services.store, "temporal", systems=1, prompts=1, takes=3)
    sounds = (("s0", 2), ("s0", 0), ("s0", 1))
    for voter, values in {"ann": (1.0, 0.0, None), "bob": (1.0, 1.0, 0.0)}.items():
        scores = tuple((place, "temporal", value) for place, value in enumerate(values))
        cast(services.store, campaign, voter, 0, sounds, None, kind="set", scores=scores)
    cast(services.store, campaign, "cat", 0, sounds, "skip", kind="set")
    return campaign


def opinions(services: Services) -> str:
    """One voter, two systems, two aspects."""
    campaign = small_campaign(services.store, "mos", systems=2, prompts=1, half_steps=True)
    scores = (
        (0, "alignment", 4.5),
        (0, "quality", 3.0),
        (1, "alignment", 1.0),
        (1, "quality", 5.0),
    )
    sounds = (("s1", 0), ("s0", 0))
    cast(services.store, campaign, "ann", 0, sounds, None, kind="set", scores=scores)
    return campaign


def exported(services: Services, campaign: str, folder: Path) -> Path:
    """The folder with everything in it."""
    services.vote_data.export(HERE, campaign, folder)
    return folder


def zipped(services: Services, folder: Path) -> Path:
    """The same as the browser gets it."""
    packed = folder / "votes.zip"
    packed.write_bytes(
        b"".join(services.vote_data.export_zip(HERE, battles(services), form="studio"))
    )
    return packed


@pytest.mark.parametrize("make", [battles, labels, opinions])
def test_out_in_and_out_again_gives_the_same_rows(services, elsewhere, tmp_path, make: Callable):
    """Byte for byte: votes, clips, tables and sounds; the campaign says where it is from."""
    first = exported(services, make(services), tmp_path / "first")
    told = elsewhere.vote_data.bring(HERE, first)
    assert told["new"] == told["votes"] > 0
    second = exported(elsewhere, told["campaign"], tmp_path / "second")
    for name in SAME:
        assert (second / name).read_bytes() == (first / name).read_bytes()
    sounds = [sorted(p.name for p in (folder / "sounds").iterdir()) for folder in (first, second)]
    assert sounds[0] == sounds[1]
    found = elsewhere.store.campaigns.get(told["campaign"])
    assert found.status == CLOSED and found.definition["origin"]["campaign"]
    assert "They were imported" in (second / "README.md").read_text()


@pytest.mark.parametrize("make", [battles, labels])
def test_both_databases_give_and_take_the_same_rows(services, either, tmp_path, make: Callable):
    """Out of SQLite, into SQLite or PostgreSQL and out again; undone and excluded votes stay out."""
    first = exported(services, make(services), tmp_path / "first")
    name = either.vote_data.bring(HERE, first)["campaign"]
    assert either.vote_data.bring(HERE, first)["new"] == 0
    second = exported(either, name, tmp_path / "second")
    for file in SAME:
        assert (second / file).read_bytes() == (first / file).read_bytes()
    campaign = make(either)
    votes = either.store.votes.live_votes(campaign)
    taken_back(either.store, votes[0])
    either.store.votes.exclude(campaign, made_by=HERE, reason="x", vote=votes[1].id)
    found = read_votes(either.store.database, campaign)
    assert len(found.votes) == len(votes) - 2
    assert found.left_out == {"excluded": 1, "taken back": 1}


def test_the_same_import_again_adds_nothing_and_a_later_one_what_is_new(
    services, elsewhere, tmp_path
):
    """Idempotent by the vote's id; the campaign is the one that is there."""
    campaign = battles(services)
    first = exported(services, campaign, tmp_path / "first")
    told = elsewhere.vote_data.bring(HERE, first)
    assert elsewhere.vote_data.bring(HERE, first)["new"] == 0
    cast(services.store, campaign, "dan", 0, ("s0", "s2"), "b")
    later = elsewhere.vote_data.bring(HERE, exported(services, campaign, tmp_path / "later"))
    assert (later["campaign"], later["new"], later["votes"]) == (told["campaign"], 1, 5)
    assert len(elsewhere.store.votes.live_votes(told["campaign"])) == 5


def test_a_studios_own_votes_do_not_come_in_twice(services, elsewhere, tmp_path):
    """Neither straight back, nor by way of another studio."""
    campaign = battles(services)
    first = exported(services, campaign, tmp_path / "first")
    with pytest.raises(StudioError, match="of this studio's own campaign"):
        services.vote_data.bring(HERE, first)
    other = elsewhere.vote_data.bring(HERE, first)["campaign"]
    second = exported(elsewhere, other, tmp_path / "second")
    with pytest.raises(StudioError, match="is in another campaign here already"):
        services.vote_data.bring(HERE, second)
    assert len(services.store.votes.live_votes(campaign)) == 4


def test_an_imported_campaign_is_for_reading(services, elsewhere, tmp_path):
    """It cannot be opened, nobody else sees it, and its voters are marked."""
    first = exported(services, battles(services), tmp_path / "first")
    name = elsewhere.vote_data.bring(HERE, first)["campaign"]
    with pytest.raises(StudioError, match="was imported and is for reading"):
        elsewhere.campaigns.open(HERE, name)
    assert name not in [view["id"] for view in elsewhere.campaigns.listing("somebody")]
    for vote in elsewhere.store.votes.live_votes(name):
        assert elsewhere.store.votes.kind_of(vote.voter) == "imported"


def test_a_zip_comes_in_too_and_cannot_write_where_it_likes(services, elsewhere, tmp_path):
    """What climbs out of its folder, or is not ours, is left in the zip."""
    packed = zipped(services, tmp_path)
    with zipfile.ZipFile(packed, "a") as bundle:
        for name in ("../../evil.txt", "/evil.txt", "x/sounds/../../evil.wav", "x/run.py"):
            bundle.writestr(name, "evil")
    told = elsewhere.vote_data.bring(HERE, packed)
    assert told["new"] == 4
    assert not list(tmp_path.rglob("evil*"))
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK nonsense")
    with pytest.raises(StudioError, match="is no zip that can be read"):
        elsewhere.vote_data.bring(HERE, broken)


def test_a_zip_that_would_fill_the_disk_is_refused(services, elsewhere, tmp_path, monkeypatch):
    """By what it says it unpacks to; more than it says is never read."""
    packed = zipped(services, tmp_path)
    monkeypatch.setattr(exchange, "MOST_UNZIPPED", 1000)
    with pytest.raises(StudioError, match="The zip unpacks to"):
        elsewhere.vote_data.bring(HERE, packed)


def test_a_changed_sound_is_refused_before_any_vote(services, elsewhere, tmp_path):
    """The bytes must be what the name says; nothing is kept."""
    first = exported(services, battles(services), tmp_path / "first")
    sound = next((first / "sounds").iterdir())
    write_audio(sound, np.zeros((1, 800), np.float32), 16000)
    with pytest.raises(StudioError, match="is not what its name says"):
        elsewhere.vote_data.bring(HERE, first)
    assert elsewhere.store.campaigns.latest() == []
    sound.write_bytes(b"no sound")
    with pytest.raises(StudioError, match="is not audio"):
        elsewhere.vote_data.bring(HERE, first)
    sound.unlink()
    with pytest.raises(StudioError, match="There is no file"):
        elsewhere.vote_data.bring(HERE, first)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"outcome": "c"}, 'row 1: outcome is "c"; allowed are a, b, tie'),
        ({"voter": "ann"}, 'a voter is "voter 1"'),
        ({"vote": "../../x"}, "a vote has an id"),
        ({"prompt": True}, "row 1: prompt is true; it must be a whole number"),
        ({"prompt": 9}, "judges sounds that clips.jsonl does not have"),
        ({"sounds": [{"system": ["s0"], "take": 0}]}, "system is .* it must be text"),
        ({"sounds": [{"system": "s0", "take": 0}]}, "judges 1 sounds; a battle has 2"),
        ({"heard_ms": [-1]}, "heard_ms is -1; it must be from 0"),
        ({"cast_at": "yesterday"}, "it must be a moment in ISO 8601"),
        ({"kind": "set"}, 'kind is "set"; allowed are ab'),
        ({"reason": "x" * 3000}, "has 3000 characters; at most 2000"),
        ({"aspects": {"colour": "a"}}, 'aspect is "colour"; allowed are quality'),
    ],
)
def test_a_row_that_no_studio_writes_is_refused_where_it_stands(
    services, elsewhere, tmp_path, change, words
):
    """With its number; nothing of the file is kept."""
    first = exported(services, battles(services), tmp_path / "first")
    lines = (first / "votes.jsonl").read_text().splitlines()
    lines[0] = json.dumps({**json.loads(lines[0]), **change})
    (first / "votes.jsonl").write_text("\n".join(lines))
    with pytest.raises(StudioError, match=words):
        elsewhere.vote_data.bring(HERE, first)
    assert elsewhere.store.campaigns.latest() == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"format": "other"}', "this studio reads"),
        ("[]", "must be an object"),
        ("[" * 100_000, "is not JSON"),
        ('{"format": NaN}', "holds NaN, which is no number"),
    ],
)
def test_a_head_that_is_none_is_refused(services, elsewhere, tmp_path, text, words):
    """Another format, no object, nested without end, numbers that are none."""
    first = exported(services, battles(services), tmp_path / "first")
    (first / "campaign.json").write_text(text)
    with pytest.raises(StudioError, match=words):
        elsewhere.vote_data.bring(HERE, first)


@pytest.fixture
def wavs(tmp_path: Path) -> Path:
    """Three short sounds in a folder."""
    for number in range(3):
        audio = np.full((1, 1600 * (number + 1)), 0.1 * (number + 1), np.float32)
        write_audio(tmp_path / "set" / "sounds" / f"{number}.wav", audio, 16000)
    return tmp_path / "set"


def test_tangoflux_pairs_come_in_by_file_name(services, wavs, tmp_path):
    """A path of another machine counts by its last part; what is not there is counted."""
    rows = [
        {"captions": "a dog", "duration": 10, "chosen": "/data/x/0.wav", "reject": "1.wav"},
        {"captions": "a dog", "duration": 10, "chosen": "9.wav", "reject": "1.wav"},
        {"captions": "rain", "duration": 10, "chosen": "1.wav", "reject": "1.wav"},
        {"captions": "rain", "duration": 10, "chosen": "../../secret.wav", "reject": "1.wav"},
    ]
    write_audio(tmp_path / "secret.wav", np.full((1, 800), 0.9, np.float32), 16000)
    (wavs / "sounds" / "train.json").write_text(json.dumps(rows))
    told = services.vote_data.bring(HERE, wavs / "sounds" / "train.json")
    assert told["refused"] == {
        "names a sound that is not in the folder": 2,
        "chose a sound over itself": 1,
    }
    assert (told["new"], told["origin"]["format"]) == (1, "TangoFlux pairs")
    assert services.vote_data.bring(HERE, wavs / "sounds" / "train.json")["new"] == 0
    services.vote_data.export(HERE, told["campaign"], tmp_path / "out", form="tangoflux")
    [path] = (tmp_path / "out").glob("tangoflux-*[nvt].json")
    [row] = json.loads(path.read_text())
    kept = services.store.clips.put(np.full((1, 1600), 0.1, np.float32), 16000).sha256
    assert (row["captions"], row["duration"]) == ("a dog", 10)
    assert row["chosen"] == f"sounds/{kept}.wav"


def test_our_own_training_rows_come_in_as_rows(services, elsewhere, tmp_path):
    """TRL pairs and BATON triplets that a studio wrote, label groups and raters and all."""
    campaign = labels(services)
    services.vote_data.export(HERE, campaign, tmp_path / "out", form="baton")
    [path] = (tmp_path / "out").glob("baton-*.jsonl")
    told = elsewhere.vote_data.bring(HERE, path)
    assert (told["new"], told["origin"]["task"]) == (2, "temporal")
    elsewhere.vote_data.export(HERE, told["campaign"], tmp_path / "again", form="baton")
    [again] = (tmp_path / "again").glob("baton-*.jsonl")

    def plain(file: Path) -> list[str]:
        return sorted(file.read_text().splitlines())

    assert plain(again) == plain(path)


def test_labels_without_a_task_need_one(services, wavs):
    """TRL's unpaired rows do not say what they label; true is 1."""
    rows = [{"prompt": "a dog", "completion": "sounds/0.wav", "label": True}]
    path = wavs / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    with pytest.raises(StudioError, match="say --task integrity or --task temporal"):
        services.vote_data.bring(HERE, path)
    told = services.vote_data.bring(HERE, path, task="integrity", title="Mine")
    [vote] = services.store.votes.live_votes(told["campaign"])
    assert vote.scores == ((0, "integrity", 1.0),)
    found = services.store.campaigns.get(told["campaign"]).definition
    assert found["title"] == "Mine" and found["prompts"][0]["seconds"] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"a": 1}], "has rows of a; known are: captions, chosen, reject"),
        ([], "has rows of nothing"),
        ([{"prompt": "x", "chosen": "q.wav", "rejected": "r.wav"}], "No row of rows.json could"),
        ([{"prompt": "x", "audio": "sounds/0.wav", "label": 2}], "say --task"),
        (
            [{"prompt": "x", "audio": "sounds/0.wav", "label": 2, "task": "integrity"}],
            "label is 2; allowed are 0, 1, uncertain",
        ),
        ([{"prompt": 3, "chosen": "sounds/0.wav", "rejected": "sounds/1.wav"}], "must be text"),
    ],
)
def test_a_set_in_no_known_form_is_refused(services, wavs, rows, words):
    """In words, and nothing is kept."""
    (wavs / "rows.json").write_text(json.dumps(rows))
    with pytest.raises(StudioError, match=words):
        services.vote_data.bring(HERE, wavs / "rows.json")
    assert services.store.campaigns.latest() == []


def test_other_files_are_refused(services, tmp_path):
    """A pickle is never opened; a folder without an export is told apart."""
    (tmp_path / "rows.pkl").write_bytes(b"cos\nsystem\n")
    with pytest.raises(StudioError, match="cannot be imported; give a folder"):
        services.vote_data.bring(HERE, tmp_path / "rows.pkl")
    with pytest.raises(StudioError, match="There is no campaign.json"):
        services.vote_data.bring(HERE, tmp_path)
