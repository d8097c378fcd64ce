"""The slope of each sampling step, guidance included, from what stays the same over a run."""

from collections.abc import Callable
from functools import partial

import torch
from diffusers import FluxTransformer2DModel
from torch import Tensor

from pipelines.generate.conditioning import TextStates
from pipelines.generate.shortcuts import Kept, Shortcuts, reused
from pipelines.generate.transformer import Modulation, blocks, head, modulation, surroundings

MODULATED = 512  # rows x steps whose modulations are held at once; 0.13 GB at the published size
PLAIN = Shortcuts()
Blocks = Callable[..., Tensor]  # as `pipelines.generate.transformer.blocks`


class GuidedSlope:
    """v = v_u + g (v_c - v_u), both rows in one batch.

    Args:
        transformer: the flow.
        text: B rows.
        unconditional: B rows, or None to follow the text alone.
        frames: T.
        levels: noise levels of the steps, [steps].
        guidance: g of every row, or one per row [B].
        shortcuts: what may be left out.
        run_blocks: the blocks as written, or compiled.
    """

    def __init__(
        self,
        transformer: FluxTransformer2DModel,
        text: TextStates,
        unconditional: TextStates | None,
        *,
        frames: int,
        levels: Tensor,
        guidance: Tensor | float,
        shortcuts: Shortcuts = PLAIN,
        run_blocks: Blocks = blocks,
    ) -> None:
        self.transformer, self.levels, self.shortcuts = transformer, levels.tolist(), shortcuts
        self.dtype = transformer.dtype
        self.told = len(text)  # B
        self.is_guided = unconditional is not None
        rows = TextStates.cat([unconditional, text]) if self.is_guided else text
        rows = rows.to(self.dtype)
        g = torch.as_tensor(guidance, dtype=torch.float32, device=transformer.device)
        self.guidance = g.reshape(-1, 1, 1)
        self.around = surroundings(transformer, rows, frames)
        self.alone = self.around.rows(slice(-self.told, None)) if self.is_guided else self.around
        self.plan = Plan(transformer, levels.to(transformer.device), rows.pooled)
        self.run_blocks: Blocks = partial(run_blocks, transformer)
        self.kept = {
            pairs: Kept(shortcuts.reuse, pairs) if shortcuts.reuse else None for pairs in (1, 2)
        }

    def __call__(self, latents: Tensor, at: int) -> Tensor:
        """The slope of latents [B, T, C] at step number `at`, in float32."""
        latents, parts = latents.to(self.dtype), self.plan[at]
        if not self.is_guided:
            return self.slope(latents, self.alone, parts, 1).float()
        if not self.shortcuts.guides_at(self.levels[at]):
            told = parts.at(slice(-self.told, None))
            return self.slope(latents, self.alone, told, 1).float()
        both = self.slope(torch.cat([latents, latents]), self.around, parts, 2)
        free, told = both.float().chunk(2)
        return torch.lerp(free, told, self.guidance)

    def slope(self, latents: Tensor, around, parts: Modulation, pairs: int) -> Tensor:
        """The transformer's output, with step caching where it was chosen."""
        audio, kept = self.transformer.x_embedder(latents), self.kept[pairs]
        if kept is None:
            through = self.run_blocks(audio, around, parts)
        else:
            through = reused(kept, self.run_blocks, audio, around, parts)
        return head(self.transformer, through, parts)

    @property
    def ran(self) -> int:
        """Rows that went through the blocks, where step caching counts them."""
        return sum(kept.ran for kept in self.kept.values() if kept is not None)


class Plan:
    """The modulations of every step, computed many steps at a time."""

    def __init__(self, transformer: FluxTransformer2DModel, levels: Tensor, pooled: Tensor) -> None:
        self.transformer, self.levels, self.pooled = transformer, levels, pooled
        self.window = max(1, MODULATED // len(pooled))  # steps
        self.start, self.held = 0, self.made(0)

    def made(self, start: int) -> Modulation:
        """The modulations of the window that starts at this step."""
        sigma = self.levels[start : start + self.window]
        return modulation(
            self.transformer,
            sigma.repeat_interleave(len(self.pooled)),
            self.pooled.repeat(len(sigma), 1),
        )

    def __getitem__(self, at: int) -> Modulation:
        """The modulation at this step; steps are asked for in order."""
        if at >= self.start + self.window:
            self.start, self.held = at, self.made(at)
        first = (at - self.start) * len(self.pooled)
        return self.held.at(slice(first, first + len(self.pooled)))
