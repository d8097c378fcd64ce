"""The live votes of a campaign as columns, read in bulk and kept: a look reads what came since the last.

A million rows fetched one by one take three seconds, most of them spent making Python objects; here
the database writes each column into one long text, which numpy reads in a twentieth of that. Words
that repeat (systems, outcomes) are written together as the way a vote went, and numbered.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import Connection, String, bindparam, text

from studio.store.database import Database
from studio.store.votes import CAST, UNDO

CHUNK = 250_000  # positions whose rows are written into one text: some 10 MB, far from any database's limit
KEPT = 4  # campaigns whose columns stay in memory: about 30 MB for a million votes
COLUMNS = ("position", "voter", "prompt", "decision_ms", "way")
WAY = ("kind", "system_a", "system_b", "take_a", "take_b", "outcome", "first_played")
BETWEEN, WITHIN = "\x1f", "\x1e"  # between rows; between the words of one row


@dataclass(frozen=True, kw_only=True)
class Way:
    """How a vote went, but for who gave it on which prompt; empty or -1 where it does not apply."""

    kind: str
    system_a: str
    system_b: str
    take_a: int
    take_b: int
    outcome: str
    first_played: int


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Live votes in the order they were stored: the highest revision of each serving, if it is cast."""

    mark: tuple[
        int, int
    ]  # how many rows there are and the sum of their positions: another, other votes
    voters: tuple[str, ...]  # ids in the order of their first vote; "voter 1" is the first
    ways: tuple[Way, ...]
    position: np.ndarray  # [votes] ascending
    voter: np.ndarray  # [votes] place in voters
    prompt: np.ndarray  # [votes] place in the campaign's prompts
    decision_ms: np.ndarray  # [votes] -1 where it was not told
    way: np.ndarray  # [votes] place in ways
    taken_back: int  # rows that undo and what they undid
    changed: int  # rows that a later revision stands for

    def __len__(self) -> int:
        return len(self.position)

    def of_way(self, name: str) -> np.ndarray:
        """[votes]: this field of each vote's way."""
        return np.array([getattr(way, name) for way in self.ways] or [""])[self.way]


@dataclass(frozen=True, kw_only=True)
class ScoreColumns:
    """The scores or aspects of live votes."""

    row: np.ndarray  # [scores] place of the vote among the live ones
    words: tuple[tuple[str, ...], ...]  # (place, system, take, aspect), or (aspect, outcome)
    word: np.ndarray  # [scores] place in words
    value: np.ndarray  # [scores] not a number where none was given

    def of_word(self, at: int) -> np.ndarray:
        """[scores]: this word of each."""
        return np.array([words[at] for words in self.words] or [""])[self.word]


class Numbers(dict[str, int]):
    """Words numbered in the order in which they are first asked for."""

    def __missing__(self, word: str) -> int:
        self[word] = len(self)
        return self[word]


@dataclass(kw_only=True)
class Kept:
    """All rows of a campaign read so far, dead ones too."""

    numbers: Numbers = field(default_factory=Numbers)  # voter -> place
    words: Numbers = field(default_factory=Numbers)  # way as written -> place
    columns: dict[str, np.ndarray] = field(
        default_factory=lambda: {name: np.zeros(0, dtype=np.int64) for name in COLUMNS}
    )
    replaced: list[int] = field(default_factory=list)  # positions; a later revision counts
    undoing: list[int] = field(default_factory=list)  # positions of rows that take a vote back
    live: Columns | None = None

    @property
    def mark(self) -> tuple[int, int]:
        """What `Columns.mark` is of these rows."""
        return len(self.columns["position"]), int(self.columns["position"].sum())


class VoteColumns:
    """Reads votes, scores and aspects of campaigns; threads take turns."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.lock = threading.Lock()
        self.kept: OrderedDict[str, Kept] = OrderedDict()

    def votes(self, campaign: str) -> Columns:
        """The live votes now."""
        with self.lock, self.database.read() as rows:
            hold_still(rows)
            return self._look(rows, campaign)

    def voters(self, campaign: str) -> list[str]:
        """The ids of those who voted, in the order of their first vote that is still stored."""
        return list(self.votes(campaign).voters)

    def positions(self, votes: Sequence[str]) -> list[int]:
        """The positions of these votes, as many as are known."""
        question = text("select position from votes where id in :ids").bindparams(
            bindparam("ids", expanding=True, type_=String())
        )
        with self.database.read() as rows:
            return list(rows.execute(question, {"ids": list(votes)}).scalars())

    def has_vote(self, campaign: str, vote: str) -> bool:
        """Whether this vote was cast in this campaign."""
        question = text("select 1 from votes where id = :id and campaign = :campaign")
        with self.database.read() as rows:
            return rows.execute(question, {"id": vote, "campaign": campaign}).first() is not None

    def scores(self, campaign: str) -> tuple[Columns, ScoreColumns]:
        """The live votes, and the score of each of their sounds: words are place, system, take, aspect."""
        return self._with(campaign, "vote_scores", ("place", "system", "take", "aspect"), "s.value")

    def aspects(self, campaign: str) -> tuple[Columns, ScoreColumns]:
        """The live votes, and what they said of each aspect: words are aspect and outcome."""
        return self._with(campaign, "vote_aspects", ("aspect", "outcome"), "null")

    def by_hour(self, campaign: str) -> list[tuple[str, int]]:
        """How many votes were stored in each hour, "2026-11-21T13" and the like."""
        question = text(
            "select substr(created_at, 1, 13) as hour, count(*) as votes from votes"
            " where campaign = :campaign and action = :cast group by 1 order by 1"
        )
        with self.database.read() as rows:
            found = rows.execute(question, {"campaign": campaign, "cast": CAST})
            return [(row.hour, row.votes) for row in found]

    def _look(self, rows: Connection, campaign: str) -> Columns:
        mark = mark_of(rows, campaign)
        kept = self.kept.pop(campaign, None) or Kept()
        if kept.mark != mark:
            append(rows, campaign, kept)
        if kept.mark != mark:  # rows were deleted, or came to light behind the last one read
            kept = Kept()
            append(rows, campaign, kept)
        if kept.live is None or kept.live.mark != mark:
            kept.live = live(kept)
        self.kept[campaign] = kept
        while len(self.kept) > KEPT:
            self.kept.popitem(last=False)
        return kept.live

    def _with(
        self, campaign: str, table: str, words: tuple[str, ...], value: str
    ) -> tuple[Columns, ScoreColumns]:
        source = f"votes v join {table} s on s.vote = v.id where v.campaign = :campaign"
        wanted = ("v.position", f"coalesce(cast({value} as text), 'nan')")
        names = Numbers()
        with self.lock, self.database.read() as rows:
            hold_still(rows)
            found = self._look(rows, campaign)
            ways = written(rows, *(f"s.{word}" for word in words))
            told = in_texts(rows, source, (*wanted, ways), campaign=campaign) or ["", "", ""]
        position = integers(told[0])
        order = np.argsort(position, kind="stable")
        order = order[np.isin(position[order], found.position)]
        word = numbered(told[2].split(BETWEEN) if told[2] else [], names)
        return found, ScoreColumns(
            row=np.searchsorted(found.position, position[order]),
            words=tuple(tuple(name.split(WITHIN)) for name in names),
            word=word[order],
            value=np.fromstring(told[1], dtype=np.float64, sep=BETWEEN)[order],
        )


def hold_still(rows: Connection) -> None:
    """All questions of this transaction see one moment, as they do on SQLite anyway."""
    if rows.dialect.name == "postgresql":
        rows.execute(text("set transaction isolation level repeatable read"))


def mark_of(rows: Connection, campaign: str) -> tuple[int, int]:
    """How many rows the campaign has and the sum of their positions, from the index alone."""
    question = text("select count(*), coalesce(sum(position), 0) from votes where campaign = :c")
    count, total = rows.execute(question, {"c": campaign}).one()
    return count, int(total)


def append(rows: Connection, campaign: str, kept: Kept) -> None:
    """Read what lies behind the last row that is kept."""
    last = int(kept.columns["position"].max(initial=-1))
    source = "votes where campaign = :campaign and position > :after and position <= :until"
    wanted = ("position", "voter", "prompt", "coalesce(decision_ms, -1)", written(rows, *WAY))
    parts = {name: [column] for name, column in kept.columns.items()}
    for after, until in ranges(rows, campaign, last):
        told = in_texts(rows, source, wanted, campaign=campaign, after=after, until=until)
        if told is None:
            continue
        position = integers(told[0])
        order = np.argsort(position, kind="stable")  # a scan may come in any order
        is_sorted = bool((order[1:] > order[:-1]).all())
        for name, column in zip(COLUMNS, told, strict=True):
            numbers = {"voter": kept.numbers, "way": kept.words}.get(name)
            if numbers is None:
                parts[name].append(integers(column)[order])
                continue
            words = column.split(BETWEEN)
            words = words if is_sorted else [words[at] for at in order]
            parts[name].append(numbered(words, numbers))
    kept.columns = {name: joined(part) for name, part in parts.items()}
    later = (
        "from votes w {join} where w.campaign = :campaign and w.revision > 0 and w.position > :last"
    )
    replaced = "join votes v on v.serving = w.serving and v.revision < w.revision"
    values = {"campaign": campaign, "last": last}
    for kind, question in (
        (kept.replaced, f"select v.position {later.format(join=replaced)}"),
        (kept.undoing, f"select w.position {later.format(join='')} and w.action = '{UNDO}'"),
    ):
        kind += rows.execute(text(question), values).scalars()


def live(kept: Kept) -> Columns:
    """The rows that count, of all that were read."""
    counts = np.ones(len(kept.columns["position"]), dtype=bool)
    gone = np.unique(np.array([*kept.replaced, *kept.undoing], dtype=np.int64))
    counts[np.searchsorted(kept.columns["position"], gone)] = False
    undone = len(set(kept.undoing))
    return Columns(
        mark=kept.mark,
        voters=tuple(kept.numbers),
        ways=tuple(way_of(word) for word in kept.words),
        **{name: column[counts] for name, column in kept.columns.items()},
        taken_back=undone,
        changed=max(0, len(set(kept.replaced) - set(kept.undoing)) - undone),
    )


def ranges(rows: Connection, campaign: str, last: int) -> Iterator[tuple[int, int]]:
    """The positions behind the last in pieces, each few enough to be written into one text."""
    question = text(
        "select min(position), max(position) from votes where campaign = :campaign"
        " and position > :last"
    )
    first, end = rows.execute(question, {"campaign": campaign, "last": last}).one()
    if first is not None:
        for after in range(first - 1, end, CHUNK):
            yield after, min(after + CHUNK, end)


def in_texts(
    rows: Connection, source: str, wanted: tuple[str, ...], **values: Any
) -> list[str] | None:
    """The wanted columns of these rows, each as one text in the same order; None without rows."""
    join = {"sqlite": "group_concat", "postgresql": "string_agg"}[rows.dialect.name]
    columns = ", ".join(f"{join}(cast({column} as text), :between)" for column in wanted)
    question = text(f"select count(*), {columns} from {source}")
    count, *told = rows.execute(question, {"between": BETWEEN, **values}).one()
    return told if count else None


def written(rows: Connection, *names: str) -> str:
    """SQL for these columns as words of one text; joining them by || is half as fast."""
    form = {"sqlite": "printf", "postgresql": "format"}[rows.dialect.name]
    return f"{form}('{WITHIN.join(['%s'] * len(names))}', {', '.join(names)})"


def integers(told: str) -> np.ndarray:
    """[rows] from one text."""
    return np.fromstring(told, dtype=np.int64, sep=BETWEEN)


def numbered(words: Sequence[str], numbers: Numbers) -> np.ndarray:
    """[rows]: each word's number; a new word gets the next."""
    return np.fromiter(map(numbers.__getitem__, words), dtype=np.int64, count=len(words))


def joined(parts: list[np.ndarray], kind: type = np.int64) -> np.ndarray:
    """One column of several chunks."""
    return np.concatenate(parts) if parts else np.zeros(0, dtype=kind)


def way_of(word: str) -> Way:
    """A way as it was written."""
    kind, system_a, system_b, *takes, outcome, first_played = word.split(WITHIN)
    take_a, take_b, first = (int(number) if number else -1 for number in (*takes, first_played))
    return Way(
        kind=kind,
        system_a=system_a,
        system_b=system_b,
        take_a=take_a,
        take_b=take_b,
        outcome=outcome,
        first_played=first,
    )
