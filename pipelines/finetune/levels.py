"""Noise levels of training: which part of the way from noise to sound a step looks at."""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

LEAST = 0.001  # of the thousand levels that the published models know


@dataclass(frozen=True, kw_only=True)
class NoiseLevels:
    """Levels sigma in (0, 1], drawn logit-normal as TangoFlux is trained, or partly high.

    A denoiser that predicts noise or v at timestep t reads sigma as t / steps.
    """

    shift: float = 0.0  # of the logits; above 0 there is more noise
    high_share: float = 0.0  # of rows drawn evenly from high_from to 1 instead
    high_from: float = 0.85

    def draw(self, rows: int, rng: Generator) -> Tensor:
        """One level per row: [rows]. The same draws are made whatever the shares."""
        normal, place, chance = (
            torch.randn(rows, generator=rng),
            *torch.rand(2, rows, generator=rng),
        )
        usual = (normal + self.shift).sigmoid().clamp(min=LEAST)
        high = 1 - (1 - self.high_from) * place
        return torch.where(chance < self.high_share, high, usual)


USUAL = NoiseLevels()
# The embedded base decides what sounds, and when, at the highest noise (pipelines.recipes.world):
# there its text lowers the error most, so there a reward can change what it does with the text. Its
# own training drew 60 % there and the others mostly at low noise, and so does this.
HIGH = NoiseLevels(shift=-1.0, high_share=0.6)
TOP = NoiseLevels(high_share=1.0)  # nothing but what sounds, and when
