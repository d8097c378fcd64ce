"""Published models from the Hub: fetched once, only the files that are needed, at one revision."""

import errno
import shutil
from pathlib import Path

from pipelines.errors import StudioError
from pipelines.generate.catalogue import Published

SPARE = 1.02  # a little more room than the files take: the cache writes beside them


def cached(model: Published) -> Path | None:
    """The folder of a model that was fetched before, or None; asks no network."""
    from huggingface_hub import errors, snapshot_download

    try:
        folder = snapshot_download(
            model.repository,
            revision=model.revision,
            allow_patterns=list(model.files),
            local_files_only=True,
        )
    except (errors.LocalEntryNotFoundError, OSError, ValueError):
        return None
    return Path(folder) if is_whole(Path(folder), model) else None


def is_whole(folder: Path, model: Published) -> bool:
    """Whether every file that is named outright lies there, and the one that tells its kind."""
    named = [name for name in model.files if "*" not in name]
    return all((folder / name).is_file() for name in [*named, model.marker])


def fetch(model: Published) -> Path:
    """The folder of a model in the Hub's cache on this disk; fetched now if it was not before.

    Without a pinned revision the newest is taken at the first time and stays: what lies there is
    never asked for again.

    Raises:
        StudioError: no network, terms that were not accepted, no such revision or file, or not
            enough disk.
    """
    from huggingface_hub import errors, snapshot_download

    if (folder := cached(model)) is not None:
        return folder
    asked = {"revision": model.revision, "allow_patterns": list(model.files)}
    try:
        check_disk(model, snapshot_download(model.repository, dry_run=True, **asked))
        folder = Path(snapshot_download(model.repository, **asked))
    except errors.GatedRepoError as error:
        raise StudioError(
            f"{model.title} is open only to those who accept its terms; accept them at {model.page}, "
            "log in with `hf auth login` (or set HF_TOKEN), and try again."
        ) from error
    except (
        errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.RemoteEntryNotFoundError,
    ) as error:  # fmt: skip
        raise StudioError(
            f"The Hub has no {model.repository} at {model.revision or 'its newest revision'}; fetch "
            "the folder from elsewhere, and give its path as the model."
        ) from error
    except (errors.LocalEntryNotFoundError, errors.HfHubHTTPError, OSError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise no_room(model, model.gigabytes * 1e9) from error
        raise StudioError(
            f"{model.title} is not on this disk and the Hub cannot be reached; fetch "
            f"{model.repository} where there is a network (`hf download {model.repository}`), and "
            "give the path of that folder as the model."
        ) from error
    if not is_whole(folder, model):
        raise StudioError(
            f"{model.repository} has no {model.marker} any more; give the path of a folder that has "
            "it as the model."
        )
    return folder


def check_disk(model: Published, files: list) -> None:
    """Nothing, or a StudioError where the files do not fit on the disk of the cache.

    Args:
        model: whose files they are.
        files: what `snapshot_download(dry_run=True)` tells.
    """
    needed = SPARE * sum(each.file_size for each in files if each.will_download)
    if needed > room():
        raise no_room(model, needed)


def no_room(model: Published, needed: float) -> StudioError:
    """The sentence for a disk that is too small."""
    return StudioError(
        f"{model.title} needs {needed / 1e9:.1f} GB of disk and {room() / 1e9:.1f} GB are free in "
        f"{cache_folder()}; make room, or set HF_HOME to a folder on a larger disk."
    )


def cache_folder() -> Path:
    """Where the Hub's files are kept on this disk."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def room() -> int:
    """Free bytes on the disk of the cache."""
    place = cache_folder()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free
