"""Votes beyond this machine: closed segments to a private place, confirmed, and replayed at start."""

from dataclasses import dataclass

from studio.store.store import Store


@dataclass(frozen=True)
class Backup:
    """Ships what was voted, tells what still waits, and brings it back."""

    store: Store
