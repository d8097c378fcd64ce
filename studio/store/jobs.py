"""The job table: long work as rows that outlive the page, the request and the process."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, text

from studio.store.candidates import now
from studio.store.database import Database

WAITING, RUNNING, DONE, STOPPED, FAILED = "waiting", "running", "done", "stopped", "failed"
MAX_ATTEMPTS = 2  # a job whose process died twice is not begun a third time
SILENT_AFTER = 20.0  # seconds without a heartbeat after which a worker counts as dead


@dataclass(frozen=True, kw_only=True)
class Job:
    """One piece of long work, as the table has it now."""

    id: str
    kind: str
    owner: str
    request: dict[str, Any]
    status: str
    phase: int  # which part of the work comes next, or is under way
    progress: float  # 0 to 1, over the whole job
    note: str  # what is being done, in words
    notices: list[str]  # what the person should know of the result
    error: str | None
    stop_asked: bool
    worker: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    findings: dict[str, Any]  # what the work itself found out on the way
    candidates: list[str]  # ids, in the order they were asked for

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.status in {DONE, STOPPED, FAILED}


class JobTable:
    """Rows of jobs. A row's worker alone changes it, but for `ask_stop`."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def add(
        self,
        kind: str,
        owner: str,
        request: dict[str, Any],
        *,
        worker: str | None = None,
        job: str | None = None,
    ) -> str:
        """A new job, waiting, or already in the hands of this worker; its id, drawn or given."""
        moment = now()
        values = {
            "id": job or uuid.uuid4().hex,
            "kind": kind,
            "owner": owner,
            "request": json.dumps(request, ensure_ascii=False),
            "status": RUNNING if worker else WAITING,
            "note": "" if worker else "waiting for its turn",
            "worker": worker,
            "now": moment,
            "started_at": moment if worker else None,
        }
        with self.database.write() as rows:
            rows.execute(
                text(
                    "insert into jobs (id, kind, owner, request, status, phase, progress, note,"
                    " notices, attempts, stop_asked, worker, heartbeat_at, created_at, started_at)"
                    " values (:id, :kind, :owner, :request, :status, 0, 0, :note, '[]', 0,"
                    " 0, :worker, :now, :now, :started_at)"
                ),
                values,
            )
        return values["id"]

    def get(self, job: str) -> Job | None:
        """The job, or None."""
        with self.database.read() as rows:
            row = rows.execute(text("select * from jobs where id = :id"), {"id": job}).first()
            if row is None:
                return None
            return read_row(row, self._candidates(rows, job))

    def latest(
        self, owner: str, kinds: Sequence[str], *, limit: int, before: str = ""
    ) -> list[Job]:
        """This person's jobs of these kinds, the newest first, older than the given moment."""
        names = {f"kind{i}": kind for i, kind in enumerate(kinds)}
        question = text(
            f"select * from jobs where owner = :owner and kind in ({', '.join(f':{n}' for n in names)})"
            " and (:before = '' or created_at < :before) order by created_at desc limit :limit"
        )
        values = {"owner": owner, "before": before, "limit": limit, **names}
        with self.database.read() as rows:
            found = rows.execute(question, values).all()
            return [read_row(row, self._candidates(rows, row.id)) for row in found]

    def take(self, worker: str, kinds: Sequence[str]) -> Job | None:
        """Claim the next waiting job: earlier phases first, so that sounds come before scores."""
        names = {f"kind{i}": kind for i, kind in enumerate(kinds)}
        question = text(
            "select id from jobs where status = 'waiting' and kind in"
            f" ({', '.join(f':{n}' for n in names)}) order by phase, created_at limit 1"
        )
        with self.database.write() as rows:
            row = rows.execute(question, names).first()
            if row is None:
                return None
            claimed = rows.execute(
                text(
                    "update jobs set status = 'running', worker = :worker, heartbeat_at = :now,"
                    " started_at = coalesce(started_at, :now)"
                    " where id = :id and status = 'waiting'"
                ),
                {"worker": worker, "now": now(), "id": row.id},
            )
        return self.get(row.id) if claimed.rowcount else None

    def someone_waits(self, phase: int) -> bool:
        """Whether a job waits with an earlier phase than this."""
        with self.database.read() as rows:
            return (
                rows.execute(
                    text("select 1 from jobs where status = 'waiting' and phase < :phase limit 1"),
                    {"phase": phase},
                ).first()
                is not None
            )

    def change(self, job: str, **values: Any) -> None:
        """Set columns of this job; `notices` as a list, `findings` as plain values."""
        for name in {"notices", "findings"} & set(values):
            values[name] = json.dumps(values[name], ensure_ascii=False)
        columns = ", ".join(f"{name} = :{name}" for name in values)
        with self.database.write() as rows:
            rows.execute(
                text(f"update jobs set {columns}, heartbeat_at = :now where id = :job_id"),
                {**values, "now": now(), "job_id": job},
            )

    def begin_again(self, job: str, *, worker: str | None = None) -> None:
        """Let a job that is over go on at the phase where it ended: in its turn, or by this worker."""
        self.change(
            job, status=RUNNING if worker else WAITING, attempts=0, stop_asked=0, error=None,
            finished_at=None, worker=worker, note="" if worker else "waiting for its turn",
        )  # fmt: skip

    def finish(self, job: str, status: str, *, error: str | None = None, **values: Any) -> None:
        """Close the job."""
        self.change(job, status=status, error=error, finished_at=now(), **values)

    def ask_stop(self, job: str, owner: str) -> bool:
        """Ask for a stop; one that waits is stopped at once. Whether there was anything to stop."""
        with self.database.write() as rows:
            asked = rows.execute(
                text(
                    "update jobs set stop_asked = 1, finished_at = case when status = 'waiting'"
                    " then :now else finished_at end, status = case when status = 'waiting'"
                    " then 'stopped' else status end where id = :id and owner = :owner"
                    " and status in ('waiting', 'running')"
                ),
                {"id": job, "owner": owner, "now": now()},
            )
        return asked.rowcount > 0

    def stop_asked(self, job: str) -> bool:
        """Whether someone asked this job to stop."""
        with self.database.read() as rows:
            question = text("select stop_asked from jobs where id = :id")
            return bool(rows.execute(question, {"id": job}).scalar())

    def add_candidate(self, job: str, position: int, candidate: str) -> None:
        """This candidate is the job's result at this place."""
        with self.database.write() as rows:
            rows.execute(
                text(
                    "insert into job_candidates values (:job, :position, :candidate)"
                    " on conflict do nothing"
                ),
                {"job": job, "position": position, "candidate": candidate},
            )

    def origin(self, candidate: str) -> tuple[str, int] | None:
        """The job that made this candidate first, and its place there."""
        question = text(
            "select job, position from job_candidates join jobs on jobs.id = job"
            " where candidate = :candidate order by started_at limit 1"
        )
        with self.database.read() as rows:
            row = rows.execute(question, {"candidate": candidate}).first()
        return None if row is None else (row.job, row.position)

    def positions(self, job: str) -> dict[int, str]:
        """The candidates made so far, by place."""
        with self.database.read() as rows:
            return dict(self._places(rows, job))

    def workers(self) -> list[str]:
        """Who says to be at work now."""
        with self.database.read() as rows:
            question = text("select distinct worker from jobs where status = 'running'")
            return [row.worker for row in rows.execute(question)]

    def put_back_orphans(self, *, dead_workers: Sequence[str] = ()) -> list[str]:
        """Jobs whose worker died: wait again, or fail when that has happened before.

        Args:
            dead_workers: workers known to be gone; others count as gone when their heartbeat is
                older than `SILENT_AFTER` seconds.
        """
        oldest = (datetime.now(UTC) - timedelta(seconds=SILENT_AFTER)).isoformat(
            timespec="microseconds"
        )
        with self.database.write() as rows:
            running = rows.execute(
                text("select id, worker, heartbeat_at, attempts from jobs where status = 'running'")
            ).all()
            orphans = [r for r in running if r.worker in dead_workers or r.heartbeat_at < oldest]
            for row in orphans:
                attempts = row.attempts + 1  # those that ended with the process
                again = attempts < MAX_ATTEMPTS
                rows.execute(
                    text(
                        "update jobs set status = :status, note = :note, error = :error,"
                        " worker = null, attempts = :attempts, finished_at = :finished_at"
                        " where id = :id"
                    ),
                    {
                        "id": row.id,
                        "attempts": attempts,
                        "status": WAITING if again else FAILED,
                        "note": "taken up again after a restart" if again else "",
                        "error": None
                        if again
                        else "The studio went down twice while making this;"
                        " ask for fewer or shorter sounds at a time.",
                        "finished_at": None if again else now(),
                    },
                )
        return [row.id for row in orphans]

    def _places(self, rows: Any, job: str) -> list[tuple[int, str]]:
        question = text(
            "select position, candidate from job_candidates where job = :job order by position"
        )
        return [(row.position, row.candidate) for row in rows.execute(question, {"job": job})]

    def _candidates(self, rows: Any, job: str) -> list[str]:
        return [candidate for _, candidate in self._places(rows, job)]


def read_row(row: Row, candidates: list[str]) -> Job:
    """A job from its row."""
    values = {k: v for k, v in row._mapping.items() if k in Job.__dataclass_fields__}
    values["request"] = json.loads(values["request"])
    values["notices"] = json.loads(values["notices"])
    values["findings"] = json.loads(values["findings"])
    values["stop_asked"] = bool(values["stop_asked"])
    return Job(**values, candidates=candidates)
