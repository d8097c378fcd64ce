"""BATON's test sets from a CSV of our own sentences: the filter, both ways of counting, errors."""

import csv
import doctest
import json

import pytest

from pipelines.errors import StudioError
from pipelines.prompts import audiocaps
from pipelines.prompts.audiocaps import Caption, choose, events, joints

OURS = """audiocap_id,youtube_id,start_time,caption
1,aaa,30,A kettle whistles followed by a cup breaking
2,aaa,30,A whistle and then a crash
3,bbb,0,"A tram passes as bells ring, then doors close"
4,ccc,10,A quiet river
5,ddd,20,Geese honk while a tractor idles
6,eee,0,"Hail hits a roof, a cow moos"
7,fff,5,Sand pours after a bag tears and a child giggles before a door slams
8,ddd,20,geese honk while a tractor idles
"""
SEGMENTS = """# Segments csv, written for this test
# num_ytids=4
# YTID, start_seconds, end_seconds, positive_labels
aaa, 30.000, 40.000, "/m/01,/m/02"
bbb, 0.000, 10.000, "/m/01,/t/02,/m/03"
ddd, 20.000, 30.000, "/m/04,/m/05,/m/05"
eee, 0.000, 10.000, "/m/06,/m/07"
"""


@pytest.fixture
def captions(tmp_path):
    """Our eight captions, as from AudioCaps' own file."""
    path = tmp_path / "test.csv"
    path.write_text(OURS)
    return audiocaps.read_captions(path)


def ids(found):
    """Which captions they are."""
    return [caption.id for caption in found]


def test_the_example_in_the_docstring_is_true():
    """It runs."""
    assert doctest.testmod(audiocaps).failed == 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A motor hums softly followed by spraying", ("followed",)),  # both from the paper, 4.2
        ("A man talking as music is playing followed by a frog croaking", ("as", "followed")),
        ("Wasps sand a candle asking for thence", ()),  # inside words
        ("Rain AND wind", ("and",)),
        ("A horn, and then a bang", ("and then",)),
        ("Bells such as a chime", ()),
        ("Hooves with a whinny, a snort", ()),  # neither "with" nor a comma is in the filter
    ],
)
def test_the_filter_is_the_papers(text, found):
    """Whole words of section 4.2, whatever their case."""
    assert joints(text) == found


def test_two_and_three_by_caption(captions):
    """One joint is two events, two joints are three; equal words once; no joint, no prompt."""
    assert ids(choose(captions, 2, way="caption")) == ["1", "2", "5"]
    assert ids(choose(captions, 3, way="caption")) == ["3"]
    assert events(captions[6], "caption") == 4


def test_two_and_three_by_labels(captions, tmp_path):
    """AudioSet's labels of the clip, each once; a caption without a joint stays out."""
    path = tmp_path / "segments.csv"
    path.write_text(SEGMENTS)
    labelled = audiocaps.with_labels(captions, path)
    assert labelled[2].labels == ("/m/01", "/t/02", "/m/03")
    assert ids(choose(labelled, 2, way="labels")) == ["1", "2", "5"]
    assert ids(choose(labelled, 3, way="labels")) == ["3"]


def test_one_a_clip_in_order_and_a_draw(captions):
    """The first of each clip; only those that say when; a draw that its seed repeats."""
    assert ids(choose(captions, 2, way="caption", one_a_clip=True)) == ["1", "5"]
    assert ids(choose(captions, 2, way="caption", in_order=True)) == ["1", "2"]
    many = [Caption(text=f"sound {place} and another") for place in range(50)]
    drawn = choose(many, 2, way="caption", most=20, seed=3)
    assert drawn == choose(many, 2, way="caption", most=20, seed=3)
    assert drawn != choose(many, 2, way="caption", most=20, seed=4)
    assert len(drawn) == 20 and drawn == sorted(drawn, key=many.index)


def test_lines_of_json_carry_their_labels(tmp_path):
    """As Tango publishes its test set; names with commas are joined by semicolons."""
    path = tmp_path / "subset.json"
    row = {"captions": "A saw runs then stops", "labels": "/m/01,/m/02", "location": "x/a_b_70.wav"}
    path.write_text(json.dumps(row) + "\n")
    [found] = audiocaps.read_captions(path)
    assert (found.labels, found.clip) == (("/m/01", "/m/02"), ("a_b", "70"))
    table = tmp_path / "t.csv"
    table.write_text('caption,labels\nA saw runs then stops,"Baby cry, infant cry; Saw"\n')
    assert audiocaps.read_captions(table)[0].labels == ("Baby cry, infant cry", "Saw")


def test_what_is_written_is_a_list_of_prompts(captions, tmp_path):
    """Prompt first, then what it was chosen by and where it is from."""
    path = tmp_path / "out.csv"
    chosen = {count: choose(captions, count, way="caption") for count in (2, 3)}
    audiocaps.write_prompts(path, chosen, "caption")
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [row["set"] for row in rows] == ["two-label"] * 3 + ["three-label"]
    assert rows[3] == {
        "prompt": "A tram passes as bells ring, then doors close", "set": "three-label",
        "events": "3", "counted_by": "caption", "joints": "as; then", "audiocap_id": "3",
        "youtube_id": "bbb", "start_time": "0", "labels": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "who,what\n1,2\n", "holds no captions; give AudioCaps' test.csv"),
        ("a.csv", "", "holds no captions"),
        ("a.json", "{not json", "is not lines of JSON"),
        ("a.csv", 'caption\n"open', "no CSV that can be read"),
    ],
)
def test_bad_files_are_refused_in_a_sentence(tmp_path, name, text, message):
    """Other columns, nothing, broken JSON, a broken CSV."""
    (tmp_path / name).write_text(text)
    with pytest.raises(StudioError, match=message):
        audiocaps.read_captions(tmp_path / name)


def test_labels_that_are_not_there_are_told(captions, tmp_path):
    """No labels to count; a file of another layout; clips of another set; no file."""
    with pytest.raises(StudioError, match="No caption has labels"):
        choose(captions, 2, way="labels")
    path = tmp_path / "segments.csv"
    path.write_text("youtube,what\nx,y\n")
    with pytest.raises(StudioError, match="no segments file of AudioSet"):
        audiocaps.with_labels(captions, path)
    path.write_text('zzz, 0.000, 10.000, "/m/01"\n')
    with pytest.raises(StudioError, match="knows none of the 8 clips"):
        audiocaps.with_labels(captions, path)
    with pytest.raises(StudioError, match="cannot be read"):
        audiocaps.read_captions(tmp_path / "nowhere.csv")
