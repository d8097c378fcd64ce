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


def m005_votes(rows: Connection) -> None:
    """Campaigns, what each voter was shown, and what they said; `position` is the order of a backup.

    Rows are only added. A vote is taken back or changed by a row of a later revision; what a person
    asked to have deleted is gone, and the name in `forgotten` keeps a backup from bringing it back.
    """
    number = {
        "sqlite": "integer primary key autoincrement",
        "postgresql": "bigint generated always as identity primary key",
    }[rows.dialect.name]
    for table, columns in VOTE_TABLES.items():
        rows.execute(text(f"create table {table} (position {number}, {columns})"))
    rows.execute(
        text("""
        create table drafts (
            serving text primary key references servings (id),
            answer text not null,
            updated_at text not null
        )""")
    )
    for index, where in VOTE_INDEXES.items():
        rows.execute(text(f"create index {index} on {where}"))


VOTE_TABLES = {
    "campaigns": """
        id text not null unique,
        owner text not null,
        definition text not null,
        created_at text not null""",
    "campaign_events": """
        id text not null unique,
        campaign text not null references campaigns (id),
        kind text not null,
        said text not null,
        created_at text not null""",
    "campaign_clips": """
        campaign text not null references campaigns (id),
        prompt integer not null,
        system text not null,
        take integer not null,
        clip text not null references clips (sha256),
        source text not null references clips (sha256),
        candidate text,
        measures text not null,
        created_at text not null,
        unique (campaign, prompt, system, take)""",
    "voters": """
        id text not null unique,
        kind text not null,
        created_at text not null""",
    "joins": """
        campaign text not null references campaigns (id),
        voter text not null references voters (id),
        created_at text not null,
        unique (campaign, voter)""",
    "servings": """
        id text not null unique,
        campaign text not null references campaigns (id),
        voter text not null references voters (id),
        number integer not null,
        kind text not null,
        prompt integer not null,
        clips text not null,
        answer integer not null,
        nonce text not null,
        created_at text not null,
        unique (campaign, voter, number)""",
    "hearings": """
        serving text not null references servings (id),
        place integer not null,
        created_at text not null,
        unique (serving, place)""",
    "votes": """
        id text not null unique,
        serving text not null references servings (id),
        campaign text not null references campaigns (id),
        voter text not null references voters (id),
        revision integer not null,
        action text not null,
        kind text not null,
        prompt integer not null,
        system_a text,
        system_b text,
        take_a integer,
        take_b integer,
        outcome text,
        reason text,
        first_played integer,
        heard text not null,
        decision_ms integer,
        interface text not null,
        created_at text not null,
        unique (serving, revision)""",
    "vote_aspects": """
        vote text not null references votes (id),
        aspect text not null,
        outcome text not null,
        unique (vote, aspect)""",
    "vote_scores": """
        vote text not null references votes (id),
        place integer not null,
        system text not null,
        take integer not null,
        aspect text not null,
        value double precision,
        unique (vote, place, aspect)""",
    "reveals": """
        serving text not null unique references servings (id),
        created_at text not null""",
    "exclusions": """
        id text not null unique,
        campaign text not null references campaigns (id),
        voter text,
        vote text,
        reason text not null,
        made_by text not null,
        lifts text,
        created_at text not null""",
    "forgotten": """
        voter text not null unique,
        created_at text not null""",
}
VOTE_INDEXES = {
    "campaign_events_by_campaign": "campaign_events (campaign)",
    "votes_by_campaign": "votes (campaign, position)",
    "votes_by_voter": "votes (voter, campaign, position)",
    "votes_changed": "votes (campaign, position) where revision > 0",
    "servings_by_prompt": "servings (campaign, prompt)",
    "exclusions_by_campaign": "exclusions (campaign)",
}


def m006_segments(rows: Connection) -> None:
    """What of the votes a backup has: spans of places in each table, and a few notes."""
    number = {
        "sqlite": "integer primary key autoincrement",
        "postgresql": "bigint generated always as identity primary key",
    }[rows.dialect.name]
    rows.execute(
        text(f"""
        create table segments (
            position {number},
            name text not null unique,
            starts text not null,
            ends text not null,
            created_at text not null,
            confirmed_at text,
            is_stale integer not null default 0
        )""")
    )
    rows.execute(text("create table marks (name text primary key, value text not null)"))


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (
    m001_candidates,
    m002_jobs,
    m003_judgements,
    m004_findings,
    m005_votes,
    m006_segments,
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
