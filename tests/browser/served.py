"""The studio served in a process of its own, ended and begun again at will."""

import json
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError

import pytest

from tests.studio.sine_engines import HOLD

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

    def __init__(self, server: Server, folder: Path, **wishes) -> None:
        self.server = server
        self.folder = folder
        self.wishes = wishes  # fields of Config
        self.pause = 0.01  # seconds per step
        self.bands = False  # whether CLAP tells high from low
        self.real = False  # whether the models are real ones, and not sines
        self.held_out: int | None = None  # prompts that a training is listened to by; None: all
        self.child: int | None = None
        self.port = free_port()

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}/"

    def open(self) -> None:
        """Serve, and wait until the page answers."""
        wish = {
            "folder": str(self.folder),
            "port": self.port,
            "pause": self.pause,
            "bands": self.bands,
            "real": self.real,
            "held_out": self.held_out,
        }
        self.child = self.server.ask(**wish, config=self.wishes)
        patience = time.monotonic() + PATIENCE
        while time.monotonic() < patience and self.is_alive():
            try:
                urllib.request.urlopen(self.address, timeout=5).close()
                return
            except (URLError, OSError, HTTPException):
                time.sleep(0.05)
        self.close()
        pytest.fail(f"The page was not served within {PATIENCE} s, or its process ended.")

    def is_alive(self) -> bool:
        """Whether its process runs."""
        return self.child is not None and bool(self.server.ask(alive=self.child))

    def close(self) -> None:
        """Ask it to end, as a container is asked; a test whose studio does not end fails."""
        if self.child is not None:
            status, self.child = self.server.ask(end=self.child), None
            if status == signal.SIGKILL:
                pytest.fail(
                    "The studio did not end when asked; standard error says where it stood."
                )

    def hold(self) -> None:
        """Of a run that begins now only the first sound is made, until `let_go`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / HOLD).touch()

    def let_go(self) -> None:
        """The others are made too."""
        (self.folder / HOLD).unlink()

    def kill(self) -> None:
        """End it between two instructions, as a power cut would end the process."""
        self.server.ask(kill=self.child)
        self.child = None


def free_port() -> int:
    """A port that nobody listens on, below those that the system gives to connections.

    Who calls a port among those while nobody listens there may be given it for the calling end too,
    is then connected with itself, and keeps the studio from it.
    """
    for port in random.SystemRandom().sample(range(20_000, 32_000), 100):
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("none of 100 ports is free")
