"""The word tokenizer of the embedded model, and the guard against tokenizers that load empty."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import StudioError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

PAD, EOS, UNKNOWN = "<pad>", "</s>", "<unk>"  # ids 0, 1, 2: where T5 has them
MAX_TOKENS = 64  # TangoFlux trained on at most 64 text tokens, the closing one included


def build_tokenizer(words: Sequence[str]) -> "PreTrainedTokenizerFast":
    """A tokenizer with one token per word: lower-cased, punctuation apart, closed by `</s>`.

    Args:
        words: the vocabulary in the order of its ids, from 3 on; lower case, no spaces, no repeats.

    Returns:
        A transformers fast tokenizer; `save_pretrained` writes a folder that `load_tokenizer` reads.

    Raises:
        StudioError: a word that the tokenizer itself would split or fold, or one given twice.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: number for number, word in enumerate([PAD, EOS, UNKNOWN, *words])}
    if len(vocabulary) != len(words) + 3:
        raise StudioError("The vocabulary names a word twice; give each word once.")
    core = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    core.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("isolated")]
    )
    for word in words:
        if [piece for piece, _ in core.pre_tokenizer.pre_tokenize_str(word.lower())] != [word]:
            raise StudioError(
                f"'{word}' cannot be a word of the vocabulary; give single words in lower case, "
                "punctuation apart."
            )
    core.post_processor = processors.TemplateProcessing(
        single=f"$A {EOS}", special_tokens=[(EOS, vocabulary[EOS])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token=PAD,
        eos_token=EOS,
        unk_token=UNKNOWN,
        model_max_length=MAX_TOKENS,
        padding_side="right",
    )


def load_tokenizer(folder: str | Path, *, vocabulary: int) -> "PreTrainedTokenizerBase":
    """The tokenizer in a folder, checked to be whole.

    Concrete tokenizer classes of transformers 5 give an almost empty tokenizer when files are
    missing; every word then reads as unknown and nothing says so.

    Args:
        folder: holds tokenizer.json or spiece.model.
        vocabulary: rows of the text encoder's embedding table.

    Raises:
        StudioError: nothing there, or a tokenizer that does not fit the text encoder.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(str(folder))
    except (OSError, ValueError) as error:
        raise StudioError(
            f"No tokenizer could be read from {folder}; it needs tokenizer.json and "
            "tokenizer_config.json. Fetch the folder again."
        ) from error
    return check_tokenizer(tokenizer, vocabulary=vocabulary)


def check_tokenizer(
    tokenizer: "PreTrainedTokenizerBase", *, vocabulary: int
) -> "PreTrainedTokenizerBase":
    """The same tokenizer, or a StudioError when it is empty or does not fit the text encoder.

    T5 pads its embedding table to a round number (flan-t5: 32,100 tokens in 32,128 rows), hence
    the ten per cent.
    """
    if not 0.9 * vocabulary <= len(tokenizer) <= vocabulary:
        raise StudioError(
            f"The tokenizer knows {len(tokenizer)} tokens, but the text encoder has "
            f"{vocabulary} rows; its files are missing or belong to another model."
        )
    if (tokenizer.pad_token_id, tokenizer.eos_token_id) != (0, 1):
        raise StudioError(
            f"The tokenizer pads with {tokenizer.pad_token_id} and closes with "
            f"{tokenizer.eos_token_id}; T5 needs 0 and 1. Its files belong to another model."
        )
    return tokenizer
