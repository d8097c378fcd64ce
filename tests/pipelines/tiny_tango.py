"""A random Tango small enough for tests: the parity fixtures, cut to 2.24 s."""

import json
import shutil
from pathlib import Path

PARITY = Path(__file__).parents[1] / "parity" / "tango"
FRAMES = 56


def copy_tango(folder: Path) -> Path:
    """The tiny model in the published layout, with fewer frames."""
    made = Path(shutil.copytree(PARITY, folder / "tango"))
    config = json.loads((made / "main_config.json").read_text())
    (made / "main_config.json").write_text(json.dumps({**config, "frames": FRAMES}))
    return made
