import os
import socket
import threading
import time

import pytest

from pipelines.errors import Cancelled, StudioError
from studio.jobs import Work, Worker
from studio.store.store import Store


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    opened = Store(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def hire(store):
    """Makes workers of one kind and closes them."""
    hired = []

    def worker(*phases) -> Worker:
        hired.append(Worker(store.jobs, [Work(kind="count", phases=phases)], pulse=0.01))
        return hired[-1]

    yield worker
    for one in hired:
        one.close()


def test_an_early_phase_goes_before_a_late_one(store, hire):
    """Two jobs of two phases: both sounds are made before the first is scored."""
    order = []
    worker = hire(
        lambda job, desk: order.append(("sound", job.request["n"])) or True,
        lambda job, desk: order.append(("score", job.request["n"])) or True,
    )
    jobs = [worker.submit("count", "me", {"n": n}) for n in (1, 2)]
    while worker.run_next():
        pass
    assert order == [("sound", 1), ("sound", 2), ("score", 1), ("score", 2)]
    assert [store.jobs.get(job).status for job in jobs] == ["done", "done"]


def test_a_late_phase_gives_way(store, hire):
    """Scoring that sees a newcomer steps aside, and is taken up again after it."""
    seen, late = [], []

    def score(job, desk):
        if not late:
            late.append(worker.submit("count", "me", {}))
        seen.append((job.id, desk.should_give_way()))
        return not desk.should_give_way()

    worker = hire(lambda job, desk: True, score)
    first = worker.submit("count", "me", {})
    while worker.run_next():
        pass
    assert seen == [(first, True), (first, False), (late[0], False)]


def test_progress_and_notices_are_written_down(store, hire):
    """What a phase tells is in the table while it runs; what it notices is there after."""
    told = threading.Event()

    def phase(job, desk):
        desk.tell(0.5, "half way")
        desk.notice("mind this")
        desk.notice("mind this")
        assert told.wait(5)
        return True

    worker = hire(phase)
    job = worker.submit("count", "me", {})
    thread = threading.Thread(target=worker.run_next)
    thread.start()
    patience = time.monotonic() + 4
    while store.jobs.get(job).note != "half way" and time.monotonic() < patience:
        time.sleep(0.01)
    assert store.jobs.get(job).progress == 0.5
    told.set()
    thread.join()
    assert store.jobs.get(job).notices == ["mind this"]
    assert store.jobs.get(job).progress == 1.0


def test_a_stop_reaches_the_phase(store, hire):
    """The phase hears of it between two steps, and the job is stopped, not failed."""
    began = threading.Event()

    def phase(job, desk):
        began.set()
        while not desk.should_stop():
            time.sleep(0.01)
        raise Cancelled()

    worker = hire(phase)
    job = worker.submit("count", "me", {})
    thread = threading.Thread(target=worker.run_next)
    thread.start()
    assert began.wait(5)
    assert store.jobs.ask_stop(job, "you") is False
    assert store.jobs.ask_stop(job, "me") is True
    thread.join(5)
    found = store.jobs.get(job)
    assert (found.status, found.error, found.note) == ("stopped", None, "Stopped, as asked.")
    assert store.jobs.ask_stop(job, "me") is False


def test_a_waiting_job_is_stopped_at_once(store, hire):
    """Nobody needs to be at work for that."""
    worker = hire(lambda job, desk: True)
    job = worker.submit("count", "me", {})
    store.jobs.ask_stop(job, "me")
    assert worker.run_next() is False
    assert store.jobs.get(job).status == "stopped"


def test_faults_of_the_person_and_ours_are_told_apart(store, hire, caplog):
    """A StudioError keeps its sentence; anything else points to the log and does not end us."""

    def phase(job, desk):
        raise StudioError("Ask for less.") if job.request["n"] == 1 else ZeroDivisionError("ours")

    worker = hire(phase)
    jobs = [worker.submit("count", "me", {"n": n}) for n in (1, 2)]
    while worker.run_next():
        pass
    first, second = (store.jobs.get(job) for job in jobs)
    assert (first.status, first.error) == ("failed", "Ask for less.")
    assert second.error == f"This is our fault, not yours; the log has it under {second.id[:8]}."
    assert "ZeroDivisionError: ours" in caplog.text


def test_closing_puts_the_job_back(store, hire):
    """What was under way when the studio closed waits for the next opening."""
    began = threading.Event()

    def phase(job, desk):
        began.set()
        while not desk.should_stop():
            time.sleep(0.01)
        raise Cancelled()

    worker = hire(phase)
    job = worker.submit("count", "me", {})
    worker.start()
    assert began.wait(5)
    worker.close()
    assert store.jobs.get(job).status == "waiting"


def test_jobs_of_a_dead_process_are_taken_up_once_more(store, hire):
    """After a crash a job runs again; after two it fails with advice, so that nothing loops."""
    worker = hire(lambda job, desk: True)
    job = worker.submit("count", "me", {})
    dead = f"{socket.gethostname()}:{os.getpid()}:before"
    for status in ("waiting", "failed"):
        store.jobs.take(dead, ["count"])
        assert store.jobs.put_back_orphans(dead_workers=worker._dead_workers()) == [job]
        assert store.jobs.get(job).status == status
    assert "went down twice" in store.jobs.get(job).error


def test_a_late_phase_that_ends_the_process_is_not_tried_for_ever(store, hire):
    """Deaths are counted in every phase; giving way and going on is no death."""
    worker = hire(lambda job, desk: True, lambda job, desk: True)
    job = worker.submit("count", "me", {})
    worker.run_next()
    for status in ("waiting", "failed"):
        store.jobs.take("dead", ["count"])
        assert store.jobs.get(job).phase == 1
        store.jobs.put_back_orphans(dead_workers=["dead"])
        assert store.jobs.get(job).status == status


def test_jobs_of_a_living_worker_are_left_alone(store, hire):
    """A fresh heartbeat of another machine is believed; our own name is not taken for dead."""
    worker = hire(lambda job, desk: True)
    worker.submit("count", "me", {})
    worker.submit("count", "me", {})
    store.jobs.take("elsewhere:1:x", ["count"])
    store.jobs.take(worker.name, ["count"])
    assert store.jobs.put_back_orphans(dead_workers=worker._dead_workers()) == []


def test_run_now_does_all_phases_past_the_row(store, hire):
    """The command line's way: nobody else's job is waited for."""
    worker = hire(
        lambda job, desk: True,
        lambda job, desk: not desk.should_give_way(),
    )
    waiting = worker.submit("count", "you", {})
    done = worker.run_now("count", "me", {}, lambda desk: None)
    assert done.status == "done"
    assert store.jobs.get(waiting).status == "waiting"
