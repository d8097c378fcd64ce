"""Long work outside the request: one worker takes jobs from the table, one phase at a time.

A job outlives the page that asked for it and the process that was at it. Its phases run in order,
and an earlier phase of another job goes before a later phase of this one: sounds before scores.
"""

import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pipelines.errors import Cancelled, StudioError
from studio.store.jobs import DONE, FAILED, RUNNING, STOPPED, WAITING, Job, JobTable

log = logging.getLogger(__name__)
WAS_STOPPED = "was_stopped"  # among a job's findings: only its last phase is still done


class Desk:
    """What a phase is given beside its job: where to tell how far it is, and hear of a stop.

    Telling costs nothing: the worker writes it down a few times a second.
    """

    def __init__(self, job: Job, table: JobTable, *, in_row: bool = True) -> None:
        self.job = job
        self.table = table
        self.in_row = in_row  # False: nobody is waited for
        self.progress = job.progress
        self.note = job.note
        self.notices = list(job.notices)
        self.stop = threading.Event()

    def tell(self, progress: float, note: str) -> None:
        """The share done of the whole job, 0 to 1, and what is being done."""
        self.progress, self.note = progress, note

    def notice(self, sentence: str) -> None:
        """Something the person should know of the result; said once."""
        if sentence not in self.notices:
            self.notices.append(sentence)

    def should_stop(self) -> bool:
        """Whether a stop was asked for."""
        return self.stop.is_set()

    def should_give_way(self) -> bool:
        """Whether another job waits for an earlier phase than this one."""
        return self.in_row and self.table.someone_waits(self.job.phase)


Phase = Callable[[Job, Desk], bool]  # True: finished; False: gave way, to be taken up again


@dataclass(frozen=True, kw_only=True)
class Work:
    """A kind of job that is done in this process, because its model is warm here."""

    kind: str
    phases: tuple[Phase, ...]
    is_rounded_off: bool = False  # after a stop the last phase is still done, on what is there


class Worker:
    """Does jobs one after another on a thread of its own, which is the lease on the device.

    Args:
        table: where jobs are.
        works: the kinds it can do.
        pulse: seconds between two looks at the table.
    """

    def __init__(self, table: JobTable, works: Sequence[Work], *, pulse: float = 0.1) -> None:
        self.table = table
        self.works = {work.kind: work for work in works}
        self.pulse = pulse
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self.hands = ThreadPoolExecutor(max_workers=1, thread_name_prefix="work")
        self.closing = threading.Event()
        self.called = threading.Event()
        self.thread: threading.Thread | None = None

    def start(self) -> None:
        """Take up what a dead process left, then work until `close`."""
        self.thread = threading.Thread(target=self._work, name="worker", daemon=True)
        self.thread.start()

    def submit(
        self, kind: str, owner: str, request: dict[str, Any], *, job: str | None = None
    ) -> str:
        """Put a job in the row; its id, drawn or given."""
        found = self.table.add(kind, owner, request, job=job)
        self.called.set()
        return found

    def run_now(
        self,
        kind: str,
        owner: str,
        request: dict[str, Any],
        watch: Callable[[Desk], None],
        *,
        job: str | None = None,
    ) -> Job:
        """Do a job here and now, without the row; `watch` sees the desk at every pulse."""
        return self.do_now(self.table.add(kind, owner, request, worker=self.name, job=job), watch)

    def do_now(self, job: str, watch: Callable[[Desk], None]) -> Job:
        """Do what is left of a job that is in this worker's hands."""
        while not (found := self.table.get(job)).is_over:
            self._do(Desk(found, self.table, in_row=False), watch)
        return found

    def run_next(self) -> bool:
        """Claim one job and do its next phase; whether there was one."""
        job = self.table.take(self.name, list(self.works))
        if job is None:
            return False
        self._do(Desk(job, self.table), lambda desk: None)
        return True

    def put_back(self) -> None:
        """Let jobs whose process died wait for their turn again."""
        self.table.put_back_orphans(dead_workers=self._dead_workers())

    def close(self) -> None:
        """Stop after the present step; the job waits for the next start."""
        self.closing.set()
        self.called.set()
        if self.thread is not None:
            self.thread.join(timeout=30)
        self.hands.shutdown(wait=True)

    def _work(self) -> None:
        idle_pulses = 0
        self.put_back()
        while not self.closing.is_set():
            if self.run_next():
                continue
            self.called.wait(self.pulse * 10)
            self.called.clear()
            idle_pulses += 1
            if idle_pulses % 20 == 0:
                self.put_back()

    def _do(self, desk: Desk, watch: Callable[[Desk], None]) -> None:
        """One phase of one job, with its progress written down while it runs."""
        job = desk.job
        phase = self.works[job.kind].phases[job.phase]
        future = self.hands.submit(phase, job, desk)
        try:
            self._attend(future, desk, watch)
        except KeyboardInterrupt:
            desk.stop.set()
            future.exception()
            self.table.finish(job.id, STOPPED, note="stopped from the keyboard")
            raise
        self._settle(desk, future)

    def _attend(self, future: Future, desk: Desk, watch: Callable[[Desk], None]) -> None:
        """Until the phase ends: write progress and heartbeat, carry a stop to it."""
        written, silent = (desk.job.progress, desk.job.note), 0
        while True:
            with suppress(NotYet):
                future.exception(timeout=self.pulse)
                watch(desk)
                return
            watch(desk)
            if self.closing.is_set() or self.table.stop_asked(desk.job.id):
                desk.stop.set()
            silent += 1
            if (desk.progress, desk.note) != written or silent * self.pulse > 5:
                written, silent = (desk.progress, desk.note), 0
                self.table.change(desk.job.id, progress=desk.progress, note=desk.note)

    def _settle(self, desk: Desk, future: Future) -> None:
        """Write down how the phase ended."""
        job, between = desk.job, WAITING if desk.in_row else RUNNING
        error, told = future.exception(), {"notices": desk.notices, "progress": desk.progress}
        if isinstance(error, Cancelled) and self.closing.is_set():
            self.table.change(job.id, status=WAITING, note="waiting for the studio to open again")
        elif isinstance(error, Cancelled) and self._is_to_round_off(job):
            findings = {**self.table.get(job.id).findings, WAS_STOPPED: True}
            last = len(self.works[job.kind].phases) - 1
            self.table.change(
                job.id, status=between, phase=last, stop_asked=0, findings=findings, **told
            )
        elif isinstance(error, Cancelled):
            self.table.finish(job.id, STOPPED, note=str(error), notices=desk.notices)
        elif isinstance(error, StudioError):
            self.table.finish(job.id, FAILED, error=str(error), notices=desk.notices)
        elif error is not None:
            reference = job.id[:8]
            log.error("job %s failed (reference %s)", job.kind, reference, exc_info=error)
            sentence = f"This is our fault, not yours; the log has it under {reference}."
            self.table.finish(job.id, FAILED, error=sentence, notices=desk.notices)
        elif not future.result():
            self.table.change(job.id, status=between, **told)
        elif job.phase + 1 < len(self.works[job.kind].phases):
            self.table.change(job.id, status=between, phase=job.phase + 1, **told)
        elif job.findings.get(WAS_STOPPED):
            self.table.finish(job.id, STOPPED, note=str(Cancelled()), notices=desk.notices)
        else:
            self.table.finish(job.id, DONE, notices=desk.notices, progress=1.0, note="")

    def _is_to_round_off(self, job: Job) -> bool:
        """Whether a stopped job has made something that its last phase can still be done on."""
        work = self.works[job.kind]
        is_early = job.phase < len(work.phases) - 1
        return work.is_rounded_off and is_early and bool(self.table.positions(job.id))

    def _dead_workers(self) -> list[str]:
        """Workers of this machine whose process is gone."""
        return [worker for worker in self.table.workers() if self._is_dead(worker)]

    def _is_dead(self, worker: str) -> bool:
        host, pid, _ = worker.rsplit(":", 2)
        if worker == self.name or host != socket.gethostname():
            return False  # of another machine only the heartbeat tells
        if int(pid) == os.getpid():
            return True  # our own number, taken over from a process before us
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False
