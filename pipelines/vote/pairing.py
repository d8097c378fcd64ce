"""Which battle next: where a vote teaches most, fair to every sound, sides by a named coin.

Pure: what is known goes in, one choice comes out, the same for the same seed. The caller stores the
choice, sides and kind with it, before it is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import entr, ndtr

from pipelines.errors import StudioError
from pipelines.seeds import fork, numpy_generator
from pipelines.vote.davidson import Fit, probabilities
from pipelines.vote.ratings import Ratings

KINDS = ("ab", "same_system", "gold")


@dataclass(frozen=True, kw_only=True)
class Rates:
    """What share of battles is not asked for the board but for what it says of the voter."""

    gold: float = 0.05  # one in twenty: 3 in a sitting of 60, enough to see a guesser after two
    same_system: float = 0.05  # two sounds of one system: is the side or the loudness at work?
    explore: float = (
        0.3  # of the others: any pair alike; at 0.1 the board's intervals came out narrow
    )

    def __post_init__(self) -> None:
        shares = (self.gold, self.same_system, self.explore)
        if min(shares) < 0 or max(shares) > 1 or self.gold + self.same_system > 1:
            raise StudioError(
                f"The rates are gold {self.gold}, same-system {self.same_system}, explore "
                f"{self.explore}; each is 0 to 1, and gold and same-system together at most 1."
            )


@dataclass(frozen=True, kw_only=True)
class Match:
    """Two sounds of one prompt that may be set against each other."""

    prompt: str
    first: str  # clip id
    second: str  # clip id
    systems: tuple[int, int]  # places in the ratings; equal for a same-system match
    kind: str = "ab"
    served: int = 0  # how often this match was shown, to anyone
    exposure: int = 0  # how often its two clips were shown, in any match

    @property
    def name(self) -> str:
        """The same for both orders of the clips."""
        return "/".join(sorted((self.first, self.second)))


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What to show: A on the left, B on the right, and why."""

    match: Match
    a: str
    b: str
    turned: bool  # whether the match's second clip is on side A
    gain: float  # what a vote was expected to teach, in nats; 0 for gold and same-system


def information_gain(fit: Fit) -> np.ndarray:
    """[..., systems, systems]: what one vote on a pair is expected to teach, in nats; 0 for itself.

    The gap of i and j has the variance v = c' I^-1 c, with c = e_i - e_j; a vote on the pair adds
    k = (p1 + p2 - (p1 - p2)^2) / 4 to what is known of it, so the entropy of the (normal) posterior
    of all strengths falls by log(1 + k v) / 2: the gain of D-optimal design (Chaloner & Verdinelli
    1995, Statistical Science 10). It is high for pairs seldom seen and for close ones. Systems that
    never met have a wide v, so groups are joined first.

    Args:
        fit: of a board, e.g. `rate(tally(votes)).fit`; of several boards with leading axes.
    """
    gap, spread = _gaps(fit)
    chances = probabilities(gap, fit.theta[..., -1, None, None])
    lead = chances[..., 0] - chances[..., 1]
    taught = (1 - chances[..., 2] - lead**2) / 4
    return np.log1p(taught * spread) / 2


def priority(fit: Fit) -> np.ndarray:
    """[..., systems, systems]: how much a pair should be asked about; 0 for itself.

    What a vote teaches, times the doubt which of the two is better: the entropy, in nats, of the
    order under the normal posterior, whose chance of being wrong is Phi(-|gap| / sqrt(v)). Without
    the doubt, pairs long decided are asked about nearly as often as open ones, and asking wins
    nothing over all pairs alike (tests/bench/bench_vote.py, "pairing").

    Args:
        fit: see `information_gain`.
    """
    gap, spread = _gaps(fit)
    sure = np.abs(gap) / np.sqrt(np.where(spread > 0, spread, 1.0))
    wrong = ndtr(-sure)
    return information_gain(fit) * (entr(wrong) + entr(1 - wrong))


def _gaps(fit: Fit) -> tuple[np.ndarray, np.ndarray]:
    """Gap of every two systems and its variance, [..., systems, systems] each."""
    strength = fit.theta[..., :-1]
    gap = strength[..., :, None] - strength[..., None, :]
    cover = np.linalg.inv(fit.information)[..., :-1, :-1]
    own = np.diagonal(cover, axis1=-2, axis2=-1)
    spread = own[..., :, None] + own[..., None, :] - 2 * cover
    return gap, np.maximum(spread, 0)


def choose(
    matches: Sequence[Match],
    ratings: Ratings,
    *,
    seed: int,
    rates: Rates | None = None,
    judged: frozenset[str] = frozenset(),
) -> Choice | None:
    """The next battle for one voter, or None when the voter has judged all there is.

    First the kind, by the rates; then the pair of systems, with chances in proportion to its
    priority (not always the first: many voters ask at once, and all would get the same); then, of its matches, one that was served least, and of these one whose clips were heard
    least; then the sides, by a fair coin. A kind of which nothing is left gives way to another.

    Args:
        matches: all that may be shown in this campaign.
        ratings: of the votes so far; with no votes, rate an empty tally.
        seed: of this serving, e.g. fork(campaign's seed, voter, how many the voter was shown).
        rates: None is the default.
        judged: names of matches that this voter has judged.
    """
    rates = rates or Rates()
    left = [m for m in matches if m.name not in judged]
    if unknown := {m.kind for m in left} - set(KINDS):
        raise StudioError(f"Match kinds are {', '.join(KINDS)}; got {', '.join(sorted(unknown))}.")
    if not left:
        return None
    draws = numpy_generator(seed, "pairing")
    kind = _kind(left, rates, draws)
    pool = [m for m in left if m.kind == kind]
    gain = 0.0
    if kind == "ab":
        pair = _pair(pool, priority(ratings.fit), rates, draws)
        gain = float(information_gain(ratings.fit)[tuple(pair)])
        pool = [m for m in pool if tuple(sorted(m.systems)) == pair]
    least = min((m.served, m.exposure) for m in pool)
    pool = [m for m in pool if (m.served, m.exposure) == least]
    match = pool[int(draws.integers(len(pool)))]
    turned = bool(fork(seed, "sides") % 2)
    a, b = (match.second, match.first) if turned else (match.first, match.second)
    return Choice(match=match, a=a, b=b, turned=turned, gain=gain)


def _kind(left: Sequence[Match], rates: Rates, draws: np.random.Generator) -> str:
    """A kind by the rates, among those of which something is left."""
    ends = np.cumsum([1 - rates.same_system - rates.gold, rates.same_system])
    kind = KINDS[int(np.searchsorted(ends, draws.random(), side="right"))]
    there = {m.kind for m in left}
    return kind if kind in there else next(k for k in KINDS if k in there)


def _pair(
    pool: Sequence[Match], wanted: np.ndarray, rates: Rates, draws: np.random.Generator
) -> tuple[int, int]:
    """A pair of systems of which a match is left, by priority or, now and then, any alike."""
    pairs = sorted({tuple(sorted(m.systems)) for m in pool})
    weight = np.array([wanted[pair] for pair in pairs])
    chance = np.full(len(pairs), 1 / len(pairs))
    if draws.random() >= rates.explore and weight.sum() > 0:
        chance = weight / weight.sum()
    return pairs[int(draws.choice(len(pairs), p=chance))]
