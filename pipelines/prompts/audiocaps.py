"""BATON's test sets from a person's copy of AudioCaps: captions that join two or three events.

What the paper says (papers/baton.txt, section 4.2): the test set of AudioCaps was filtered by words
such as and, as, then, while, before, after and followed; from what was left, 148 prompts of two
labels (for integrity) and 165 of three (for order) were picked. What it does not say, and nobody
can tell from it: whether more words were used, how the labels of a prompt were counted, whether
each clip gave one caption or all of its five, and which were picked. So the filter here is the
paper's, the way of counting is named in every result, and the sets are larger than the paper's
until somebody picks by ear.

Two ways of counting, neither of which is the number of events that a person would hear:

- `labels`: AudioSet's labels of the clip. They overlap ("Dog" and "Bow-wow" are two labels of one
  bark), and they are of the clip, so that all of its captions count alike.
- `caption`: one more than the words that join. "Birds chirp and tweet" counts two.
"""

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pipelines.errors import StudioError
from pipelines.seeds import numpy_generator

WORDS = ("and", "as", "then", "while", "before", "after", "followed")  # section 4.2
IN_ORDER = frozenset({"then", "and then", "before", "after", "followed"})  # the others promise none
PICKED = {2: 148, 3: 165}  # how many the paper had of each
SETS = {2: "two-label", 3: "three-label"}
COLUMNS = (
    "prompt", "set", "events", "counted_by", "joints", "audiocap_id", "youtube_id", "start_time",
    "labels",
)  # fmt: skip
JOINTS = re.compile(r"\b(and then|" + "|".join(WORDS) + r")\b")
STANDING = re.compile(r"\bas well as\b|\bsuch as\b|\bas if\b")  # hold "as", join as one word or not

Way = Literal["labels", "caption"]


@dataclass(frozen=True, kw_only=True)
class Caption:
    """One caption of one clip."""

    text: str
    id: str = ""  # audiocap_id
    youtube_id: str = ""
    start_time: str = ""  # seconds into the video
    labels: tuple[str, ...] = ()  # AudioSet's, as names or as ids such as /m/09x0r

    @property
    def clip(self) -> tuple[str, str]:
        """Which clip it describes; its own words where the file does not tell."""
        return (self.youtube_id, self.start_time) if self.youtube_id else (self.text, "")


def joints(text: str) -> tuple[str, ...]:
    """The words of the filter that a caption holds, in their order; "and then" is one.

    >>> joints("A man talks, and then music plays as well as bells before a bang")
    ('and then', 'and', 'before')
    """
    words = STANDING.sub(lambda found: "and" if "well" in found[0] else "", text.lower())
    return tuple(JOINTS.findall(words))


def events(caption: Caption, way: Way) -> int:
    """How many events a caption is taken to have, see above."""
    return len(caption.labels) if way == "labels" else len(joints(caption.text)) + 1


def choose(
    captions: Sequence[Caption],
    count: int,
    *,
    way: Way,
    in_order: bool = False,
    one_a_clip: bool = False,
    most: int | None = None,
    seed: int = 0,
) -> list[Caption]:
    """The captions that hold a word of the filter and have so many events, in the file's order.

    Args:
        captions: of AudioCaps' test set; equal words count once.
        count: of events, 2 for integrity and 3 for order in the paper.
        way: how they are counted.
        in_order: keep only those that state an order.
        one_a_clip: keep the first that fits of each clip.
        most: draw no more than so many of them.
        seed: of that draw.

    Raises:
        StudioError: labels are to be counted and there are none.
    """
    if way == "labels" and not any(caption.labels for caption in captions):
        raise StudioError(
            "No caption has labels, so they cannot be counted; give AudioSet's segments with "
            "--labels, or count by caption."
        )
    kept: dict[Any, Caption] = {}
    texts = set()
    for caption in captions:
        words = joints(caption.text)
        fits = words and events(caption, way) == count and caption.text.lower() not in texts
        if fits and (not in_order or IN_ORDER & set(words)):
            texts.add(caption.text.lower())
            kept.setdefault(caption.clip if one_a_clip else len(kept), caption)
    found = list(kept.values())
    if most is None or most >= len(found):
        return found
    picks = numpy_generator(seed, "audiocaps", count).choice(len(found), most, replace=False)
    return [found[place] for place in sorted(picks)]


def read_captions(path: Path) -> list[Caption]:
    """AudioCaps' own CSV, or lines of JSON as Tango publishes its test set, with labels.

    The CSV's columns are audiocap_id, youtube_id, start_time and caption; one named labels may
    stand beside them. In the lines of JSON, captions is one text, labels are joined by commas, and
    location ends in the clip, <youtube_id>_<start_time>.wav.

    Raises:
        StudioError: no such file, other columns, or no captions.
    """
    rows = _rows(path)
    found = [_caption(row) for row in rows]
    found = [caption for caption in found if caption.text]
    if not found:
        raise StudioError(
            f"{path.name} holds no captions; give AudioCaps' test.csv with the column caption, or "
            "lines of JSON with captions."
        )
    return found


def with_labels(captions: Iterable[Caption], path: Path) -> list[Caption]:
    """The captions with AudioSet's labels of their clips; those it does not know stay as they are.

    Args:
        path: a segments file as AudioSet publishes it: YTID, start_seconds, end_seconds,
            positive_labels, with lines of # on top.

    Raises:
        StudioError: no such file, another layout, or none of the clips in it.
    """
    known: dict[tuple[str, float], tuple[str, ...]] = {}
    lines = [line for line in _text(path).splitlines() if line and not line.startswith("#")]
    for row in csv.reader(lines, skipinitialspace=True):
        start = _seconds(row[1]) if len(row) == 4 else None
        if start is None:
            raise StudioError(
                f"{path.name} is no segments file of AudioSet; each line must hold YTID, start, "
                f"end and labels, and one is {','.join(row)[:60]!r}."
            )
        known[row[0], start] = _labels(row[3])
    found = []
    for caption in captions:
        start = _seconds(caption.start_time)
        labels = known.get((caption.youtube_id, -1.0 if start is None else start))
        found.append(caption if labels is None else replace(caption, labels=labels))
    if not any(caption.labels for caption in found):
        raise StudioError(
            f"{path.name} knows none of the {len(found)} clips; give the segments of the set that "
            "they are from, eval_segments.csv or unbalanced_train_segments.csv."
        )
    return found


def write_prompts(path: Path, chosen: Mapping[int, Sequence[Caption]], way: Way) -> None:
    """The sets as one CSV that `generate --prompts` and `compare --prompts` read.

    Raises:
        StudioError: the file cannot be written.
    """
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(COLUMNS)
            for count, captions in chosen.items():
                for c in captions:
                    words = "; ".join(joints(c.text))
                    told = (c.id, c.youtube_id, c.start_time, "; ".join(c.labels))
                    rows.writerow((c.text, SETS[count], count, way, words, *told))
    except OSError as error:
        raise StudioError(
            f"{path} cannot be written ({error.strerror}); choose another."
        ) from error


def _rows(path: Path) -> list[Mapping[str, Any]]:
    text = _text(path)
    if path.suffix.lower() in {".json", ".jsonl"}:
        try:
            found = [json.loads(line) for line in text.splitlines() if line.strip()]
        except json.JSONDecodeError as error:
            raise StudioError(
                f"{path.name} is not lines of JSON ({error.msg}); give one object a line."
            ) from error
        return [row for row in found if isinstance(row, dict)]
    try:
        return list(csv.DictReader(text.splitlines(), strict=True, skipinitialspace=True))
    except csv.Error as error:
        raise StudioError(f"{path.name} is no CSV that can be read ({error}).") from error


def _caption(row: Mapping[str, Any]) -> Caption:
    told = {str(name).strip().lower(): str(value or "").strip() for name, value in row.items()}
    clip, start = told.get("youtube_id", ""), told.get("start_time", "")
    if not clip and "location" in told:
        clip, _, start = Path(told["location"]).stem.rpartition("_")
    return Caption(
        text=" ".join((told.get("caption") or told.get("captions") or "").split()),
        id=told.get("audiocap_id", ""),
        youtube_id=clip,
        start_time=start,
        labels=_labels(told.get("labels", "")),
    )


def _labels(text: str) -> tuple[str, ...]:
    """Labels in one cell: ids joined by commas, or names, which hold commas, by semicolons."""
    split = text.split(",") if text.startswith(("/m/", "/t/", "/g/")) else text.split(";")
    return tuple(dict.fromkeys(label.strip() for label in split if label.strip()))


def _seconds(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise StudioError(f"{path} cannot be read ({error.strerror}); give its path.") from error
    except UnicodeDecodeError as error:
        raise StudioError(f"{path.name} is not UTF-8 text; save it as UTF-8.") from error
