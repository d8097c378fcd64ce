"""Votes beyond this machine: closed segments to a private place, confirmed, and replayed at start."""

import logging
import threading
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Any

from pipelines.errors import StudioError
from studio.config import Config
from studio.services.backup.places import Place, place_of
from studio.services.backup.restoring import restore, sound_file
from studio.services.backup.words import ago, whereabouts
from studio.store.segment_file import SegmentFile, written
from studio.store.segments import Segment, SegmentTable
from studio.store.store import Store

log = logging.getLogger(__name__)
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0  # seconds after a failure; doubled each time
MOST_SOUNDS = 200  # in one commit
PATIENCE = 8.0  # seconds for the last segment; a container is killed about 10 s after being asked


class Attempt:
    """Lets a fault of any kind end one attempt and not the thread; it is told, never swallowed."""

    error: BaseException | None = None

    def __enter__(self) -> "Attempt":
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.error = error
        return isinstance(error, Exception)


class Backup:
    """Ships what was voted, tells what still waits, and brings it back.

    Votes are on this disk before they are acknowledged; the backup comes after, on a thread of its
    own, and only with SQLite: PostgreSQL is a safe place of its own.

    Args:
        store: whose rows are shipped.
        config: where to, and how often.
        place: where to, for tests.
    """

    def __init__(self, store: Store, config: Config, place: Place | None = None) -> None:
        self.store = store
        self.config = config
        self.is_sqlite = store.database.engine.dialect.name == "sqlite"
        self.place = (place or place_of(config)) if self.is_sqlite else None
        self.segments = SegmentTable(store.database)
        self.boot = uuid.uuid4().hex
        self.where = whereabouts(config, self.place, self.is_sqlite)
        self.waiting = 0  # votes that the place has not confirmed; never fewer than there are
        self.counting = threading.Lock()
        self.failure = ""  # why the last try failed, until one succeeds
        self.failures = 0  # in a row
        self.tried_at: float | None = None  # on the monotonic clock
        self.left_out: list[str] = []  # what could not be brought back, in words
        self.is_restored = False
        self.there: set[str] = set()  # files that the place is known to have
        self.called = threading.Event()
        self.closing = threading.Event()
        self.turn = threading.Lock()  # one shipment at a time
        self.thread: threading.Thread | None = None

    def start(self) -> None:
        """Bring back what the place has and we have not, then ship what it has not.

        A place that does not answer holds nobody up: the page opens and says so, and the thread goes
        on trying.
        """
        if self.place is None:
            return
        self._round()
        self.thread = threading.Thread(target=self._work, name="backup", daemon=True)
        self.thread.start()

    def notice(self) -> None:
        """One more vote is on the disk; costs nothing."""
        if self.place is None:
            return
        with self.counting:
            self.waiting += 1
        if self.waiting >= self.config.backup_votes and not self.failures:
            self.called.set()

    def call(self) -> None:
        """Ship soon, whatever waits."""
        self.called.set()

    def state(self) -> dict[str, Any]:
        """How many votes the place has not confirmed, that in words, and where votes are."""
        return {"waiting": self.waiting, "sentence": self._sentence(), "where": self.where}

    def close(self, patience: float = PATIENCE) -> bool:
        """Close the last segment and ship it, within so many seconds; whether all is confirmed."""
        self.closing.set()
        self.called.set()
        if self.thread is not None:
            self.thread.join(patience)
            if self.thread.is_alive() or self.waiting:
                log.warning(
                    "%s; they are on this disk and are sent at the next start", self.state()
                )
        return not self.waiting

    def ship(self) -> None:
        """Send everything that the place has not, one segment at a time, the oldest first.

        Raises:
            StudioError: the place did not answer, or is not ours; what was confirmed stays so.
        """
        with self.turn:
            if not self.is_restored:
                self.there, self.left_out = restore(
                    self.store, self.segments, self.place, self.boot, self.config
                )
                self.is_restored = True
            while unsent := self._unsent():
                for segment in unsent:
                    self._send(segment)
                self._forget_what_was([segment for segment in unsent if segment.is_stale])
            self._count()

    def _unsent(self) -> list[Segment]:
        """What is to be sent; a new segment is closed only when the old ones are confirmed."""
        found = self.segments.unsent()
        if not found and (closed := self.segments.close(self.boot)):
            return [closed]
        return found

    def _send(self, segment: Segment) -> None:
        """One segment, after the sounds that it names."""
        file = self.segments.file(segment)
        sounds = self._sounds_of(file)
        names = sorted(set(sounds) - self.there)
        for first in range(0, len(names), MOST_SOUNDS):
            part = {name: sounds[name] for name in names[first : first + MOST_SOUNDS]}
            self.place.put(part, f"{len(part)} sounds")
            self.there |= set(part)
        self.place.put(
            {segment.name: written(file)}, count(len(file.rows.get("votes", [])), "vote")
        )
        if not segment.is_stale:
            self.segments.confirm(segment.name)
            self._count()

    def _forget_what_was(self, stale: list[Segment]) -> None:
        """What was deleted here is now written nowhere, not even in the place's history."""
        if stale:
            self.place.drop_history()
        for segment in stale:
            self.segments.confirm(segment.name)

    def _count(self) -> None:
        """Count anew what waits; a vote that is noticed meanwhile is at worst counted twice."""
        with self.counting:
            self.waiting = self.segments.votes_waiting()

    def _sounds_of(self, file: SegmentFile) -> dict[str, Path]:
        """Where the sounds lie that a segment names; one that is gone from the disk is told."""
        found = {}
        for row in file.rows.get("clips", []):
            path = self.store.clips.path(row["sha256"])
            if path.is_file():
                found[sound_file(row["sha256"])] = path
            else:
                log.error("the clip %s is not on the disk and cannot be backed up", row["sha256"])
        return found

    def _work(self) -> None:
        """Rounds, until asked to end; then a last one."""
        while not self.closing.is_set():
            self.called.wait(self._pause())
            self.called.clear()
            if not self.closing.is_set():
                self._round()
                self.closing.wait(self.place.least_pause)
        self._round()

    def _pause(self) -> float:
        """Seconds until the next round: the usual, or longer with each failure."""
        if not self.failures:
            return self.config.backup_seconds
        return min(FIRST_PAUSE * 2 ** (self.failures - 1), LONGEST_PAUSE)

    def _round(self) -> None:
        """Ship once; a failure is told and tried again, whatever it was."""
        with Attempt() as attempt:
            self.ship()
        error, failures = attempt.error, self.failures
        self.tried_at = time.monotonic()
        if error is None:
            self.failures, self.failure = 0, ""
            return
        reference = uuid.uuid4().hex[:8]
        if isinstance(error, StudioError):
            self.failure = str(error)
            log.warning("the backup failed: %s", error)
        else:
            self.failure = f"this is our fault, not yours; the log has it under {reference}"
            log.error("the backup failed (reference %s)", reference, exc_info=error)
        self.failures = failures + 1
        with Attempt():
            self._count()

    def _sentence(self) -> str:
        """How the backup stands, in words for everybody; on a Space without the reasons."""
        if self.place is None:
            return self.where
        if not self.failures:
            stands = (
                f"All votes are backed up in {self.place.title}."
                if not self.waiting
                else f"{count(self.waiting, 'vote')} not yet backed up."
            )
            return " ".join([stands, *self._not_back()])
        reason = "." if self.config.on_space else f": {self.failure.rstrip('.')}."
        tried = f"the last try, {ago(time.monotonic() - self.tried_at)}, failed{reason}"
        return f"{count(self.waiting, 'vote')} not yet backed up; {tried}"

    def _not_back(self) -> list[str]:
        if not self.left_out:
            return []
        named = "." if self.config.on_space else f": {'; '.join(self.left_out)[:500]}."
        return [f"Not everything could be brought back at the start{named}"]


def count(number: int, noun: str) -> str:
    """`1 vote`, `2 votes`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
