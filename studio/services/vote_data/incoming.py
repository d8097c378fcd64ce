"""What an import reads, before any of it is kept; and how an untrusted file of rows is read."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from pipelines.errors import StudioError
from studio.store.campaigns import CampaignClip
from studio.store.vote_rows import VoteRow

MOST_FILE_BYTES = 256_000_000  # of one file of rows
MOST_ROWS = 500_000
MOST_WORDS = 2_000  # characters of a prompt, a reason, a name


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """A campaign read from a file, all of it checked, nothing of it stored."""

    definition: dict[str, Any]  # with its origin
    clips: Sequence[CampaignClip]  # their campaign is yet to be made
    votes: Sequence[VoteRow]
    sounds: Mapping[str, Path]  # by the name that the clips use for them
    are_hashes: bool  # whether that name is the SHA-256 that the sound must have
    refused: Mapping[str, int]  # rows that are left out, by reason


def definition_of(**told: Any) -> dict[str, Any]:
    """A definition for reading: nobody may vote, nobody is shown it but its owner."""
    usual = {
        "aspects": [],
        "rubric": None,
        "half_steps": False,
        "takes": 1,
        "votes_wanted": 1,
        "most_per_voter": None,
        "gold": 0.0,
        "same_system": 0.0,
        "reveals": "never",
        "heard_share": 0.0,
        "voters": "people",
        "study": None,
        "seed": 0,
    }
    closed = {"who": "anyone", "passphrase": None, "is_listed": False}
    return {**usual, **told, **closed}


def read_json(path: Path) -> Any:
    """The value in a JSON file.

    Raises:
        StudioError: no such file, too large, not JSON, or numbers that are none.
    """
    return parsed(_text(path), path.name)


def read_lines(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Where each row stands, for a message, and the row."""
    lines = [line for line in _text(path).split("\n") if line.strip()]
    if len(lines) > MOST_ROWS:
        raise StudioError(f"{path.name} has {len(lines)} rows; at most {MOST_ROWS} are read.")
    for number, line in enumerate(lines, 1):
        where = f"{path.name}, row {number}"
        yield where, of_kind(parsed(line, where), dict, where)


def parsed(text: str, where: str) -> Any:
    """The value in a JSON text."""

    def refuse(word: str) -> NoReturn:
        raise StudioError(f"{where} holds {word}, which is no number; write null instead.")

    try:
        return json.loads(text, parse_constant=refuse)
    except (json.JSONDecodeError, RecursionError) as error:
        raise StudioError(f"{where} is not JSON that can be read; write it again.") from error


def of_kind(value: Any, kind: type, what: str) -> Any:
    """The value, if it is of this kind; true is no number, and a number may be whole."""
    fits = isinstance(value, (int, float) if kind is float else kind)
    if not fits or (isinstance(value, bool) and kind is not bool):
        names = {dict: "an object", list: "a list", str: "text", int: "a whole number"}
        names |= {float: "a number", bool: "true or false"}
        raise StudioError(f"{what} is {json.dumps(value)[:60]}; it must be {names[kind]}.")
    return value


def words(value: Any, what: str, most: int = MOST_WORDS) -> str:
    """Text of a bearable length."""
    if len(of_kind(value, str, what)) > most:
        raise StudioError(f"{what} has {len(value)} characters; at most {most} are read.")
    return value


def within(value: Any, what: str, low: float, high: float, kind: type = float) -> Any:
    """A number in its range."""
    if not low <= of_kind(value, kind, what) <= high:
        raise StudioError(f"{what} is {value}; it must be from {low:g} to {high:g}.")
    return value


def one_of(value: Any, what: str, allowed: Sequence[Any]) -> Any:
    """One of what is allowed."""
    if isinstance(value, list | dict | bool) or value not in allowed:
        known = ", ".join(map(str, allowed))
        raise StudioError(f"{what} is {json.dumps(value)[:60]}; allowed are {known}.")
    return value


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_FILE_BYTES:
            raise StudioError(
                f"{path.name} has {path.stat().st_size / 1e6:.0f} MB; at most "
                f"{MOST_FILE_BYTES / 1e6:.0f} MB are read. Split it."
            )
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise StudioError(f"{path.name} is not text in UTF-8; save it as that.") from error
    except OSError as error:
        raise StudioError(f"{path} cannot be read ({error.strerror}); check the path.") from error
