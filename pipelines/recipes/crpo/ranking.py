"""From scores to pairs: of each prompt's candidates the best before the worst, if they differ enough."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pipelines.finetune.latents import SILENT_PEAK
from pipelines.finetune.pairs import RANKED, GroupRow, PairRow

FULL = 0.999  # of full scale: a sample there was cut
CLIPPED = 0.001  # the share of such samples that is heard as distortion
LEAST_SECONDS = 0.1  # of sound above silence; below there is nothing to rank
WINDOW = 0.02  # seconds: what is loud at all is looked for in pieces of this length


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """One candidate as it is ranked."""

    key: str  # of its latents
    prompt: str
    seconds: float
    score: float
    fault: str | None = None  # why it is neither winner nor loser


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """What came of all prompts."""

    pairs: list[PairRow]
    left_out: dict[str, int] = field(default_factory=dict)  # prompts by reason
    faults: dict[str, int] = field(default_factory=dict)  # candidates by fault


def fault_of(audio: np.ndarray, sample_rate: int) -> str | None:
    """Why a sound can be no side of a pair: "silent", "clipped", "too short", or None.

    Args:
        audio: float32 [channels, samples].
        sample_rate: Hz.
    """
    loud = np.abs(audio)
    if not np.isfinite(loud).all() or loud.size == 0 or loud.max() < SILENT_PEAK:
        return "silent"
    if (loud >= FULL).mean() > CLIPPED:
        return "clipped"
    size = max(1, int(WINDOW * sample_rate))
    track = loud.max(0)
    pieces = np.pad(track, (0, -len(track) % size)).reshape(-1, size).max(1)
    if (pieces >= SILENT_PEAK).sum() * size < LEAST_SECONDS * sample_rate:
        return "too short"
    return None


def ranked_pairs(groups: Sequence[Sequence[Ranked]], *, margin: float = 0.0) -> Ranking:
    """A pair of each group: the highest score is the winner, the lowest the loser.

    Of equal scores the earlier candidate wins and the later one loses. The published script makes a
    pair of equals too, even of one sound with itself.

    Args:
        groups: the candidates of each prompt.
        margin: the least gap between winner and loser; equals are left out whatever it is.

    >>> one = Ranked(key="a", prompt="p", seconds=1.0, score=0.9)
    >>> two = Ranked(key="b", prompt="p", seconds=1.0, score=0.4)
    >>> [(pair.chosen, pair.rejected) for pair in ranked_pairs([[two, one]]).pairs]
    [('a', 'b')]
    """
    pairs, left_out, faults = [], Counter(), Counter()
    for group in groups:
        faults.update(one.fault for one in group if one.fault)
        able = [one for one in group if one.fault is None and np.isfinite(one.score)]
        if len(able) < 2:
            left_out["fewer than two candidates that can be ranked"] += 1
            continue
        best = max(able, key=lambda one: one.score)  # the first of equals
        worst = min(reversed(able), key=lambda one: one.score)  # the last of equals
        gap = best.score - worst.score
        if gap <= 0 or best.key == worst.key:
            left_out["all candidates equal"] += 1
        elif gap < margin:
            left_out["a gap below the margin"] += 1
        else:
            pairs.append(
                PairRow(
                    prompt=best.prompt,
                    seconds=best.seconds,
                    chosen=best.key,
                    rejected=worst.key,
                    gap=gap,
                    origin=RANKED,
                )
            )
    return Ranking(pairs=pairs, left_out=dict(left_out), faults=dict(faults))


def ranked_groups(groups: Sequence[Sequence[Ranked]], *, margin: float = 0.0) -> list[GroupRow]:
    """All candidates of each group with their scores, for the group-relative loss.

    Only groups without a fault whose scores span at least the margin; all are of one size.
    """
    found = []
    for group in groups:
        scores = [one.score for one in group]
        is_whole = all(one.fault is None and np.isfinite(one.score) for one in group)
        keys = tuple(one.key for one in group)
        spans = is_whole and len(set(keys)) == len(keys) > 1
        if spans and 0 < max(scores) - min(scores) >= margin:
            found.append(
                GroupRow(
                    prompt=group[0].prompt,
                    seconds=group[0].seconds,
                    keys=keys,
                    rewards=tuple(scores),
                )
            )
    return found
