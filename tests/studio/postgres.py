"""A PostgreSQL of its own for a test run: begun in a folder of its own, gone with it afterwards."""

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text

GIVEN = os.environ.get("TEST_DATABASE_URL")  # an empty PostgreSQL, postgresql+psycopg://…
PATIENCE = 60  # seconds


def programs() -> Path | None:
    """Where initdb and pg_ctl are: on the path, or where Debian puts them; the newest."""
    on_path = shutil.which("pg_ctl")
    if on_path and Path(on_path).with_name("initdb").exists():
        return Path(on_path).parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda p: p.parts[-3])
    return found[-1].parent if found else None


def missing() -> str | None:
    """Why there is no PostgreSQL here, or None when there is."""
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg is not installed"
    if GIVEN or programs():
        return None
    return "there is no PostgreSQL; apt-get install postgresql, or set TEST_DATABASE_URL"


class Cluster:
    """A PostgreSQL server on a socket in a folder; root hands it to the user `postgres`.

    Args:
        syncs: whether every commit waits for the disk, as in earnest; else tests go faster.
    """

    def __init__(self, syncs: bool = False) -> None:
        self.syncs = syncs
        self.folder = Path(tempfile.mkdtemp(prefix="baton-postgres-"))
        self.user = None
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            self.user = pwd.getpwnam("postgres" if known("postgres") else "nobody")
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        self.data = self.folder / "data"
        self._run("initdb", "-D", self.data, "-U", "baton", "-A", "trust", "-E", "UTF8", "-N")
        self.start()

    @property
    def url(self) -> str:
        """SQLAlchemy's address of its one database."""
        return f"postgresql+psycopg://baton@/postgres?host={self.folder}"

    def start(self) -> None:
        """Begin to serve."""
        options = (
            f"-k {self.folder} -c listen_addresses='' -c fsync={'on' if self.syncs else 'off'}"
        )
        log = self.folder / "log"
        self._run("pg_ctl", "-D", self.data, "-w", "-l", log, "-o", options, "start")

    def close(self) -> None:
        """Stop it and delete its folder."""
        self._run("pg_ctl", "-D", self.data, "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: object) -> None:
        user = {"user": self.user.pw_uid, "group": self.user.pw_gid} if self.user else {}
        command = [str(programs() / program), *map(str, arguments)]
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
            stderr=subprocess.STDOUT if program == "initdb" else subprocess.DEVNULL,
            timeout=PATIENCE,
            cwd=self.folder,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            extra_groups=[] if self.user else None,
            **user,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stdout}; see {self.folder}")


def known(user: str) -> bool:
    """Whether the machine has this user."""
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


@contextmanager
def fresh_schema(url: str) -> Iterator[str]:
    """The address of an empty schema of its own, dropped afterwards."""
    name, engine = f"test_{uuid.uuid4().hex}", create_engine(url)
    with engine.begin() as rows:
        rows.execute(text(f"create schema {name}"))
    try:
        yield f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{name}"
    finally:
        with engine.begin() as rows:
            rows.execute(text(f"drop schema {name} cascade"))
        engine.dispose()
