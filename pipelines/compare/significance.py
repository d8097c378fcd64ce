"""May a difference on the same prompts be chance? Exact tests in pairs, and what they can find."""

import math
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from pipelines.errors import StudioError
from pipelines.seeds import numpy_generator

EXACT_UP_TO = 16  # items: 65,536 ways of signs are all tried; beyond, they are drawn
DRAWS = 20_000  # ways of signs; a p of 0.05 then moves by about 0.0015 from seed to seed
LEVEL = 0.05  # a p of at most this is reported as a difference
POWER = 0.8  # how often a difference of the smallest size that is called detectable is found


def mcnemar(only_ours: int, only_theirs: int) -> float:
    """The p of two shares on the same items, from the items in which just one of the two holds.

    If neither is better, each of these falls on either side like a coin (McNemar 1947; exact and
    two-sided): p = min(1, 2 P(at most the smaller of the two out of both)).

    >>> mcnemar(6, 0), mcnemar(3, 3)  # 2 / 2^6
    (0.03125, 1.0)

    Args:
        only_ours: items in which ours holds and theirs does not.
        only_theirs: the other way round.

    Raises:
        StudioError: counts that are not whole numbers from 0.
    """
    for count in (only_ours, only_theirs):
        if isinstance(count, bool) or int(count) != count or count < 0:
            raise StudioError(f"{count} is no count of items; give whole numbers from 0.")
    n, least = only_ours + only_theirs, min(only_ours, only_theirs)
    below = sum(math.comb(n, k) for k in range(least + 1))
    return min(1.0, 2 * below / 2**n)


def discordant(ours: np.ndarray, theirs: np.ndarray) -> tuple[int, int]:
    """How many items hold in ours alone, and in theirs alone; two bool [items]."""
    one, other = (np.asarray(side, dtype=bool) for side in (ours, theirs))
    if one.shape != other.shape or one.ndim != 1:
        raise StudioError(
            f"A test in pairs needs the same items on both sides; got {list(one.shape)} and "
            f"{list(other.shape)}."
        )
    return int((one & ~other).sum()), int((other & ~one).sum())


def sign_flips(differences: np.ndarray, *, seed: int) -> float:
    """The two-sided p of a mean of paired differences, by turning their signs.

    If neither side is better, each difference may as well have had the other sign (Fisher 1935). Up
    to 16 differences every way is tried, and the p is exact; beyond, 20,000 are drawn and the one
    that was seen is counted in, so that p is never 0.

    >>> sign_flips([1.0, 2.0, 3.0], seed=0)  # all up or all down, 2 of 8 ways
    0.25

    Args:
        differences: [items], ours minus theirs.
        seed: names the draws.

    Raises:
        StudioError: no differences, or values that are not numbers.
    """
    found = np.asarray(differences, dtype=np.float64)
    if found.ndim != 1 or not len(found) or not np.isfinite(found).all():
        raise StudioError(
            f"A test of signs needs finite differences in one row; got {list(found.shape)}."
        )
    n, is_exact = len(found), len(found) <= EXACT_UP_TO
    seen = abs(found.sum()) * (1 - 1e-12)  # equal sums count, whatever the rounding
    if is_exact:
        ways = 1 - 2.0 * (np.arange(2**n)[:, None] >> np.arange(n) & 1)
        return float((abs(ways @ found) >= seen).mean())
    draws, hits, block = numpy_generator(seed, "signs"), 0, max(1, 2_000_000 // n)
    for start in range(0, DRAWS, block):
        ways = 1 - 2.0 * draws.integers(2, size=(min(block, DRAWS - start), n))
        hits += int((abs(ways @ found) >= seen).sum())
    return (hits + 1) / (DRAWS + 1)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Each p as it stands after looking at all of them; at most 0.05 in any keeps all at 0.05.

    From the smallest: the i-th of m is multiplied by m - i + 1, never below the one before it, and
    never above 1 (Holm 1979). It asks nothing of how the tests hang together.

    >>> holm({"clap": 0.01, "order": 0.04, "integrity": 0.03})  # 3 x 0.01, 2 x 0.03, 1 x 0.04
    {'clap': 0.03, 'order': 0.06, 'integrity': 0.06}

    Raises:
        StudioError: a p outside of [0, 1].
    """
    wrong = [p for p in p_values.values() if not 0 <= p <= 1]
    if wrong:
        raise StudioError(f"{wrong[0]} is no p value; give numbers from 0 to 1.")
    adjusted, highest = {}, 0.0
    for place, (name, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        highest = max(highest, min(1.0, (len(p_values) - place) * p))
        adjusted[name] = highest
    return {name: adjusted[name] for name in p_values}


@lru_cache(maxsize=4096)
def mcnemar_power(pairs: int, better: float, worse: float, *, level: float = LEVEL) -> float:
    """How often the exact test of `pairs` pairs finds a difference, 0 to 1.

    The pairs in which just one side holds are drawn from all, and of these the ones that hold in B
    alone; the power adds up P(m differ) P(k of m for B) over all that the test would report
    (Connor 1987 approximates the same sum).

    >>> round(mcnemar_power(6, 1.0, 0.0), 6)  # all six turn for the better: p = 2 / 2^6 = 0.031
    1.0
    >>> mcnemar_power(5, 1.0, 0.0)  # five cannot: 2 / 2^5 = 0.062
    0.0

    Args:
        pairs: how many are compared.
        better: true share of pairs in which B alone holds.
        worse: true share in which A alone holds.
        level: what p must not exceed.

    Raises:
        StudioError: shares that are none, or that add up to more than 1.
    """
    if not (0 <= better <= 1 and 0 <= worse <= 1 and better + worse <= 1 + 1e-9):
        raise StudioError(
            f"Shares of {better} better and {worse} worse pairs cannot be; give two from 0 to 1 "
            "that add up to at most 1."
        )
    from scipy.special import bdtr, gammaln, xlog1py, xlogy

    apart = min(1.0, better + worse)
    if apart == 0:
        return 0.0
    differ = np.arange(pairs + 1)
    chosen = gammaln(pairs + 1) - gammaln(differ + 1) - gammaln(pairs - differ + 1)
    chance = np.exp(chosen + xlogy(differ, apart) + xlog1py(pairs - differ, -apart))  # of m
    most = _rejected(pairs, level)  # [pairs + 1] at most so many on the smaller side; -1: never
    share = better / apart
    low = np.where(most >= 0, bdtr(np.maximum(most, 0), np.maximum(differ, 1), share), 0.0)
    high = np.where(most >= 0, bdtr(np.maximum(most, 0), np.maximum(differ, 1), 1 - share), 0.0)
    return float(min(1.0, (chance * (low + high)).sum()))


@lru_cache(maxsize=64)
def _rejected(pairs: int, level: float) -> np.ndarray:
    """For each number of pairs that differ, the greatest smaller side whose p is small enough."""
    found = []
    for differ in range(pairs + 1):
        below = found[-1] if found else -1
        while 2 * (below + 1) < differ and mcnemar(below + 1, differ - below - 1) <= level:
            below += 1
        found.append(below)
    return np.array(found)


def detectable_share(
    pairs: int, *, worse: float = 0.0, power: float = POWER, level: float = LEVEL
) -> float | None:
    """The smallest difference of two shares that so many pairs find so often; None: not even 1.

    It is found to a thousandth, by halving.

    Args:
        pairs: how many are compared.
        worse: true share of pairs that turn for the worse meanwhile; what is gained must be more.
        power: how often it is to be found.
        level: what p must not exceed.
    """
    most = 1.0 - 2 * worse  # then every pair has turned
    if most <= 0 or mcnemar_power(pairs, worse + most, worse, level=level) < power:
        return None
    low = 0.0
    while most - low > 5e-4:
        middle = (low + most) / 2
        is_found = mcnemar_power(pairs, worse + middle, worse, level=level) >= power
        low, most = (low, middle) if is_found else (middle, most)
    return most


def detectable_mean(
    pairs: int, deviation: float, *, power: float = POWER, level: float = LEVEL
) -> float | None:
    """The smallest mean difference that so many pairs find so often by Student's paired t.

    Args:
        pairs: how many are compared; None comes back for fewer than two.
        deviation: standard deviation of the differences of pairs.
        power: how often it is to be found.
        level: what p must not exceed.
    """
    from scipy.special import nctdtr, stdtrit

    if pairs < 2 or deviation <= 0:
        return None
    bound = float(stdtrit(pairs - 1, 1 - level / 2))
    low, high = 0.0, 2 * bound + 10  # noncentralities
    while high - low > 1e-4:
        middle = (low + high) / 2
        is_found = 1 - float(nctdtr(pairs - 1, middle, bound)) >= power
        low, high = (low, middle) if is_found else (middle, high)
    return high * deviation / math.sqrt(pairs)
