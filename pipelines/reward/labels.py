"""What the reward model learns from: labels of several raters as one target, votes as pairs.

Rows are those of `pipelines.vote.exports`: BATON's triplets and preferences. Uncertain labels are
left out and counted; simulated ones and people's are never mixed.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pipelines.errors import StudioError
from pipelines.splits import SHARES, split_of

Agreeing = Literal["mean", "majority"]
UNCERTAIN = (None, "uncertain")


@dataclass(frozen=True, kw_only=True)
class Example:
    """One sound with what people said of it."""

    prompt: str
    clip: str  # the key of the sound
    target: float  # 0 not aligned .. 1 aligned
    raters: int  # who gave 0 or 1
    task: str  # "integrity" or "temporal"
    group: str  # all of a group lies in one split


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two sounds of one prompt, of which people chose one."""

    prompt: str
    chosen: str
    rejected: str
    agreement: float  # the share that chose it, above 0.5 to 1, of those who chose one of the two
    group: str


@dataclass(frozen=True, kw_only=True)
class Material:
    """Labels and pairs to learn from, either of which may be empty."""

    examples: Sequence[Example] = ()
    pairs: Sequence[Pair] = ()

    def __len__(self) -> int:
        return len(self.examples) + len(self.pairs)


@dataclass(frozen=True, kw_only=True)
class Read:
    """Examples, and how many labels or sounds were left out by reason."""

    examples: list[Example]
    left_out: dict[str, int] = field(default_factory=dict)


def read_labels(rows: Iterable[Mapping[str, Any]], *, agreeing: Agreeing = "mean") -> Read:
    """One example for each sound and task.

    Args:
        rows: with prompt, audio (the sound's key), label (0, 1, None or "uncertain"), task, rater,
            group and, if it is told, simulated.
        agreeing: "mean" makes the target the share of ones; "majority" 0 or 1, and leaves out even
            splits.

    Raises:
        StudioError: a label that is none, one rater twice on one sound and task, simulated labels
            among people's, or another way of agreeing.
    """
    if agreeing not in ("mean", "majority"):
        raise StudioError(f"Raters agree by {agreeing!r}; choose mean or majority.")
    given: dict[tuple, dict] = defaultdict(dict)
    kinds: set[bool] = set()
    for row in rows:
        label = _checked(row["label"])
        key = (row["prompt"], row["audio"], row["task"], row["group"])
        if row["rater"] in given[key]:
            raise StudioError(
                f"Rater {row['rater']} labelled the sound {row['audio']} twice for {row['task']}; "
                "keep the label that stands."
            )
        given[key][row["rater"]] = label
        kinds.add(bool(row.get("simulated", False)))
    if len(kinds) > 1:
        raise StudioError(
            "Some labels are simulated and some are of people; they are never mixed. "
            "Choose one kind."
        )
    left_out: Counter = Counter()
    found = []
    for key, by_rater in sorted(given.items(), key=lambda item: item[0]):
        sure = [label for label in by_rater.values() if label is not None]
        left_out["uncertain labels"] += len(by_rater) - len(sure)
        if not sure:
            left_out["sounds of which nobody was sure"] += 1
        elif agreeing == "majority" and 2 * sum(sure) == len(sure):
            left_out["sounds with an even split"] += 1
        else:
            found.append(_example(key, sure, agreeing))
    return Read(examples=found, left_out={k: n for k, n in left_out.items() if n})


def read_pairs(rows: Iterable[Mapping[str, Any]]) -> list[Pair]:
    """Pairs to learn from, of rows with prompt, chosen, rejected, agreement and group.

    Raises:
        StudioError: an agreement outside of (0, 1], or one sound on both sides.
    """
    found = []
    for row in rows:
        agreement = float(row.get("agreement", 1.0))
        if not 0 < agreement <= 1:
            raise StudioError(f"The agreement on a pair is {agreement}; it lies in (0, 1].")
        if row["chosen"] == row["rejected"]:
            raise StudioError(
                f"The sound {row['chosen']} is on both sides of a pair; leave that pair out."
            )
        found.append(
            Pair(
                prompt=row["prompt"],
                chosen=row["chosen"],
                rejected=row["rejected"],
                agreement=agreement,
                group=row["group"],
            )
        )
    return found


def split(material: Material, *, seed: int = 0) -> dict[str, Material]:
    """Train, dev and test by label group, by the rule of the exports."""

    def of(items: Sequence[Any], name: str) -> list[Any]:
        return [item for item in items if split_of(item.group, seed=seed) == name]

    return {
        name: Material(examples=of(material.examples, name), pairs=of(material.pairs, name))
        for name in SHARES
    }


def _checked(label: Any) -> int | None:
    if label in UNCERTAIN:
        return None
    if label not in (0, 1) or isinstance(label, bool):
        raise StudioError(f"A label is {label!r}; allowed are 0, 1 and uncertain.")
    return int(label)


def _example(key: tuple, sure: Sequence[int], agreeing: Agreeing) -> Example:
    prompt, clip, task, group = key
    share = sum(sure) / len(sure)
    return Example(
        prompt=prompt,
        clip=clip,
        target=share if agreeing == "mean" else float(share > 0.5),
        raters=len(sure),
        task=task,
        group=group,
    )
