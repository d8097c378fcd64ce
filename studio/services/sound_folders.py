"""Folders of sounds with their captions, as `evaluate` takes them: read whole before any work."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.audio import read_audio, read_settings
from pipelines.errors import StudioError
from studio.services.requests import COLUMNS

SUFFIXES = {".wav", ".flac", ".ogg", ".mp3"}
FILES = ("file", "path", "filename", "name")  # names a CSV may give the column of files
TOLD = ("prompt", "caption")  # keys of the settings in our own files


@dataclass(frozen=True, kw_only=True)
class Sound:
    """One sound on disk; the same name in two sets means the same prompt."""

    path: Path
    name: str
    caption: str | None = None


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What a set is, told before it is measured."""

    count: int
    rates: tuple[int, ...]  # Hz, each that occurs
    seconds: tuple[float, float]  # of the shortest and the longest
    silent: tuple[str, ...]  # names of the sounds without a single sample above 0


def sounds_in(folder: Path) -> list[Sound]:
    """The sounds of a folder, by name.

    Raises:
        StudioError: no folder, no sounds in it, or two of one name.
    """
    if not folder.is_dir():
        raise StudioError(f"There is no folder {folder}; give one with WAV, FLAC, OGG or MP3.")
    paths = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )
    if not paths:
        raise StudioError(f"{folder} holds no sounds; put WAV, FLAC, OGG or MP3 files into it.")
    names = [path.stem for path in paths]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise StudioError(f"{folder} holds {twice[0]} more than once; keep one file of each name.")
    return [Sound(path=path, name=path.stem) for path in paths]


def survey(
    sounds: Sequence[Sound], what: str, on_sound: Callable[[str], None] = lambda note: None
) -> Survey:
    """Read every sound once, so that a broken one is told before an hour of work.

    Args:
        what: what to call the set in a message, e.g. "reference".

    Raises:
        StudioError: a file that is no audio, samples that are not numbers, or nothing but silence.
    """
    rates, lengths, silent = set(), [], []
    for sound in sounds:
        audio, rate = read_audio(sound.path)
        if not np.isfinite(audio).all():
            raise StudioError(
                f"{sound.path.name} holds samples that are not numbers; make it again or take it "
                "out."
            )
        rates.add(rate)
        lengths.append(audio.shape[1] / rate)
        if not audio.any():
            silent.append(sound.name)
        on_sound(f"reading the {what} sounds")
    if len(silent) == len(sounds):
        raise StudioError(
            f"All {len(sounds)} {what} sounds are silent; there is nothing to measure."
        )
    return Survey(
        count=len(sounds),
        rates=tuple(sorted(rates)),
        seconds=(min(lengths), max(lengths)),
        silent=tuple(silent),
    )


def told_captions(sounds: Sequence[Sound]) -> list[Sound]:
    """The sounds; those without a caption take the prompt inside the file, if it is one of ours."""
    found = []
    for sound in sounds:
        settings: dict[str, Any] = {} if sound.caption else read_settings(sound.path) or {}
        words = next((settings[key] for key in TOLD if isinstance(settings.get(key), str)), None)
        found.append(replace(sound, caption=words) if words else sound)
    return found


def captioned(sounds: Sequence[Sound], captions: Mapping[str, str]) -> list[Sound]:
    """The sounds with the captions of a list, by file name with or without its suffix.

    Raises:
        StudioError: a sound that the list leaves out.
    """
    found = [captions.get(sound.path.name, captions.get(sound.name)) for sound in sounds]
    without = [sound.path.name for sound, words in zip(sounds, found, strict=True) if not words]
    if without:
        raise StudioError(
            f"{len(without)} of {len(sounds)} sounds have no caption in the list, the first "
            f"{without[0]}; give each a line."
        )
    return [replace(sound, caption=words) for sound, words in zip(sounds, found, strict=True)]


def read_captions(path: Path) -> dict[str, str]:
    """The captions by file name in a CSV with a column of files and one of captions.

    Raises:
        StudioError: no such file, not a CSV in UTF-8, other columns, one file with two captions.
    """
    try:
        table = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines(), strict=True))
    except OSError as error:
        raise StudioError(f"{path} cannot be read ({error.strerror}); give a CSV.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise StudioError(f"{path.name} is no CSV in UTF-8 ({error}); save it as one.") from error
    columns = {name.strip().lower(): name for name in (table[0] if table else {}) if name}
    file = next((columns[name] for name in FILES if name in columns), None)
    words = next((columns[name] for name in COLUMNS if name in columns), None)
    if file is None or words is None:
        raise StudioError(
            f"{path.name} has the columns {', '.join(columns) or 'none'}; give one named "
            f"{' or '.join(FILES)} and one named {' or '.join(COLUMNS)}."
        )
    found: dict[str, str] = {}
    for row in table:
        name, text = Path(row[file] or "").name, " ".join((row[words] or "").split())
        if found.setdefault(name, text) != text:
            raise StudioError(
                f"{path.name} gives {name} two captions; give each file one line, as one sound is "
                "measured against one caption."
            )
    return found
