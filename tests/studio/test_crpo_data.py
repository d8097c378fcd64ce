"""Pairs beside the ranked ones: of labels, of votes, of a set in a zip; which are taken, which are not."""

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.errors import StudioError
from studio.config import Config
from studio.refusals import Unknown
from studio.services.finetune.crpo.data import voted_pairs
from studio.services.finetune.folders import PAIRS, Folders
from studio.visitors import HERE
from tests.studio.casting import cast
from tests.studio.fake_improving import improved_here
from tests.studio.fake_training import labelled
from tests.studio.small_campaign import small_campaign
from tests.studio.test_finetune_folders import GOOD, wav, zipped

VOTERS = [f"{n:032d}" for n in range(1, 6)]
ROW = {"captions": "rain falls", "duration": 2, "chosen": "a.wav", "reject": "b.wav"}


def labels(services) -> str:
    """One prompt of which the first system's sound is called aligned and the second's is not."""
    campaign = small_campaign(services.store, "integrity", 2, 1, seconds=0.5)
    for voter, system, value in ((VOTERS[0], "s0", 1.0), (VOTERS[1], "s1", 0.0)):
        cast(services.store, campaign, voter, 0, (system,), None, kind="set",
             scores=((0, "integrity", value),))  # fmt: skip
    return campaign


def battles(services, *outcomes: str) -> str:
    """One prompt whose two sounds met, a voter each."""
    campaign = small_campaign(services.store, "pairwise", 2, 1, seconds=0.5)
    for voter, outcome in zip(VOTERS, outcomes, strict=False):
        cast(services.store, campaign, voter, 0, ("s0", "s1"), outcome, kind="ab")
    return campaign


def sound_of(services, campaign: str, system: str) -> str:
    """The SHA-256 of a system's sound."""
    clips = services.store.campaigns.clips(campaign)
    return next(clip.clip for clip in clips if clip.system == system)


def test_what_was_called_aligned_is_before_what_was_not(services):
    """With the prompt's own length; the campaign is told with how much was judged."""
    campaign = labels(services)
    [row], _, about, kinds = voted_pairs(services.store, HERE, [campaign])
    assert row.chosen == sound_of(services, campaign, "s0")
    assert row.rejected == sound_of(services, campaign, "s1")
    assert (row.origin, row.seconds) == ("labels", 0.5)
    assert (about[0]["id"], about[0]["sounds"], kinds) == (campaign, 2, {False})


def test_the_majority_of_votes_is_before_the_other(services):
    """Two of three for A; a tie of votes is no pair."""
    campaign = battles(services, "a", "a", "b")
    [row], *_ = voted_pairs(services.store, HERE, [campaign])
    assert row.chosen == sound_of(services, campaign, "s0")
    assert (row.origin, row.gap) == ("votes", pytest.approx(1 / 3))
    rows, left_out, *_ = voted_pairs(services.store, HERE, [battles(services, "a", "b")])
    assert (rows, left_out["pairs of which either was chosen as often"]) == ([], 1)


def test_simulated_listeners_and_people_are_never_mixed(services):
    """Two campaigns of both kinds are refused, by the sentence that Reward says too."""
    simulated = labelled(services, voters="simulated")
    with pytest.raises(StudioError, match="never mixed"):
        voted_pairs(services.store, HERE, [labels(services), simulated])


def test_a_run_mixes_them_in_at_a_share(services, work):
    """A half of each step unless told otherwise; their sounds are named from the data folder on."""
    with improved_here(services):
        asked = {"recipe": "crpo", "prompts": ["a dog barks"], "campaigns": [labels(services)]}
        run = services.finetune.start(HERE, asked)
        work(services)
        found = services.finetune.views.view(run, HERE)
    assert (found["status"], found["error"]) == ("done", None)
    assert found["data"] | {"campaigns": []} == {
        "prompts": 1, "drawn": 1, "candidates": 25, "pairs": 1, "votes": 0, "labels": 1,
        "given": 0, "share": 0.5, "campaigns": [], "folder": None, "left_out": {},
        "simulated": False, "is_world": False, "ranked_by": "CLAP",
    }  # fmt: skip
    record = services.finetune.views.record(run, HERE)["data"]
    assert (record["share"], record["pairs"], record["source"]) == (0.5, {"labels": 1}, "given")
    data = services.finetune.run.folder(run).read("data.json")
    assert all((services.config.data / file).is_file() for file in data["files"].values())


@pytest.fixture
def folders(tmp_path):
    return Folders(Config(data=tmp_path / "data"))


def a_set(rows, **more) -> dict:
    """The files of a zip as TangoFlux's training reads a set."""
    sounds = {"audio/a.wav": wav(300), "audio/b.wav": wav(500)}
    return {"set.json": json.dumps(rows), **sounds, **more}


def test_a_list_of_pairs_comes_with_its_sounds(folders, tmp_path):
    """Whatever machine its paths are of; it is chosen with CRPO and never as a folder of sounds."""
    rows = [ROW | {"chosen": "/their/disk/audio/a.wav", "reject": "audio/b.wav"}]
    told = folders.add(HERE, zipped(tmp_path, a_set(rows)))
    assert (told["kind"], told["pairs"], told["prompts"]) == (PAIRS, 1, 1)
    assert folders.listing(HERE) == [] and folders.listing(HERE, PAIRS) == [told]
    [row], files, title = folders.pairs(HERE, told["id"])
    assert (row.prompt, row.seconds, row.origin, title) == ("rain falls", 2.0, "given", "my sounds")
    assert all((folders.config.data / files[key]).is_file() for key in (row.chosen, row.rejected))
    with pytest.raises(Unknown):
        folders.card(HERE, told["id"])
    with pytest.raises(Unknown):
        folders.pairs("b" * 32, told["id"])
    folders.remove(HERE, told["id"])
    assert folders.listing(HERE, PAIRS) == []


def test_shards_of_audio_alpaca_are_read(folders, tmp_path):
    """Prompt, chosen and rejected, each sound as the bytes of a file."""
    side = [{"bytes": wav(300), "path": "x"}], [{"bytes": wav(600), "path": "y"}]
    table = pa.table({"prompt": ["rain"], "chosen": side[0], "rejected": side[1]})
    shard = io.BytesIO()
    pq.write_table(table, shard)
    told = folders.add(HERE, zipped(tmp_path, {"data/0.parquet": shard.getvalue()}))
    assert (told["pairs"], told["left_out"]) == (1, {})


@pytest.mark.parametrize(
    ("files", "why"),
    [
        (a_set([ROW | {"chosen": "../../etc/passwd"}]), "names a sound that is not in the zip"),
        (a_set([{"captions": "rain"}]), "has no usable duration"),
        (a_set({}), "holds no list of pairs"),
        (a_set([ROW], **{"other.json": "[]"}), "holds 2 JSON lists and 0 parquet shards"),
        ({**a_set([]), "set.json": "[" * 99_999}, "set.json is no JSON list that can be read"),
        (
            {**a_set([ROW]), "audio/a.wav": wav(0)},
            "None of the pairs can be learned from: 1 silent",
        ),
        ({"x.parquet": b"nothing"}, "is no parquet file"),
    ],
)
def test_a_set_that_cannot_be_read_says_why(folders, tmp_path, files, why):
    """And leaves nothing behind."""
    with pytest.raises(StudioError, match=why):
        folders.add(HERE, zipped(tmp_path, files))
    assert list((folders.config.data / "folders").glob("*")) == []


def test_sounds_with_captions_are_no_pairs(folders, tmp_path):
    """A creator's folder is not offered to CRPO."""
    told = folders.add(HERE, zipped(tmp_path, GOOD))
    assert folders.listing(HERE, PAIRS) == [] and told["kind"] == "sounds"
    assert np.isclose(told["seconds"], 0.6)
