"""Where a backup lies: a folder, a private data set, or a private bucket on the Hugging Face Hub."""

import os
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from pipelines.errors import StudioError
from studio.config import Config

REPOSITORY = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}")
MOST_LISTED = 50  # names that are fetched one by one; for more, their whole folder is asked for


class PlaceError(StudioError):
    """The place did not answer or did not take it; trying again may help."""


class Place(Protocol):
    """Files by name. What `put` has returned from, the place has."""

    title: str  # as the page says it
    least_pause: float  # seconds between two changes, so that the place does not turn us away
    keeps_history: bool  # whether a file written anew can still be read as it was

    def open(self) -> None:
        """Make it, private, if it is not there; refuse one that is public."""

    def names(self) -> set[str]:
        """All files."""

    def fetch(self, names: Sequence[str], folder: Path) -> None:
        """Bring these files under a folder of ours."""

    def put(self, files: Mapping[str, bytes | Path], why: str) -> None:
        """Keep these files, all of them; one that is there is written anew."""

    def drop_history(self) -> None:
        """Make what was written anew unreadable as it was."""


def place_of(config: Config) -> Place | None:
    """The place that BATON_BACKUP names, or None without one or without the token it needs.

    Raises:
        StudioError: it names no place.
    """
    if config.backup is None:
        return None
    kind, _, where = config.backup.partition(":")
    if kind == "folder" and where:
        return Folder(Path(where).expanduser())
    if kind in {"dataset", "bucket"} and REPOSITORY.fullmatch(where):
        if not config.hub_token:
            return None
        return (DataSet if kind == "dataset" else Bucket)(where, config.hub_token)
    raise StudioError(
        f"BATON_BACKUP is {config.backup[:80]!r}; it must be dataset:name/set, bucket:name/bucket "
        "or folder:/path."
    )


class Folder:
    """A folder, such as a mounted bucket; it shows a file whole or not at all."""

    least_pause, keeps_history = 0.0, False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.title = "the folder of the backup"

    def open(self) -> None:
        """Make the folder."""
        with told(self.title):
            self.folder.mkdir(parents=True, exist_ok=True)

    def names(self) -> set[str]:
        """All files but drafts."""
        with told(self.title):
            found = [path for path in self.folder.rglob("*") if path.is_file()]
        return {
            path.relative_to(self.folder).as_posix() for path in found if path.suffix != ".part"
        }

    def fetch(self, names: Sequence[str], folder: Path) -> None:
        """Copy them."""
        with told(self.title):
            for name in names:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.folder / name, folder / name)

    def put(self, files: Mapping[str, bytes | Path], why: str) -> None:
        """Write drafts and rename them."""
        with told(self.title):
            for name, content in files.items():
                target = self.folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                draft = target.with_name(f"{target.name}.{uuid.uuid4().hex}.part")
                write_synced(draft, content if isinstance(content, bytes) else content.read_bytes())
                draft.replace(target)

    def drop_history(self) -> None:
        """There is none."""


class DataSet:
    """A private data set on the Hub; each `put` is one commit, whole or not at all."""

    least_pause, keeps_history = 30.0, True  # the Hub takes about 128 commits an hour

    def __init__(self, name: str, token: str, api: Any = None) -> None:
        self.name = name
        self.token = token
        self.title = "a private data set on the Hugging Face Hub"
        self.given = api

    def open(self) -> None:
        """Make it private; refuse one that is public."""
        with told(self.title):
            self.api.create_repo(self.name, repo_type="dataset", private=True, exist_ok=True)
            is_private = self.api.repo_info(self.name, repo_type="dataset").private
        check_private(is_private, f"data set {self.name}")

    def names(self) -> set[str]:
        """All files of the main branch."""
        with told(self.title):
            return set(self.api.list_repo_files(self.name, repo_type="dataset"))

    def fetch(self, names: Sequence[str], folder: Path) -> None:
        """Download them."""
        wishes = {"allow_patterns": patterns(names), "local_dir": str(folder)}
        with told(self.title):
            if names:
                self.api.snapshot_download(self.name, repo_type="dataset", **wishes)

    def put(self, files: Mapping[str, bytes | Path], why: str) -> None:
        """One commit."""
        from huggingface_hub import CommitOperationAdd

        operations = [
            CommitOperationAdd(path_in_repo=name, path_or_fileobj=plain(content))
            for name, content in files.items()
        ]
        with told(self.title):
            self.api.create_commit(
                self.name, operations=operations, commit_message=why, repo_type="dataset"
            )

    def drop_history(self) -> None:
        """Squash all commits into one."""
        with told(self.title):
            self.api.super_squash_history(self.name, repo_type="dataset")

    @property
    def api(self) -> Any:
        """The Hub, asked in the name of the token's owner."""
        if self.given is None:
            from huggingface_hub import HfApi

            self.given = HfApi(token=self.token)
        return self.given


class Bucket(DataSet):
    """A private bucket on the Hub, which keeps each file as it was written last."""

    least_pause, keeps_history = 2.0, False

    def __init__(self, name: str, token: str, api: Any = None) -> None:
        super().__init__(name, token, api)
        self.title = "a private bucket on the Hugging Face Hub"

    def open(self) -> None:
        """Make it private; refuse one that is public."""
        with told(self.title):
            self.api.create_bucket(self.name, private=True, exist_ok=True)
            is_private = self.api.bucket_info(self.name).private
        check_private(is_private, f"bucket {self.name}")

    def names(self) -> set[str]:
        """All files."""
        with told(self.title):
            found = list(self.api.list_bucket_tree(self.name, recursive=True))
        return {entry.path for entry in found if entry.type == "file"}

    def fetch(self, names: Sequence[str], folder: Path) -> None:
        """Download them."""
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with told(self.title):
            pairs = [(name, str(folder / name)) for name in names]
            self.api.download_bucket_files(self.name, pairs, raise_on_missing_files=True)

    def put(self, files: Mapping[str, bytes | Path], why: str) -> None:
        """One batch; a part of it may arrive when it fails, and is written again."""
        with told(self.title):
            added = [(plain(content), name) for name, content in files.items()]
            self.api.batch_bucket_files(self.name, add=added)

    def drop_history(self) -> None:
        """There is none."""


def patterns(names: Sequence[str]) -> list[str]:
    """The names, or their folders when there are many."""
    if len(names) <= MOST_LISTED:
        return list(names)
    return sorted({f"{name.partition('/')[0]}/*" for name in names})


def plain(content: bytes | Path) -> bytes | str:
    """What the Hub's client takes: bytes, or a path as text."""
    return content if isinstance(content, bytes) else str(content)


def check_private(is_private: bool | None, what: str) -> None:
    """Refuse to publish votes."""
    if is_private is not True:
        raise PlaceError(
            f"The {what} is public, and votes are not; make it private, or let BATON_BACKUP name "
            "another one."
        )


def write_synced(path: Path, content: bytes) -> None:
    """Write a file that is on the disk when this returns."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def told(title: str) -> Iterator[None]:
    """What the disk, the network and the Hub's client complain of, as a `PlaceError`."""
    # HTTPError from there, because releases of the Hub's client differ in the library they use.
    from huggingface_hub.errors import (
        EntryNotFoundError,
        HTTPError,
        RevisionResolutionError,
        XetDownloadError,
    )

    try:
        yield
    # OSError holds the Hub's own refusals; RuntimeError is what its upload library raises.
    except (
        OSError,
        HTTPError,
        RuntimeError,
        ValueError,
        EntryNotFoundError,
        RevisionResolutionError,
        XetDownloadError,
    ) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise PlaceError(f"{title} did not take part: {first[:300]}") from error
