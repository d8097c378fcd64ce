"""A real browser on the real page: Debian's chromium, driven by playwright.

Playwright and not selenium: it waits for what it looks for, hears the console and every request,
and needs no driver of the browser's exact version.
"""

import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import pytest

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
PATIENCE = 120  # seconds for the page to be served, on a machine that is busy with other things
SERVER = Path(__file__).with_name("serve_sine.py")


class Studio:
    """A served page, which can be ended and begun again on the same folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pause = 0.01  # seconds per step
        self.process: subprocess.Popen | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}/"

    def open(self) -> None:
        """Serve, and wait until the page answers."""
        command = [sys.executable, str(SERVER), str(self.folder), str(self.port), str(self.pause)]
        self.process = subprocess.Popen(command)
        patience = time.monotonic() + PATIENCE
        while time.monotonic() < patience and self.process.poll() is None:
            try:
                urllib.request.urlopen(self.address, timeout=5).close()
                return
            except (URLError, OSError):
                time.sleep(0.2)
        self.close()
        pytest.fail(f"The page was not served within {PATIENCE} s.")

    def close(self) -> None:
        """Ask it to end, as a container is asked."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)


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


@pytest.fixture
def studio(tmp_path: Path, browser) -> Iterator[Studio]:
    """A studio of sines, served."""
    served = Studio(tmp_path / "data")
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
        one.context.close()
