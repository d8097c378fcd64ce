"""The symmetric contrastive loss that brings a sound and its caption together (CLIP, CLAP)."""

import torch


def contrastive_loss(
    audio: torch.Tensor,
    text: torch.Tensor,
    scale: torch.Tensor | float,
    *,
    groups: torch.Tensor | None = None,
) -> torch.Tensor:
    """Mean cross-entropy of finding the caption of each sound and the sound of each caption.

    With S = scale * audio text^T and a target T whose rows sum to one,
    loss = -(mean_i sum_j T_ij log softmax_j(S_ij) + mean_j sum_i T_ij log softmax_i(S_ij)) / 2
    (Radford et al. 2021, Figure 3; Wu et al. 2023, equation 1). T is the identity, or, where
    several items share a group, spread evenly over them: the same caption drawn twice in a batch
    is not a wrong answer.

    Args:
        audio: [batch, dimensions], unit length.
        text: [batch, dimensions], unit length; row i belongs to audio row i.
        scale: the inverse temperature, positive.
        groups: integers [batch]; equal numbers mean equal captions. None: all differ.

    Returns:
        One number, at least 0 (at least the targets' entropy where groups are shared).
    """
    logits = scale * audio @ text.T  # [batch, batch]
    if groups is None:
        groups = torch.arange(len(audio), device=audio.device)
    same = (groups[:, None] == groups[None, :]).to(logits.dtype)
    target = same / same.sum(dim=1, keepdim=True)
    to_text = -(target * logits.log_softmax(dim=1)).sum(dim=1).mean()
    to_audio = -(target * logits.log_softmax(dim=0)).sum(dim=0).mean()
    return (to_text + to_audio) / 2
