"""What a backup has and this machine has not is brought back: rows by segment, sounds by hash."""

import hashlib
import logging
import tempfile
import uuid
from pathlib import Path

from pipelines.errors import StudioError
from studio.config import Config
from studio.services.backup.places import Place, PlaceError
from studio.store.segment_file import SegmentFile, read
from studio.store.segments import SegmentTable
from studio.store.store import Store

log = logging.getLogger(__name__)
OWNER = "studio.json"  # names the one studio whose votes the place holds
MARK = "studio"


def restore(
    store: Store, segments: SegmentTable, place: Place, boot: str, config: Config
) -> tuple[set[str], list[str]]:
    """Bring back everything of the place that is not here.

    Args:
        boot: names this process in the segments that it closes.
        config: tells a Space, whose disk begins empty, that it is still the same studio.

    Returns:
        The files of the place, and what could not be brought back, in words.

    Raises:
        PlaceError: the place does not answer, or holds the votes of another studio.
    """
    place.open()
    there = place.names()
    with tempfile.TemporaryDirectory() as folder:
        know_each_other(store, segments, place, there, config, Path(folder))
        wanted = sorted(n for n in there - segments.names() if n.startswith("votes/"))
        place.fetch(wanted, Path(folder))
        files, left_out = read_all(Path(folder), wanted)
        if files:
            left_out += segments.take_in(files, boot)
        left_out += bring_sounds(store, place, there, Path(folder))
    for sentence in left_out:
        log.warning("not brought back: %s", sentence)
    return there, left_out


def know_each_other(
    store: Store,
    segments: SegmentTable,
    place: Place,
    there: set[str],
    config: Config,
    folder: Path,
) -> None:
    """Refuse a place of another studio; an empty studio becomes the one whose votes are there."""
    ours = segments.mark(MARK) or space_name(config)
    if OWNER not in there:
        ours = ours or uuid.uuid4().hex
        place.put({OWNER: ours.encode()}, "the studio that this belongs to")
    else:
        place.fetch([OWNER], folder)
        theirs = (folder / OWNER).read_text().strip()
        if ours is None and not store.campaigns.latest():
            ours = theirs
        if ours != theirs:
            raise PlaceError(
                f"BATON_BACKUP names a place that holds the votes of another studio ({theirs}); "
                "give each studio a place of its own. If it is this one under a new name, delete "
                f"{OWNER} there."
            )
    segments.keep_mark(MARK, ours)


def space_name(config: Config) -> str | None:
    """A Space is the same studio after every restart, though its disk is new."""
    if not config.on_space or not config.public_host:
        return None
    return f"space {config.public_host.split(',')[0].strip()}"


def read_all(folder: Path, names: list[str]) -> tuple[list[SegmentFile], list[str]]:
    """The segments that can be read; the others by name and reason."""
    files, damaged = [], []
    for name in names:
        try:
            file = read((folder / name).read_bytes())
            if file.name != name:
                raise StudioError(f"it says to be {file.name}")
            files.append(file)
        except StudioError as error:
            damaged.append(f"{name}: {error}")
    return files, damaged


def bring_sounds(store: Store, place: Place, there: set[str], folder: Path) -> list[str]:
    """The sounds that campaigns name and this disk lacks; what is missing or damaged, in words."""
    lacking = {
        sound_file(sha256): sha256
        for sha256 in store.campaigns.sounds()
        if not store.clips.path(sha256).is_file()
    }
    found = sorted(set(lacking) & there)
    place.fetch(found, folder)
    left_out = [f"{name}: it is neither here nor in the backup" for name in set(lacking) - there]
    for name in found:
        content = (folder / name).read_bytes()
        if hashlib.sha256(content).hexdigest() == lacking[name]:
            store.clips.keep(lacking[name], content)
        else:
            left_out.append(f"{name}: its bytes are not those that its name promises")
    return sorted(left_out)


def sound_file(sha256: str) -> str:
    """The name of a sound in the place."""
    return f"sounds/{sha256[:2]}/{sha256}.wav"
