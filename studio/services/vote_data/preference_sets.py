"""Preference sets of elsewhere, row by row: TangoFlux pairs, TRL rows, BATON triplets, with sounds.

Such rows name no systems, so all their sounds are takes of one system, "imported": no board can be
made of them, and nothing pretends to one. A row of several people's votes counts as one.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.errors import StudioError
from pipelines.seeds import fork
from studio.services.vote_data.incoming import (
    MOST_ROWS,
    Incoming,
    definition_of,
    of_kind,
    one_of,
    read_json,
    read_lines,
    within,
    words,
)
from studio.services.vote_data.material import LABELS, PAIRWISE
from studio.store.campaigns import CampaignClip
from studio.store.candidates import now
from studio.store.vote_rows import VoteRow

SYSTEM = "imported"
FORMS = {  # keys that tell a form, and its name
    ("captions", "chosen", "reject"): "TangoFlux pairs",
    ("prompt", "chosen", "rejected"): "TRL preference rows",
    ("prompt", "completion", "label"): "TRL unpaired rows",
    ("prompt", "audio", "label"): "BATON triplets",
}
GROUP = "labels: "  # how our own rows begin to name a label group


@dataclass
class Sounds:
    """The sounds that rows name: each is found in one folder, and gets a take of its prompt."""

    folder: Path
    takes: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    seconds: dict[str, float] = field(default_factory=dict)

    def find(self, given: str) -> str | None:
        """The name within the folder of what a row calls this, or None.

        A path that leads out of the folder, as another machine's does, counts by its last part.
        """
        told, home = Path(given.replace("\\", "/")), self.folder.resolve()
        for path in (home / told, home / told.name):
            inside = path.resolve()
            if inside.is_relative_to(home) and inside.is_file():
                return str(inside.relative_to(home))
        return None

    def take(self, prompt: str, name: str) -> int:
        """The number of this sound among those of its prompt."""
        if name not in self.seconds:
            self.seconds[name] = length_of(self.folder / name)
        known = self.takes[prompt]
        return known.setdefault(name, len(known))


@dataclass
class Reading:
    """A preference set half read."""

    sounds: Sounds
    digest: str  # of the file
    prompts: dict[str, dict[str, Any]] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)  # of each prompt among the prompts
    votes: list[VoteRow] = field(default_factory=list)
    refused: Counter = field(default_factory=Counter)

    def prompt(self, row: Mapping[str, Any], key: str, where: str) -> str:
        """The words of a row's prompt, which is remembered with its length and labels."""
        text = words(row.get(key), f"{where}: {key}")
        told = row.get("duration", row.get("seconds"))
        seconds = None if told is None else within(told, f"{where}: duration", 0.01, 600)
        found = {"text": text, "seconds": seconds, "labels": _labels(row, where), "tags": []}
        known = self.prompts.setdefault(text, found)
        self.places.setdefault(text, len(self.places))
        known["labels"], known["seconds"] = (known[k] or found[k] for k in ("labels", "seconds"))
        return text

    def sound(self, row: Mapping[str, Any], key: str, where: str) -> str | None:
        """The sound that a row names; one that is not there is counted."""
        name = self.sounds.find(words(row.get(key), f"{where}: {key}"))
        if name is None:
            self.refused["names a sound that is not in the folder"] += 1
        return name

    def vote(self, prompt: str, kind: str, names: Sequence[str], voter: int, **told: Any) -> None:
        """Remember what a row says of these sounds."""
        sounds = tuple((SYSTEM, self.sounds.take(prompt, name)) for name in names)
        number = hashlib.sha256(f"{self.digest} {len(self.votes)}".encode()).hexdigest()[:32]
        self.votes.append(
            VoteRow(
                id=number,
                voter=voter,
                kind=kind,
                prompt=self.places[prompt],
                sounds=sounds,
                interface="imported",
                created_at=now(),
                **told,
            )
        )


def read_preference_set(
    path: Path, *, sounds: Path, task: str | None = None, title: str | None = None
) -> Incoming:
    """The rows of a JSON list or of JSON lines.

    Args:
        sounds: the folder of the sounds that the rows name.
        task: for labels that do not say theirs.

    Raises:
        StudioError: a form that is none of FORMS, a row that is not in it, or no row left.
    """
    rows = list(_rows(path))
    keys, form = form_of(rows, path)
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    reading = Reading(sounds=Sounds(folder=sounds), digest=f"{content} {task}")
    if keys[-1] == "label":
        asked = _task(rows, task, path)
        read_labels(reading, rows, keys, asked)
    else:
        asked = PAIRWISE
        read_pairs(reading, rows, keys)
    if not reading.votes:
        raise StudioError(
            f"No row of {path.name} could be taken: {_said(reading.refused)}. Name the folder of its "
            "sounds with --sounds."
        )
    origin = {"format": form, "file": path.name, "digest": content, "task": asked}
    return _incoming(reading, asked, title or path.stem, origin)


def form_of(rows: Sequence[tuple[str, Mapping[str, Any]]], path: Path) -> tuple[tuple, str]:
    """The keys and the name of the form that the first row has."""
    found = set(rows[0][1]) if rows else set()
    for keys, form in FORMS.items():
        if found >= set(keys):
            return keys, form
    known = "; ".join(f"{', '.join(keys)} ({form})" for keys, form in FORMS.items())
    raise StudioError(
        f"{path.name} has rows of {', '.join(sorted(map(str, found)))[:120] or 'nothing'}; known "
        f"are: {known}."
    )


def read_pairs(
    reading: Reading, rows: Iterable[tuple[str, Mapping[str, Any]]], keys: tuple
) -> None:
    """Each row as a vote for its chosen sound; the side is drawn, for nobody knows it."""
    told, chosen_key, rejected_key = keys
    for where, row in rows:
        chosen, rejected = (reading.sound(row, key, where) for key in (chosen_key, rejected_key))
        if chosen is None or rejected is None:
            continue
        if chosen == rejected:
            reading.refused["chose a sound over itself"] += 1
            continue
        prompt = reading.prompt(row, told, where)
        is_turned = fork(0, "side", reading.digest, len(reading.votes)) % 2 == 1
        names = (rejected, chosen) if is_turned else (chosen, rejected)
        reading.vote(prompt, "ab", names, 1, outcome="b" if is_turned else "a")


def read_labels(
    reading: Reading, rows: Iterable[tuple[str, Mapping[str, Any]]], keys: tuple, task: str
) -> None:
    """The labels that one rater gave to the sounds of one prompt as one vote."""
    told, sound_key, _ = keys
    given: dict[tuple[str, str], dict[str, float | None]] = defaultdict(dict)
    for where, row in rows:
        name = reading.sound(row, sound_key, where)
        if name is None:
            continue
        prompt = reading.prompt(row, told, where)
        rater = words(row.get("rater", "voter 1"), f"{where}: rater", 200)
        if name in given[rater, prompt]:
            reading.refused["labels a sound again that the rater labelled before"] += 1
            continue
        given[rater, prompt][name] = label_of(row["label"], f"{where}: label")
    raters = {rater: n for n, rater in enumerate(dict.fromkeys(rater for rater, _ in given), 1)}
    for (rater, prompt), labels in given.items():
        scores = tuple((place, task, value) for place, value in enumerate(labels.values()))
        reading.vote(prompt, "set", list(labels), raters[rater], scores=scores)


def label_of(value: Any, what: str) -> float | None:
    """1, 0 or None for uncertain, from 0 and 1, true and false, or words."""
    if isinstance(value, bool):
        return float(value)
    known = {0: 0.0, 1: 1.0, "uncertain": None}
    return known[one_of(value, what, tuple(known))]


def length_of(path: Path) -> float:
    """Seconds, from the head of the file."""
    import soundfile

    try:
        return soundfile.info(path).duration
    except soundfile.LibsndfileError as error:
        raise StudioError(
            f"{path.name} is not audio that can be read ({error.error_string}); make it again or "
            "take its rows out."
        ) from error


def _rows(path: Path) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """The rows and where each stands."""
    if path.suffix.lower() == ".jsonl":
        yield from read_lines(path)
        return
    if not path.exists():
        raise StudioError(f"There is no {path}; give a folder, .zip, .json or .jsonl.")
    if path.suffix.lower() != ".json":
        raise StudioError(f"{path.name} cannot be imported; give a folder, .zip, .json or .jsonl.")
    found = of_kind(read_json(path), list, path.name)
    if len(found) > MOST_ROWS:
        raise StudioError(f"{path.name} has {len(found)} rows; at most {MOST_ROWS} are read.")
    for number, row in enumerate(found, 1):
        where = f"{path.name}, row {number}"
        yield where, of_kind(row, dict, where)


def _task(rows: Sequence[tuple[str, Mapping[str, Any]]], asked: str | None, path: Path) -> str:
    """What the labels are about."""
    told = {str(row["task"]) for _, row in rows if row.get("task")} or {asked}
    if len(told) > 1 or told == {None}:
        raise StudioError(
            f"The labels of {path.name} are of {len(told - {None}) or 'no'} tasks; a campaign has "
            "one. Split the file, or say --task integrity or --task temporal."
        )
    return one_of(told.pop(), "the task", LABELS)


def _labels(row: Mapping[str, Any], where: str) -> list[str]:
    """The label group that a row tells, as a list or in our own way of naming one."""
    if row.get("labels") is not None:
        told = of_kind(row["labels"], list, f"{where}: labels")
        return [words(label, f"{where}: labels", 100) for label in told]
    group = row.get("group")
    if isinstance(group, str) and group.startswith(GROUP):
        return words(group, f"{where}: group").removeprefix(GROUP).split(" + ")
    return []


def _said(refused: Mapping[str, int]) -> str:
    return "; ".join(f"{count} {reason}" for reason, count in refused.items()) or "there is none"


def _incoming(reading: Reading, task: str, title: str, origin: dict[str, Any]) -> Incoming:
    sounds, prompts = reading.sounds, list(reading.prompts.values())
    clips = [
        CampaignClip(
            campaign="",
            prompt=place,
            system=SYSTEM,
            take=take,
            clip=name,
            source=name,
            candidate=None,
            measures={"seconds": sounds.seconds[name]},
        )
        for place, prompt in enumerate(prompts)
        for name, take in sounds.takes[prompt["text"]].items()
    ]
    for prompt in prompts:
        longest = max(sounds.seconds[name] for name in sounds.takes[prompt["text"]])
        prompt["seconds"] = prompt["seconds"] or longest
    definition = definition_of(
        title=title[:200],
        task=task,
        aspects=[] if task == PAIRWISE else [task],
        prompts=prompts,
        systems=[{"name": SYSTEM, "title": "Sounds of the imported set", "kind": "folder"}],
        takes=max(map(len, sounds.takes.values())),
        origin=origin,
    )
    names = {clip.clip for clip in clips}
    return Incoming(
        definition=definition,
        clips=clips,
        votes=reading.votes,
        sounds={name: sounds.folder / name for name in sorted(names)},
        are_hashes=False,
        refused=dict(reading.refused),
    )
