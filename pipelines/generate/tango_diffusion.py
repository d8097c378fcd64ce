"""Denoising diffusion: what Tango's training and sampling must agree on, as pure functions.

x_t = sqrt(a_t) data + sqrt(1 - a_t) noise at timestep t = 0..999, where a_t is the share of the data.
"""

import torch
from diffusers.schedulers import DDPMScheduler, DPMSolverMultistepScheduler
from torch import Tensor

LEAST_VARIANCE = 1e-20  # below, the last step would divide by nothing
NOISE, V = "epsilon", "v_prediction"  # what a denoiser answers, by the names of the config
SECOND_ORDER = {"algorithm_type": "dpmsolver++", "solver_order": 2, "timestep_spacing": "trailing"}


def timesteps_of(sigma: Tensor, steps: int = 1000) -> Tensor:
    """The timestep that a noise level in (0, 1] names: sigma = t / steps, int64 of its shape."""
    return (sigma.float() * steps).round().long().clamp(max=steps - 1)


def shares(kept: Tensor, timesteps: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
    """sqrt(a_t) and sqrt(1 - a_t) of each row, shaped to multiply rows of `like`.

    Args:
        kept: a_t of every timestep, [steps].
        timesteps: int64 [B].
        like: [B, ...].
    """
    part = kept.to(like.device)[timesteps.to(like.device)].to(like.dtype)
    part = part.view(-1, *[1] * (like.ndim - 1))
    return part.sqrt(), (1 - part).sqrt()


def noised(kept: Tensor, data: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
    """x_t of each row: [B, ...] as `data` and `noise`."""
    signal, rest = shares(kept, timesteps, data)
    return signal * data + rest * noise


def target(kept: Tensor, data: Tensor, noise: Tensor, timesteps: Tensor, predicts: str) -> Tensor:
    """What the denoiser should answer: the noise, or v = sqrt(a) noise - sqrt(1 - a) data."""
    if predicts == NOISE:
        return noise
    signal, rest = shares(kept, timesteps, data)
    return signal * noise - rest * data


def signal_to_noise(kept: Tensor, timesteps: Tensor) -> Tensor:
    """a_t / (1 - a_t) of each row, [B]."""
    part = kept.to(timesteps.device)[timesteps]
    return part / (1 - part)


def min_snr_weights(ratio: Tensor, gamma: float) -> Tensor:
    """min(ratio, gamma) / ratio, by which Tango's own training weighs rows (Hang et al. 2023).

    This is the form for a denoiser of noise. For v the paper divides by ratio + 1; Tango, which
    predicts v, was trained with this one all the same.

    Args:
        ratio: signal to noise, [B].
        gamma: 5 in the published configs.
    """
    return ratio.clamp(max=gamma) / ratio


def data_of(x: Tensor, answer: Tensor, share: Tensor, predicts: str) -> Tensor:
    """The clean data that an answer at x stands for; `share` is a_t of the one timestep."""
    if predicts == NOISE:
        return (x - (1 - share).sqrt() * answer) / share.sqrt()
    return share.sqrt() * x - (1 - share).sqrt() * answer


def ddpm_step(
    x: Tensor, answer: Tensor, noise: Tensor, *, share: Tensor, next_share: Tensor, predicts: str
) -> Tensor:
    """The sample at the next, lower timestep: a draw from q(x_next | x, data), Ho et al. 2020 (7).

    Args:
        x: the sample now, [B, ...].
        answer: the denoiser's, guidance included.
        noise: standard normal, of the same shape.
        share: a_t now, a scalar.
        next_share: a_t at the next timestep; 1 after the last.
        predicts: what the answer is.
    """
    step_share = share / next_share
    step_noise, rest, next_rest = 1 - step_share, 1 - share, 1 - next_share
    clean = data_of(x, answer, share, predicts)
    mean = (next_share.sqrt() * step_noise / rest) * clean + (
        step_share.sqrt() * next_rest / rest
    ) * x
    variance = (next_rest / rest * step_noise).clamp(min=LEAST_VARIANCE)
    return mean + variance.sqrt() * noise


def ddpm_timesteps(config: dict, steps: int) -> Tensor:
    """The timesteps that a run of so many steps visits, from high to low, int64 [steps]."""
    scheduler = DDPMScheduler.from_config(config)
    scheduler.set_timesteps(steps)
    return scheduler.timesteps


def second_order(config: dict, steps: int) -> DPMSolverMultistepScheduler:
    """DPM-Solver++(2M) (Lu et al. 2022): no noise between steps, and fewer of them are enough.

    A run gets a solver of its own, since it remembers the last answer. Steps end at timestep 999,
    where sampling starts from pure noise.
    """
    scheduler = DPMSolverMultistepScheduler.from_config({**config, **SECOND_ORDER})
    scheduler.set_timesteps(steps)
    return scheduler


def kept_by(config: dict) -> Tensor:
    """a_t of every timestep, float32 [steps]."""
    return DDPMScheduler.from_config(config).alphas_cumprod.to(torch.float32)
