"""Votes and labels as training rows: TRL, BATON and TangoFlux, with what was left out and why.

Ties, both-bad and pairs on which people disagree never become training pairs unless asked for, and
never without a lean. Gold battles (a sound spoiled on purpose) and two sounds of one system never
do. Simulated votes and people's are never mixed.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.errors import StudioError
from pipelines.splits import SHARES, group_of, split_of  # noqa: F401 (exports speak of splits too)
from pipelines.vote.battles import OUTCOMES


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Which battles become training pairs."""

    ties: bool = False  # pairs most often called equal
    both_bad: bool = False  # pairs most often called both bad
    least_agreement: float = 0.6  # of all votes on the pair, for the winner; 3 of 5 pass
    least_votes: int = 1


@dataclass(frozen=True, kw_only=True)
class Pair:
    """What people said of two sounds of one prompt, all their votes together."""

    prompt: str
    chosen: str  # clip id of the one that won more often; the first one by name if neither did
    rejected: str
    seconds: float  # asked length
    labels: tuple[str, ...]  # the label group of the prompt, empty if it has none
    counts: dict[str, int]  # chosen, rejected, tie, both_bad

    @property
    def votes(self) -> int:
        """All votes that were not skips."""
        return sum(self.counts.values())

    @property
    def agreement(self) -> float:
        """The share of all votes that the chosen one got, 0 to 1."""
        return self.counts["chosen"] / self.votes

    def fault(self, rules: Rules) -> str | None:
        """Why it is no training pair under these rules, or None."""
        count = self.counts
        most = max(count.values())
        if self.votes < rules.least_votes:
            return "too few votes"
        if count["both_bad"] == most and not rules.both_bad:
            return "both bad"
        if count["tie"] == most and not rules.ties:
            return "tie"
        if count["chosen"] == count["rejected"]:
            return "no lean"
        asked = count["both_bad"] == most or count["tie"] == most
        if not asked and self.agreement < rules.least_agreement:
            return "low agreement"
        return None


@dataclass(frozen=True, kw_only=True)
class Export:
    """Rows, and how many were left out by reason."""

    rows: list[dict[str, Any]]
    left_out: dict[str, int] = field(default_factory=dict)


def pairs(votes: Iterable[Mapping[str, Any]]) -> tuple[list[Pair], dict[str, int]]:
    """The votes of each two sounds of one prompt together, and how many votes were not read.

    Args:
        votes: rows with prompt, clip_a, clip_b, outcome (battles.OUTCOMES), kind, seconds, and, if
            there are, labels (the prompt's label group) and simulated.

    Raises:
        StudioError: simulated votes among people's, or an outcome that is none.
    """
    rows = _of_one_kind(votes)
    groups = label_groups(rows)
    found: dict[tuple, Counter] = defaultdict(Counter)
    seconds: dict[tuple, float] = {}
    unread: Counter = Counter()
    for row in rows:
        if row["outcome"] not in OUTCOMES:
            raise StudioError(f"A vote ended in {row['outcome']!r}; allowed: {OUTCOMES}.")
        if row["kind"] != "ab":
            unread[row["kind"].replace("_", " ")] += 1
            continue
        if row["outcome"] == "skip":
            unread["skip"] += 1
            continue
        if row["clip_a"] == row["clip_b"]:  # two systems may make the same bytes
            unread["the same sound twice"] += 1
            continue
        first, second = sorted((row["clip_a"], row["clip_b"]))
        key = (row["prompt"], first, second)
        ends = {"a": row["clip_a"], "b": row["clip_b"]}
        found[key][ends.get(row["outcome"], row["outcome"])] += 1
        seconds.setdefault(key, float(row["seconds"]))
    whole = [
        _pair(key, count, seconds[key], groups.get(key[0], ()))
        for key, count in sorted(found.items())
    ]
    return whole, dict(unread)


def preferences(found: Sequence[Pair], rules: Rules | None = None) -> Export:
    """TRL's preference rows with explicit prompt: prompt, chosen, rejected (and how sure)."""
    return _kept(
        found,
        rules or Rules(),
        lambda pair: {
            "prompt": pair.prompt,
            "chosen": pair.chosen,
            "rejected": pair.rejected,
            "votes": pair.votes,
            "agreement": pair.agreement,
            "group": group_of(pair.prompt, pair.labels),
        },
    )


def tangoflux(found: Sequence[Pair], rules: Rules | None = None) -> Export:
    """The rows that TangoFlux trains on: captions, duration, chosen, reject (its spelling)."""
    return _kept(
        found,
        rules or Rules(),
        lambda pair: {
            "captions": pair.prompt,
            "duration": pair.seconds,
            "chosen": pair.chosen,
            "reject": pair.rejected,
        },
    )


def triplets(labels: Iterable[Mapping[str, Any]]) -> Export:
    """BATON's triplets, uncertain kept: prompt, audio, label (0, 1 or "uncertain"), task.

    Args:
        labels: rows with prompt, clip, label, task ("integrity" or "temporal"), rater, and, if
            there are, labels and simulated.
    """
    given = _of_one_kind(labels)
    groups, rows = label_groups(given), []
    for row in given:
        if row["label"] not in (0, 1, "uncertain") or isinstance(row["label"], bool):
            raise StudioError(f"A label is {row['label']!r}; allowed are 0, 1 and uncertain.")
        rows.append(
            {
                "prompt": row["prompt"],
                "audio": row["clip"],
                "label": row["label"],
                "task": row["task"],
                "rater": row["rater"],
                "group": group_of(row["prompt"], groups.get(row["prompt"], ())),
            }
        )
    return Export(rows=rows)


def unpaired(labels: Iterable[Mapping[str, Any]], *, least_agreement: float = 0.6) -> Export:
    """TRL's unpaired rows: prompt, completion, label (true or false), one per sound and task.

    The label of most raters; uncertain ones, even splits and low agreement are left out.
    """
    found: dict[tuple, list] = defaultdict(list)
    for row in triplets(labels).rows:
        found[row["prompt"], row["audio"], row["task"], row["group"]].append(row["label"])
    rows, left_out = [], Counter()
    for (prompt, clip, task, group), given in sorted(found.items()):
        ones, zeros = given.count(1), given.count(0)
        agreement = max(ones, zeros) / len(given)
        if len(given) - ones - zeros >= max(ones, zeros):
            left_out["uncertain"] += 1
        elif ones == zeros:
            left_out["no lean"] += 1
        elif agreement < least_agreement:
            left_out["low agreement"] += 1
        else:
            row = {"prompt": prompt, "completion": clip, "label": ones > zeros, "task": task}
            rows.append(row | {"votes": len(given), "agreement": agreement, "group": group})
    return Export(rows=rows, left_out=dict(left_out))


def label_groups(rows: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Prompt -> its label group, from whichever of its rows tell one.

    Raises:
        StudioError: two rows of one prompt tell different groups.
    """
    groups: dict[str, tuple[str, ...]] = {}
    for row in rows:
        if labels := tuple(sorted(row.get("labels") or ())):
            if groups.setdefault(row["prompt"], labels) != labels:
                raise StudioError(
                    f"The prompt {row['prompt']!r} has the labels {groups[row['prompt']]} and "
                    f"{labels}; a prompt belongs to one group. Mend its labels."
                )
    return groups


def _pair(key: tuple, count: Counter, seconds: float, labels: tuple[str, ...]) -> Pair:
    prompt, first, second = key
    chosen, rejected = (second, first) if count[second] > count[first] else (first, second)
    counts = {"chosen": count[chosen], "rejected": count[rejected]}
    counts |= {"tie": count["tie"], "both_bad": count["both_bad"]}
    return Pair(
        prompt=prompt,
        chosen=chosen,
        rejected=rejected,
        seconds=seconds,
        labels=labels,
        counts=counts,
    )


def _kept(found: Sequence[Pair], rules: Rules, row: Any) -> Export:
    """Rows of the pairs that the rules let pass."""
    faults = [pair.fault(rules) for pair in found]
    rows = [row(pair) for pair, fault in zip(found, faults, strict=True) if fault is None]
    return Export(rows=rows, left_out=dict(Counter(filter(None, faults))))


def _of_one_kind(rows: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows, all of people or all simulated."""
    rows = list(rows)
    kinds = Counter(bool(row.get("simulated", False)) for row in rows)
    if len(kinds) > 1:
        raise StudioError(
            f"{kinds[True]} votes are simulated and {kinds[False]} are of people; they are never "
            "mixed. Choose one kind."
        )
    return rows
