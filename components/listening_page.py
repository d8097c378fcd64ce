"""A comparison as one page that opens by a double click: no server, nothing fetched from anywhere.

A browser lets a page from the disk import no module and fetch no file beside it. So our modules
stand in the page itself, as data addresses under names of their own in an import map, and each
pair's sounds and pictures are a script of its own, loaded when the pair is wanted.
"""

import base64
import html
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MODULES, STYLES = ROOT / "components" / "browser", ROOT / "assets" / "page"
BEGINNING = "listening_page"  # the module that builds the page
SHEETS = ("studio.css", "compare.css", "listening_page.css")
IMPORTED = re.compile(r'(from\s+|import\s+)"\./(\w+)\.js"')
PARTS = "page"  # the folder beside the page that holds plotly and a script for each pair


def index(comparison: dict[str, Any]) -> str:
    """The page itself.

    Args:
        comparison: as the studio tells it, waveforms included.
    """
    sides = [comparison["request"][side]["title"] for side in ("a", "b")]
    title = html.escape(f"{sides[0]} and {sides[1]}")
    styles = "\n".join((STYLES / name).read_text(encoding="utf-8") for name in SHEETS)
    names = {f"baton/{name}": address_of(name) for name in modules(BEGINNING)}
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Baton Studio</title>
<style>
{styles}
</style>
<script type="importmap">{in_script({"imports": names})}</script>
</head>
<body>
<main class="bs-page"><noscript>This page needs JavaScript to play the pairs.</noscript></main>
<script type="application/json" id="comparison">{in_script(comparison)}</script>
<script type="module">import "baton/{BEGINNING}";</script>
</body>
</html>
"""


def part(place: int, picture: dict[str, Any], sounds: dict[str, bytes]) -> str:
    """The script that brings one pair.

    Args:
        place: which pair.
        picture: the figures of `components.figures.pair_figures`.
        sounds: an audio file for each side, as bytes.
    """
    told = {side: base64.b64encode(sound).decode() for side, sound in sounds.items()}
    return f"window.batonPair({place}, {in_script({'picture': picture, 'sounds': told})});\n"


def part_name(place: int) -> str:
    """Where the script of a pair lies, beside the page."""
    return f"{PARTS}/pair-{place + 1:03d}.js"


def in_script(values: Any) -> str:
    """Plain values as JSON that no element of a page can be ended by."""
    return json.dumps(values, ensure_ascii=False).replace("<", "\\u003c")


@cache
def modules(beginning: str) -> tuple[str, ...]:
    """A module and all that it needs, by name."""
    found, ahead = [], [beginning]
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.append(name)
            ahead += [needed for _, needed in IMPORTED.findall(source_of(name))]
    return tuple(found)


def address_of(name: str) -> str:
    """The module as a data address, its imports by the names of the import map."""
    source = IMPORTED.sub(r'\1"baton/\2"', source_of(name))
    return f"data:text/javascript;base64,{base64.b64encode(source.encode()).decode()}"


def source_of(name: str) -> str:
    """The text of one of our modules."""
    return (MODULES / f"{name}.js").read_text(encoding="utf-8")
