"""Votes as arrays, and counted: who met whom, on which side, and how it ended."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pipelines.errors import StudioError
from pipelines.seeds import numpy_generator

OUTCOMES = ("a", "b", "tie", "both_bad", "skip")  # codes 0 to 4
A, B, TIE, BOTH_BAD, SKIP = range(5)
JUDGED = 3  # the first three say which is better; the others never enter a rating


@dataclass(frozen=True, kw_only=True)
class Votes:
    """Votes of one question ("which is better?"), as columns.

    A voter sees two sounds of one prompt, on side A and on side B. "Both bad" says something about
    absolute quality and nothing about which is better, so it is counted apart and never a tie.
    """

    systems: tuple[str, ...]
    a: np.ndarray  # [votes] index of the system on side A
    b: np.ndarray  # [votes] index of the system on side B
    outcome: np.ndarray  # [votes] code, the place in OUTCOMES
    voter: np.ndarray  # [votes] number of the voter, 0 to voters - 1
    prompt: np.ndarray | None = None  # [votes] number of the prompt, where it is known

    def __post_init__(self) -> None:
        columns = {"a": len(self.systems), "b": len(self.systems), "outcome": len(OUTCOMES)}
        told = () if self.prompt is None else ("prompt",)
        lengths = {name: len(getattr(self, name)) for name in (*columns, "voter", *told)}
        if len(set(lengths.values())) > 1:
            raise StudioError(f"The columns of the votes differ in length: {lengths}.")
        for name, limit in columns.items():
            column = getattr(self, name)
            if len(column) and not 0 <= column.min() <= column.max() < limit:
                raise StudioError(
                    f"Column {name} of the votes holds {column.min()} to {column.max()}; "
                    f"codes are 0 to {limit - 1}."
                )

    def __len__(self) -> int:
        return len(self.a)

    def __getitem__(self, which: np.ndarray) -> "Votes":
        """The votes at these places or where this mask is true; systems and voters keep numbers."""
        columns = {name: getattr(self, name)[which] for name in ("a", "b", "outcome", "voter")}
        prompt = None if self.prompt is None else self.prompt[which]
        return replace(self, prompt=prompt, **columns)

    @property
    def judged(self) -> np.ndarray:
        """Mask of the votes that a rating reads: two different systems, and A, B or tie."""
        return (self.outcome < JUDGED) & (self.a != self.b)


@dataclass(frozen=True, kw_only=True)
class Tally:
    """All that a rating needs of the votes; its size does not grow with them."""

    systems: tuple[str, ...]
    games: np.ndarray  # [systems, systems, 3] A won, B won, tie, by (system on A, system on B)
    both_bad: np.ndarray  # [systems, systems] by (system on A, system on B)
    skipped: int

    @property
    def wins(self) -> np.ndarray:
        """[systems, systems]: how often the row beat the column, on either side."""
        return self.games[..., A] + self.games[..., B].T

    @property
    def ties(self) -> np.ndarray:
        """[systems, systems], symmetric: how often the two were called equal."""
        return self.games[..., TIE] + self.games[..., TIE].T

    @property
    def votes(self) -> int:
        """How many votes say which is better."""
        return int(self.games.sum())


def read(rows: Iterable[Mapping[str, Any]]) -> Votes:
    """Votes from plain rows; systems in alphabetical order, so the order of rows changes nothing.

    Args:
        rows: each with system_a, system_b, outcome (one of OUTCOMES) and voter; prompt where known.

    Raises:
        StudioError: a row without one of these, or an outcome that is none.

    >>> votes = read([{"system_a": "x", "system_b": "y", "outcome": "tie", "voter": "ann"}])
    >>> votes.systems, votes.outcome.tolist()
    (('x', 'y'), [2])
    """
    columns: dict[str, list] = {"system_a": [], "system_b": [], "outcome": [], "voter": []}
    prompts = []
    for place, row in enumerate(rows):
        if missing := columns.keys() - row.keys():
            raise StudioError(f"Vote {place} has no {', '.join(sorted(missing))}; each needs them.")
        if row["outcome"] not in OUTCOMES:
            raise StudioError(
                f"Vote {place} ended in {row['outcome']!r}; allowed are {', '.join(OUTCOMES)}."
            )
        for name, column in columns.items():
            column.append(row[name])
        prompts.append(row.get("prompt"))
    systems = tuple(sorted({*columns["system_a"], *columns["system_b"]}))
    number = {system: place for place, system in enumerate(systems)}
    asked = {prompt: place for place, prompt in enumerate(dict.fromkeys(prompts))}
    people = {voter: place for place, voter in enumerate(sorted(set(columns["voter"])))}
    return Votes(
        systems=systems,
        a=np.array([number[s] for s in columns["system_a"]], dtype=np.int64),
        b=np.array([number[s] for s in columns["system_b"]], dtype=np.int64),
        outcome=np.array([OUTCOMES.index(o) for o in columns["outcome"]], dtype=np.int64),
        voter=np.array([people[v] for v in columns["voter"]], dtype=np.int64),
        prompt=None if None in asked else np.array([asked[p] for p in prompts], dtype=np.int64),
    )


def tally(votes: Votes, *, weights: np.ndarray | None = None) -> Tally:
    """The votes counted; votes on two sounds of one system enter no rating and are left out.

    Args:
        votes: any number.
        weights: [votes] what each vote counts, 0 or more; None counts each as 1.
    """
    count = len(votes.systems)
    apart = votes.a != votes.b
    cells = (votes.a * count + votes.b) * len(OUTCOMES) + votes.outcome
    counted = np.bincount(
        cells[apart],
        weights=None if weights is None else np.asarray(weights, dtype=np.float64)[apart],
        minlength=count * count * len(OUTCOMES),
    ).reshape(count, count, len(OUTCOMES))
    return Tally(
        systems=votes.systems,
        games=counted[..., :JUDGED].astype(np.float64),
        both_bad=counted[..., BOTH_BAD],
        skipped=int(counted[..., SKIP].sum()),
    )


def pairs(systems: int) -> tuple[np.ndarray, np.ndarray]:
    """Every pair of systems once, the lower number first: two arrays [pairs]."""
    return np.triu_indices(systems, k=1)


def by_pair(games: np.ndarray) -> np.ndarray:
    """Games without sides: [..., systems, systems, 3] -> [..., pairs, 3], first, second, tie."""
    first, second = pairs(games.shape[-2])
    there, back = games[..., first, second, :], games[..., second, first, :]
    return there + back[..., [B, A, TIE]]


def by_cluster(
    votes: Votes,
    cluster: np.ndarray,
    *,
    most: int,
    seed: int = 0,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Games of each voter (or prompt) without sides, [voters, pairs, 3]; those with none left out.

    Args:
        votes: any number.
        cluster: [votes], `votes.voter` or `votes.prompt`.
        most: with more voters than this they are dealt at random into so many blocks, each then
            counted as one voter, so that the size stays the same however many come.
        seed: names the deal.
        weights: [votes] as for `tally`.
    """
    heavy = np.ones(len(votes)) if weights is None else np.asarray(weights, dtype=np.float64)
    counted = votes.judged & (heavy > 0)  # who has no weight is no voter
    seen = votes[counted]
    systems = len(votes.systems)
    place = np.zeros((systems, systems), dtype=np.int64)
    first, second = pairs(systems)
    place[first, second] = place[second, first] = np.arange(len(first))
    turned = (seen.a > seen.b) & (seen.outcome < TIE)
    cell = place[seen.a, seen.b] * JUDGED + np.where(turned, 1 - seen.outcome, seen.outcome)
    block, blocks = dealt(cluster[counted], most=most, seed=seed)
    cells = len(first) * JUDGED
    counts = np.bincount(block * cells + cell, weights=heavy[counted], minlength=blocks * cells)
    return counts.reshape(blocks, len(first), JUDGED)


def dealt(voter: np.ndarray, *, most: int, seed: int = 0) -> tuple[np.ndarray, int]:
    """Voters (or prompts) numbered from 0 without gaps, [votes], and how many there are, at most `most`.

    More voters than that are dealt at random into `most` blocks of nearly one size.
    """
    if not len(voter):
        return np.zeros(0, dtype=np.int64), 0
    present = np.flatnonzero(np.bincount(voter))
    number = np.arange(len(present))
    if len(present) > most:
        number %= most
        numpy_generator(seed, "voter blocks").shuffle(number)
    block = np.zeros(int(present[-1]) + 1, dtype=np.int64)
    block[present] = number
    return block[voter], min(len(present), most)
