"""A zip that is sent while it is packed: nothing of it lies on the disk, and the first bytes come at once."""

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

PIECE = 1 << 20  # bytes read at a time


class Pieces:
    """Takes what the packer writes and gives it on; it cannot go back."""

    def __init__(self) -> None:
        self.held: list[bytes] = []

    def write(self, content: bytes) -> int:
        """Hold it until it is taken."""
        self.held.append(bytes(content))
        return len(content)

    def flush(self) -> None:
        """Nothing waits in here."""

    def taken(self) -> bytes:
        """What was written since the last time."""
        content = b"".join(self.held)
        self.held.clear()
        return content


def zip_stream(files: Mapping[str, Path]) -> Iterator[bytes]:
    """The files, unpacked as they are, under these names; for sounds packing gains little.

    Every file is looked at before the first piece is given, so that one that is gone is told.

    Args:
        files: where each lies, by its name in the zip.

    Raises:
        OSError: one cannot be read.
    """
    sizes = {name: path.stat().st_size for name, path in files.items()}
    return _packed(files, sizes)


def _packed(files: Mapping[str, Path], sizes: Mapping[str, int]) -> Iterator[bytes]:
    pieces = Pieces()
    with zipfile.ZipFile(pieces, "w", zipfile.ZIP_STORED) as bundle:
        for name, path in files.items():
            entry = zipfile.ZipInfo(name)
            is_huge = sizes[name] >= zipfile.ZIP64_LIMIT
            with path.open("rb") as file, bundle.open(entry, "w", force_zip64=is_huge) as packed:
                while content := file.read(PIECE):
                    packed.write(content)
                    yield pieces.taken()
    yield pieces.taken()
