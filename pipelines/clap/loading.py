"""A trained CLAP from wherever it lies: our assets, a folder, the Hub, or LAION's own file."""

from pathlib import Path

import torch

from pipelines.clap.model import Clap, hash_of
from pipelines.errors import StudioError

ASSETS = Path(__file__).resolve().parents[2] / "assets"
BUILT_IN = {"reward": ASSETS / "clap-reward", "evaluation": ASSETS / "clap-evaluation"}


def load(name_or_path: str | Path, *, device: torch.device | str = "cpu") -> Clap:
    """A trained CLAP: "reward", "evaluation", or a folder that `Clap.save` or transformers wrote.

    Raises:
        StudioError: no such folder, or one with parts missing.
    """
    from safetensors import SafetensorError
    from transformers import AutoFeatureExtractor, AutoTokenizer, ClapModel

    folder = BUILT_IN.get(str(name_or_path), Path(name_or_path))
    weights = folder / "model.safetensors"
    needed = [weights, folder / "config.json", folder / "preprocessor_config.json"]
    missing = [path.name for path in needed if not path.is_file()]
    if missing:
        raise StudioError(
            f"The CLAP {name_or_path} lacks {', '.join(missing)} in {folder}; give one of "
            f"{', '.join(BUILT_IN)} or the path of a folder in transformers' layout."
        )
    try:
        model = ClapModel.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
        extractor = AutoFeatureExtractor.from_pretrained(folder, local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise StudioError(
            f"The CLAP in {folder} could not be read ({error}); fetch or train it again."
        ) from error
    words = model.config.text_config.vocab_size
    if len(tokenizer) != words:  # transformers gives an empty tokenizer where files are missing
        raise StudioError(
            f"The tokenizer in {folder} knows {len(tokenizer)} words and the model {words}; "
            "put the tokenizer files of this model beside its weights."
        )
    found = Clap(model, extractor, tokenizer, revision=hash_of(weights))
    return found.to(device).eval()
