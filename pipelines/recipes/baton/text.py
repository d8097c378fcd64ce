"""What the reward model reads and hears by: the generator's own T5 beside CLAP's text, CLAP in stretches."""

from collections.abc import Callable

import numpy as np
import torch

from pipelines.clap.interface import TextAudioEmbedder
from pipelines.generate.tangoflux_backend import TangoFluxBackend
from pipelines.prompts.reading import phrases_of
from pipelines.reward.embeddings import Encoder, side_by_side, text_of
from pipelines.reward.head import RewardHead
from pipelines.reward.saved import Ground
from pipelines.reward.scorers import HeadScorer
from pipelines.reward.stretches import Stretched


def stretched(clap: TextAudioEmbedder) -> Stretched:
    """The CLAP with its stretches, prompts being cut at the conjunctions of Tables 10 and 11."""
    return Stretched(clap, phrases_of)


def t5_of(backend: TangoFluxBackend) -> Encoder:
    """The mean of a text's T5 states, float32 [texts, width]; papers/baton.txt Table 8 tries one."""

    @torch.inference_mode()
    def embed(texts: list[str]) -> np.ndarray:
        ids, mask = backend.pipe.tokens(list(texts))
        states = backend.pipe.text_encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        count = mask.sum(1, keepdim=True).clamp(min=1)
        return ((states * mask[..., None]).sum(1) / count).float().cpu().numpy()

    return Encoder(name=f"t5 {backend.revision}", embed=embed)


def scorer_of(
    head: RewardHead,
    ground: Ground,
    clap: TextAudioEmbedder,
    backend: Callable[[], TangoFluxBackend],
) -> HeadScorer:
    """A trained head over what it was trained on: the CLAP or its stretches, with a T5 or without.

    Args:
        head: the head.
        ground: what it stands on.
        clap: the reward CLAP.
        backend: loads the generator whose T5 it may have read by; asked for only then.

    Raises:
        StudioError: it was trained on other encoders.
    """
    in_stretches = stretched(clap)
    heard = in_stretches if ground.audio == f"clap {in_stretches.revision}" else clap
    text = text_of(heard)
    if ground.text != text.name:
        t5 = t5_of(backend())
        text = t5 if ground.text == t5.name else side_by_side(text, t5)
    return HeadScorer(head, ground, heard, text=text)
