"""One voter, one serving, one vote: served blind, heard, stored, taken back, revealed."""

from dataclasses import dataclass

from studio.store.store import Store


@dataclass(frozen=True)
class Voting:
    """Serves, proves listening, and keeps votes; the only way by which a vote is stored."""

    store: Store
