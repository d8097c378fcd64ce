"""Segments: which rows of votes a backup has, by the places where each table's part ends."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import IntegrityError

from studio.store.candidates import now
from studio.store.database import Database
from studio.store.migrations import VOTE_TABLES
from studio.store.segment_file import Row, SegmentFile, without_forgotten

FIRST = ("campaigns", "campaign_events", "clips")  # clips go before the rows that name them
TABLES = (*FIRST, *(table for table in VOTE_TABLES if table not in FIRST))

# Tables whose rows are counted: of what each number is unique, and its column.
NUMBERED = {"servings": (("campaign", "voter"), "number"), "votes": (("serving",), "revision")}


@dataclass(frozen=True, kw_only=True)
class Segment:
    """Rows of every table from one place, exclusive, to another, inclusive."""

    name: str  # of its file in the backup; never used twice
    created_at: str
    starts: dict[str, int]
    ends: dict[str, int]
    is_confirmed: bool  # the backup said that it has it
    is_stale: bool  # the backup's copy still holds rows that were deleted here


class SegmentTable:
    """The chain of segments, each beginning where the one before ends.

    The rows themselves are the outbox: a segment's file is written anew whenever it is sent, so
    nothing can be lost between the two, and what was deleted here is not sent again.
    SQLite alone: one writer at a time, so places grow in the order in which rows are committed.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    def mark(self, name: str) -> str | None:
        """What is noted under this name."""
        with self.database.read() as rows:
            question = text("select value from marks where name = :name")
            return rows.execute(question, {"name": name}).scalar()

    def keep_mark(self, name: str, value: str) -> None:
        """Note this under the name; what was noted first stays."""
        with self.database.write() as rows:
            question = text("insert into marks values (:name, :value) on conflict do nothing")
            rows.execute(question, {"name": name, "value": value})

    def close(self, boot: str) -> Segment | None:
        """Close a segment over all rows that are in none; None when there are no such rows."""
        with self.database.write() as rows:
            return close_rest(rows, boot)

    def has_rest(self) -> bool:
        """Whether there are rows in no segment yet."""
        with self.database.read() as rows:
            return farthest(rows, ends_of(rows)) != ends_of(rows)

    def unsent(self) -> list[Segment]:
        """What the backup has not confirmed, and what must be written anew, the oldest first."""
        with self.database.read() as rows:
            question = "where confirmed_at is null or is_stale = 1 order by position"
            return [
                read_row(row) for row in rows.execute(text(f"select * from segments {question}"))
            ]

    def names(self) -> set[str]:
        """The names of all segments that are here."""
        with self.database.read() as rows:
            return {row.name for row in rows.execute(text("select name from segments"))}

    def votes_waiting(self) -> int:
        """How many votes the backup has not confirmed."""
        count = text("select count(*) from votes where position > :start and position <= :end")
        with self.database.read() as rows:
            ends = ends_of(rows)
            found = rows.execute(text("select * from segments where confirmed_at is null"))
            spans = [(s.starts["votes"], s.ends["votes"]) for s in map(read_row, found)]
            spans.append((ends["votes"], farthest(rows, ends)["votes"]))
            return sum(rows.execute(count, {"start": a, "end": b}).scalar() for a, b in spans)

    def file(self, segment: Segment) -> SegmentFile:
        """The rows of a segment that are still here, and those of the clips that they name."""
        found: dict[str, list[Row]] = {}
        with self.database.read() as rows:
            for table in TABLES:
                part = (
                    clips_of(rows, segment) if table == "clips" else part_of(rows, table, segment)
                )
                if part:
                    found[table] = part
        return SegmentFile(name=segment.name, created_at=segment.created_at, rows=found)

    def confirm(self, name: str) -> None:
        """The backup has this segment as it is here."""
        with self.database.write() as rows:
            question = "update segments set confirmed_at = coalesce(confirmed_at, :now)"
            question += ", is_stale = 0 where name = :name"
            rows.execute(text(question), {"now": now(), "name": name})

    def take_in(self, files: Sequence[SegmentFile], boot: str) -> list[str]:
        """Add every row of these files that is not here yet; what was left out, in words.

        All of them or none: half a history would give later rows the numbers of earlier ones.
        """
        left_out = []
        ordered = sorted(files, key=lambda file: (file.created_at, file.name))
        with self.database.write() as rows:
            close_rest(rows, boot)
            forgotten = {row.voter for row in rows.execute(text("select voter from forgotten"))}
            for file in files:
                forgotten |= {row["voter"] for row in file.rows.get("forgotten", [])}
            for file, kept in without_forgotten(ordered, forgotten):
                starts = ends_of(rows)
                orphans = sum(add_rows(rows, table, kept.get(table, [])) for table in TABLES)
                if unknown := sorted(set(kept) - set(TABLES)):
                    left_out.append(f"{file.name}: {', '.join(unknown)} are of a newer studio")
                if orphans:
                    left_out.append(f"{file.name}: {orphans} rows name others that are not here")
                record(rows, file.name, file.created_at, starts, farthest(rows, starts), now())
        return left_out


def close_rest(rows: Connection, boot: str) -> Segment | None:
    """Record a segment over all rows that are in none."""
    starts = ends_of(rows)
    ends = farthest(rows, starts)
    if ends == starts:
        return None
    number = rows.execute(text("select count(*) from segments")).scalar()
    name, moment = f"votes/{boot}-{number:06d}.jsonl", now()
    record(rows, name, moment, starts, ends, None)
    return Segment(
        name=name,
        created_at=moment,
        starts=starts,
        ends=ends,
        is_confirmed=False,
        is_stale=False,
    )


def ends_of(rows: Connection) -> dict[str, int]:
    """Where the last segment ends, by table."""
    question = text("select ends from segments order by position desc limit 1")
    last = rows.execute(question).scalar()
    return dict.fromkeys(VOTE_TABLES, 0) | json.loads(last or "{}")


def farthest(rows: Connection, ends: Mapping[str, int]) -> dict[str, int]:
    """The last place in each table; deleted rows do not bring it back below `ends`."""
    return {
        table: max(
            ends[table], rows.execute(text(f"select max(position) from {table}")).scalar() or 0
        )
        for table in VOTE_TABLES
    }


def record(
    rows: Connection,
    name: str,
    created_at: str,
    starts: Mapping[str, int],
    ends: Mapping[str, int],
    confirmed_at: str | None,
) -> None:
    """Remember a segment; its place in the chain is the next one."""
    rows.execute(
        text(
            "insert into segments (name, starts, ends, created_at, confirmed_at)"
            " values (:name, :starts, :ends, :created_at, :confirmed_at)"
        ),
        {
            "name": name,
            "starts": json.dumps(starts),
            "ends": json.dumps(ends),
            "created_at": created_at,
            "confirmed_at": confirmed_at,
        },
    )


def mark_stale(rows: Connection, places: Mapping[str, Sequence[int]]) -> None:
    """These rows are about to be deleted: what the backup has of their segments must be rewritten."""
    for segment in map(read_row, rows.execute(text("select * from segments")).all()):
        if any(
            segment.starts.get(table, 0) < place <= segment.ends.get(table, 0)
            for table, found in places.items()
            for place in found
        ):
            question = text("update segments set is_stale = 1 where name = :name")
            rows.execute(question, {"name": segment.name})


def part_of(rows: Connection, table: str, segment: Segment) -> list[Row]:
    """The rows of a table that lie in a segment, without their places, which are this database's."""
    question = (
        f"select * from {table} where position > :start and position <= :end order by position"
    )
    span = {"start": segment.starts.get(table, 0), "end": segment.ends.get(table, 0)}
    found = [dict(row._mapping) for row in rows.execute(text(question), span)]
    return [{name: value for name, value in row.items() if name != "position"} for row in found]


def clips_of(rows: Connection, segment: Segment) -> list[Row]:
    """The clips that a segment's fair clips name."""
    question = (
        "select * from clips where sha256 in (select clip from campaign_clips where {span}"
        " union select source from campaign_clips where {span}) order by sha256"
    ).format(span="position > :start and position <= :end")
    span = {
        "start": segment.starts.get("campaign_clips", 0),
        "end": segment.ends.get("campaign_clips", 0),
    }
    return [dict(row._mapping) for row in rows.execute(text(question), span)]


def add_rows(rows: Connection, table: str, wanted: Sequence[Row]) -> int:
    """Add rows that are not here yet; how many name others that are missing and were left out."""
    if not wanted:
        return 0
    columns = {column["name"] for column in inspect(rows).get_columns(table)} - {"position"}
    names = [name for name in wanted[0] if name in columns]  # never a name out of a file
    places = ", ".join(f":{name}" for name in names)
    question = text(
        f"insert into {table} ({', '.join(names)}) values ({places}) on conflict do nothing"
    )
    if table in NUMBERED:
        wanted = numbered(rows, table, wanted)
    try:
        with rows.begin_nested():
            rows.execute(question, list(wanted))
        return 0
    except IntegrityError:
        return sum(not is_added(rows, question, row) for row in wanted)


def is_added(rows: Connection, question: Any, row: Row) -> bool:
    """Add one row; False when it names another that is missing."""
    try:
        with rows.begin_nested():
            rows.execute(question, row)
    except IntegrityError:
        return False
    return True


def numbered(rows: Connection, table: str, wanted: Sequence[Row]) -> list[Row]:
    """The rows, each after all others of its kind here when another one has its number.

    Two lives of a studio that did not know of each other may have given a number twice; then both
    servings stay, and of two votes on one serving the one that comes back counts.
    """
    whose, number = NUMBERED[table]
    where = " and ".join(f"{name} = :{name}" for name in whose)
    question = text(f"select id, {number} as number from {table} where {where}")
    taken: dict[tuple[str, ...], dict[int, str]] = {}
    made = []
    for row in wanted:
        key = tuple(row[name] for name in whose)
        if key not in taken:
            found = rows.execute(question, {name: row[name] for name in whose})
            taken[key] = {other.number: other.id for other in found}
        numbers = taken[key]
        is_free = numbers.get(row[number], row["id"]) == row["id"]
        given = row[number] if is_free or row["id"] in numbers.values() else max(numbers) + 1
        numbers.setdefault(given, row["id"])
        made.append({**row, number: given})
    return made


def read_row(row: Any) -> Segment:
    """A segment from its row."""
    return Segment(
        name=row.name,
        created_at=row.created_at,
        starts=dict.fromkeys(VOTE_TABLES, 0) | json.loads(row.starts),
        ends=dict.fromkeys(VOTE_TABLES, 0) | json.loads(row.ends),
        is_confirmed=row.confirmed_at is not None,
        is_stale=bool(row.is_stale),
    )
