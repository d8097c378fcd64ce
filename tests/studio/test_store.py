import threading
import time
import wave

import numpy as np
import pytest
from sqlalchemy import inspect, text

from pipelines.audio import write_audio
from pipelines.errors import StudioError
from pipelines.records import Candidate, Prompt, Settings
from studio.store.clips import ClipFolder
from studio.store.database import Database, local_url
from studio.store.migrations import MIGRATIONS, VOTE_TABLES, migrate
from studio.store.store import Store


def candidate(seed: int = 1) -> Candidate:
    """A short quiet sound."""
    audio = np.full((1, 160), seed / 100, np.float32)
    return Candidate(
        prompt=Prompt(text="a dog", seconds=0.01),
        settings=Settings(seed=seed),
        revision="r",
        audio=audio,
        sample_rate=16000,
        timings={"generate": 0.5},
    )


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    opened = Store(tmp_path / "data")
    yield opened
    opened.close()


def test_opening_twice_applies_each_step_once(tmp_path):
    """The second opening finds everything applied."""
    database = Database(local_url(tmp_path))
    names = [step.__name__ for step in MIGRATIONS]
    assert migrate(database) == names
    assert migrate(database) == []
    database.close()


@pytest.mark.parametrize("count", range(len(MIGRATIONS)))
def test_each_step_follows_from_the_one_before(tmp_path, count):
    """A database of any age is brought to the same tables as a new one, and keeps its rows."""
    database = Database(local_url(tmp_path))
    migrate(database, MIGRATIONS[:count])
    if count:
        with database.write() as rows:
            rows.execute(text("insert into clips values ('ab', 1, 1, 1, 1, 'then')"))
    migrate(database)
    tables = set(inspect(database.engine).get_table_names())
    assert tables == {
        *VOTE_TABLES,
        "candidates",
        "clips",
        "drafts",
        "favourite_events",
        "job_candidates",
        "jobs",
        "judgements",
        "marks",
        "migrations",
        "segments",
    }
    with database.read() as rows:
        assert rows.execute(text("select count(*) from clips")).scalar() == (1 if count else 0)
    database.close()


def test_a_step_that_fails_half_way_leaves_nothing(tmp_path):
    """Its tables and its record come together or not at all."""
    database = Database(local_url(tmp_path))

    def m999_broken(rows):
        rows.execute(text("create table half (x integer)"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        migrate(database, (m999_broken,))
    assert inspect(database.engine).get_table_names() == ["migrations"]
    database.close()


def test_eight_may_open_at_once(tmp_path):
    """Only one of them applies a step, even when the step is slow."""
    url, times = local_url(tmp_path), []

    def m001_slow(rows):
        times.append(time.monotonic())
        time.sleep(0.02)
        rows.execute(text("create table slow (x integer)"))

    def open_it():
        database = Database(url)
        migrate(database, (m001_slow,))
        database.close()

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(times) == 1


def test_sqlite_keeps_a_log_and_syncs(store):
    """Write-ahead log; every commit reaches the disk; references are checked."""
    with store.database.read() as rows:
        modes = [
            rows.exec_driver_sql(f"pragma {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert modes == ["wal", 2, 1]


def test_a_clip_is_named_by_its_bytes_and_kept_once(tmp_path):
    """The same sound twice is one file; another sound is another."""
    folder = ClipFolder(tmp_path)
    first = folder.put(np.full((1, 100), 0.25, np.float32), 16000)
    again = folder.put(np.full((1, 100), 0.25, np.float32), 16000)
    other = folder.put(np.full((1, 100), 0.26, np.float32), 16000)
    assert first == again
    assert first.sha256 != other.sha256
    assert sorted(p.name for p in tmp_path.rglob("*.*")) == sorted(
        f"{clip.sha256}.wav" for clip in (first, other)
    )
    audio, rate = folder.read(first.sha256)
    assert rate == 16000
    np.testing.assert_allclose(audio, 0.25, atol=1 / 32768)
    with wave.open(str(folder.path(first.sha256))) as sound:
        assert sound.getparams()[:4] == (1, 2, 16000, 100)


def test_a_clip_name_is_no_path(tmp_path):
    """Nothing but 64 hex digits is looked for."""
    with pytest.raises(StudioError, match="is no clip"):
        ClipFolder(tmp_path).path("../../etc/passwd")


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path, monkeypatch):
    """The person learns what to do, and no draft stays behind."""

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("studio.store.clips.os.fsync", full)
    with pytest.raises(StudioError, match="No space left on device.*free some disk space"):
        ClipFolder(tmp_path).put(np.zeros((1, 10), np.float32), 16000)
    assert list(tmp_path.rglob("*.*")) == []


def test_a_candidate_comes_back_as_it_was_made(store):
    """Prompt, settings, timings and clip; twice stored is once kept."""
    made = candidate()
    clip = store.clips.put(made.audio, made.sample_rate)
    stored = store.candidates.add(made, clip)
    assert store.candidates.add(made, clip) == stored
    assert (stored.id, stored.prompt, stored.settings) == (made.id, made.prompt, made.settings)
    assert stored.timings == {"generate": 0.5}
    assert store.candidates.find(["nobody", made.id]) == [stored]


def test_a_judge_speaks_once(store):
    """A later word of the same judge on the same candidate changes nothing."""
    made = candidate()
    store.candidates.add(made, store.clips.put(made.audio, 16000))
    store.candidates.add_judgement(made.id, "clap:reward", {"score": 0.5})
    store.candidates.add_judgement(made.id, "clap:reward", {"score": 0.9})
    assert store.candidates.judgements([made.id])[made.id] == {"clap:reward": {"score": 0.5}}


def test_favourites_are_the_latest_word_of_each_person(store):
    """Liked, disliked and liked again is liked; another person's likes are their own."""
    for seed in (1, 2, 3):
        made = candidate(seed)
        store.candidates.add(made, store.clips.put(made.audio, 16000))
    first, second, third = (candidate(seed).id for seed in (1, 2, 3))
    for who, what, liked in [
        ("me", first, True),
        ("me", second, True),
        ("you", third, True),
        ("me", first, False),
        ("me", second, False),
        ("me", first, True),
    ]:
        store.candidates.set_favourite(what, who, liked)
    assert store.candidates.favourites("me") == [first]
    assert store.candidates.favourites("you") == [third]


def test_a_refused_write_is_a_sentence(store):
    """A database that cannot be written says so in words a person can act on."""
    with store.database.read() as rows:
        rows.exec_driver_sql("pragma query_only = on")
    with pytest.raises(StudioError, match="did not take it.*readonly"):
        store.jobs.add("generate", "me", {})


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    """The name of the setting is in it."""
    blocker = tmp_path / "file"
    write_audio(tmp_path / "x.wav", np.zeros((1, 10), np.float32), 16000)
    blocker.write_text("")
    with pytest.raises(StudioError, match="cannot be made.*set BATON_DATA"):
        Store(blocker / "data")


def test_jobs_from_before_findings_have_none(tmp_path):
    """A job that was stored by an older studio is read as one that found nothing out."""
    old = Database(local_url(tmp_path))
    migrate(old, MIGRATIONS[:3])
    with old.write() as rows:
        rows.execute(
            text(
                "insert into jobs values ('j', 'generate', 'here', '{}', 'done', 1, 1.0, '', '[]',"
                " null, 1, 0, null, null, 'then', null, null)"
            )
        )
    old.close()
    store = Store(tmp_path)
    assert store.jobs.get("j").findings == {}
    store.jobs.change("j", findings={"matches": {"0": "ä"}})
    assert store.jobs.get("j").findings == {"matches": {"0": "ä"}}
    store.close()
