"""The rows of fine-tuning: which clips, what each counts, and which of them a step sees."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pipelines.errors import StudioError
from pipelines.records import digest
from pipelines.seeds import numpy_generator

Origin = Literal["human", "reward", "pretrain"]
HUMAN, REWARD, PRETRAIN = "human", "reward", "pretrain"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One clip with its caption."""

    key: str  # of its latents in the cache
    caption: str  # empty only in D_pretrain: what the model says unasked
    seconds: float
    weight: float = 1.0  # r of Eq. 7, 0..1
    origin: Origin = HUMAN  # who said so: people, a reward model, or nobody (D_pretrain)


@dataclass(frozen=True, kw_only=True)
class Mix:
    """What one step's batch is made of."""

    data: int = 6  # rows of D_data; the paper's batch
    pretrain: int = 3  # rows of D_pretrain; the paper's 2.5 k against 4.8 k last as long so
    human_share: float = 0.5  # of the data rows; the paper mixes people and reward model 1 : 1
    is_control: bool = False  # rows of D_pretrain, at r = 1, in the places of the data rows


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a set of rows holds."""

    human: int
    reward: int
    pretrain: int
    captions: int  # different ones in D_data
    mean_weight: float  # of D_data
    zero_weights: int  # of D_data; they steer by being left out
    digest: str  # names the rows, whatever their order


def check_rows(rows: Sequence[Row]) -> Summary:
    """What the rows hold.

    Raises:
        StudioError: none of D_data, a weight out of 0..1, a clip twice, or every weight 0.
    """
    for row in rows:
        if row.origin not in (HUMAN, REWARD, PRETRAIN):
            raise StudioError(
                f"A row's origin is {row.origin!r}; it must be human, reward or pretrain."
            )
        if not 0 <= row.weight <= 1:
            raise StudioError(f"The weight of {row.key} is {row.weight}; it must be from 0 to 1.")
        is_told = row.origin == PRETRAIN or row.caption.strip()
        if not row.seconds > 0 or not is_told:
            raise StudioError(f"The clip {row.key} has no caption or no length; leave it out.")
    counted = Counter((row.key, row.caption, row.origin == PRETRAIN) for row in rows)
    if twice := [said for said, count in counted.items() if count > 1]:
        raise StudioError(
            f"{len(twice)} clips stand twice with one caption, such as {twice[0][0]}; keep one row "
            "of each, people's before a reward model's."
        )
    data = [row for row in rows if row.origin != PRETRAIN]
    origins = Counter(row.origin for row in rows)
    if not data:
        raise StudioError("There are no labelled clips; label some, or choose a folder of sounds.")
    if not any(row.weight > 0 for row in data):
        raise StudioError(f"All {len(data)} clips have weight 0: there is nothing to learn from.")
    return Summary(
        human=origins[HUMAN],
        reward=origins[REWARD],
        pretrain=origins[PRETRAIN],
        captions=len({row.caption for row in data}),
        mean_weight=sum(row.weight for row in data) / len(data),
        zero_weights=sum(row.weight == 0 for row in data),
        digest=digest(sorted([r.key, r.caption, r.seconds, r.weight, r.origin] for r in rows)),
    )


@dataclass(frozen=True)
class Drawn:
    """One row of a batch, and the term of Eq. 7 that it belongs to."""

    row: Row
    weight: float  # r; not read where `is_pretrain`
    is_pretrain: bool


class Batches:
    """The batch of every step, from the rows, the mix, the seed and the step alone.

    Each origin is gone through in shuffled rounds: no row comes twice before all came once. A
    resumed run sees the rows that it would have seen.

    Args:
        rows: checked ones, in any order.
        mix: what a batch is made of.
        seed: names the shuffles.
        uses_pretrain: whether the second term of Eq. 7 counts (beta above 0).
    """

    def __init__(self, rows: Sequence[Row], mix: Mix, *, seed: int, uses_pretrain: bool) -> None:
        ordered = sorted(rows, key=lambda r: (r.key, r.caption))
        self._by = {o: [r for r in ordered if r.origin == o] for o in (HUMAN, REWARD, PRETRAIN)}
        self._seed = seed
        self._pretrain = mix.pretrain if uses_pretrain else 0
        self._is_control = mix.is_control
        if mix.data < 1 or mix.pretrain < 0 or not 0 <= mix.human_share <= 1:
            raise StudioError(
                f"A batch of {mix.data} + {mix.pretrain} rows with {mix.human_share:.0%} of people's "
                "cannot be; take at least 1 row of data, and a share from 0 to 1."
            )
        if (self._pretrain or mix.is_control) and not self._by[PRETRAIN]:
            raise StudioError(
                "There is no pretraining data; give some, or set the weight of its loss (beta) to 0."
            )
        self._data, self._human_share = mix.data, mix.human_share
        if not self._by[HUMAN]:
            self._human_share = 0.0
        elif not self._by[REWARD]:
            self._human_share = 1.0

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which as many data rows are drawn as there are."""
        return max(1, -(-(len(self._by[HUMAN]) + len(self._by[REWARD])) // self._data))

    def at(self, step: int) -> list[Drawn]:
        """The rows of a step: those of D_data, then those of D_pretrain."""
        human = self._humans(step + 1) - self._humans(step)
        counts = [(HUMAN, self._humans(step), human)]
        counts.append((REWARD, step * self._data - self._humans(step), self._data - human))
        if self._is_control:
            picked = [
                Drawn(self._nth(PRETRAIN, "control", step * self._data + i), 1.0, False)
                for i in range(self._data)
            ]
        else:
            picked = [
                Drawn(row, row.weight, False)
                for origin, first, count in counts
                for row in (self._nth(origin, origin, first + i) for i in range(count))
            ]
        return picked + [
            Drawn(self._nth(PRETRAIN, PRETRAIN, step * self._pretrain + i), 1.0, True)
            for i in range(self._pretrain)
        ]

    def _humans(self, step: int) -> int:
        """How many of people's rows come before a step; an odd batch gives its odd row by turns."""
        return round(step * self._data * self._human_share)

    def _nth(self, origin: Origin, purpose: str, number: int) -> Row:
        """The row that comes at this place when an origin's rows are gone through in rounds."""
        rows = self._by[origin]
        turn, place = divmod(number, len(rows))
        return rows[_shuffled(len(rows), self._seed, purpose, turn)[place]]


@lru_cache(maxsize=16)
def _shuffled(count: int, seed: int, purpose: str, turn: int) -> tuple[int, ...]:
    """The order of one round."""
    return tuple(numpy_generator(seed, "round", purpose, turn).permutation(count).tolist())
