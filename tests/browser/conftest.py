"""A real browser on the real page: Debian's chromium, driven by playwright.

Playwright and not selenium: it waits for what it looks for, hears the console and every request,
and needs no driver of the browser's exact version.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.served import Server, Studio
from tests.browser.watched import Watched

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
]


@pytest.fixture(scope="session")
def browser():
    """Chromium without a window; skipped, with the reason, where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no chromium; apt-get install chromium")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, headless=True, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def server(browser) -> Iterator[Server]:
    """What studios are forked from."""
    begun = Server()
    yield begun
    begun.close()


@pytest.fixture
def studio(tmp_path: Path, server) -> Iterator[Studio]:
    """A studio of sines, served."""
    served = Studio(server, tmp_path / "data")
    served.open()
    yield served
    served.close()


@pytest.fixture
def watch(browser, studio):
    """Opens watched pages."""
    opened = []

    def open_page(**wishes) -> Watched:
        opened.append(Watched(browser, studio, **wishes))
        return opened[-1]

    yield open_page
    for one in opened:
        one.close()
