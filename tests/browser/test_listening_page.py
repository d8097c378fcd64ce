"""The page that `cli compare` writes, opened from the disk as by a double click. Slow: a browser."""

import json

import pytest

from studio.config import Config
from studio.services.services import Services
from tests.studio.comparing import DOG, TWO
from tests.studio.sine_engines import SineEngines

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A folder with a comparison of two pairs."""
    folder = tmp_path_factory.mktemp("written")
    config = Config(data=folder / "data")
    services = Services(config, SineEngines(config))
    wish = services.check_comparison(f"{DOG}\nrain <b>falls", **TWO, seconds=2, seed=3)
    found = services.compare_now("here", wish, lambda *_: None)
    services.write_comparison(found["id"], folder / "out")
    services.close()
    return folder / "out"


@pytest.fixture
def opened(browser, written):
    """The page, watched: no error, and no request but for files beside it."""
    page, faults, asked = browser.new_page(viewport={"width": 390, "height": 800}), [], []
    page.on("console", lambda told: faults.append(told.text) if told.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto((written / "index.html").as_uri())
    page.wait_for_selector(".bs-half-b .bs-picture.is-drawn", timeout=60_000)
    yield page
    page.close()
    assert faults == []
    assert all(url.startswith(("file:", "data:", "blob:")) for url in asked)


def test_a_pair_plays_and_turns_over_from_the_disk(opened):
    """Both sounds out of the script beside the page; play, B, the next pair; the address follows."""
    opened.click(".bs-transport .bs-play")
    opened.wait_for_function(
        "() => parseFloat(document.querySelector('.bs-ab-lane .bs-clock').textContent) > 0.2"
    )
    opened.keyboard.press("b")
    assert opened.locator('.bs-switch [aria-pressed="true"]').all_inner_texts() == ["B"]
    opened.keyboard.press("j")
    opened.wait_for_function("() => /#pair=[01]$/.test(location.hash)")
    assert opened.locator(".bs-pairs li").count() == 2
    assert "Over all pairs" in opened.inner_text(".bs-summary")


def test_it_fits_a_phone(opened):
    """Nothing stands out to the right at 390 px."""
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_folder_holds_the_rest(written):
    """Report, table, and a sound for each side."""
    report = json.loads((written / "report.json").read_text())
    sounds = written / "sounds"
    names = {str(path.relative_to(sounds)) for path in sounds.rglob("*.wav")}
    assert names == {"a/001.wav", "a/002.wav", "b/001.wav", "b/002.wav"}
    assert report["pairs"][1]["b"]["file"] == "sounds/b/002.wav"
    assert (written / "pairs.csv").read_text().count("\n") == 3
