"""A segment as a file: a heading, one row per line, and a last line that proves that all are there."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.errors import StudioError

FORMAT = "baton votes 1"
Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class SegmentFile:
    """What a file holds: rows by table, in the order in which tables name each other."""

    name: str
    created_at: str  # when the segment was closed
    rows: dict[str, list[Row]]


def written(file: SegmentFile) -> bytes:
    """The file's bytes; the same rows give the same bytes.

    >>> read(written(SegmentFile(name="votes/a-1.jsonl", created_at="", rows={}))).rows
    {}
    """
    heading = {"format": FORMAT, "name": file.name, "created_at": file.created_at}
    lines = [heading, *([table, row] for table, rows in file.rows.items() for row in rows)]
    body = "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines).encode()
    end = {"lines": len(lines), "sha256": hashlib.sha256(body).hexdigest()}
    return body + json.dumps(end).encode() + b"\n"


def read(content: bytes) -> SegmentFile:
    """What `written` wrote.

    Raises:
        StudioError: it was cut short, or changed, or is something else; the sentence says which.
    """
    body, _, last = content.rstrip(b"\n").rpartition(b"\n")
    body += b"\n"
    end = parsed(last)
    if not isinstance(end, dict) or end.get("sha256") != hashlib.sha256(body).hexdigest():
        raise StudioError("it was cut short or changed")
    heading, *lines = [parsed(line) for line in body.splitlines()]
    if not isinstance(heading, dict) or heading.get("format") != FORMAT:
        raise StudioError(f"it is not of the format {FORMAT!r}")
    rows: dict[str, list[Row]] = {}
    for line in lines:
        table, row = line
        rows.setdefault(table, []).append(row)
    return SegmentFile(name=heading["name"], created_at=heading["created_at"], rows=rows)


def parsed(line: bytes) -> Any:
    """The JSON of a line, or None."""
    try:
        return json.loads(line)
    except ValueError:
        return None


def without_forgotten(
    files: Sequence[SegmentFile], forgotten: set[str]
) -> Iterator[tuple[SegmentFile, Mapping[str, list[Row]]]]:
    """Each file with the rows that are left when these voters are nobody's business any more.

    Args:
        files: in the order in which they were written.
        forgotten: voters' ids.
    """
    gone = set(forgotten)  # ids of voters, then also of their servings and votes
    for file in files:
        kept: dict[str, list[Row]] = {}
        for table, rows in file.rows.items():
            for row in rows:
                if table != "forgotten" and gone & {
                    row.get("voter"),
                    row.get("serving"),
                    row.get("vote"),
                    row["id"] if table == "voters" else None,
                }:
                    gone |= {row["id"]} if "id" in row else set()
                else:
                    kept.setdefault(table, []).append(row)
        yield file, kept
