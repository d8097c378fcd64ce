"""A creator's own folder: sounds with captions out of a zip, kept as they will be trained on."""

import hashlib
import json
import secrets
import shutil
import tempfile
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from pipelines.audio import read_audio, write_audio
from pipelines.errors import StudioError
from studio.config import Config
from studio.refusals import Unknown
from studio.services.finetune.pair_sets import is_pair_set, take_in_pairs
from studio.services.finetune.request import ID, check_title
from studio.services.sound_folders import SUFFIXES, Sound, read_captions, told_captions
from studio.services.sound_zip import checked, copy_out, wanted
from studio.store.candidates import now

CARD = "folder.json"
SOUNDS, PAIRS = "sounds", "pairs"  # kinds of folders
MOST_SOUNDS = 5000
SHARED_SOUNDS = 200  # on a page of strangers
MOST_FOLDERS = 20  # of one person
LONGEST = 60.0  # seconds that are kept of a sound: twice what any model here can hear
SILENT = 0.001  # -60 dBFS: nothing above it is nothing to learn
CAPTION_LENGTH = 1000  # characters; `Config.max_words`
MOST_TEXT = 1 << 16  # bytes of a caption's own file


@dataclass(frozen=True)
class Folders:
    """Takes in, lists and removes folders; each belongs to one person."""

    config: Config

    def add(self, owner: str, path: Path, title: str | None = None) -> dict[str, Any]:
        """Take in a zip; what the page is told of it.

        Sounds without a caption, broken, silent and repeated ones are left out and counted.

        Args:
            owner: whose it is.
            path: of the zip: WAV, FLAC, OGG or MP3, and for each a .txt of the same name or a line
                of one CSV with the columns file and caption.
            title: None for the name of the zip.

        Raises:
            StudioError: no zip, too many sounds, none that can be used.
        """
        if sum(len(self.listing(owner, kind)) for kind in (SOUNDS, PAIRS)) >= MOST_FOLDERS:
            raise StudioError(
                f"You have {MOST_FOLDERS} folders; remove one before you add another."
            )
        name = check_title(title) or check_title(Path(path).stem[:60]) or "My folder"
        place = self._place(secrets.token_hex(16))
        try:
            with tempfile.TemporaryDirectory(prefix="baton-folder-") as scratch:
                held = self._taken_in(Path(path), Path(scratch), place)
            card = {"id": place.name, "owner": owner, "title": name, "created_at": now(), **held}
            (place / CARD).write_text(json.dumps(card, ensure_ascii=False) + "\n", encoding="utf-8")
        except (StudioError, OSError) as error:
            shutil.rmtree(place, ignore_errors=True)
            if isinstance(error, OSError):
                raise StudioError(
                    f"The folder could not be kept ({error.strerror}); free some disk space."
                ) from error
            raise
        return about(card)

    def listing(self, owner: str, kind: str = SOUNDS) -> list[dict[str, Any]]:
        """This person's folders of a kind, the newest first."""
        cards = [read_card(path) for path in (self.config.data / "folders").glob(f"*/{CARD}")]
        mine = [card for card in cards if card["owner"] == owner and kind_of(card) == kind]
        return [about(card) for card in sorted(mine, key=lambda card: card["created_at"])[::-1]]

    def card(self, owner: str, folder: str, kind: str | None = SOUNDS) -> dict[str, Any]:
        """All that is known of a folder, its rows too: file, caption and seconds, or a pair each.

        Raises:
            Unknown: there is none, it is somebody else's, or of another kind.
        """
        path = self._place(folder) / CARD if ID.fullmatch(folder) else None
        card = read_card(path) if path is not None and path.is_file() else None
        if card is None or card["owner"] != owner or kind not in (None, kind_of(card)):
            raise Unknown("There is no such folder of yours; upload it again.")
        return card

    def remove(self, owner: str, folder: str) -> None:
        """Delete a folder with its sounds."""
        place = self._place(self.card(owner, folder, None)["id"])
        (place / CARD).unlink()  # first: a folder without it is none
        shutil.rmtree(place)

    def pairs(self, owner: str, folder: str) -> tuple[list[Any], dict[str, str], str]:
        """The pairs of a set, where the sound of each key lies from the data folder on, its title.

        Raises:
            Unknown: there is no such set of theirs.
        """
        from pipelines.finetune.pairs import PairRow

        card = self.card(owner, folder, PAIRS)
        files = {key: f"folders/{card['id']}/{file}" for key, file in card["files"].items()}
        return [PairRow(**row) for row in card["rows"]], files, card["title"]

    def file(self, folder: str, row: dict[str, Any]) -> str:
        """Where a row's sound lies, from the data folder on."""
        return f"folders/{folder}/{row['file']}"

    def _place(self, folder: str) -> Path:
        return self.config.data / "folders" / folder

    def _taken_in(self, path: Path, scratch: Path, place: Path) -> dict[str, Any]:
        """What a zip held, written where it stays: sounds with captions, or pairs of sounds."""
        most = SHARED_SOUNDS if self.config.is_shared else MOST_SOUNDS
        try:
            with zipfile.ZipFile(path) as bundle:
                if is_pair_set(bundle):
                    pairs, files, left_out = take_in_pairs(bundle, scratch, place, most)
                    return {"kind": PAIRS, "left_out": left_out, "rows": pairs, "files": files}
                sounds = unpack(bundle, scratch, most)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
            raise StudioError("This is no zip that can be read; make it again.") from error
        rows, left_out = take_in(sounds, place)
        if not rows:
            raise StudioError(
                "None of the sounds of the zip can be trained on: "
                + ", ".join(f"{count} {why}" for why, count in left_out.items())
                + ". Each needs a caption: a .txt of the same name, or a line of captions.csv."
            )
        return {"kind": SOUNDS, "left_out": left_out, "rows": rows}


def unpack(bundle: zipfile.ZipFile, scratch: Path, most: int) -> list[Sound]:
    """Every sound under a number of its own; no path of the zip is followed.

    A caption is the text beside the sound, else its line in the CSV, else the prompt inside it.
    """
    found = [(entry, PurePosixPath(entry.filename.replace("\\", "/"))) for entry in wanted(bundle)]
    sounds = [(entry, name) for entry, name in found if name.suffix.lower() in SUFFIXES]
    lists = [(entry, name) for entry, name in found if name.suffix.lower() == ".csv"]
    texts = {name.with_suffix(""): entry for entry, name in found if name.suffix.lower() == ".txt"}
    if not sounds:
        raise StudioError("The zip holds no sounds; put WAV, FLAC, OGG or MP3 files into it.")
    if len(sounds) > most:
        raise StudioError(f"The zip holds {len(sounds)} sounds; at most {most} are taken.")
    if len(lists) > 1:
        raise StudioError(f"The zip holds {len(lists)} CSV files; leave one, with the captions.")
    left, captions = 1_000_000_000, {}
    for entry, _ in lists:
        left = copy_out(bundle, entry, scratch / "captions.csv", left)
        captions = read_captions(scratch / "captions.csv")
    copied = []
    for number, (entry, name) in enumerate(sounds):
        title = checked(name.name)
        target = scratch / f"{number}{name.suffix.lower()}"
        left = copy_out(bundle, entry, target, left)
        told = texts.get(name.with_suffix(""))
        words = text_of(bundle, told) if told is not None else None
        words = words or captions.get(title, captions.get(name.stem))
        copied.append(Sound(path=target, name=title, caption=words or None))
    return copied


def text_of(bundle: zipfile.ZipFile, entry: zipfile.ZipInfo) -> str:
    """The words of a caption's own file, on one line."""
    with bundle.open(entry) as file:
        content = file.read(MOST_TEXT + 1)
    try:
        if len(content) > MOST_TEXT:
            raise ValueError("too long")
        return " ".join(content.decode("utf-8-sig").split())
    except ValueError as error:
        raise StudioError(
            f"{checked(PurePosixPath(entry.filename).name)} is no caption in UTF-8; write one or two "
            "sentences."
        ) from error


def take_in(sounds: list[Sound], place: Path) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Write the sounds that can be trained on as 16-bit WAV; their rows, and what was left out.

    Of a long sound the first minute is kept.
    """
    left_out: Counter = Counter()
    rows: list[dict[str, Any]] = []
    met: set[tuple[bytes, str]] = set()
    unread: list[str] = []  # one that is broken, or over ten minutes, costs nobody the others
    for sound in sounds:
        try:
            audio, rate = read_audio(sound.path)
        except StudioError:
            unread.append(sound.name)
            continue
        audio = audio[:, : int(LONGEST * rate)]
        [told] = told_captions([sound])
        words = " ".join((told.caption or "").split())
        if not np.isfinite(audio).all() or len(audio) > 2:
            left_out["with more than two channels, or samples that are not numbers"] += 1
        elif not words:
            left_out["without a caption"] += 1
        elif len(words) > CAPTION_LENGTH or not words.isprintable():
            left_out[f"with a caption over {CAPTION_LENGTH} characters"] += 1
        elif float(np.abs(audio).max()) < SILENT:
            left_out["silent"] += 1
        elif (key := (hashlib.sha256(audio.tobytes()).digest(), words)) in met:
            left_out["there twice"] += 1
        else:
            met.add(key)
            file = f"{len(rows):05d}.wav"
            write_audio(place / file, audio, rate)
            rows.append({"file": file, "name": sound.name, "caption": words,
                         "seconds": audio.shape[1] / rate})  # fmt: skip
    if unread:
        left_out[f"that cannot be read as sound, such as {unread[0]}"] = len(unread)
    return rows, dict(left_out)


def kind_of(card: dict[str, Any]) -> str:
    """What a folder holds; those of before there were two kinds hold sounds."""
    return card.get("kind", SOUNDS)


def about(card: dict[str, Any]) -> dict[str, Any]:
    """What the page is told of a folder."""
    told = {name: card[name] for name in ("id", "title", "left_out", "created_at")}
    if kind_of(card) == PAIRS:
        prompts = {row["prompt"] for row in card["rows"]}
        return {**told, "kind": PAIRS, "pairs": len(card["rows"]), "prompts": len(prompts)}
    return {
        **told,
        "kind": SOUNDS,
        "sounds": len(card["rows"]),
        "captions": len({row["caption"] for row in card["rows"]}),
        "seconds": round(sum(row["seconds"] for row in card["rows"]), 1),
    }


def read_card(path: Path) -> dict[str, Any]:
    """A folder's card."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StudioError(
            f"The folder {path.parent.name[:8]} cannot be read ({error}); remove it and upload it "
            "again."
        ) from error
