"""Rectified flow: what training and sampling must agree on. x = (1 - sigma) data + sigma noise."""

from collections.abc import Callable

import torch
from torch import Tensor

TRAINING_LEVELS = 1000  # noise levels that training draws from: sigma = 1.000, 0.999 ... 0.001


def noised(latents: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
    """The point at sigma on the straight line from data (0) to noise (1).

    Args:
        latents: clean [B, T, C].
        noise: standard normal, same shape.
        sigma: [B], 0..1.
    """
    part = sigma.to(latents.dtype).view(-1, *[1] * (latents.ndim - 1))
    return (1 - part) * latents + part * noise


def velocity_target(latents: Tensor, noise: Tensor) -> Tensor:
    """The slope of that line, which the transformer learns: noise - data."""
    return noise - latents


def training_sigmas(normal: Tensor) -> Tensor:
    """Noise levels for training from standard normal draws [B]: logit-normal, on 1000 levels."""
    return to_level(normal.float().sigmoid())


def to_level(u: Tensor) -> Tensor:
    """A draw u in (0, 1) as TangoFlux reads it: index = floor(1000 u), sigma = 1 - index / 1000."""
    index = (u * TRAINING_LEVELS).floor().clamp(max=TRAINING_LEVELS - 1)
    return (TRAINING_LEVELS - index) / TRAINING_LEVELS


def schedule(steps: int, *, shift: float = 1.0) -> Tensor:
    """The noise levels of sampling, from 1 down to 1/steps evenly, then 0: [steps + 1].

    Args:
        steps: how many slopes are followed.
        shift: above 1 dwells on high noise, s' = shift s / (1 + (shift - 1) s); TangoFlux: 1.
    """
    even = torch.linspace(1, 1 / steps, steps)
    return torch.cat([shift * even / (1 + (shift - 1) * even), torch.zeros(1)])


def step(
    velocity: Callable[[Tensor, int], Tensor],
    latents: Tensor,
    levels: Tensor,
    at: int,
    *,
    heun: bool,
) -> Tensor:
    """The latents at levels[at + 1] from those at levels[at].

    Euler follows the slope at the start. Heun averages the slopes at both ends (second order, two
    evaluations); its last step, where the end is the data itself, is Euler's.

    Args:
        velocity: (latents, index into levels) -> slope, guidance included.
        latents: [B, T, C].
        levels: from `schedule`.
        at: step number from 0.
        heun: whether to correct.
    """
    width = (levels[at + 1] - levels[at]).item()
    slope = velocity(latents, at)
    guess = latents + width * slope
    if not heun or at + 2 == len(levels):
        return guess
    return latents + 0.5 * width * (slope + velocity(guess, at + 1))


def hold(latents: Tensor, known: Tensor | None, noise: Tensor, level: float) -> Tensor:
    """Latents at this noise level whose first frames are the known ones, noised to it.

    Args:
        latents: [B, T, C].
        known: clean, [B, K, C]; None where nothing is known.
        noise: what the sampling began with, [B, T, C].
        level: sigma, 0..1; at 0 the known frames stand there as they are.
    """
    if known is None:
        return latents
    frames = known.shape[1]
    held = (1 - level) * known.to(latents) + level * noise[:, :frames]
    return torch.cat([held, latents[:, frames:]], dim=1)
