"""Davidson's model of paired comparisons with ties: likelihood, gradient, Hessian, and its fit.

Two systems with worths w = exp(strength) meet; with t = exp(tie) the outcomes have the odds

    first wins : second wins : tie  =  w1 : w2 : t sqrt(w1 w2)      (Davidson 1970, JASA 65, eq. 2.6)

Divided by sqrt(w1 w2) and with the margin m = strength1 - strength2, the three logits are m/2, -m/2
and tie: a multinomial logit, so the log likelihood is concave. The margin may hold more than two
strengths: margin = design @ theta, where a row of the design has +1 for the first system, -1 for
the second, and, beside them, whatever else may sway a listener (loudness, side).

A ridge, -ridge / 2 |(theta, tie)|^2, keeps the fit finite where a system has won or lost all, and
makes it unique: the strengths of each connected group of systems then sum to 0. All functions take
leading batch axes in `counts` and `theta`, so that a bootstrap is one fit.
"""

from dataclasses import dataclass

import numpy as np

from pipelines.errors import StudioError

RIDGE = 0.1  # a normal prior with sd 3.2 on each strength: 50 votes outweigh it many times over
STEPS = 60  # Newton needs under 10; more means broken counts
TOLERANCE = 1e-9  # of the gradient, per vote


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Where the penalised likelihood is highest."""

    theta: np.ndarray  # [..., parameters + 1], the last is `tie`, the log of Davidson's nu
    information: np.ndarray  # [..., parameters + 1, parameters + 1], minus the Hessian, with ridge
    steps: int


def probabilities(margin: np.ndarray, tie: np.ndarray) -> np.ndarray:
    """The chances of the three outcomes, [..., 3]: first wins, second wins, tie.

    >>> probabilities(np.log(4.0), np.log(0.5)).round(3).tolist()  # odds 4 : 1 : 0.5 sqrt(4)
    [0.667, 0.167, 0.167]
    """
    logits = np.stack(np.broadcast_arrays(margin / 2, -margin / 2, tie), axis=-1)
    odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return odds / odds.sum(axis=-1, keepdims=True)


def log_likelihood(
    theta: np.ndarray, design: np.ndarray, counts: np.ndarray, *, ridge: float = RIDGE
) -> np.ndarray:
    """The penalised log likelihood, [...].

    Args:
        theta: [..., parameters + 1], strengths and the like, then the log of the tie parameter.
        design: [rows, parameters], the margin per unit of each parameter.
        counts: [..., rows, 3], how often first won, second won, neither; any weights >= 0.
        ridge: 0 or more.
    """
    margin, tie = theta[..., :-1] @ design.T, theta[..., -1:]
    highest = np.maximum(np.abs(margin) / 2, tie)  # so that nothing overflows
    total = np.exp(margin / 2 - highest) + np.exp(-margin / 2 - highest) + np.exp(tie - highest)
    said = (counts[..., 0] - counts[..., 1]) * margin / 2 + counts[..., 2] * tie
    lost = counts.sum(axis=-1) * (highest + np.log(total))
    return (said - lost).sum(axis=-1) - ridge / 2 * np.square(theta).sum(axis=-1)


def scores(theta: np.ndarray, design: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The gradient of the log likelihood without the ridge, [..., parameters + 1].

    With n games in a row and p their chances: (wins - losses - n (p1 - p2)) / 2 along the margin,
    ties - n p3 along the tie parameter.
    """
    chances = probabilities(theta[..., :-1] @ design.T, theta[..., -1:])
    surprise = counts - counts.sum(axis=-1, keepdims=True) * chances
    along = (surprise[..., 0] - surprise[..., 1]) / 2 @ design
    return np.concatenate([along, surprise[..., 2].sum(axis=-1)[..., None]], axis=-1)


def information(theta: np.ndarray, design: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Minus the Hessian of the log likelihood without the ridge, [..., parameters + 1, same].

    Per game, with d = p1 - p2: (p1 + p2 - d^2) / 4 in the margin, p3 (1 - p3) in the tie
    parameter, -p3 d / 2 between them. It depends on how many games there were, not on how they
    ended.
    """
    chances = probabilities(theta[..., :-1] @ design.T, theta[..., -1:])
    games, tied = counts.sum(axis=-1), chances[..., 2]
    lead = chances[..., 0] - chances[..., 1]
    size = design.shape[1]
    found = np.empty((*games.shape[:-1], size + 1, size + 1))
    bend = games * (1 - tied - lead**2) / 4
    if games.ndim == 1:  # one fit over perhaps a million rows
        found[:size, :size] = (design.T * bend) @ design
    else:  # thousands of fits over a few rows
        products = (design[:, :, None] * design[:, None, :]).reshape(len(design), size * size)
        found[..., :size, :size] = (bend @ products).reshape(*games.shape[:-1], size, size)
    found[..., :size, size] = (-games * tied * lead / 2) @ design
    found[..., size, :size] = found[..., :size, size]
    found[..., size, size] = (games * tied * (1 - tied)).sum(axis=-1)
    return found


def fit(
    design: np.ndarray,
    counts: np.ndarray,
    *,
    ridge: float = RIDGE,
    start: np.ndarray | None = None,
) -> Fit:
    """The parameters of highest penalised likelihood, by Newton's method with step halving.

    Args:
        design: [rows, parameters].
        counts: [..., rows, 3]; every leading index is a fit of its own.
        ridge: above 0.
        start: [parameters + 1] or [..., parameters + 1], where to begin; None is 0.

    Raises:
        StudioError: the ridge is not above 0, counts that are no counts, or no convergence.
    """
    if not ridge > 0:
        raise StudioError(f"The ridge is {ridge}; it must be above 0, {RIDGE} is usual.")
    if counts.shape[-2:] != (len(design), 3) or not (np.isfinite(counts) & (counts >= 0)).all():
        raise StudioError(
            f"The counts have the shape {list(counts.shape)}; they must be [..., {len(design)}, 3] "
            "and finite, 0 or more."
        )
    size = design.shape[1] + 1
    theta = np.zeros((*counts.shape[:-2], size))
    if start is not None:
        theta = theta + start
    best = log_likelihood(theta, design, counts, ridge=ridge)
    enough = TOLERANCE * np.maximum(1.0, counts.sum(axis=(-1, -2)))
    for step in range(STEPS):
        slope = scores(theta, design, counts) - ridge * theta
        bend = information(theta, design, counts) + ridge * np.eye(size)
        if (np.abs(slope).max(axis=-1) <= enough).all():
            return Fit(theta=theta, information=bend, steps=step)
        move = np.linalg.solve(bend, slope[..., None])[..., 0]
        theta, best = _climbed(theta, move, best, design, counts, ridge)
    raise StudioError(
        f"The ratings did not converge in {STEPS} steps (gradient {np.abs(slope).max():.2g}); "
        "look for broken counts."
    )


def _climbed(
    theta: np.ndarray,
    move: np.ndarray,
    best: np.ndarray,
    design: np.ndarray,
    counts: np.ndarray,
    ridge: float,
) -> tuple[np.ndarray, np.ndarray]:
    """The step taken, halved wherever it went down, and the likelihood there."""
    share = np.ones_like(best)
    for _ in range(30):
        there = theta + share[..., None] * move
        found = log_likelihood(there, design, counts, ridge=ridge)
        down = found < best - 1e-9 * np.abs(best)  # rounding is no descent
        if not down.any():
            break
        share = np.where(down, share / 2, share)
    return there, found
