"""A phase of a job in a process of its own: it tells how far it is, stops when asked, and may crash.

Parent and child speak by lines. The child writes JSON to its standard output: `{"progress": 0.3,
"note": "step 30 of 100"}`, `{"notice": "…"}`. What the parent writes to the child's standard input,
and the end of it, mean: save and stop. So a child also stops when its parent was killed.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TextIO

from pipelines.errors import Cancelled, StudioError
from studio.jobs import Desk
from studio.store.jobs import Job

log = logging.getLogger(__name__)
DONE, REFUSED, SAVED = (
    0,
    2,
    3,
)  # how a child ends: finished; a sentence on stderr; stopped, all kept
ROOT = Path(__file__).resolve().parents[1]
LAST_LINES = 5  # of the log, told when a child crashed


@dataclass(frozen=True, kw_only=True)
class InProcess:
    """A phase that runs `python -m module …` and waits for it.

    Args:
        module: what the child runs; it ends by `end_of`.
        arguments: of its command line, for a job.
        folder: where the log of a job lies, as `log.txt`; it is added to, never begun anew.
        patience: seconds that a child has to save after it was asked to stop.
        gives_way_after: seconds after which a child is asked to save and stop when another job waits
            for an earlier phase; it is begun again afterwards. None: it never gives way.
    """

    module: str
    arguments: Callable[[Job], Sequence[str]]
    folder: Callable[[Job], Path]
    patience: float = 60.0
    gives_way_after: float | None = None

    def __call__(self, job: Job, desk: Desk) -> bool:
        """Run the child to its end; False when it gave way.

        Raises:
            Cancelled: it was asked to stop, and everything is kept.
            StudioError: it refused, in its own sentence, or crashed, with what is known of why.
        """
        folder = self.folder(job)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "log.txt"
        command = [sys.executable, "-m", self.module, *self.arguments(job)]
        with path.open("a", encoding="utf-8") as written:
            begun = path.stat().st_size
            with (
                subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=written,
                    text=True,
                    env=environment(),
                    start_new_session=True,  # Ctrl + C reaches the parent, which then asks in its own way
                ) as child
            ):
                gave_way = self._attend(child, desk)
        if child.returncode == DONE:
            return True
        if child.returncode == SAVED and gave_way and not desk.should_stop():
            return False
        if child.returncode == SAVED:
            raise Cancelled()
        if desk.should_stop():
            raise Cancelled(
                "Stopped, but not in time to save; it goes on from its last checkpoint."
            )
        raise StudioError(what_went_wrong(child.returncode, tail(path, begun)))

    def _attend(self, child: subprocess.Popen, desk: Desk) -> bool:
        """Pass on what the child tells until it ends; carry a stop to it. Whether it gave way."""
        told = threading.Thread(target=listen, args=(child.stdout, desk), daemon=True)
        told.start()
        begun, gives_way = time.monotonic(), False
        while child.poll() is None and not gives_way and not desk.stop.wait(0.1):
            is_time = self.gives_way_after is not None
            is_time = is_time and time.monotonic() - begun > self.gives_way_after
            gives_way = is_time and desk.should_give_way()
        child.stdin.close()
        try:
            child.wait(self.patience)
        except subprocess.TimeoutExpired:
            log.warning("a child did not stop within %s s and was ended", self.patience)
            child.kill()
        told.join(timeout=5)
        return gives_way


def environment() -> dict[str, str]:
    """What a child is begun with: ours, and where our modules are, wherever the studio was begun."""
    there = filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(there)}


def listen(lines: TextIO, desk: Desk) -> None:
    """Tell the desk what a child tells; a line that is none of ours goes to the log."""
    for line in lines:
        try:
            said = json.loads(line)
        except json.JSONDecodeError:
            said = None
        if not isinstance(said, dict):
            log.info("a child said: %s", line.rstrip()[:500])
            continue
        if "progress" in said:
            desk.tell(float(said["progress"]), str(said.get("note", "")))
        if "notice" in said:
            desk.notice(str(said["notice"]))


def what_went_wrong(status: int, last: Sequence[str]) -> str:
    """A sentence for a child that ended by itself with this status."""
    if status == REFUSED and last:
        return last[-1]
    if any("out of memory" in line.lower() or "MemoryError" in line for line in last):
        return (
            "It ran out of memory; choose a smaller batch, or close what else uses the memory, and "
            "start again: it goes on from its last checkpoint."
        )
    if status == -signal.SIGKILL:
        return (
            "It was killed from outside, most likely because the machine ran out of memory; choose "
            "a smaller batch and start again: it goes on from its last checkpoint."
        )
    how = f"signal {-status}" if status < 0 else f"exit code {status}"
    words = last[-1].rstrip(".") if last else "none"  # of a traceback the line that names it
    return f"It crashed ({how}); its last words: {words}."


def tail(path: Path, begun: int) -> list[str]:
    """The last lines that were written to a log since it had `begun` bytes."""
    with path.open("rb") as file:
        file.seek(begun)
        text = file.read().decode(errors="replace")
    return [line.strip() for line in text.splitlines() if line.strip()][-LAST_LINES:]


class Parent:
    """The child's side: tells how far it is, and hears when it shall stop."""

    def __init__(self, output: TextIO | None = None, source: TextIO | None = None) -> None:
        self.output = output or sys.stdout
        self.stop = threading.Event()
        self.source = source or sys.stdin
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        self.source.readline()  # a line, or the end
        self.stop.set()

    def should_stop(self) -> bool:
        """Whether the parent asked for a stop or is gone."""
        return self.stop.is_set()

    def tell(self, progress: float, note: str) -> None:
        """The share done, 0 to 1, and what is being done."""
        self._write({"progress": progress, "note": note})

    def notice(self, sentence: str) -> None:
        """Something the person should know of the result."""
        self._write({"notice": sentence})

    def _write(self, values: dict[str, Any]) -> None:
        try:
            self.output.write(json.dumps(values, ensure_ascii=False) + "\n")
            self.output.flush()
        except BrokenPipeError:  # the parent is gone; what is under way is saved all the same
            self.stop.set()


def end_of(work: Callable[[Parent], None]) -> NoReturn:
    """Do a child's work and end the process in the way that the parent understands."""
    parent = Parent()
    try:
        work(parent)
    except Cancelled:
        sys.exit(SAVED)
    except StudioError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(REFUSED)
    sys.exit(DONE)
