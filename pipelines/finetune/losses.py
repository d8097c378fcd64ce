"""The losses of fine-tuning, as pure functions of tensors: no model, no file, no device."""

from torch import Tensor


def flow_matching_loss(prediction: Tensor, target: Tensor) -> Tensor:
    """Squared error of a predicted velocity, averaged over each row: [B, T, C] -> [B].

    TangoFlux (arXiv 2412.21037), section 2.3: the target is noise - data, every frame and channel
    counts alike, and no sigma is weighted. Take the mean over rows for the training loss.
    """
    return (prediction.float() - target.float()).square().flatten(1).mean(1)
