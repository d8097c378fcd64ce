"""Lists of captions under review, each a file of JSON in the data folder; written whole or not at all."""

import hashlib
import json
import re
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from studio.refusals import Conflict, Unknown

ID = re.compile(r"[0-9a-f]{32}")
MOST_DRAFTS = 100  # of one person

Draft = dict[str, Any]


@dataclass(frozen=True)
class Drafts:
    """Keeps, finds and changes them; ids are drawn here, and no file is named by a person."""

    folder: Path
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def add(self, owner: str, draft: Draft) -> Draft:
        """A new one; the draft with its id.

        Raises:
            Conflict: this person has too many.
        """
        with self.lock:
            if len(self.latest(owner)) >= MOST_DRAFTS:
                raise Conflict(f"You have {MOST_DRAFTS} lists of captions; remove one first.")
            moment = datetime.now(UTC).isoformat(timespec="microseconds")
            found = {**draft, "id": uuid.uuid4().hex, "owner": owner, "created_at": moment}
            self._write(found)
        return found

    def get(self, owner: str, draft: str) -> Draft:
        """One's own draft.

        Raises:
            Unknown: there is none of this person's.
        """
        path = self._folder(owner) / f"{draft}.json"
        if not ID.fullmatch(str(draft)) or not path.is_file():
            raise Unknown("There is no such list of captions here; choose one from the list.")
        return json.loads(path.read_text(encoding="utf-8"))

    def change(self, owner: str, draft: str, how: Callable[[Draft], Draft]) -> Draft:
        """The draft as `how` makes it; nobody else changes it meanwhile.

        Raises:
            Unknown: there is none of this person's.
        """
        with self.lock:
            found = how(self.get(owner, draft))
            self._write(found)
        return found

    def latest(self, owner: str) -> list[Draft]:
        """This person's, the newest first."""
        with self.lock:
            names = [path.stem for path in self._folder(owner).glob("*.json")]
            found = [self.get(owner, name) for name in names]
        return sorted(found, key=lambda one: one["created_at"], reverse=True)

    def remove(self, owner: str, draft: str) -> None:
        """Gone.

        Raises:
            Unknown: there is none of this person's.
        """
        with self.lock:
            found = self.get(owner, draft)
            (self._folder(owner) / f"{found['id']}.json").unlink()

    def _write(self, draft: Draft) -> None:
        folder = self._folder(draft["owner"])
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{draft['id']}.json"
        half = path.with_suffix(".half")
        half.write_text(json.dumps(draft, ensure_ascii=False), encoding="utf-8")
        half.replace(path)

    def _folder(self, owner: str) -> Path:
        """Where this person's lie: a name comes from a cookie, so it is no name of a folder."""
        return self.folder / hashlib.sha256(owner.encode()).hexdigest()[:32]
