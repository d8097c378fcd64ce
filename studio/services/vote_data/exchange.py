"""What another studio exported, read row by row: every field checked, every name made here."""

import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.errors import StudioError
from pipelines.vote.battles import OUTCOMES
from pipelines.vote.rubrics import ASPECTS, BATTLE_ASPECTS, RUBRICS, TASKS
from studio.services.vote_data.export import CAMPAIGN, CLIPS, FORMAT, LINES, SOUNDS
from studio.services.vote_data.incoming import (
    Incoming,
    definition_of,
    of_kind,
    one_of,
    read_json,
    read_lines,
    within,
    words,
)
from studio.store.campaigns import DEGRADED, CampaignClip
from studio.store.clips import NAME
from studio.store.vote_rows import VoteRow

PARTS = re.compile(rf"(?:[^/\\]+/)?({CAMPAIGN}|{CLIPS}|{LINES}|{SOUNDS}/[0-9a-f]{{64}}\.wav)")
ID, VOTER = re.compile(r"[0-9A-Za-z-]{8,64}"), re.compile(r"voter ([1-9][0-9]{0,6})")
MOST_UNZIPPED = 20_000_000_000  # bytes
BATTLES = ("ab", "same_system", "gold")
RANGES = {"integrity": (0, 1), "temporal": (0, 1), "mos": (1, 5), "ovl_rel": (0, 100)}
MEASURES = ("gain_db", "lufs", "peak_dbfs", "silence", "seconds")
LONGEST = 86_400_000  # ms that a vote may have taken: a day


@contextmanager
def unzipped(path: Path) -> Iterator[Path]:
    """The folder, or what a zip of one holds that we know, in a folder that is gone afterwards."""
    if path.is_dir():
        yield path
        return
    with tempfile.TemporaryDirectory() as scratch:
        try:
            with zipfile.ZipFile(path) as bundle:
                _unzip(bundle, Path(scratch))
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
            raise StudioError(f"{path.name} is no zip that can be read; copy it again.") from error
        except OSError as error:
            raise StudioError(
                f"{path} cannot be unpacked ({error.strerror}); check the path and the disk."
            ) from error
        yield Path(scratch)


def read_exchange(folder: Path, title: str | None = None) -> Incoming:
    """The campaign that a studio exported into this folder.

    Raises:
        StudioError: it is none, or something in it is not as a studio writes it; says where.
    """
    if not (folder / CAMPAIGN).is_file():
        raise StudioError(
            f"There is no {CAMPAIGN} in {folder.name}; give a folder or zip that a studio wrote as "
            "studio or all."
        )
    head = of_kind(read_json(folder / CAMPAIGN), dict, CAMPAIGN)
    if head.get("format") != FORMAT:
        raise StudioError(
            f"{CAMPAIGN} is of the format {str(head.get('format'))[:40]!r}; this studio reads "
            f"{FORMAT!r}."
        )
    definition = read_definition(of_kind(head.get("definition"), dict, "the definition"))
    origin = {
        "format": FORMAT,
        "campaign": words(head.get("campaign"), "the campaign's id", 64),
        "title": definition["title"],
        "exported_at": words(head.get("exported_at"), "exported_at", 40),
    }
    definition = {**definition, "title": title or definition["title"], "origin": origin}
    clips = [read_clip(row, definition, where) for where, row in read_lines(folder / CLIPS)]
    places = {(clip.prompt, clip.system, clip.take) for clip in clips}
    votes = [read_vote(row, definition, places, at) for at, row in read_lines(folder / LINES)]
    refuse_twice(votes)
    names = {name for clip in clips for name in (clip.clip, clip.source)}
    return Incoming(
        definition=definition,
        clips=clips,
        votes=votes,
        sounds={name: folder / SOUNDS / f"{name}.wav" for name in sorted(names)},
        are_hashes=True,
        refused={},
    )


def read_definition(told: Mapping[str, Any]) -> dict[str, Any]:
    """What the campaign asked; whoever might vote there, nobody may here."""
    task = one_of(told.get("task"), "the task", TASKS)
    known = BATTLE_ASPECTS if task == "pairwise" else ASPECTS[task]
    prompts = [
        _prompt(one, n) for n, one in enumerate(of_kind(told.get("prompts"), list, "prompts"))
    ]
    systems = [
        _system(one, n) for n, one in enumerate(of_kind(told.get("systems"), list, "systems"))
    ]
    names = [system["name"] for system in systems]
    if not prompts or not systems or len(set(names)) < len(names):
        raise StudioError("The definition needs prompts, and systems each under a name of its own.")
    return definition_of(
        title=words(told.get("title"), "the title", 200),
        task=task,
        aspects=[
            one_of(a, "an aspect", known) for a in of_kind(told.get("aspects"), list, "aspects")
        ],
        rubric=one_of(told.get("rubric"), "the rubric", (None, *RUBRICS)),
        half_steps=of_kind(told.get("half_steps"), bool, "half_steps"),
        prompts=prompts,
        systems=systems,
        takes=within(told.get("takes"), "takes", 1, 10_000, int),
        votes_wanted=within(told.get("votes_wanted"), "votes_wanted", 1, 10**6, int),
        voters=one_of(told.get("voters"), "voters", ("people", "simulated")),
        seed=within(told.get("seed"), "the seed", 0, 2**31, int),
        **{key: within(told.get(key), key, 0, 1) for key in ("gold", "same_system", "heard_share")},
    )


def read_clip(row: Mapping[str, Any], definition: Mapping[str, Any], where: str) -> CampaignClip:
    """One sound of the campaign."""
    names = {system["name"] for system in definition["systems"]}
    system = words(row.get("system"), f"{where}: system", 80)
    if system.removesuffix(DEGRADED) not in names:
        raise StudioError(f"{where}: the campaign has no system {system[:40]!r}.")
    for part in ("clip", "source"):
        if not NAME.fullmatch(words(row.get(part), f"{where}: {part}", 64)):
            raise StudioError(f"{where}: {part} is no SHA-256 in 64 hex digits.")
    measures = of_kind(row.get("measures"), dict, f"{where}: measures")
    told = {key: measures[key] for key in MEASURES if measures.get(key) is not None}
    return CampaignClip(
        campaign="",
        prompt=within(
            row.get("prompt"), f"{where}: prompt", 0, len(definition["prompts"]) - 1, int
        ),
        system=system,
        take=within(row.get("take"), f"{where}: take", 0, 10_000, int),
        clip=row["clip"],
        source=row["source"],
        candidate=row.get("candidate") and words(row["candidate"], f"{where}: candidate", 80),
        measures={key: of_kind(value, float, f"{where}: {key}") for key, value in told.items()},
    )


def read_vote(
    row: Mapping[str, Any], definition: Mapping[str, Any], places: set, where: str
) -> VoteRow:
    """One vote on sounds that are there."""
    is_battle = definition["task"] == "pairwise"
    prompt = of_kind(row.get("prompt"), int, f"{where}: prompt")
    sounds = tuple(
        _sound(told, where) for told in of_kind(row.get("sounds"), list, f"{where}: sounds")
    )
    if not sounds or not all((prompt, *sound) in places for sound in sounds):
        raise StudioError(f"{where} judges sounds that {CLIPS} does not have.")
    if is_battle and len(sounds) != 2:
        raise StudioError(f"{where} judges {len(sounds)} sounds; a battle has 2.")
    voter = VOTER.fullmatch(words(row.get("voter"), f"{where}: voter", 20))
    id_ = words(row.get("vote"), f"{where}: vote", 64)
    if voter is None or not ID.fullmatch(id_):
        raise StudioError(f'{where}: a vote has an id, and a voter is "voter 1" and so on.')
    reason = row.get("reason")
    return VoteRow(
        id=id_,
        voter=int(voter[1]),
        kind=one_of(row.get("kind"), f"{where}: kind", BATTLES if is_battle else ("set",)),
        prompt=prompt,
        sounds=sounds,
        outcome=one_of(
            row.get("outcome"), f"{where}: outcome", OUTCOMES if is_battle else (None, "skip")
        ),
        aspects=_aspects(row, definition, where) if is_battle else {},
        scores=() if is_battle else _scores(row, definition, len(sounds), where),
        reason=None if reason is None else words(reason, f"{where}: reason"),
        heard=tuple(
            within(ms, f"{where}: heard_ms", 0, LONGEST, int)
            for ms in of_kind(row.get("heard_ms"), list, f"{where}: heard_ms")
        ),
        first_played=_whole_or_none(row.get("first_played"), f"{where}: first_played"),
        decision_ms=_whole_or_none(row.get("decision_ms"), f"{where}: decision_ms"),
        interface=words(row.get("interface"), f"{where}: interface", 200),
        created_at=_moment(row.get("cast_at"), f"{where}: cast_at"),
    )


def _sound(told: Any, where: str) -> tuple[str, int]:
    row = of_kind(told, dict, f"{where}: a sound")
    take = of_kind(row.get("take"), int, f"{where}: take")
    return words(row.get("system"), f"{where}: system", 80), take


def refuse_twice(votes: list[VoteRow]) -> None:
    """Each vote once."""
    ids = [vote.id for vote in votes]
    if len(set(ids)) < len(ids):
        raise StudioError(f"{LINES} holds {len(ids) - len(set(ids))} votes twice; export it again.")


def _aspects(row: Mapping[str, Any], definition: Mapping[str, Any], where: str) -> dict[str, str]:
    told = of_kind(row.get("aspects"), dict, f"{where}: aspects")
    for aspect, outcome in told.items():
        one_of(aspect, f"{where}: aspect", definition["aspects"])
        one_of(outcome, f"{where}: {aspect}", OUTCOMES)
    return dict(told)


def _scores(
    row: Mapping[str, Any], definition: Mapping[str, Any], sounds: int, where: str
) -> tuple[tuple[int, str, float | None], ...]:
    task, found = definition["task"], {}
    for score in of_kind(row.get("scores"), list, f"{where}: scores"):
        told = of_kind(score, dict, f"{where}: a score")
        place = within(told.get("place"), f"{where}: place", 0, sounds - 1, int)
        aspect = one_of(told.get("aspect"), f"{where}: aspect", definition["aspects"])
        value = told.get("value")
        if value is None and task not in ("integrity", "temporal"):
            raise StudioError(f"{where}: a score of {aspect} has no value.")
        if value is not None:
            value = float(within(value, f"{where}: {aspect}", *RANGES[task]))
        if value not in (None, 0.0, 1.0) and task in ("integrity", "temporal"):
            raise StudioError(f"{where}: a label is {value}; allowed are 0, 1 and null.")
        found[place, aspect] = value
    return tuple((place, aspect, value) for (place, aspect), value in sorted(found.items()))


def _prompt(told: Any, place: int) -> dict[str, Any]:
    what = f"prompt {place + 1}"
    row = of_kind(told, dict, what)
    lists = {
        key: [words(one, f"{what}: {key}", 100) for one in of_kind(row.get(key, []), list, what)]
        for key in ("labels", "tags")
    }
    seconds = within(row.get("seconds"), f"{what}: seconds", 0.01, 600)
    return {"text": words(row.get("text"), what), "seconds": seconds, **lists}


def _system(told: Any, place: int) -> dict[str, Any]:
    """What it was, for reading; the studio will not make sounds with it."""
    what = f"system {place + 1}"
    row = of_kind(told, dict, what)
    found: dict[str, Any] = {
        "name": words(row.get("name"), f"{what}: name", 60),
        "title": words(row.get("title", ""), f"{what}: title", 200),
        "kind": one_of(row.get("kind"), f"{what}: kind", ("model", "folder")),
    }
    if found["name"].endswith(DEGRADED):
        raise StudioError(f"{what} is called {found['name']!r}; that ending marks spoiled sounds.")
    for key, kind in (("model", str), ("steps", int), ("guidance", float), ("sampler", str)):
        if row.get(key) is not None:
            found[key] = of_kind(row[key], kind, f"{what}: {key}")
    return found


def _whole_or_none(value: Any, what: str) -> int | None:
    return None if value is None else within(value, what, 0, LONGEST, int)


def _moment(value: Any, what: str) -> str:
    try:
        datetime.fromisoformat(words(value, what, 40))
    except ValueError as error:
        raise StudioError(f"{what} is {value!r}; it must be a moment in ISO 8601.") from error
    return value


def _unzip(bundle: zipfile.ZipFile, folder: Path) -> None:
    """The parts that we know, under names of our own; the rest stays in the zip."""
    parts = [(entry, PARTS.fullmatch(entry.filename)) for entry in bundle.infolist()]
    wanted = [(entry, match[1]) for entry, match in parts if match]
    size = sum(entry.file_size for entry, _ in wanted)
    if size > MOST_UNZIPPED:
        raise StudioError(
            f"The zip unpacks to {size / 1e9:.1f} GB; at most {MOST_UNZIPPED / 1e9:.0f} GB are read."
        )
    (folder / SOUNDS).mkdir()
    for entry, name in wanted:
        with bundle.open(entry) as packed, (folder / name).open("wb") as file:
            left = entry.file_size  # zipfile gives no more than it announced; nor do we take more
            while left > 0 and (piece := packed.read(min(left, 1 << 20))):
                file.write(piece)
                left -= len(piece)
