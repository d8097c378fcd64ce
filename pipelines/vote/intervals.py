"""How sure a rating is when people differ: intervals over voters, ranks, and votes still needed.

Votes of one person are alike, so the voter is the unit of chance. What is estimated is the rating
that all voters like these would give. Two methods, both over voters:

- "voter jackknife, t": each voter is left out once (one Newton step from the full fit), which is
  the CR3 covariance of Bell & McCaffrey (2002, Survey Methodology 28); the ends are Student's t.
- "voter bootstrap, expanded": voters are drawn with replacement and the board fitted anew; the ends
  are quantiles of the draws (Efron 1979; clusters: Field & Welsh 2007). The plain 2.5 % and 97.5 %
  are too narrow for few voters, so the levels are widened as Student's t would and by n / (n - 1)
  in the variance (Hesterberg 2015, The American Statistician 69, section 5.3).

The degrees of freedom of both are the effective number of voters less one (after Carter, Schnepel &
Steigerwald 2017, Rev. Econ. Stat. 99): a voter counts by the share of the information that is
theirs, so that one diligent voter among many idle ones is nearly alone. Prompts may be drawn too
("voter and prompt jackknife, t"): then the interval speaks of other prompts like these. Where every voter voted
once, the voter bootstrap is the bootstrap of votes. tests/bench/bench_vote.py measures how often
each method holds the truth.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from pipelines.errors import StudioError
from pipelines.seeds import numpy_generator
from pipelines.vote.davidson import RIDGE, Fit, fit, information, probabilities, scores

LEVEL = 0.95
DRAWS = 1000  # of a bootstrap; the ends move by about 4 % of the width from seed to seed
LONE = 1.1  # effective voters under this: one holds over 95 % of what is known, others nothing
BLOCKS = 400  # voters at most; more are dealt into so many blocks, which costs 398 of 399 degrees


@dataclass(frozen=True, kw_only=True)
class Intervals:
    """95 % intervals of linear combinations of the parameters."""

    value: np.ndarray  # [..., contrasts]
    low: np.ndarray  # [..., contrasts] not a number where fewer than two voters said anything
    high: np.ndarray  # [..., contrasts] as low
    error: np.ndarray  # [..., contrasts] standard error
    freedom: np.ndarray  # [..., contrasts] degrees of freedom
    method: str
    voters: int


def by_jackknife(
    design: np.ndarray,
    counts: np.ndarray,
    contrasts: np.ndarray,
    *,
    ridge: float = RIDGE,
    level: float = LEVEL,
) -> Intervals:
    """Leave each voter out once: CR3 with t; the method for few voters, right for many.

    Args:
        design: [rows, parameters], as for `davidson.fit`.
        counts: [..., voters, rows, 3]; leading axes are boards of their own.
        contrasts: [contrasts, parameters + 1], what to give intervals of.
        ridge: of the fit.
        level: the share of intervals that hold the truth.

    Raises:
        StudioError: fewer than two voters.
    """
    _enough(counts.shape[-3])
    whole = fit(design, counts.sum(axis=-3), ridge=ridge)
    theta = whole.theta[..., None, :]
    slopes, own = scores(theta, design, counts), information(theta, design, counts)
    return from_parts(whole, slopes, own, contrasts, level=level)


def from_parts(
    whole: Fit, slopes: np.ndarray, own: np.ndarray, contrasts: np.ndarray, *, level: float = LEVEL
) -> Intervals:
    """The jackknife's intervals from each voter's part of the gradient and of the information.

    Args:
        whole: the fit to all votes.
        slopes: [..., voters, size].
        own: [..., voters, size, size].
        contrasts: [contrasts, size].
        level: the share of intervals that hold the truth.
    """
    voters = _enough(slopes.shape[-2])
    shifts = leave_one_out(whole, slopes, own) @ contrasts.T  # [..., voters, contrasts]
    error = np.sqrt((voters - 1) / voters * np.square(shifts).sum(axis=-2))
    freedom = effective_freedom(whole, own, contrasts)
    value = whole.theta @ contrasts.T
    reach = stdtrit(freedom, (1 + level) / 2) * error
    return Intervals(
        value=value,
        low=value - reach,
        high=value + reach,
        error=error,
        freedom=freedom,
        method="voter jackknife, t",
        voters=voters,
    )


def by_two_ways(
    design: np.ndarray,
    voters: np.ndarray,
    prompts: np.ndarray,
    contrasts: np.ndarray,
    *,
    ridge: float = RIDGE,
    level: float = LEVEL,
) -> Intervals:
    """Over voters and prompts: what other people would say of other prompts.

    V(voters) + V(prompts) - V(single votes), which both hold (Cameron, Gelbach & Miller 2011,
    J. Bus. Econ. Stat. 29), never less than either; degrees of freedom of the way that has fewer.

    Args:
        design: [rows, parameters].
        voters: [..., voters, rows, 3].
        prompts: [..., prompts, rows, 3], the same votes.
        contrasts: [contrasts, parameters + 1].
        ridge: of the fit.
        level: the share of intervals that hold the truth.

    Raises:
        StudioError: fewer than two voters or two prompts.
    """
    one = by_jackknife(design, voters, contrasts, ridge=ridge, level=level)
    other = by_jackknife(design, prompts, contrasts, ridge=ridge, level=level)
    counts = voters.sum(axis=-3)
    whole = fit(design, counts, ridge=ridge)
    single = np.einsum("...rok,...ro->...k", np.square(_pulls(whole, design, contrasts)), counts)
    ways = one.error**2, other.error**2
    error = np.sqrt(np.maximum(np.maximum(*ways), sum(ways) - single))
    freedom = np.minimum(one.freedom, other.freedom)
    reach = stdtrit(freedom, (1 + level) / 2) * error
    return Intervals(
        value=one.value,
        low=one.value - reach,
        high=one.value + reach,
        error=error,
        freedom=freedom,
        method="voter and prompt jackknife, t",
        voters=one.voters,
    )


def _pulls(whole: Fit, design: np.ndarray, contrasts: np.ndarray) -> np.ndarray:
    """How one vote of each row and outcome moves each contrast, [..., rows, 3, contrasts]."""
    chances = probabilities(whole.theta[..., :-1] @ design.T, whole.theta[..., -1:])
    surprise = np.eye(3) - chances[..., None, :]  # [..., rows, outcome that came, outcome]
    along = (surprise[..., 0] - surprise[..., 1])[..., None] / 2 * design[:, None, :]
    slope = np.concatenate([along, surprise[..., 2:]], axis=-1)
    reach = np.linalg.inv(whole.information) @ contrasts.T
    return slope @ reach[..., None, :, :]


def leave_one_out(whole: Fit, slopes: np.ndarray, own: np.ndarray) -> np.ndarray:
    """How the parameters move when a voter's votes are taken out, [..., voters, size].

    One Newton step from the full fit: without voter g the gradient is -slope_g, the information
    I - I_g, so the step is -(I - I_g)^-1 slope_g.

    Args:
        whole: the fit to all votes.
        slopes: [..., voters, size], each voter's part of the gradient there.
        own: [..., voters, size, size], each voter's part of the information there.
    """
    rest = whole.information[..., None, :, :] - own
    return -np.linalg.solve(rest, slopes[..., None])[..., 0]


def by_bootstrap(
    design: np.ndarray,
    counts: np.ndarray,
    contrasts: np.ndarray,
    *,
    seed: int,
    draws: int = DRAWS,
    ridge: float = RIDGE,
    level: float = LEVEL,
    expanded: bool = True,
) -> Intervals:
    """Draw voters with replacement and fit anew: percentile intervals, expanded for few voters.

    Args:
        design: [rows, parameters].
        counts: [voters, rows, 3], one board.
        contrasts: [contrasts, parameters + 1].
        seed: names the draws.
        draws: how many boards.
        ridge: of the fit.
        level: the share of intervals that hold the truth.
        expanded: False gives the plain percentiles.

    Raises:
        StudioError: fewer than two voters.
    """
    voters = _enough(len(counts))
    whole = fit(design, counts.sum(axis=0), ridge=ridge)
    picks = numpy_generator(seed, "voter bootstrap").multinomial(
        voters, np.full(voters, 1 / voters), size=draws
    )
    drawn = (picks @ counts.reshape(voters, -1)).reshape(draws, len(design), 3)
    found = fit(design, drawn, ridge=ridge, start=whole.theta).theta @ contrasts.T
    freedom = effective_freedom(whole, information(whole.theta, design, counts), contrasts)
    reach = np.full(len(contrasts), ndtri((1 + level) / 2))
    if expanded:
        reach = np.sqrt(voters / (voters - 1)) * stdtrit(freedom, (1 + level) / 2)
    ends = [np.quantile(found[:, c], ndtr([-r, r])) for c, r in enumerate(np.nan_to_num(reach))]
    low, high = np.where(np.isnan(freedom), np.nan, np.array(ends).reshape(-1, 2).T)
    return Intervals(
        value=whole.theta @ contrasts.T,
        low=low,
        high=high,
        error=found.std(axis=0, ddof=1) * np.sqrt(voters / (voters - 1)),
        freedom=freedom,
        method="voter bootstrap, expanded" if expanded else "voter bootstrap, plain",
        voters=voters,
    )


def system_contrasts(systems: int) -> np.ndarray:
    """[systems, systems + 1]: each strength by itself."""
    return np.eye(systems, systems + 1)


def ranks(low: np.ndarray, high: np.ndarray, group: np.ndarray) -> np.ndarray:
    """[systems]: 1 + how many systems of the same group are surely better.

    Surely: their lower end lies above my upper end (Chatbot Arena's "rank UB"). Ranks of different
    groups do not compare.

    >>> ranks(np.array([2.0, 1.5, -1.0]), np.array([3.0, 2.5, 0.0]), np.zeros(3)).tolist()
    [1, 1, 3]
    """
    better = (low[None, :] > high[:, None]) & (group[None, :] == group[:, None])
    return 1 + better.sum(axis=1)


def votes_needed(
    gap: float, error: float, votes: int, *, power: float = 0.8, level: float = LEVEL
) -> int | None:
    """How many more votes would separate two systems if the gap is what it seems; 0: they are.

    The standard error falls with the square root of the number of votes when new votes come as the
    old ones did: from as many new voters, not more from the same. A gap d is found with the chance
    `power` once d = (z_level + z_power) x error, so n' = n ((z_level + z_power) error / d)^2.

    Args:
        gap: difference of two strengths.
        error: its standard error now.
        votes: of the whole board now.
        power: the chance that the interval then leaves out 0.
        level: of the interval.

    Returns:
        None when the gap is 0: no number of votes separates equals.

    >>> votes_needed(0.5, 0.25, 100)  # ((1.95996 + 0.84162) x 0.25 / 0.5)^2 = 1.96221
    97
    """
    if gap == 0:
        return None
    ask = ndtri((1 + level) / 2) + ndtri(power)
    return max(0, int(np.ceil(votes * (ask * error / gap) ** 2)) - votes)


def effective_freedom(whole: Fit, own: np.ndarray, contrasts: np.ndarray) -> np.ndarray:
    """Effective voters less one, [..., contrasts], at least one; not a number for a lone voter.

    (sum w)^2 / sum w^2 - 1, where w is the voter's share of what is known about the contrast c:
    c' I^-1 I_g I^-1 c. It is voters - 1 when all know equally much. Where one voter alone has said
    anything of the contrast, or nobody, nothing is known of others and there is no interval.
    """
    reach = np.linalg.inv(whole.information) @ contrasts.T  # [..., size, contrasts]
    share = np.einsum("...kc,...vkl,...lc->...vc", reach, own, reach, optimize=True)
    total = np.square(share).sum(axis=-2)
    effective = np.square(share.sum(axis=-2)) / np.where(total > 0, total, 1.0)
    return np.where(effective > LONE, np.maximum(1.0, effective - 1), np.nan)


def _enough(voters: int) -> int:
    if voters < 2:
        raise StudioError(
            f"An interval over voters needs at least 2 of them; got {voters}. Ask more people."
        )
    return voters
