"""Labels and votes as what the reward model learns from."""

import pytest

from pipelines.errors import StudioError
from pipelines.reward.labels import Example, Material, read_labels, read_pairs, split


def row(label, rater="voter 1", clip="k1", **more) -> dict:
    """One label as BATON's triplets hold it."""
    found = {"prompt": "a dog barks", "audio": clip, "label": label, "task": "integrity"}
    return found | {"rater": rater, "group": "labels: dog"} | more


THREE = [row(1), row(1, "voter 2"), row(0, "voter 3"), row("uncertain", "voter 4")]


def test_raters_meet_in_a_mean():
    """Two of three sure raters say 1: the target is 2/3; the uncertain one is counted, not used."""
    found = read_labels(THREE)
    (example,) = found.examples
    assert example == Example(
        prompt="a dog barks",
        clip="k1",
        target=pytest.approx(2 / 3),
        raters=3,
        task="integrity",
        group="labels: dog",
    )
    assert found.left_out == {"uncertain labels": 1}


def test_raters_meet_in_a_majority():
    """2 of 3 make a 1; one against one says nothing and is left out, as is a sound of no label."""
    assert read_labels(THREE, agreeing="majority").examples[0].target == 1.0
    found = read_labels(
        [row(1), row(0, "voter 2"), row(None, clip="k2"), row(0, clip="k3")], agreeing="majority"
    )
    assert [(e.clip, e.target) for e in found.examples] == [("k3", 0.0)]
    assert found.left_out == {
        "uncertain labels": 1,
        "sounds with an even split": 1,
        "sounds of which nobody was sure": 1,
    }
    even = read_labels([row(1), row(0, "voter 2")]).examples
    assert even[0].target == 0.5  # the mean keeps it: people do not know


def test_tasks_stay_apart():
    """One sound labelled for integrity and for order is two examples."""
    found = read_labels([row(1), row(0, task="temporal")]).examples
    assert [(e.task, e.target) for e in found] == [("integrity", 1.0), ("temporal", 0.0)]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([row(2)], "A label is 2; allowed are 0, 1 and uncertain"),
        ([row(True)], "A label is True"),
        ([row(1), row(0)], "labelled the sound k1 twice"),
        ([row(1, simulated=True), row(1, "voter 2")], "never mixed"),
    ],
)
def test_rows_that_cannot_be_read_are_refused(rows, said):
    """Each fault has its sentence."""
    with pytest.raises(StudioError, match=said):
        read_labels(rows)
    with pytest.raises(StudioError, match="choose mean or majority"):
        read_labels([], agreeing="median")


def test_pairs_are_read_and_refused():
    """Agreement defaults to one voice; an impossible one and a sound against itself are refused."""
    given = {"prompt": "rain", "chosen": "k1", "rejected": "k2", "group": "labels: rain"}
    (found,) = read_pairs([given])
    assert (found.chosen, found.rejected, found.agreement) == ("k1", "k2", 1.0)
    with pytest.raises(StudioError, match="agreement on a pair is 1.5"):
        read_pairs([given | {"agreement": 1.5}])
    with pytest.raises(StudioError, match="both sides"):
        read_pairs([given | {"rejected": "k1"}])


def test_a_group_is_never_split():
    """All wordings of a group, labels and pairs alike, are in one split; nothing is lost."""
    rows = [
        row(1, clip=f"k{i}{j}", prompt=f"{i} said {j}", group=f"labels: {i}")
        for i in range(60)
        for j in range(3)
    ]
    pairs = [
        {"prompt": f"{i} said 0", "chosen": "a", "rejected": "b", "group": f"labels: {i}"}
        for i in range(60)
    ]
    material = Material(examples=read_labels(rows).examples, pairs=read_pairs(pairs))
    parts = split(material)
    assert sum(map(len, parts.values())) == len(material) == 240
    homes = [{e.group for e in (*p.examples, *p.pairs)} for p in parts.values()]
    assert all(not one & other for one in homes for other in homes if one is not other)
    assert all(homes)
