"""RoBERTa's tokenizer for LAION's checkpoints, which do not bring it along."""

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import StudioError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

NAMES = ("FacebookAI/roberta-base", "roberta-base")  # one model; a cache knows it by either name
PADDING = 1  # RoBERTa's id of padding, from which it counts places
FILES = ("tokenizer.json", "vocab.json")


def load_words(given: str | Path | None, beside: Path, words: int) -> "PreTrainedTokenizerBase":
    """The tokenizer from the folder given, else from beside the checkpoint, else from the Hub.

    Args:
        given: a folder with roberta-base's tokenizer files, or None.
        beside: the folder of the checkpoint; files there, or in its roberta-base/, are taken.
        words: rows of the model's word table; a tokenizer of another size is refused, because
            transformers gives an empty one where files are missing.

    Raises:
        StudioError: nowhere to be found, or of another model.
    """
    folders = [Path(given)] if given is not None else [beside, beside / "roberta-base"]
    places = [
        (str(folder), True) for folder in folders if any((folder / n).is_file() for n in FILES)
    ]
    if given is None and not places:  # the cache under either name, then the network
        places = [(NAMES[0], True), (NAMES[1], True), (NAMES[0], False)]
    from transformers import AutoTokenizer

    problem = "no tokenizer.json or vocab.json there"
    for place, is_here in places:
        try:
            found = AutoTokenizer.from_pretrained(place, local_files_only=is_here)
        except (OSError, ValueError) as error:
            problem = str(error).splitlines()[0]
            continue
        if len(found) != words or found.pad_token_id != PADDING:
            raise StudioError(
                f"The tokenizer in {place} knows {len(found)} words and the model {words}; "
                "give the folder of roberta-base's tokenizer files."
            )
        return found
    raise StudioError(
        f"LAION's checkpoints need the tokenizer of roberta-base, which is neither in "
        f"{' nor in '.join(map(str, folders))} nor on the Hub as {NAMES[0]} ({problem}); "
        "put its tokenizer.json and tokenizer_config.json beside the checkpoint."
        if given is None
        else f"The tokenizer folder {given} cannot be read ({problem}); "
        "give the folder of roberta-base's tokenizer files."
    )
