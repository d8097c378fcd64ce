"""Candidates as they are remembered: what made each, where its sound is, what judges and people said."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, String, bindparam, text

from pipelines.records import Candidate, Prompt, Settings
from studio.store.clips import Clip
from studio.store.database import Database


@dataclass(frozen=True, kw_only=True)
class StoredCandidate:
    """A candidate without its sound: that is the clip of this hash."""

    id: str
    clip: str  # SHA-256 of the WAV file
    recipe: dict[str, Any]  # all that made it
    timings: dict[str, float]  # seconds by part
    sample_rate: int  # Hz
    channels: int
    samples: int
    created_at: str  # ISO 8601, UTC

    @property
    def prompt(self) -> Prompt:
        """What was asked for."""
        return Prompt(text=self.recipe["prompt"], seconds=self.recipe["seconds"])

    @property
    def settings(self) -> Settings:
        """How it was made."""
        names = [field.name for field in fields(Settings)]
        return Settings(**{name: self.recipe[name] for name in names if name in self.recipe})


class CandidateTable:
    """Candidates, judgements and favourites; rows are added, never changed."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def add(self, candidate: Candidate, clip: Clip) -> StoredCandidate:
        """Remember a candidate and its clip; one that is known stays as it was first stored."""
        recipe, made_at = candidate.recipe, now()
        with self.database.write() as rows:
            rows.execute(
                text(
                    "insert into clips values (:sha256, :bytes, :sample_rate, :channels, :samples,"
                    " :created_at) on conflict do nothing"
                ),
                {**vars_of(clip), "created_at": made_at},
            )
            rows.execute(
                text(
                    "insert into candidates values (:id, :clip, :prompt, :seconds, :model, :seed,"
                    " :recipe, :timings, :created_at) on conflict do nothing"
                ),
                {
                    "id": candidate.id,
                    "clip": clip.sha256,
                    "prompt": candidate.prompt.text,
                    "seconds": candidate.prompt.seconds,
                    "model": candidate.settings.model,
                    "seed": candidate.settings.seed,
                    "recipe": json.dumps(recipe, sort_keys=True, ensure_ascii=False),
                    "timings": json.dumps(candidate.timings),
                    "created_at": made_at,
                },
            )
        return self.find([candidate.id])[0]

    def find(self, ids: Sequence[str]) -> list[StoredCandidate]:
        """The candidates of these ids that are known, in the order of the ids."""
        question = text(
            "select candidates.id, clip, recipe, timings, sample_rate, channels, samples,"
            " candidates.created_at from candidates join clips on clip = sha256"
            " where candidates.id in :ids"
        ).bindparams(bindparam("ids", expanding=True, type_=String()))
        with self.database.read() as rows:
            found = {row.id: read_row(row) for row in rows.execute(question, {"ids": list(ids)})}
        return [found[i] for i in ids if i in found]

    def highest_seed(self, prompt: str, model: str) -> int:
        """The highest seed that this prompt was ever made with on this model, or -1."""
        question = text(
            "select max(seed) from candidates where prompt = :prompt and model = :model"
        )
        with self.database.read() as rows:
            highest = rows.execute(question, {"prompt": prompt, "model": model}).scalar()
        return -1 if highest is None else highest

    def add_judgement(self, candidate: str, judge: str, said: dict[str, Any]) -> None:
        """Remember what a judge said; a judge says it once per candidate."""
        with self.database.write() as rows:
            rows.execute(
                text(
                    "insert into judgements values (:candidate, :judge, :said, :created_at)"
                    " on conflict do nothing"
                ),
                {
                    "candidate": candidate,
                    "judge": judge,
                    "said": json.dumps(said),
                    "created_at": now(),
                },
            )

    def judgements(self, ids: Sequence[str]) -> dict[str, dict[str, dict[str, Any]]]:
        """What was said, by candidate and by judge, the latest last."""
        question = text(
            "select candidate, judge, said from judgements where candidate in :ids"
            " order by created_at"
        ).bindparams(bindparam("ids", expanding=True, type_=String()))
        said: dict[str, dict[str, dict[str, Any]]] = {i: {} for i in ids}
        with self.database.read() as rows:
            for row in rows.execute(question, {"ids": list(ids)}):
                said[row.candidate][row.judge] = json.loads(row.said)
        return said

    def set_favourite(self, candidate: str, owner: str, liked: bool) -> None:
        """Remember that this person likes it, or no longer does; the latest word counts."""
        with self.database.write() as rows:
            rows.execute(
                text(
                    "insert into favourite_events select :id, :candidate, :owner, :liked,"
                    " coalesce(max(position), 0) + 1, :created_at from favourite_events"
                ),
                {
                    "id": uuid.uuid4().hex,
                    "candidate": candidate,
                    "owner": owner,
                    "liked": int(liked),
                    "created_at": now(),
                },
            )

    def favourites(self, owner: str) -> list[str]:
        """The ids this person likes now, the latest first."""
        question = text(
            "select candidate from favourite_events as e where owner = :owner and liked = 1"
            " and position = (select max(position) from favourite_events"
            " where candidate = e.candidate and owner = e.owner) order by position desc"
        )
        with self.database.read() as rows:
            return [row.candidate for row in rows.execute(question, {"owner": owner})]


def read_row(row: Row) -> StoredCandidate:
    """A stored candidate from its row."""
    values = dict(row._mapping)
    values["recipe"] = json.loads(values["recipe"])
    values["timings"] = json.loads(values["timings"])
    return StoredCandidate(**values)


def vars_of(clip: Clip) -> dict[str, Any]:
    """The fields of a clip by name."""
    return {f.name: getattr(clip, f.name) for f in fields(clip)}


def now() -> str:
    """The present moment, ISO 8601 in UTC, to the microsecond, so that text order is time order."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
