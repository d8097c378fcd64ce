"""Votes out and in: data sets, training rows, tables, folders."""

from dataclasses import dataclass

from studio.store.store import Store


@dataclass(frozen=True)
class VoteData:
    """Writes a campaign's votes and sounds for others, and reads theirs."""

    store: Store
