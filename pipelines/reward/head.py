"""The reward head: text and audio embedding side by side through an MLP (papers/baton.txt Eq. 3)."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from pipelines.errors import StudioError
from pipelines.reward.stretches import EVIDENCE, Stretches, evidence
from pipelines.seeds import fork

Interactions = Literal["none", "product", "product and difference"]
SCALE = 10.0  # what the cosine counts for at first; its spread here is near 0.1
# What each number of the evidence counts for at first, in units of its spread: the weakest phrase, and
# the order. They alone, without a label, tell right orders from wrong ones.
TRUST = {"least presence": 1.0, "mean order": 1.0}


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
    # The vectors are those of `stretches.Stretched`: the MLP sees the wholes and the evidence, and
    # the evidence counts in the logit by itself too.
    stretches: Stretches | None = None

    def __post_init__(self) -> None:
        if self.interactions not in ("none", "product", "product and difference"):
            raise StudioError(
                f"A reward head knows no interactions {self.interactions!r}; choose none, product, "
                "or product and difference."
            )
        if self.stretches is not None:
            self._check_stretches()
            return
        fits = self.text_size >= self.audio_size
        if self.interactions != "none":
            fits = self.text_size == self.audio_size
        if not fits and (self.starts_as_clap or self.interactions != "none"):
            raise StudioError(
                f"Text vectors of {self.text_size} and audio vectors of {self.audio_size} numbers "
                "have no cosine and no product; take CLAP's text, or a plain head."
            )

    def _check_stretches(self) -> None:
        layout = self.stretches
        if self.audio_size != layout.audio_size or self.text_size < layout.text_size:
            raise StudioError(
                f"Vectors of {self.text_size} (text) and {self.audio_size} numbers (audio) are not "
                f"laid out in stretches, which take {layout.text_size} or more and "
                f"{layout.audio_size}; take the text and the sound of one CLAP in stretches."
            )
        if self.interactions != "none":
            raise StudioError(
                f"A head over stretches has no interactions, and got {self.interactions!r}; choose none."
            )

    @property
    def seen(self) -> tuple[int, int]:
        """How many numbers of text and of audio the MLP sees: with stretches, those of the wholes."""
        if self.stretches is None:
            return self.text_size, self.audio_size
        layout = self.stretches
        return self.text_size - layout.text_size + layout.size, layout.size

    @property
    def inputs(self) -> int:
        """How many numbers the MLP sees."""
        text, audio = self.seen
        more = {"none": 0, "product": 1, "product and difference": 2}[self.interactions]
        return text + audio + more * text + (len(EVIDENCE) if self.stretches else 0)


def our_shape(text_size: int, audio_size: int, stretches: Stretches | None = None) -> HeadConfig:
    """The head to take: it starts as CLAP.

    With some 300 labels or more a T5's text beside CLAP's helps: it tells which prompts are hard.
    With fewer it learns by heart which were; CLAP's text alone stays as good as CLAP.

    Args:
        text_size: numbers of the text vector, CLAP's first (`embeddings.side_by_side`).
        audio_size: numbers of CLAP's audio vector.
        stretches: the layout, where both are of a CLAP in stretches, which hears order.
    """
    own = audio_size if stretches is None else stretches.text_size
    return HeadConfig(
        text_size=text_size,
        audio_size=audio_size,
        standardised=text_size > own,  # CLAP's own vectors are fit as they are
        starts_as_clap=True,
        stretches=stretches,
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
        sizes = dict(zip(("text", "audio"), config.seen, strict=True))
        if config.stretches:
            sizes["heard"] = len(EVIDENCE)
            self.trust = nn.Parameter(torch.tensor([TRUST.get(name, 0.0) for name in EVIDENCE]))
        for side, size in sizes.items():
            self.register_buffer(f"{side}_mean", torch.zeros(size))
            self.register_buffer(f"{side}_spread", torch.ones(size))
        if config.starts_as_clap:
            nn.init.zeros_(self.layers[-1].weight)
            nn.init.zeros_(self.layers[-1].bias)
            self.scale = nn.Parameter(torch.tensor(SCALE))
            self.shift = nn.Parameter(torch.tensor(0.0))

    def forward(self, text: Tensor, audio: Tensor) -> Tensor:
        """Logits [...] of embeddings, text [..., text_size] and audio [..., audio_size]."""
        text, audio, heard = self._parted(text, audio)
        found = self.layers(self._seen(text, audio, heard)).squeeze(-1)
        if self.config.starts_as_clap:
            alike = cosine_similarity(text[..., : audio.shape[-1]], audio, dim=-1)
            found = found + self.scale * alike + self.shift
        if heard is not None:
            found = found + self._level("heard", heard) @ self.trust
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
        whole_text, whole_audio, heard = self._parted(text, audio)
        rows = {"text": whole_text, "audio": whole_audio} if self.config.standardised else {}
        for side, own in rows.items():
            self._stand(side, own, own.shape[1] ** 0.5)
        if heard is not None:
            self._stand("heard", heard, 1.0)
        if self.config.starts_as_clap:
            share = torch.tensor(mean_target).clamp(0.05, 0.95)
            self.shift += share.logit() - self(text, audio).mean()

    def _stand(self, side: str, rows: Tensor, length: float) -> None:
        spread = rows.std(dim=0, correction=0) * length
        getattr(self, f"{side}_mean").copy_(rows.mean(dim=0))
        # What never differs tells nothing, and must not count for much where it does differ later.
        getattr(self, f"{side}_spread").copy_(spread.clamp_min(1e-6 if side != "heard" else 0.05))

    def _level(self, side: str, rows: Tensor) -> Tensor:
        return (rows - getattr(self, f"{side}_mean")) / getattr(self, f"{side}_spread")

    def _parted(self, text: Tensor, audio: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """The wholes, and the evidence of their parts; None without stretches."""
        layout = self.config.stretches
        if layout is None:
            return text, audio, None
        phrases, joints, text = layout.parted_text(text)
        stretches, audio = layout.parted_audio(audio)
        return text, audio, evidence(phrases, joints, stretches)

    def _seen(self, text: Tensor, audio: Tensor, heard: Tensor | None) -> Tensor:
        """What the MLP sees."""
        text, audio = self._level("text", text), self._level("audio", audio)
        parts = [text, audio]
        if heard is not None:
            parts.append(self._level("heard", heard))
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
