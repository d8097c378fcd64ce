"""Simulated voters: what a listener who heard two or more sounds would say, with a person's errors.

For tests and demonstrations only: never to be mixed with people's votes. A voter goes by what is
asked for. It knows nothing of beauty: its "quality" is how plainly the named events are heard, and
whether the sound has holes, which no natural sound has and gold sounds do.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.seeds import numpy_generator
from pipelines.soundworld.captions import read_caption
from pipelines.soundworld.listeners import Hearing

# Our assumptions of how people differ, each drawn per voter from a uniform distribution.
ERRORS = (0.02, 0.10)  # share of battles answered by a slip of the finger
TIE_WIDTHS = (0.02, 0.08)  # sounds nearer to each other than this, in opinion, are a tie
BIASES = (-0.10, 0.10)  # how far a voter's scale lies from the others', as a share of it
NOISE = 0.05  # standard deviation of one opinion from one hearing to the next
BOTH_BAD = 0.35  # where neither sound reaches this, both are bad
SPOILED = 0.25  # what is left of the quality of a sound with holes
MOST_HOLES = 1.0  # a second; knocks and barks leave some too, a spoiled sound has more
HOLE_SECONDS, HOLE_DB = 0.1, -45.0  # so long, and so far under what sounds right before and after
EDGE_SECONDS = 0.02  # before and after a hole; a natural sound takes longer to die away


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """What a listener thinks of one sound, both 0 to 1."""

    relevance: float  # how far the demands of the caption are met: events and their order
    quality: float  # how plainly the named events are heard
    is_known: bool  # whether the caption names anything that the listener knows

    @property
    def worth(self) -> float:
        """Both together."""
        return (self.relevance + self.quality) / 2


@dataclass(frozen=True, kw_only=True)
class Taste:
    """How one voter differs from the others."""

    error: float
    tie_width: float
    bias: float


def opinion(hearing: Hearing, caption: str, holes: float = 0.0) -> Opinion:
    """The opinion on a sound for a caption, without any error.

    Args:
        hearing: what the listener made of the sound.
        caption: what was asked for.
        holes: of the sound, per second.
    """
    asked, frames = read_caption(caption).labels, 5  # 0.4 s at 12.5 frames a second
    plain = [
        float(np.sort(hearing.probability[:, hearing.labels.index(name)])[-frames:].mean())
        for name in asked
    ]
    return Opinion(
        relevance=hearing.verdict(caption).score,
        quality=(SPOILED if holes >= MOST_HOLES else 1.0) * float(np.mean(plain or [0.0])),
        is_known=bool(asked),
    )


def holes_in(audio: np.ndarray, rate: int) -> float:
    """How often a second a sound breaks off and sets in again between one moment and the next.

    Args:
        audio: float32 [channels, samples].
        rate: Hz.
    """
    edge = max(1, round(EDGE_SECONDS * rate))
    power = np.square(audio, dtype=np.float64).mean(axis=0)
    moments = power[: len(power) // edge * edge].reshape(-1, edge).mean(axis=1)
    level = 10 * np.log10(moments + 1e-10)
    loud = level > level.max(initial=-100.0) + HOLE_DB / 1.5
    quiet = level < level.max(initial=-100.0) + HOLE_DB
    least, found, run = round(HOLE_SECONDS / EDGE_SECONDS), 0, 0
    for place in range(len(level)):
        if quiet[place]:
            run += 1
            continue
        start = place - run
        if run >= least - 1 and start >= 2 and loud[place] and loud[start - 2 : start].any():
            found += 1
        run = 0
    return found * rate / max(1, len(power))


def taste_of(seed: int, voter: int) -> Taste:
    """The taste of a voter by number."""
    draws = numpy_generator(seed, "taste", voter)
    return Taste(
        error=float(draws.uniform(*ERRORS)),
        tie_width=float(draws.uniform(*TIE_WIDTHS)),
        bias=float(draws.uniform(*BIASES)),
    )


def battle(a: Opinion, b: Opinion, taste: Taste, draws: np.random.Generator) -> dict[str, str]:
    """The outcome of a battle, and of each aspect: a, b, tie or both_bad; or skip.

    Args:
        a: opinion on A.
        b: opinion on B.
        taste: the voter's.
        draws: of this battle alone.

    Returns:
        "outcome", "quality" and "relevance"; the outcome alone when nothing is known of the prompt.
    """
    noise, slips = draws.normal(0, NOISE, (3, 2)), draws.uniform(size=3)
    others = draws.integers(2, size=3)
    if not a.is_known:
        return {"outcome": "skip"}
    said = {}
    for row, name in enumerate(("worth", "quality", "relevance")):
        found = chosen(getattr(a, name) + noise[row, 0], getattr(b, name) + noise[row, 1], taste)
        if slips[row] < taste.error:
            found = "ab"[others[row]]
        said["outcome" if name == "worth" else name] = found
    return said


def chosen(a: float, b: float, taste: Taste) -> str:
    """Which of two opinions wins.

    >>> chosen(0.9, 0.5, Taste(error=0, tie_width=0.05, bias=0))
    'a'
    """
    if max(a, b) < BOTH_BAD:
        return "both_bad"
    if abs(a - b) < taste.tie_width:
        return "tie"
    return "a" if a > b else "b"


def score(
    worth: float, scale: Sequence[float], step: float, taste: Taste, draws: np.random.Generator
) -> float:
    """A score on a scale.

    Args:
        worth: 0 to 1.
        scale: its lowest and its highest value.
        step: between two values.
        taste: the voter's.
        draws: of this score alone.
    """
    low, high = scale
    felt = np.clip(worth + taste.bias + draws.normal(0, NOISE), 0, 1)
    return float(low + round((high - low) * felt / step) * step)
