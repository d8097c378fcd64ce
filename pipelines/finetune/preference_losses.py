"""The losses of preference optimisation, as pure functions of errors: one number per sound.

An error is `losses.squared_error` of a denoiser at one noise level: of a flow's velocity
(TangoFlux), of noise, or of v (Tango 2, Diffusion-DPO); nothing here depends on which. The sounds
of a pair, or of a group, share noise and level, and the reference sees the same.
"""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from pipelines.errors import StudioError

# In the published code of TangoFlux and of Tango 2; the papers give none. It belongs to errors that
# are means over frames and channels: with the sums of Eq. 2 it would be divided by their number.
BETA = 2000.0
CLIP = 0.2  # of a group's ratios (Schulman et al. 2017)
LEAST_SPREAD = 1e-4  # of a group's rewards; below, all are alike and the group teaches nothing


def margin(
    chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor
) -> Tensor:
    """By how much the denoiser fits the chosen sound better than the reference does: [pairs].

    -[(m_w - m_l) - (r_w - r_l)]: above 0 where the pair is ranked as people rank it.

    Args:
        chosen: error of the denoiser on the chosen sounds, [pairs].
        rejected: on the rejected sounds.
        reference_chosen: error of the reference on the chosen sounds.
        reference_rejected: on the rejected sounds.
    """
    return (reference_chosen - reference_rejected) - (chosen - rejected)


def preference_loss(margins: Tensor, *, beta: float = BETA) -> Tensor:
    """L_DPO-FM (arXiv 2412.21037, Eq. 2) and Diffusion-DPO (arXiv 2311.12908, Eq. 14): a scalar.

    mean of -log sigmoid(beta / 2 x margin). The half is the published code's; the papers' Eq. 2 has
    none, and beta is not told. log 2 where denoiser and reference agree.

    Args:
        margins: from `margin`, [pairs].
        beta: how far the denoiser may leave its reference; larger stays nearer.
    """
    return -logsigmoid(beta / 2 * margins.float()).mean()


def crpo_loss(
    margins: Tensor, chosen: Tensor, *, beta: float = BETA, anchor: float = 1.0
) -> Tensor:
    """L_CRPO = L_DPO-FM + L_FM of the winners (arXiv 2412.21037, Eq. 3): a scalar.

    The second term keeps the winners' error from rising, which the first alone allows.

    Args:
        margins: from `margin`, [pairs].
        chosen: error of the denoiser on the chosen sounds, [pairs].
        beta: as for `preference_loss`.
        anchor: weight of the second term; 0 leaves L_DPO-FM.
    """
    return preference_loss(margins, beta=beta) + anchor * chosen.float().mean()


def implicit_accuracy(margins: Tensor) -> Tensor:
    """The share of pairs that the denoiser ranks as they were ranked, against its reference."""
    return (margins > 0).float().mean()


def advantages(rewards: Tensor) -> Tensor:
    """How far each reward lies from its group's mean, in the group's deviations: [groups, sounds].

    Shao et al. 2024 (arXiv 2402.03300), section 4.1.2. A group whose rewards are alike gets 0.

    Args:
        rewards: [groups, sounds], at least 2 sounds.
    """
    if rewards.ndim != 2 or rewards.shape[1] < 2:
        raise StudioError(
            f"Rewards have the shape {list(rewards.shape)}; give groups of at least 2 sounds each."
        )
    rewards = rewards.float()
    gaps, spread = rewards - rewards.mean(1, keepdim=True), rewards.std(1, keepdim=True)
    return torch.where(spread > LEAST_SPREAD, gaps / spread.clamp(min=LEAST_SPREAD), 0.0)


def group_relative_loss(
    errors: Tensor,
    reference: Tensor,
    rewards: Tensor,
    *,
    beta: float = BETA,
    clip: float = CLIP,
) -> Tensor:
    """The clipped loss of group-relative optimisation on a denoiser (arXiv 2412.21037, A.11).

    The paper gives no formula. The ratio of likelihoods is read off the errors as Diffusion-DPO
    reads it: log ratio = beta / 2 x (reference - error). Then, as in PPO,
    -mean of min(ratio A, clip(ratio, 1 - clip, 1 + clip) A).

    Args:
        errors: of the denoiser, [groups, sounds].
        reference: of the policy that made the sounds, on the same noise, [groups, sounds].
        rewards: [groups, sounds].
        beta: as for `preference_loss`.
        clip: how far a ratio counts, 0 to 1.
    """
    log_ratio = beta / 2 * (reference.float() - errors.float())
    ratio, advantage = log_ratio.clamp(max=20.0).exp(), advantages(rewards)
    bounded = ratio.clamp(1 - clip, 1 + clip)
    return -torch.minimum(ratio * advantage, bounded * advantage).mean()
