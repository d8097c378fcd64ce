"""A trained CLAP from wherever it lies: our assets, a folder, the Hub, or LAION's own file."""

from pathlib import Path
from pickle import UnpicklingError
from typing import Literal

import torch

from pipelines.clap.checkpoint import SUFFIXES
from pipelines.clap.hub import WEIGHTS, fetch, is_hub_id
from pipelines.clap.interface import TextAudioEmbedder
from pipelines.clap.model import Clap, hash_of
from pipelines.errors import StudioError

ASSETS = Path(__file__).resolve().parents[2] / "assets"
BUILT_IN = {"reward": ASSETS / "clap-reward", "evaluation": ASSETS / "clap-evaluation"}
ENGINES = ("transformers", "laion")

Engine = Literal["transformers", "laion"]


def load(
    name_or_path: str | Path,
    *,
    engine: Engine = "transformers",
    tokenizer: str | Path | None = None,
    as_16_bit: bool | None = None,
    device: torch.device | str = "cpu",
) -> TextAudioEmbedder:
    """A trained CLAP: one of ours, a folder, a model on the Hub, or LAION's checkpoint file.

    Args:
        name_or_path: "reward" or "evaluation"; a folder that `Clap.save` or transformers wrote; a
            .pt file as LAION published it; or a Hub id, `owner/name` or `owner/name/file.pt`, with
            `@revision` after it to pin one.
        engine: "transformers" reads all of these, "laion" LAION's files only, by laion_clap.
        tokenizer: for LAION's files: a folder with roberta-base's tokenizer, if it does not lie
            beside the file or in the Hub's cache.
        as_16_bit: whether clips are cut to 16-bit integers first. None: as each was published;
            LAION's files are heard so, the others not.
        device: where it computes.

    Raises:
        StudioError: an unknown engine; a file or folder that is missing, cut short or of another
            layout; no network; a tokenizer that is missing or not this model's.
    """
    if engine not in ENGINES:
        raise StudioError(f"There is no engine {engine!r} for CLAP; choose {' or '.join(ENGINES)}.")
    name = str(name_or_path)
    place = BUILT_IN.get(name, Path(name))
    if not place.exists() and is_hub_id(name):
        place = fetch(name)
    if place.suffix in SUFFIXES and not place.is_dir():
        from pipelines.clap.published import load_published

        read = load_published
        if engine == "laion":
            from pipelines.clap.laion import load_laion as read
        return read(place, tokenizer=tokenizer, device=device, as_16_bit=as_16_bit is not False)
    if engine == "laion":
        raise StudioError(
            f"laion-clap reads LAION's own files (.pt) only, and {name} is not one; "
            "use the engine transformers for it."
        )
    return load_folder(place, name, device=device, as_16_bit=bool(as_16_bit))


def load_folder(
    folder: Path, name: str, *, device: torch.device | str = "cpu", as_16_bit: bool = False
) -> Clap:
    """A CLAP in transformers' layout: weights, configuration, front end and tokenizer.

    Raises:
        StudioError: no such folder, one with parts missing, or broken ones.
    """
    from safetensors import SafetensorError
    from transformers import AutoFeatureExtractor, AutoTokenizer, ClapModel

    weights = next((folder / n for n in WEIGHTS if (folder / n).is_file()), folder / WEIGHTS[0])
    needed = [weights, folder / "config.json", folder / "preprocessor_config.json"]
    missing = [path.name for path in needed if not path.is_file()]
    if missing:
        raise StudioError(
            f"The CLAP {name} lacks {', '.join(missing)} in {folder}; give one of "
            f"{', '.join(BUILT_IN)}, the path of a folder in transformers' layout or of LAION's "
            ".pt file, or a Hub id."
        )
    try:
        model = ClapModel.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
        extractor = AutoFeatureExtractor.from_pretrained(folder, local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, RuntimeError, SafetensorError, UnpicklingError) as error:
        raise StudioError(
            f"The CLAP in {folder} could not be read ({error}); fetch or train it again."
        ) from error
    words = model.config.text_config.vocab_size
    if len(tokenizer) != words:  # transformers gives an empty tokenizer where files are missing
        raise StudioError(
            f"The tokenizer in {folder} knows {len(tokenizer)} words and the model {words}; "
            "put the tokenizer files of this model beside its weights."
        )
    found = Clap(model, extractor, tokenizer, revision=hash_of(weights), as_16_bit=as_16_bit)
    return found.to(device).eval()
