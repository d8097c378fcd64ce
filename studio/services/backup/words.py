"""Where votes live, and how long ago something was, in words."""

import os
from pathlib import Path

from studio.config import Config
from studio.services.backup.places import Place


def whereabouts(config: Config, place: Place | None, is_sqlite: bool) -> str:
    """One or two sentences: where votes lie, and what that means for them."""
    if not is_sqlite:
        ours = " BATON_BACKUP is for SQLite and does nothing here." if config.backup else ""
        return f"Votes live in the PostgreSQL database, which is backed up by its own means.{ours}"
    if place is not None:
        return f"Votes live on this machine's disk and, shortly after, in {place.title}."
    lacking = ""
    if config.backup:
        lacking = " The backup is off, because HF_TOKEN is not set."
    if not config.on_space:
        return (
            f"Votes live in {config.data.resolve() / 'studio.db'}, on this machine alone.{lacking}"
        )
    if is_on_own_disk(config.data):
        return f"Votes live on this Space's lasting storage.{lacking}"
    remedy = lacking or " The Space's owner can set BATON_BACKUP to keep them."
    return "Votes live on this Space's own disk and will be lost when the Space restarts." + remedy


def is_on_own_disk(folder: Path) -> bool:
    """Whether a disk of its own is mounted there or above; the container's disk does not last."""
    found = folder.resolve()
    while not os.path.ismount(found):
        found = found.parent
    return found != found.parent


def ago(seconds: float) -> str:
    """`40 s ago`, `3 min ago`, `2 h ago`."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"
