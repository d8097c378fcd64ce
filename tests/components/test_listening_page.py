import base64
import json
import re

import pytest

from components.listening_page import index, modules, part, part_name, source_of

SIDE = {"id": "x", "seconds": 1.0, "peaks": "AAAA"}
COMPARISON = {
    "id": "c",
    "request": {"a": {"title": "One <b>"}, "b": {"title": "Two"}, "prompts": ["</script><b>"]},
    "pairs": [{"place": 0, "prompt": "</script><img onerror=x>", "a": SIDE, "b": SIDE}],
}


def test_the_page_holds_every_module_that_it_needs_and_no_other():
    """What the view imports is there; what asks a studio is not."""
    names = modules("listening_page")
    assert {"compare", "stand", "transport", "element"} <= set(names)
    assert not {"ask", "studio", "compare_tab", "deck"} & set(names)
    for name in names:
        assert "import.meta" not in source_of(name), name


def test_the_import_map_answers_every_import():
    """Each name that a module in the page imports is in the map, and none by a path."""
    page = index(COMPARISON)
    [told] = re.findall(r'<script type="importmap">(.*?)</script>', page)
    imports = json.loads(told)["imports"]
    for name, address in imports.items():
        head, body = address.split(",", 1)
        assert head == "data:text/javascript;base64", name
        source = base64.b64decode(body).decode()
        assert set(re.findall(r'from "([^"]+)"', source)) <= set(imports), name
        assert '"./' not in source, name


def test_nothing_is_fetched_from_a_host():
    """No address of another host, and no font or picture by an address at all."""
    page = index(COMPARISON)
    assert not re.findall(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", page)
    assert not re.findall(r"@import|url\((?!data:)", page)


def test_what_people_wrote_cannot_end_an_element():
    """A prompt with a closing tag stays a prompt."""
    page = index(COMPARISON)
    [told] = re.findall(r'<script type="application/json" id="comparison">(.*?)</script>', page)
    assert json.loads(told) == COMPARISON
    assert "<title>One &lt;b&gt; and Two · Baton Studio</title>" in page
    assert "</script>" not in part(0, {"label": "</script>"}, {"a": b"", "b": b""})


@pytest.mark.parametrize("place", [0, 11, 1999])
def test_a_pair_is_brought_by_a_script_of_its_own(place):
    """The script hands on its place, the figures and the bytes of both sounds."""
    text = part(place, {"a": 1}, {"a": b"fLaC\x00", "b": b"other"})
    told = re.fullmatch(r"window\.batonPair\((\d+), (.*)\);\n", text)
    values = json.loads(told[2])
    assert int(told[1]) == place
    assert base64.b64decode(values["sounds"]["a"]) == b"fLaC\x00"
    assert part_name(place) == f"page/pair-{place + 1:03d}.js"
