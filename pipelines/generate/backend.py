"""What every generator can do: sample, and the parts that fine-tuning needs."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from pipelines.records import Prompt, Settings

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from pipelines.generate.conditioning import TextStates

OnStep = Callable[[int, int], None]  # steps done, steps in all
OnLatents = Callable[["Tensor"], None]  # [B, T, C], float32: what the sounds are decoded from
ShouldStop = Callable[[], bool]


class Backend(Protocol):
    """A loaded generator. B rows, T latent frames, C latent channels."""

    name: str
    revision: str  # hash of the weights and of what decides their use
    adapter: str | None  # hash of the adapter that is merged in, if any
    sample_rate: int  # Hz
    max_seconds: float  # its window; one that can go on from it also tells `longest_seconds`
    default_steps: int
    default_guidance: float
    samplers: tuple[str, ...]  # by which it can sample; the one it was published with is the first
    latent_shape: tuple[int, int]  # frames and channels of the starting noise, drawn by seed alone
    dtype: str  # "float32" or "bfloat16": what the arithmetic of sampling runs in

    def sample(
        self,
        prompts: Sequence[Prompt],
        settings: Sequence[Settings],
        *,
        on_step: OnStep | None = None,
        should_stop: ShouldStop | None = None,
        on_latents: OnLatents | None = None,
    ) -> list[np.ndarray]:
        """One sound per prompt, in one batch: float32 [channels, samples], cut to its seconds.

        Args:
            prompts: of any lengths, checked by `pipelines.generate.limits`.
            settings: one per prompt; the seed, guidance and quality may differ between rows, the
                steps and the sampler may not.
            on_step: called after each step.
            should_stop: asked before each step; True raises Cancelled.
            on_latents: given the latents of the batch, so that nothing needs encoding again.
        """

    def check(self, prompts: Sequence[Prompt], settings: Sequence[Settings]) -> None:
        """Nothing, or a StudioError for what this very model cannot do, before any work."""

    def unknown_words(self, text: str) -> list[str]:
        """The words of a prompt that this model has never met, in order, each once."""

    def encode_text(self, texts: Sequence[str], seconds: Sequence[float]) -> "TextStates":
        """What the denoiser is told, as in training; differentiable."""

    def encode(self, audio: "Tensor", generator: "Generator | None" = None) -> "Tensor":
        """Latents [B, T, C] of [B, channels, samples] padded with silence to the full length.

        Args:
            audio: at `sample_rate`.
            generator: CPU generator for one draw of the posterior; its mean without.
        """

    def decode(self, latents: "Tensor", samples: int | None = None) -> "Tensor":
        """Sound [B, channels, samples] of latents [B, T, C]."""

    def noised(self, latents: "Tensor", noise: "Tensor", sigma: "Tensor") -> "Tensor":
        """What the denoiser sees at noise level sigma [B]."""

    def training_target(self, latents: "Tensor", noise: "Tensor", sigma: "Tensor") -> "Tensor":
        """What the denoiser should answer there."""

    def predict(self, noisy: "Tensor", sigma: "Tensor", text_states: "TextStates") -> "Tensor":
        """What it answers; differentiable."""

    @property
    def denoiser(self) -> Any:
        """The torch module that fine-tuning changes or puts adapters on."""

    def with_denoiser(self, denoiser: Any, *, name: str, adapter: str) -> "Backend":
        """Another model that shares all but the denoiser with this one.

        Args:
            denoiser: of the same kind, in float32; it is moved and cast, in place.
            name: how people call the new model.
            adapter: hash of what makes its denoiser another.
        """
