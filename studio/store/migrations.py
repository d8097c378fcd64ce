"""The schema as its history: numbered steps, each applied once, each together with its record."""

from collections.abc import Callable

from sqlalchemy import Connection, text

from studio.store.database import Database


def m001_candidates(rows: Connection) -> None:
    """Clips by the hash of their bytes, candidates by the hash of what made them."""
    rows.execute(
        text("""
        create table clips (
            sha256 text primary key,
            bytes integer not null,
            sample_rate integer not null,
            channels integer not null,
            samples integer not null,
            created_at text not null
        )""")
    )
    rows.execute(
        text("""
        create table candidates (
            id text primary key,
            clip text not null references clips (sha256),
            prompt text not null,
            seconds double precision not null,
            model text not null,
            seed integer not null,
            recipe text not null,
            timings text not null,
            created_at text not null
        )""")
    )
    rows.execute(text("create index candidates_by_prompt on candidates (prompt, model)"))


def m002_jobs(rows: Connection) -> None:
    """Long work: what was asked, how far it is, who is at it, and what it made."""
    rows.execute(
        text("""
        create table jobs (
            id text primary key,
            kind text not null,
            owner text not null,
            request text not null,
            status text not null,
            phase integer not null,
            progress double precision not null,
            note text not null,
            notices text not null,
            error text,
            attempts integer not null,
            stop_asked integer not null,
            worker text,
            heartbeat_at text,
            created_at text not null,
            started_at text,
            finished_at text
        )""")
    )
    rows.execute(text("create index jobs_by_owner on jobs (owner, kind, created_at)"))
    rows.execute(text("create index jobs_by_status on jobs (status)"))
    rows.execute(
        text("""
        create table job_candidates (
            job text not null references jobs (id),
            position integer not null,
            candidate text not null references candidates (id),
            primary key (job, position)
        )""")
    )


def m003_judgements(rows: Connection) -> None:
    """What a judge said of a candidate, and what people like; both only ever grow."""
    rows.execute(
        text("""
        create table judgements (
            candidate text not null references candidates (id),
            judge text not null,
            said text not null,
            created_at text not null,
            primary key (candidate, judge)
        )""")
    )
    rows.execute(
        text("""
        create table favourite_events (
            id text primary key,
            candidate text not null references candidates (id),
            owner text not null,
            liked integer not null,
            position integer not null,
            created_at text not null
        )""")
    )
    rows.execute(
        text("create index favourite_events_by_owner on favourite_events (owner, candidate)")
    )


def m004_findings(rows: Connection) -> None:
    """What a job itself found out on the way, such as the gains of each pair: JSON."""
    rows.execute(text("alter table jobs add column findings text not null default '{}'"))


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (
    m001_candidates,
    m002_jobs,
    m003_judgements,
    m004_findings,
)


def migrate(
    database: Database, steps: tuple[Callable[[Connection], None], ...] = MIGRATIONS
) -> list[str]:
    """Apply what is missing, in order; return the names of the steps applied now."""
    with database.write() as rows:
        wait_for_turn(rows)
        rows.execute(
            text(
                "create table if not exists migrations "
                "(name text primary key, applied_at text not null)"
            )
        )
    return [step.__name__ for step in steps if apply_once(database, step)]


def apply_once(database: Database, step: Callable[[Connection], None]) -> bool:
    """Apply one step unless it is recorded; the step and its record are one transaction."""
    with database.write() as rows:
        wait_for_turn(rows)
        known = text("select 1 from migrations where name = :name")
        if rows.execute(known, {"name": step.__name__}).first():
            return False
        step(rows)
        rows.execute(
            text("insert into migrations values (:name, cast(current_timestamp as text))"),
            {"name": step.__name__},
        )
        return True


def wait_for_turn(rows: Connection) -> None:
    """On PostgreSQL, one migrating process at a time; SQLite's write lock already sees to it."""
    if rows.dialect.name == "postgresql":
        rows.execute(text("select pg_advisory_xact_lock(7214001)"))
