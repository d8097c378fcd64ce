"""What the rows of a batch share, and what each draws alone; for backends over diffusers' classes."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Generator, Tensor
from transformers import PreTrainedTokenizerBase

from pipelines.errors import StudioError
from pipelines.records import Prompt, Settings

Decode = Callable[[Tensor, int], Tensor]  # latents [B, T, C] and samples -> [B, channels, samples]


def agreed(
    prompts: Sequence[Prompt], settings: Sequence[Settings], samplers: Sequence[str]
) -> tuple[int, str]:
    """Steps and sampler, which all rows share; the first of the model's own where none is named."""
    kinds = {(each.steps, each.sampler or samplers[0]) for each in settings}
    if len(prompts) != len(settings) or len(kinds) != 1:
        raise StudioError(
            f"One batch got {len(prompts)} prompts, {len(settings)} settings and "
            f"{len(kinds)} kinds of steps and sampler; give one setting per prompt and one kind."
        )
    return kinds.pop()


def decoded(decode: Decode, latents: Tensor, lengths: Sequence[int]) -> list[np.ndarray]:
    """The sounds of a batch, float32 [channels, samples] each, decoded together and cut to lengths.

    Args:
        decode: of a backend.
        latents: [B, T, C].
        lengths: samples of each row.
    """
    with torch.inference_mode():
        sound = decode(latents, max(lengths)).cpu().numpy()
    return [row[:, :length].copy() for row, length in zip(sound, lengths, strict=True)]


def check_samplers(name: str, samplers: Sequence[str], settings: Sequence[Settings]) -> None:
    """Nothing, or a StudioError for a sampler that the model has not."""
    for sampler in dict.fromkeys(each.sampler for each in settings):
        if sampler is not None and sampler not in samplers:
            raise StudioError(
                f"The sampler is {sampler!r}; {name} has {' and '.join(samplers)}. Choose one of them."
            )


def check_tokens(name: str, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> None:
    """Nothing, or a StudioError for a text that the model would have to cut."""
    most = tokenizer.model_max_length
    for text in dict.fromkeys(texts):
        tokens = len(tokenizer(text, truncation=False, verbose=False).input_ids)
        if tokens > most:
            raise StudioError(
                f"The prompt “{text[:40]}{'…' * (len(text) > 40)}” has {tokens} tokens; "
                f"{name} reads {most}. Shorten it."
            )


def check_levels(name: str, settings: Sequence[Settings]) -> None:
    """Nothing, or a StudioError: none of these models was told of quality levels."""
    if any(each.quality is not None for each in settings):
        raise StudioError(f"{name} knows no quality levels; leave the level open.")


class RowNoise:
    """Standard normal draws, each row from a CPU generator of its own: whatever the batch.

    Args:
        seeds: one per row; a row draws what `torch.manual_seed(seed)` would for a batch of one.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        self.generators = [Generator().manual_seed(seed) for seed in seeds]

    def __call__(self, *shape: int) -> Tensor:
        """The next draw of every row, float32 [rows, *shape] on the CPU."""
        return torch.cat([torch.randn(1, *shape, generator=each) for each in self.generators])


def unknown_words(tokenizer: PreTrainedTokenizerBase, text: str) -> list[str]:
    """The words that a tokenizer reads as unknown, in order, each once."""
    unknown = tokenizer.unk_token_id
    return [
        word
        for word in dict.fromkeys(text.lower().split())
        if unknown in tokenizer(word, add_special_tokens=False, verbose=False).input_ids
    ]
