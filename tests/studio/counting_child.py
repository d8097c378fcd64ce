"""A child that counts to a number, or does what children do that come to grief."""

import os
import signal
import sys
import time
from pathlib import Path

from pipelines.errors import Cancelled, StudioError
from studio.processes import Parent, end_of


def work(parent: Parent) -> None:
    """Do what the command line says."""
    what, folder = sys.argv[1:]
    if what == "refuse":
        raise StudioError("The batch is 0; give at least 1.")
    if what == "crash":
        raise RuntimeError("a fault of ours")
    if what == "memory":
        raise MemoryError
    if what == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "deaf":
        parent.tell(0.1, "not listening")
        time.sleep(60)
    for count in range(1000):
        parent.tell(count / 1000, f"at {count}")
        if parent.should_stop():
            Path(folder, "saved").write_text(str(count), encoding="utf-8")
            raise Cancelled()
        if what == "short" and count == 3:
            parent.notice("three is enough")
            sys.stdout.write("a stray word\n")
            return
        time.sleep(0.01)


if __name__ == "__main__":
    end_of(work)
