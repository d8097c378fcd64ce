"""One open database: SQLite on a local disk, or PostgreSQL; short transactions, one writer at a time."""

import logging
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError, TimeoutError

from pipelines.errors import StudioError
from studio.refusals import NotStored

log = logging.getLogger(__name__)


class Database:
    """Transactions on one database, each of them whole or not at all.

    >>> with Database("sqlite://").write() as rows:
    ...     rows.exec_driver_sql("select 1").scalar()
    1
    """

    def __init__(self, url: str) -> None:
        """Open it.

        Args:
            url: an SQLAlchemy URL, `sqlite:///file` or `postgresql+psycopg://…`.

        Raises:
            StudioError: the URL cannot be read or the driver is not installed.
        """
        try:
            self.engine = create_engine(url, **engine_options(url))
        except (ArgumentError, ModuleNotFoundError) as error:
            raise StudioError(
                f"DATABASE_URL cannot be used ({error}); give postgresql+psycopg://user:password"
                "@host/name and install psycopg, or leave it out for SQLite."
            ) from error
        self.turn: AbstractContextManager = nullcontext()
        if self.engine.dialect.name == "sqlite":
            keep_sqlite_safe(self.engine)
            self.turn = threading.Lock()  # fairer and sooner than SQLite's own waiting by sleeping

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only looks."""
        with self.spoken_for(), self.engine.connect() as connection:
            yield connection.execution_options(looks_only=True)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that changes something; SQLite takes the write lock before looking."""
        with self.spoken_for(), self.turn, self.engine.begin() as connection:
            yield connection

    @contextmanager
    def spoken_for(self) -> Iterator[None]:
        """The database's own refusals (full disk, locked, away) in a sentence."""
        try:
            yield
        except (OperationalError, InterfaceError, TimeoutError) as error:
            reason = getattr(error, "orig", error)  # without the values, which are people's
            log.warning("the database did not take it: %s", reason)
            if self.engine.dialect.name != "sqlite":  # it names hosts and users, also to strangers
                raise NotStored(
                    "The database did not take it; the log says why. Try again in a moment."
                ) from error
            raise NotStored(
                f"The database did not take it ({reason}); free some disk space, check "
                "that the data folder can be written, and try again."
            ) from error

    def sweep(self) -> None:
        """With SQLite, empty the write-ahead log, which still holds what was just overwritten."""
        if self.engine.dialect.name == "sqlite":
            connection = self.engine.raw_connection()
            connection.execute("pragma wal_checkpoint(truncate)")
            connection.close()

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()


def local_url(folder: Path) -> str:
    """The SQLite database in this folder, which is made if need be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudioError(
            f"The data folder {folder} cannot be made ({error.strerror}); set BATON_DATA to a "
            "folder on a local disk that you may write."
        ) from error
    return f"sqlite:///{(folder / 'studio.db').resolve()}"


def engine_options(url: str) -> dict[str, object]:
    """What `create_engine` needs for this kind of database."""
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": 10, "check_same_thread": False}}
    return {"pool_pre_ping": True}


def keep_sqlite_safe(engine: Engine) -> None:
    """Write-ahead log, sync at every commit, foreign keys on, and our own `begin`.

    Without `begin immediate` two writers may both look first and one of them then fails.
    """

    @event.listens_for(engine, "connect")
    def prepare(connection, _record) -> None:
        connection.isolation_level = None  # the driver's own begin comes too late
        for pragma in ("journal_mode=wal", "synchronous=full", "foreign_keys=on"):
            connection.execute(f"pragma {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        looks_only = connection.get_execution_options().get("looks_only")
        connection.exec_driver_sql("begin" if looks_only else "begin immediate")
