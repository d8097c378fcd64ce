"""Rows of preference: pairs and groups of sounds, and which of them a step sees."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, Literal, TypeVar

from pipelines.errors import StudioError
from pipelines.records import digest
from pipelines.seeds import numpy_generator

PairOrigin = Literal["ranked", "votes", "labels", "given"]
RANKED, VOTES, LABELS, GIVEN = "ranked", "votes", "labels", "given"
ORIGINS = (RANKED, VOTES, LABELS, GIVEN)


@dataclass(frozen=True, kw_only=True)
class PairRow:
    """Two sounds of one prompt, of which one is preferred."""

    prompt: str
    seconds: float
    chosen: str  # key of the winner's latents in the cache
    rejected: str  # of the loser's
    gap: float = 0.0  # by how much the winner was put before the loser, in the units of who did
    origin: PairOrigin = RANKED  # a reward's order, people's votes, labels 1 and 0, a set of others


@dataclass(frozen=True, kw_only=True)
class GroupRow:
    """Sounds of one prompt with a reward each, for the group-relative loss."""

    prompt: str
    seconds: float
    keys: tuple[str, ...]  # of their latents
    rewards: tuple[float, ...]
    origin: PairOrigin = RANKED


PreferenceRow = TypeVar("PreferenceRow", PairRow, GroupRow)


@dataclass(frozen=True, kw_only=True)
class PairSummary:
    """What a set of rows holds."""

    rows: int
    prompts: int  # different ones
    mean_gap: float  # of pairs; of groups, between the highest and the lowest reward
    origins: dict[str, int]
    digest: str  # names the rows, whatever their order


def check_pairs(rows: Sequence[PairRow] | Sequence[GroupRow]) -> PairSummary:
    """What the rows hold.

    Raises:
        StudioError: no rows, a pair of one sound with itself, a pair or group twice, a row without a
            prompt, an unknown origin, groups of different sizes.
    """
    if not rows:
        raise StudioError(
            "There are no pairs to learn from: nothing was ranked, voted on or given that differs "
            "enough. Take more prompts, more candidates, or a smaller margin."
        )
    for row in rows:
        if row.origin not in ORIGINS:
            raise StudioError(
                f"A pair's origin is {row.origin!r}; it must be one of {', '.join(ORIGINS)}."
            )
        if not row.prompt.strip() or not row.seconds > 0:
            raise StudioError("A pair has no prompt or no length; leave it out.")
        keys = _keys(row)
        if len(set(keys)) < len(keys):
            raise StudioError(
                f"A pair or group of “{row.prompt[:40]}” holds one sound twice; leave it out."
            )
    counted = Counter((row.prompt, _keys(row)) for row in rows)
    if twice := [said for said, count in counted.items() if count > 1]:
        raise StudioError(
            f"{len(twice)} pairs stand twice, such as one of “{twice[0][0][:40]}”; keep one of each."
        )
    if len({len(_keys(row)) for row in rows}) > 1:
        raise StudioError("The groups have different numbers of sounds; give equal ones.")
    gaps = [_gap(row) for row in rows]
    return PairSummary(
        rows=len(rows),
        prompts=len({row.prompt for row in rows}),
        mean_gap=sum(gaps) / len(gaps),
        origins=dict(Counter(row.origin for row in rows)),
        digest=digest(sorted([row.prompt, row.seconds, *_told(row), row.origin] for row in rows)),
    )


def _keys(row: PairRow | GroupRow) -> tuple[str, ...]:
    return (row.chosen, row.rejected) if isinstance(row, PairRow) else row.keys


def _gap(row: PairRow | GroupRow) -> float:
    return row.gap if isinstance(row, PairRow) else max(row.rewards) - min(row.rewards)


def _told(row: PairRow | GroupRow) -> list:
    """What names a row beside its prompt: pairs do not learn from their gaps, groups from rewards."""
    return [*_keys(row)] if isinstance(row, PairRow) else [*row.keys, *map(float, row.rewards)]


class PairBatches(Generic[PreferenceRow]):
    """The pairs, or groups, of every step: from the rows, the seed and the step alone.

    Each origin is gone through in shuffled rounds, so that no row comes twice before all came once.

    Args:
        rows: checked ones, in any order.
        size: rows of a step.
        seed: names the shuffles.
        shares: of a step, by origin, at most 1 together; what is left is shared by all other
            origins alike. None: every row as often as any other.

    Raises:
        StudioError: shares that cannot be, or of an origin that has no rows.
    """

    def __init__(
        self,
        rows: Sequence[PreferenceRow],
        size: int,
        *,
        seed: int,
        shares: Mapping[str, float] | None = None,
    ) -> None:
        ordered = sorted(rows, key=lambda row: (row.prompt, _keys(row)))
        self._size, self._seed = size, seed
        there = [o for o in ORIGINS if any(row.origin == o for row in rows)]
        told = {o: share for o, share in (shares or {}).items() if share > 0}
        self._check(told, shares or {}, there)
        rest = [o for o in there if o not in told]
        self._pools = [("all", ordered)] if not told else []
        for origin in told:
            self._pools.append((origin, [row for row in ordered if row.origin == origin]))
        if told and rest:
            self._pools.append(("rest", [row for row in ordered if row.origin in rest]))
        left, self._parts = 1.0, []  # of what the pools before leave, the part that is a pool's
        for name, _ in self._pools[:-1]:
            self._parts.append(told[name] / left)
            left -= told[name]
        self.steps_per_epoch = max(1, -(-len(rows) // size))

    def _check(self, told: dict[str, float], given: Mapping[str, float], there: list[str]) -> None:
        if self._size < 1:
            raise StudioError(f"A step of {self._size} pairs cannot be; take 1 or more.")
        whole = sum(told.values())
        if any(share < 0 for share in given.values()) or whole > 1 + 1e-9:
            raise StudioError(
                f"The shares of a step are {dict(given)}; give 0 or more each, at most 1 together."
            )
        if missing := [origin for origin in told if origin not in there]:
            raise StudioError(
                f"A share of {told[missing[0]]:.0%} is for pairs of origin {missing[0]}, of which "
                f"there are none; there are pairs of {', '.join(there)}."
            )
        if whole < 1 - 1e-9 and told and set(told) == set(there):
            raise StudioError(
                f"The shares of a step add up to {whole:.0%} and no other pairs are there; make "
                "them 100 %."
            )

    def at(self, step: int) -> list[PreferenceRow]:
        """The rows of a step, origin by origin."""
        before, after = self._drawn(step), self._drawn(step + 1)
        return [
            self._nth(name, rows, number)
            for (name, rows), first, last in zip(self._pools, before, after, strict=True)
            for number in range(first, last)
        ]

    def _drawn(self, step: int) -> list[int]:
        """How many of each pool's rows come before a step; odd ones come by turns."""
        left, counts = step * self._size, []
        for part in self._parts:
            counts.append(min(left, round(left * part)))
            left -= counts[-1]
        return [*counts, left]

    def _nth(self, name: Hashable, rows: Sequence[PreferenceRow], number: int) -> PreferenceRow:
        turn, place = divmod(number, len(rows))
        return rows[_shuffled(len(rows), self._seed, str(name), turn)[place]]


@lru_cache(maxsize=16)
def _shuffled(count: int, seed: int, name: str, turn: int) -> tuple[int, ...]:
    """The order of one round."""
    return tuple(numpy_generator(seed, "pairs", name, turn).permutation(count).tolist())
