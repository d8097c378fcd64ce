import re
import signal
import subprocess
import sys
import threading
import time

import pytest

from studio.jobs import Work, Worker
from studio.processes import InProcess, what_went_wrong
from studio.store.store import Store

CHILD = "tests.studio.counting_child"


@pytest.fixture
def run(tmp_path):
    """Does one job in a child that behaves as told; the finished job."""
    store = Store(tmp_path / "data")
    workers = []

    def do(what, *, patience=20.0, while_running=lambda job: None):
        phase = InProcess(
            module=CHILD,
            arguments=lambda job: [job.request["what"], str(tmp_path)],
            folder=lambda job: tmp_path / job.id,
            patience=patience,
        )
        worker = Worker(store.jobs, [Work(kind="count", phases=(phase,))], pulse=0.02)
        workers.append(worker)
        job = worker.submit("count", "me", {"what": what})
        thread = threading.Thread(target=worker.run_next)
        thread.start()
        until = time.monotonic() + 20
        while not store.jobs.get(job).note.startswith(("at", "not")) and thread.is_alive():
            assert time.monotonic() < until
            time.sleep(0.02)
        while_running(job)
        thread.join(30)
        return store.jobs.get(job)

    do.store = store
    yield do
    for worker in workers:
        worker.close()
    store.close()


def test_a_child_tells_how_far_it_is_and_ends(run):
    """Its notices are the job's; words that are none of ours do no harm."""
    job = run("short")
    assert (job.status, job.progress, job.notices) == ("done", 1.0, ["three is enough"])


def test_a_stop_lets_the_child_save(run, tmp_path):
    """It is asked, saves, and the job is stopped."""
    job = run("long", while_running=lambda job: run.store.jobs.ask_stop(job, "me"))
    assert (job.status, job.note) == ("stopped", "Stopped, as asked.")
    assert int((tmp_path / "saved").read_text()) > 0


def test_a_child_that_does_not_listen_is_ended(run):
    """After its patience, and the job says what is kept."""
    job = run("deaf", patience=0.3, while_running=lambda job: run.store.jobs.ask_stop(job, "me"))
    assert job.status == "stopped"
    assert "last checkpoint" in job.note


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("refuse", r"^The batch is 0; give at least 1\.$"),
        ("crash", r"crashed \(exit code 1\).*RuntimeError: a fault of ours"),
        ("memory", "ran out of memory; choose a smaller batch"),
        ("killed", "killed from outside, most likely because the machine ran out of memory"),
    ],
)
def test_how_a_child_ends_is_told(run, what, sentence):
    """A refusal in its own sentence, a crash with its cause."""
    job = run(what)
    assert job.status == "failed"
    assert re.search(sentence, job.error), job.error


def test_a_child_gives_way_and_is_begun_again(tmp_path):
    """Another job's earlier phase goes first; the child saves, and goes on when it is taken up again."""
    store = Store(tmp_path / "data")
    done = []
    child = InProcess(
        module=CHILD,
        arguments=lambda job: ["long", str(tmp_path)],
        folder=lambda job: tmp_path / job.id,
        gives_way_after=0.0,
    )

    def quick(job, desk):
        done.append(job.id)
        return True

    works = [Work(kind="count", phases=(quick, child)), Work(kind="quick", phases=(quick,))]
    worker = Worker(store.jobs, works, pulse=0.02)
    job = worker.submit("count", "me", {})
    worker.run_next()
    other = worker.submit("quick", "you", {})
    store.jobs.change(other, status="stopped")  # nobody waits yet
    thread = threading.Thread(target=worker.run_next)
    thread.start()
    until = time.monotonic() + 20
    while not store.jobs.get(job).note.startswith("at"):
        assert time.monotonic() < until
        time.sleep(0.02)
    store.jobs.change(other, status="waiting")
    thread.join(30)
    assert (store.jobs.get(job).status, store.jobs.get(job).phase) == ("waiting", 1)
    assert (tmp_path / "saved").exists()
    worker.run_next()
    assert done[-1] == other
    worker.close()
    store.close()


def test_a_child_of_a_dead_parent_saves_and_ends(tmp_path):
    """The end of its standard input is all that it needs to hear."""
    child = subprocess.Popen(
        [sys.executable, "-m", CHILD, "long", str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    time.sleep(0.3)
    child.stdin.close()
    assert child.wait(20) == 3
    assert (tmp_path / "saved").exists()


def test_signals_have_their_words():
    """What no rule knows is told by its number."""
    assert "signal 11" in what_went_wrong(-signal.SIGSEGV, [])
