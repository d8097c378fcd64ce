"""A real browser on the real page: Debian's chromium, driven by playwright.

Playwright and not selenium: it waits for what it looks for, hears the console and every request,
and needs no driver of the browser's exact version.
"""

import json
import shutil
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


class Server:
    """A process that has imported everything, and begins and ends studios at once."""

    def __init__(self) -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen([sys.executable, str(SERVER)], **pipes)

    def ask(self, **wish) -> int:
        """What it answers to a wish."""
        self.process.stdin.write(json.dumps(wish) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def close(self) -> None:
        """Let it go."""
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


class Studio:
    """A served page, which can be ended and begun again on the same folder."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.pause = 0.01  # seconds per step
        self.child: int | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}/"

    def open(self) -> None:
        """Serve, and wait until the page answers."""
        self.child = self.server.ask(folder=str(self.folder), port=self.port, pause=self.pause)
        patience = time.monotonic() + PATIENCE
        while time.monotonic() < patience:
            try:
                urllib.request.urlopen(self.address, timeout=5).close()
                return
            except (URLError, OSError):
                time.sleep(0.05)
        self.close()
        pytest.fail(f"The page was not served within {PATIENCE} s.")

    def close(self) -> None:
        """Ask it to end, as a container is asked."""
        if self.child is not None:
            self.server.ask(end=self.child)
            self.child = None


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
        one.context.close()
