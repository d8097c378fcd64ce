"""The losses of fine-tuning, as pure functions of tensors: no model, no file, no device."""

from torch import Tensor


def squared_error(prediction: Tensor, target: Tensor) -> Tensor:
    """Squared error averaged over each row, whatever the denoiser predicts: [B, ...] -> [B].

    The target is the velocity noise - data of a flow, the noise itself, or the v of v-prediction
    (alpha noise - sigma data): all are errors of one denoiser, and are weighted alike.
    """
    return (prediction.float() - target.float()).square().flatten(1).mean(1)


def flow_matching_loss(prediction: Tensor, target: Tensor) -> Tensor:
    """Squared error of a predicted velocity, averaged over each row: [B, T, C] -> [B].

    TangoFlux (arXiv 2412.21037), section 2.3: the target is noise - data, every frame and channel
    counts alike, and no sigma is weighted. Take the mean over rows for the training loss.
    """
    return squared_error(prediction, target)


def row_weights(rewards: Tensor, is_pretrain: Tensor, beta: float) -> Tensor:
    """What each row of a step's batch counts in Eq. 7: [B], r / N or beta / M.

    Eq. 7 is a mean over N rows of D_data plus beta times a mean over M rows of D_pretrain, so it
    is a weighted sum over rows. Weights of the whole batch, cut into micro-batches, give gradients
    that add up to those of the batch.

    Args:
        rewards: r of each row, [B]; that of a pretrain row is not read.
        is_pretrain: bool [B]; True for rows of D_pretrain.
        beta: weight of the pretraining loss.
    """
    data, pretrain = (~is_pretrain).sum(), is_pretrain.sum()
    own = rewards.float() / data.clamp(min=1)
    return own.where(~is_pretrain, beta / pretrain.clamp(min=1))


def reward_weighted_loss(
    errors: Tensor, rewards: Tensor, is_pretrain: Tensor, *, beta: float
) -> Tensor:
    """BATON's loss (arXiv 2402.00744, Eq. 7): a scalar.

    mean over D_data of r(c, x) |target - prediction|^2
        + beta mean over D_pretrain of |target - prediction|^2

    Args:
        errors: of each row, from `squared_error`, [B].
        rewards: r of each row, 0..1, [B].
        is_pretrain: bool [B].
        beta: 0 leaves the first term alone; with r = 1 that is plain training.
    """
    return (row_weights(rewards, is_pretrain, beta) * errors).sum()
