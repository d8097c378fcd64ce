"""The generator's own T5 as a text encoder of the reward model, beside CLAP's or instead of it."""

import numpy as np
import torch

from pipelines.generate.tangoflux_backend import TangoFluxBackend
from pipelines.reward.embeddings import Encoder


def t5_of(backend: TangoFluxBackend) -> Encoder:
    """The mean of a text's T5 states, float32 [texts, width]; papers/baton.txt Table 8 tries one."""

    @torch.inference_mode()
    def embed(texts: list[str]) -> np.ndarray:
        ids, mask = backend.pipe.tokens(list(texts))
        states = backend.pipe.text_encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        count = mask.sum(1, keepdim=True).clamp(min=1)
        return ((states * mask[..., None]).sum(1) / count).float().cpu().numpy()

    return Encoder(name=f"t5 {backend.revision}", embed=embed)
