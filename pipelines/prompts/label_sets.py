"""A set of labels to draw groups from, and the words for each: one's own, from a TXT or a CSV."""

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipelines.errors import StudioError
from pipelines.prompts.grammar import SIZES, TAKES_GERUND, plain_phrase

MOST_LABELS = 200  # as many as the paper took of AudioCaps
MOST_LETTERS, MOST_WORDINGS, WORDING_LETTERS = 60, 8, 120
LABEL_COLUMNS = ("label", "display_name", "name")
SAYS, SAYING = ("says", "clause", "phrase"), ("saying", "gerund")
GROUPED = "labels"  # a column with several labels in each cell, as AudioCaps' tables have


@dataclass(frozen=True, kw_only=True)
class Wording:
    """One way to say that a sound is heard."""

    finite: str  # "a dog barks"
    gerund: str  # "a dog barking", after "followed by", "with" and "before"


@dataclass(frozen=True, kw_only=True)
class LabelSet:
    """Labels, and how they are said; a label without wordings is said as it stands."""

    name: str
    labels: tuple[str, ...]
    wordings: Mapping[str, Sequence[Wording]] = field(default_factory=dict)

    def phrase(self, label: str, joint: str | None = None, wording: int = 0) -> str:
        """The words of a label after this conjunction."""
        choices = self.wordings.get(label)
        if not choices:
            return plain_phrase(label, joint, wording)
        chosen = choices[wording % len(choices)]
        return chosen.gerund if joint in TAKES_GERUND else chosen.finite

    def words(self, label: str) -> str:
        """Every word that may stand for a label in a caption."""
        choices = self.wordings.get(label, ())
        return " ".join([label, *(f"{one.finite} {one.gerund}" for one in choices)])

    def plain(self) -> dict[str, object]:
        """As JSON values."""
        told = {
            label: [[one.finite, one.gerund] for one in choices]
            for label, choices in self.wordings.items()
        }
        return {"name": self.name, "labels": list(self.labels), "wordings": told}


def from_plain(values: Mapping[str, object]) -> LabelSet:
    """The set that `plain` wrote."""
    told = {
        label: tuple(Wording(finite=finite, gerund=gerund) for finite, gerund in choices)
        for label, choices in values["wordings"].items()  # type: ignore[union-attr]
    }
    return LabelSet(name=str(values["name"]), labels=tuple(values["labels"]), wordings=told)  # type: ignore[arg-type]


def read_label_set(text: str, name: str) -> LabelSet:
    """A label set from the text of a file.

    A TXT holds one label a line. A CSV has a column label, and if wanted says ("a dog barks") and
    saying ("a dog barking"); a label on several rows has several wordings. A CSV with a column
    labels, several in each cell parted by semicolons, is counted, and its 200 most frequent are
    taken, as the paper did with AudioCaps.

    Args:
        text: what the file holds.
        name: of the file; its ending tells the kind.

    Raises:
        StudioError: under three labels, over 200, too long ones, or no column of labels.
    """
    name = " ".join(name.split())[:80] or "labels.txt"
    if name.lower().endswith(".csv"):
        found = _from_table(text, name)
    else:
        lines = [line.strip().strip('"') for line in text.lstrip("\ufeff").splitlines()]
        found = {line: [] for line in lines if line and not line.startswith("#")}
    found = {" ".join(label.split()): wordings for label, wordings in found.items()}
    _check(found, name)
    wordings = {label: tuple(said) for label, said in found.items() if said}
    return LabelSet(name=name, labels=tuple(found), wordings=wordings)


def _from_table(text: str, name: str) -> dict[str, list[Wording]]:
    try:
        table = csv.DictReader(text.lstrip("\ufeff").splitlines(), strict=True)
        rows = list(table)
    except csv.Error as error:
        raise StudioError(f"{name} is no CSV that can be read ({error}); check it.") from error
    names = {str(key).strip().lower(): key for key in table.fieldnames or () if key}
    column = next((names[key] for key in LABEL_COLUMNS if key in names), None)
    if column is None and GROUPED in names:
        return _most_frequent(rows, names[GROUPED])
    if column is None:
        raise StudioError(
            f"{name} has the columns {', '.join(names)[:80] or '(none)'}; one must be called label, "
            "and says and saying may hold its wording."
        )
    says, saying = (next((names[k] for k in keys if k in names), None) for keys in (SAYS, SAYING))
    found: dict[str, list[Wording]] = {}
    for row in rows:
        label = (row[column] or "").strip()
        finite = " ".join((row.get(says) or "").split()) if says else ""
        gerund = " ".join((row.get(saying) or "").split()) if saying else ""
        if label:
            said = found.setdefault(label, [])
            if finite or gerund:
                said.append(Wording(finite=finite or gerund, gerund=gerund or finite))
    return found


def _most_frequent(rows: Sequence[Mapping[str, str]], column: str) -> dict[str, list[Wording]]:
    counts = Counter(
        label.strip() for row in rows for label in (row[column] or "").split(";") if label.strip()
    )
    ranked = sorted(counts, key=lambda label: (-counts[label], label))
    return {label: [] for label in ranked[:MOST_LABELS]}


def _check(found: Mapping[str, Sequence[Wording]], name: str) -> None:
    least = max(SIZES.values())
    if not least <= len(found) <= MOST_LABELS:
        raise StudioError(
            f"{name} holds {len(found)} labels; give {least} to {MOST_LABELS}, one a line, or in a "
            "column called label."
        )
    for label, wordings in found.items():
        if len(label) > MOST_LETTERS or not re.search(r"\w", label) or ";" in label:
            raise StudioError(
                f"{name} has the label {label[:40]!r}; a label has words, no semicolon, and at most "
                f"{MOST_LETTERS} characters."
            )
        longest = max((len(w.finite) for w in wordings), default=0)
        longest = max([longest, *(len(w.gerund) for w in wordings)])
        if len(wordings) > MOST_WORDINGS or longest > WORDING_LETTERS:
            raise StudioError(
                f"{name} has {len(wordings)} wordings of {label[:40]!r}, the longest of {longest} "
                f"characters; give at most {MOST_WORDINGS} of {WORDING_LETTERS}."
            )
