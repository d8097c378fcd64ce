"""CLAPs on the Hugging Face Hub: `owner/name`, `owner/name@revision`, or a file within one."""

from pathlib import Path

from pipelines.clap.checkpoint import SUFFIXES
from pipelines.errors import StudioError

PINNED = {"laion/clap-htsat-unfused": "8fa0f1c6d0433df6e97c127f64b2a1d6c0dcda8a"}
WEIGHTS = ("model.safetensors", "pytorch_model.bin")  # the first that is there is taken


def is_hub_id(name: str) -> bool:
    """Whether a name reads `owner/name`, or `owner/name/file.pt`, each with an @revision or none."""
    parts = name.partition("@")[0].split("/")
    if not all(part and part.strip(".") for part in parts):
        return False
    return len(parts) == 2 or (len(parts) == 3 and parts[2].endswith(SUFFIXES))


def fetch(name: str) -> Path:
    """The folder of a model, or one file of it, in the Hub's cache on this disk.

    The revision is the one after "@", else the one pinned above, else the newest; what was fetched
    is told by the hash of the weights in either case.

    Raises:
        StudioError: no network and not in the cache, no such model, revision or file, or a model
            whose terms the person has not accepted.
    """
    from huggingface_hub import errors, hf_hub_download, snapshot_download

    told, _, revision = name.partition("@")
    owner, own, *file = told.split("/")
    repository = f"{owner}/{own}"
    revision = revision or PINNED.get(repository)
    try:
        if file:
            return Path(hf_hub_download(repository, file[0], revision=revision))
        for weights in WEIGHTS:
            patterns = ["*.json", "*.txt", weights]
            folder = Path(snapshot_download(repository, revision=revision, allow_patterns=patterns))
            if (folder / weights).is_file():
                return folder
    except errors.GatedRepoError as error:
        raise StudioError(
            f"{repository} is open only to those who accept its terms; accept them on its page on "
            "the Hub, log in with `hf auth login`, and try again."
        ) from error
    except (
        errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.RemoteEntryNotFoundError,
        errors.HFValidationError,
    ) as error:  # fmt: skip
        raise StudioError(
            f"The Hub has no {name} ({str(error).splitlines()[0].rstrip('.')}); look for its name there, or "
            "give the path of a folder or of a .pt file on this disk."
        ) from error
    except (errors.LocalEntryNotFoundError, errors.HfHubHTTPError, OSError) as error:
        raise StudioError(
            f"{name} is neither on this disk nor reachable on the Hub "
            f"({str(error).splitlines()[0].rstrip('.')}); fetch it where there is a network, and give its path."
        ) from error
    raise StudioError(f"{repository} holds neither {' nor '.join(WEIGHTS)}; give another model.")
