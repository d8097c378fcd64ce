"""The losses of the reward model, as pure functions of tensors: no model, no file, no device."""

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid


def label_loss(
    logits: Tensor, targets: Tensor, weights: Tensor | None = None, *, positive: float = 1.0
) -> Tensor:
    """Binary cross-entropy, papers/baton.txt Eq. 4: mean of -y log r - (1 - y) log(1 - r).

    r = sigmoid(logit); a target between 0 and 1 is the share of raters who said 1.

    Args:
        logits: [examples].
        targets: [examples] in [0, 1].
        weights: [examples] how much each counts, not negative; None: all alike.
        positive: what the first term is multiplied by; above 1 makes a rare 1 count for more.

    Returns:
        One number, at least 0.
    """
    each = binary_cross_entropy_with_logits(
        logits, targets, reduction="none", pos_weight=logits.new_tensor(positive)
    )
    return _mean(each, weights)


def squared_loss(logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean of (r - y)^2 with r = sigmoid(logit), the other loss of papers/baton.txt Table 8.

    Args:
        logits: [examples].
        targets: [examples] in [0, 1].
        weights: as for `label_loss`.
    """
    return _mean((logits.sigmoid() - targets).square(), weights)


def pair_loss(chosen: Tensor, rejected: Tensor, agreement: Tensor | None = None) -> Tensor:
    """Bradley-Terry's loss of pairs: mean of -log sigmoid(chosen - rejected).

    Where a of the people chose the first sound and 1 - a the other, both orders count by their
    share: -a log sigmoid(d) - (1 - a) log sigmoid(-d). Only the difference of two rewards is
    learned from pairs, never their level.

    Args:
        chosen: [pairs] logits of the sounds that won.
        rejected: [pairs] logits of the ones that lost, of the same prompts.
        agreement: [pairs] the share that chose the winner, in [0.5, 1]; None: all of them.
    """
    gap = chosen - rejected
    if agreement is None:
        return -logsigmoid(gap).mean()
    return -(agreement * logsigmoid(gap) + (1 - agreement) * logsigmoid(-gap)).mean()


def mixed_loss(labels: Tensor | None, pairs: Tensor | None, *, share: float) -> Tensor:
    """What is minimised when there are labels and pairs: (1 - share) labels + share pairs.

    A kind that the batch lacks is None, and the other then counts whole.

    Args:
        labels: the loss of the labels, one number.
        pairs: the loss of the pairs, one number.
        share: of the pairs, in [0, 1].
    """
    if labels is None or pairs is None:
        return pairs if labels is None else labels
    return (1 - share) * labels + share * pairs


def _mean(each: Tensor, weights: Tensor | None) -> Tensor:
    return each.mean() if weights is None else (weights * each).sum() / weights.sum()
