"""A zip of sounds from a stranger: a folder for each system, unpacked where nothing else lies."""

import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipelines.errors import StudioError
from studio.services.sound_folders import SUFFIXES

MOST_BYTES = 1_000_000_000  # unpacked; what a zip says of itself is not believed
NAME_LENGTH = 120  # characters of a file or a folder
CHUNK = 1 << 20
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # as every tool does unless told otherwise


@dataclass(frozen=True)
class Unpacked:
    """What a zip held: the folder of each system by its name, and the list of captions."""

    folders: dict[str, Path]
    captions: Path | None


@contextmanager
def unpacked(path: Path, most_sounds: int) -> Iterator[Unpacked]:
    """The sounds of a zip, in a folder that is gone afterwards.

    Only names of files and of the folder right above them are read; no path of the zip is followed.

    Args:
        path: of the zip.
        most_sounds: how many it may hold.

    Raises:
        StudioError: no zip, too many or too large, two lists of captions, or no folders.
    """
    with tempfile.TemporaryDirectory(prefix="baton-sounds-") as scratch:
        try:
            with zipfile.ZipFile(path) as bundle:
                found = _unpack(bundle, Path(scratch), most_sounds)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
            raise StudioError(f"{path.name} is no zip that can be read; make it again.") from error
        except OSError as error:
            raise StudioError(
                f"{path.name} cannot be unpacked ({error.strerror}); free some disk space."
            ) from error
        yield found


def _unpack(bundle: zipfile.ZipFile, scratch: Path, most_sounds: int) -> Unpacked:
    """Every sound under its own name in a numbered folder; the list of captions beside them."""
    found = [(entry, PurePosixPath(entry.filename.replace("\\", "/"))) for entry in wanted(bundle)]
    lists = [(entry, name) for entry, name in found if name.suffix.lower() == ".csv"]
    sounds = [(entry, name) for entry, name in found if name.suffix.lower() in SUFFIXES]
    if len(sounds) > most_sounds:
        raise StudioError(f"The zip holds {len(sounds)} sounds; at most {most_sounds} are taken.")
    if len(lists) > 1:
        raise StudioError(f"The zip holds {len(lists)} CSV files; leave one, with the captions.")
    if not sounds or any(not name.parent.name for _, name in sounds):
        raise StudioError(
            "The zip must hold a folder for each system, with its WAV, FLAC, OGG or MP3 files, and, "
            "unless the files tell their prompts, one CSV with the columns file and caption."
        )
    left = MOST_BYTES
    systems = {name.parent: name.parent.name for _, name in sounds}
    if len(set(systems.values())) < len(systems):
        raise StudioError("Two folders of the zip have one name; give each system its own.")
    places = {parent: scratch / str(number) for number, parent in enumerate(systems)}
    for entry, name in sounds:
        places[name.parent].mkdir(exist_ok=True)
        left = copy_out(bundle, entry, places[name.parent] / checked(name.name), left)
    captions = None
    for entry, _ in lists:
        captions = scratch / "captions.csv"
        copy_out(bundle, entry, captions, left)
    return Unpacked({checked(systems[at]): place for at, place in places.items()}, captions)


def wanted(bundle: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The files, without what systems hide in zips.

    Raises:
        StudioError: one that is packed in a rarer way, whose faults would each need words of their own.
    """
    found = [
        entry
        for entry in bundle.infolist()
        if not entry.is_dir()
        and not any(part.startswith((".", "__MACOSX")) for part in entry.filename.split("/"))
    ]
    if any(entry.compress_type not in PACKED for entry in found):
        raise StudioError(
            "The zip is packed in a way that is not read here; make it again, with the usual "
            "compression (deflate) or none."
        )
    return found


def checked(name: str) -> str:
    """A name of a file or a folder that may stand in a sentence and on a disk."""
    if len(name) > NAME_LENGTH or not name.isprintable():
        raise StudioError(
            f"A name in the zip has {len(name)} characters or some that cannot be shown; give at "
            f"most {NAME_LENGTH} plain ones."
        )
    return name


def copy_out(bundle: zipfile.ZipFile, entry: zipfile.ZipInfo, to: Path, left: int) -> int:
    """Write one file, never more than `left` bytes; how many are left then."""
    with bundle.open(entry) as source, to.open("xb") as target:
        while chunk := source.read(CHUNK):
            left -= len(chunk)
            if left < 0:
                raise StudioError(
                    f"The zip holds more than {MOST_BYTES // 10**6} MB; give fewer or shorter sounds."
                )
            target.write(chunk)
    return left
