"""The words that the embedded model knows: those of the home world's captions, and no others."""

from functools import cache
from typing import TYPE_CHECKING

from pipelines.generate.tokenizer import build_tokenizer
from pipelines.soundworld.vocabulary import known_words

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


@cache
def world_tokenizer() -> "PreTrainedTokenizerFast":
    """The word tokenizer of the world; the ids are the places in the sorted vocabulary, plus 3."""
    return build_tokenizer(known_words())
