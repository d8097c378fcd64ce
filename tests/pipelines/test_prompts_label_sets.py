"""A person's own labels: TXT, CSV, wordings, counted tables; what is no label set is told."""

import pytest

from pipelines.errors import StudioError
from pipelines.prompts.grammar import Ask, write_caption
from pipelines.prompts.label_sets import from_plain, read_label_set


def test_one_label_a_line():
    """Quotes, doubles, notes and empty lines go."""
    found = read_label_set('\ufeff# AudioCaps\n"Dog"\nRain\n\nDog\nBaby cry, infant cry\n', "x.txt")
    assert found.labels == ("Dog", "Rain", "Baby cry, infant cry")
    assert found.phrase("Baby cry, infant cry", None, 1) == "infant cry"
    assert from_plain(found.plain()) == found


def test_a_table_brings_wordings():
    """Two wordings of one label; the gerund after "followed by"; a missing form takes the other's."""
    text = "Label,says,saying\nDog,a dog barks,a dog barking\nDog,a hound howls,\nRain,,\nBell,,\n"
    found = read_label_set(text, "mine.csv")
    assert found.labels == ("Dog", "Rain", "Bell")
    ask = Ask(task="integrity", labels=("Rain", "Dog"), conjunctions=("followed by",))
    assert write_caption(ask, found.phrase) == "rain followed by a dog barking"
    assert write_caption(ask, found.phrase, wording=1) == "rain followed by a hound howls"
    assert from_plain(found.plain()).wordings == found.wordings


def test_a_table_of_clips_is_counted():
    """The most frequent 200, those of equal count by name; AudioSet's own list of names is read."""
    cells = [f"L{i:03d}; L{i + 1:03d}" for i in range(240)]
    found = read_label_set("caption,labels\n" + "".join(f"x,{c}\n" for c in cells), "clips.csv")
    assert len(found.labels) == 200 and found.labels[0] == "L001" and "L000" not in found.labels
    named = read_label_set(
        'index,mid,display_name\n0,/m/1,Speech\n1,/m/2,"Dog, big"\n2,/m/3,Rain\n', "class.csv"
    )
    assert named.labels == ("Speech", "Dog, big", "Rain")


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("Dog\nRain\n", "x.txt", "x.txt holds 2 labels; give 3 to 200"),
        ("\n".join(map(str, range(1, 202))), "x.txt", "x.txt holds 201 labels"),
        ("", "x.csv", r"x.csv has the columns \(none\); one must be called label"),
        ("a,b\n1,2\n", "x.csv", "x.csv has the columns a, b; one must be called label"),
        ("x" * 61 + "\nb\nc\n", "x.txt", "at most 60 characters"),
        ("a;b\nb\nc\n", "x.txt", "has the label 'a;b'; a label has words, no semicolon"),
        ("--\nb\nc\n", "x.txt", "has the label '--'"),
        ('label\n"x\n', "x.csv", "is no CSV that can be read"),
        ("label,says\na," + "w" * 121 + "\nb,\nc,\n", "x.csv", "the longest of 121 characters"),
    ],
)
def test_what_is_no_label_set_is_told(text, name, message):
    """One sentence each."""
    with pytest.raises(StudioError, match=message):
        read_label_set(text, name)
