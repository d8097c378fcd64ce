"""A voter's votes are deleted when the voter asks: here, in the backup, and for good."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from studio.services.backup.backup import Backup, count
from studio.store.forgetting import forget
from studio.store.store import Store


@dataclass(frozen=True)
class Forgetting:
    """Deletes what was stored about a voter, and says what that reaches and what not."""

    store: Store
    backup: Backup

    def forget(self, voters: Sequence[str]) -> dict[str, Any]:
        """Delete everything of these voters, who are one person; what was done, in words."""
        known = [voter for voter in voters if self.store.votes.kind_of(voter)]
        deleted = sum(forget(self.store.database, voter) for voter in known)
        if not known:
            return {"deleted": 0, "sentence": "Nothing is stored about you here."}
        self.backup.call()
        told = [f"{count(deleted, 'vote')} and all that was stored with them were deleted."]
        if self.backup.place is not None:
            told.append("The backup is written anew without them.")
        told.append("What was taken away before, such as an export, cannot be called back.")
        return {"deleted": deleted, "sentence": " ".join(told)}
