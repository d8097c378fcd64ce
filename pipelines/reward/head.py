"""The reward head: text and audio embedding side by side through an MLP (papers/baton.txt Eq. 3)."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from pipelines.errors import StudioError
from pipelines.seeds import fork

Interactions = Literal["none", "product", "product and difference"]
SCALE = 10.0  # what the cosine counts for at first; its spread here is near 0.1


@dataclass(frozen=True, kw_only=True)
class HeadConfig:
    """The shape of a head; the defaults are the paper's, `our_shape` is ours."""

    text_size: int
    audio_size: int
    hidden: tuple[int, ...] = (256,)  # widths of the hidden layers; the paper does not tell
    dropout: float = 0.0
    # What else the MLP sees. Needs one space for text and audio.
    interactions: Interactions = "none"
    # Each number has mean 0 and an equal spread over the training set, and a vector about length 1.
    # T5's states need it: nearly all of what they hold is alike for all texts.
    standardised: bool = False
    # The logit is the scaled cosine plus the MLP, which says nothing at first: untrained it ranks
    # as CLAP does. A longer text vector opens with CLAP's; what follows is another encoder's.
    starts_as_clap: bool = False

    def __post_init__(self) -> None:
        if self.interactions not in ("none", "product", "product and difference"):
            raise StudioError(
                f"A reward head knows no interactions {self.interactions!r}; choose none, product, "
                "or product and difference."
            )
        fits = self.text_size >= self.audio_size
        if self.interactions != "none":
            fits = self.text_size == self.audio_size
        if not fits and (self.starts_as_clap or self.interactions != "none"):
            raise StudioError(
                f"Text vectors of {self.text_size} and audio vectors of {self.audio_size} numbers "
                "have no cosine and no product; take CLAP's text, or a plain head."
            )

    @property
    def inputs(self) -> int:
        """How many numbers the MLP sees."""
        more = {"none": 0, "product": 1, "product and difference": 2}[self.interactions]
        return self.text_size + self.audio_size + more * self.text_size


def our_shape(text_size: int, audio_size: int) -> HeadConfig:
    """The head to take: it starts as CLAP.

    With some 300 labels or more a T5's text beside CLAP's helps: it tells which prompts are hard.
    With fewer it learns by heart which were; CLAP's text alone stays as good as CLAP.

    Args:
        text_size: numbers of the text vector, CLAP's first (`embeddings.side_by_side`).
        audio_size: numbers of CLAP's audio vector.
    """
    return HeadConfig(
        text_size=text_size,
        audio_size=audio_size,
        standardised=text_size > audio_size,  # CLAP's own vectors are fit as they are
        starts_as_clap=True,
    )


class RewardHead(nn.Module):
    """r = sigmoid(MLP(Cat(text, audio))); forward gives the logit, `reward` the number in [0, 1].

    Args:
        config: sizes and options.
        seed: of the starting weights.
    """

    def __init__(self, config: HeadConfig, *, seed: int) -> None:
        super().__init__()
        self.config = config
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(fork(seed, "reward head"))
            self.layers = _layers(config)
        for side, size in (("text", config.text_size), ("audio", config.audio_size)):
            self.register_buffer(f"{side}_mean", torch.zeros(size))
            self.register_buffer(f"{side}_spread", torch.ones(size))
        if config.starts_as_clap:
            nn.init.zeros_(self.layers[-1].weight)
            nn.init.zeros_(self.layers[-1].bias)
            self.scale = nn.Parameter(torch.tensor(SCALE))
            self.shift = nn.Parameter(torch.tensor(0.0))

    def forward(self, text: Tensor, audio: Tensor) -> Tensor:
        """Logits [...] of embeddings, text [..., text_size] and audio [..., audio_size]."""
        found = self.layers(self._seen(text, audio)).squeeze(-1)
        if self.config.starts_as_clap:
            found = (
                found
                + self.scale * cosine_similarity(text[..., : self.config.audio_size], audio, dim=-1)
                + self.shift
            )
        return found

    @torch.inference_mode()
    def reward(self, text: Tensor, audio: Tensor) -> Tensor:
        """Rewards in [0, 1], of the same shapes; without dropout and without gradients."""
        was_training = self.training
        self.eval()
        try:
            return self(text, audio).sigmoid()
        finally:
            self.train(was_training)

    @torch.no_grad()
    def prepare(self, text: Tensor, audio: Tensor, mean_target: float = 0.5) -> None:
        """Look at the training set once, before training: mean and spread, and where to start.

        Args:
            text: [examples, text_size].
            audio: [examples, audio_size].
            mean_target: the mean reward that the untrained head should give.
        """
        if self.config.standardised:
            for side, rows in (("text", text), ("audio", audio)):
                spread = rows.std(dim=0, correction=0) * rows.shape[1] ** 0.5
                getattr(self, f"{side}_mean").copy_(rows.mean(dim=0))
                getattr(self, f"{side}_spread").copy_(spread.clamp_min(1e-6))
        if self.config.starts_as_clap:
            share = torch.tensor(mean_target).clamp(0.05, 0.95)
            self.shift += share.logit() - self(text, audio).mean()

    def _seen(self, text: Tensor, audio: Tensor) -> Tensor:
        """What the MLP sees."""
        text = (text - self.text_mean) / self.text_spread
        audio = (audio - self.audio_mean) / self.audio_spread
        parts = [text, audio]
        if self.config.interactions != "none":
            parts.append(text * audio)
        if self.config.interactions == "product and difference":
            parts.append(text - audio)
        return torch.cat(parts, dim=-1)


def _layers(config: HeadConfig) -> nn.Sequential:
    found: list[nn.Module] = []
    width = config.inputs
    for wider in config.hidden:
        found += [nn.Linear(width, wider), nn.ReLU(), nn.Dropout(config.dropout)]
        width = wider
    return nn.Sequential(*found, nn.Linear(width, 1))
