"""Ways to sample faster that change the sound, each named as what it is and off unless chosen."""

from dataclasses import dataclass

import torch
from torch import Tensor

from pipelines.generate.transformer import Modulation, Surroundings, normed


@dataclass(frozen=True, kw_only=True)
class Shortcuts:
    """What is left out; by default nothing.

    Guidance interval (arXiv 2404.07724): guidance only at noise levels from `guide_from` to
    `guide_to`; elsewhere the text alone is followed, at half the work.

    Step caching (after TeaCache, arXiv 2411.19108): the blocks run again only once what enters
    them has changed by `reuse` in sum, relative to its size; till then what they last added is
    added again. Every sound decides for itself, so a batch agrees with sounds made one by one.
    """

    guide_from: float = 0.0
    guide_to: float = 1.0
    reuse: float = 0.0

    def guides_at(self, level: float) -> bool:
        """Whether guidance is applied at this noise level, 0..1."""
        return self.guide_from <= level <= self.guide_to


class Kept:
    """What the blocks last added to each row, and how far their input has drifted since.

    Args:
        reuse: the drift at which a row's blocks run again.
        pairs: rows that decide together: 2 where the first half are the unconditional rows.
    """

    def __init__(self, reuse: float, pairs: int) -> None:
        self.reuse, self.pairs = reuse, pairs
        self.seen: Tensor | None = None  # what entered the first block at the last step, [B, T, W]
        self.drift: Tensor | None = None  # [B]
        self.added: Tensor | None = None  # [B, T, W]
        self.ran = 0  # rows that went through the blocks

    def stale(self, entering: Tensor) -> Tensor:
        """The rows whose blocks must run now, bool [B].

        Args:
            entering: the modulated input of the first block, [B, T, W].
        """
        if self.seen is None:
            self.drift = entering.new_full((len(entering),), float("inf"), dtype=torch.float32)
        else:
            size = self.seen.abs().mean(dim=(1, 2), dtype=torch.float32).clamp_min(1e-12)
            self.drift += (entering - self.seen).abs().mean(dim=(1, 2), dtype=torch.float32) / size
        self.seen = entering
        together = self.drift.view(self.pairs, -1).amax(0).repeat(self.pairs)
        return together >= self.reuse

    def update(self, rows: Tensor, added: Tensor) -> None:
        """Remember what the blocks added to these rows; their drift begins again."""
        if self.added is None:
            self.added = torch.empty_like(added)
        self.added[rows] = added
        self.drift[rows] = 0.0
        self.ran += len(added)


def reused(kept: Kept, blocks, audio: Tensor, around: Surroundings, at: Modulation) -> Tensor:
    """What the blocks give for embedded latents [B, T, W], run only for the rows that need it."""
    shift, scale = at.joint[0][0][:2] if at.joint else at.single[0][:2]
    rows = kept.stale(normed(audio, shift, scale)).nonzero()[:, 0]
    if len(rows) == len(audio):
        kept.update(rows, blocks(audio, around, at) - audio)
    elif len(rows):
        made = blocks(audio[rows], around.rows(rows), at.at(rows))
        kept.update(rows, made - audio[rows])
    return audio + kept.added
