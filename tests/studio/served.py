"""A studio of sines on the real page, served over loopback; and a voter who asks it by HTTP."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import Any

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read by gradio when it is imported

import httpx
import numpy as np
from sqlalchemy import text

from pipelines.audio import write_audio
from studio.config import Config
from studio.store.migrations import VOTE_TABLES
from studio.store.store import Store

NASTY = "'; drop table votes; -- <img src=x onerror=alert(1)> ${alert(1)} {{7*7}} \u202e"
ROOT = Path(__file__).resolve().parents[2]


class Served:
    """The page in a process of its own, which can be asked to end, or killed, and begun again.

    Args:
        wishes: fields of `Config`.
    """

    def __init__(self, **wishes: Any) -> None:
        self.wishes = {"host": "127.0.0.1", "port": free_port(), "warm": False, **wishes}
        self.process: subprocess.Popen | None = None

    @property
    def config(self) -> Config:
        """What it is served with."""
        return Config(**{**self.wishes, "data": Path(self.wishes["data"])})

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.wishes['port']}"

    def open(self) -> None:
        """Serve, and wait until the page says so."""
        command = [
            sys.executable,
            "-m",
            "tests.studio.served",
            json.dumps(self.wishes, default=str),
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        said = self.process.stdout.readline()
        assert said == "open\n", "the page was not served"

    def close(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end, as a container is asked; how it ended."""
        self.process.send_signal(number)
        status = self.process.wait(30)
        self.process.stdout.close()
        return status


def main(wishes: dict[str, Any]) -> None:
    """Serve until a signal comes, as app.py does."""
    from studio.services.services import Services
    from studio.shell import build_page, launch_options
    from tests.studio.sine_engines import SineEngines

    config = Config(**{**wishes, "data": Path(wishes["data"])})
    services, ended = Services(config, SineEngines(config)), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    services.start()
    page = build_page(services)
    page.launch(**launch_options(services), prevent_thread_lock=True)
    sys.stdout.write("open\n")
    sys.stdout.flush()
    ended.wait()
    page.close(verbose=False)
    services.close()


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class VoterOn:
    """A browser of one voter: keeps cookies, asks what the page asks, and keeps every answer."""

    def __init__(self, address: str, campaign: str = "") -> None:
        self.client = httpx.Client(base_url=address, timeout=30)
        self.campaign = campaign
        self.heard: list[httpx.Response] = []

    def get(self, path: str, **wishes) -> httpx.Response:
        """Ask."""
        self.heard.append(self.client.get(path, **wishes))
        self._keep(self.heard[-1])
        return self.heard[-1]

    def post(self, path: str, sent=None, **wishes) -> httpx.Response:
        """Send JSON."""
        self.heard.append(self.client.post(path, json={} if sent is None else sent, **wishes))
        self._keep(self.heard[-1])
        return self.heard[-1]

    def _keep(self, answer: httpx.Response) -> None:
        """A cookie for https alone goes over the loopback too, as through a Space's proxy."""
        for line in answer.headers.get_list("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.client.cookies.delete(name)
            self.carry(name, value)

    def carry(self, name: str, value: str) -> None:
        """Bring this cookie from now on; an empty one is none."""
        if value:
            self.client.cookies.set(name, value, domain="127.0.0.1")

    def join(self, **sent) -> httpx.Response:
        """Take part."""
        return self.post(f"/studio/vote/{self.campaign}/join", sent)

    def next(self) -> dict:
        """What is before this voter."""
        return self.post(f"/studio/vote/{self.campaign}/next").json()["serving"]

    def vote(self, serving: dict, **changes) -> httpx.Response:
        """A vote for A, all fetched and heard, unless told otherwise."""
        sent = {
            "id": str(uuid.uuid4()),
            "serving": serving["id"],
            "nonce": serving["nonce"],
            "action": "cast",
            "outcome": "a",
            "heard": [1000] * len(serving["sounds"]),
        }
        for sound in serving["sounds"]:
            self.get(sound["url"])
        return self.post("/studio/vote/votes", {**sent, **changes})


def row_counts(store: Store) -> dict[str, int]:
    """How many rows each table has that a vote could touch."""
    with store.database.read() as rows:
        return {
            table: rows.execute(text(f"select count(*) from {table}")).scalar()
            for table in [*VOTE_TABLES, "drafts", "jobs"]
        }


def is_sentence(answer: httpx.Response) -> bool:
    """Whether there is one sentence under `error`, without traces, paths or SQL."""
    told = answer.json()["error"]
    words = ("Traceback", 'File "', "sqlalchemy", "sqlite", "/studio.db", "select ")
    is_clean = not any(word in told for word in words)
    return is_clean and told.rstrip()[-1] in ".!?" and " " in told and len(told) < 400


def telling_folders(folder: Path, prompts: int = 3, takes: int = 2) -> dict[str, Path]:
    """Folders of three systems that differ in all that a file can tell: name, rate, level, length."""
    kinds = {
        "Xylograph 9000": {"rate": 16000, "gain": 0.05, "seconds": 0.8, "channels": 1, "as": "wav"},
        "Quokka tiny": {"rate": 44100, "gain": 0.8, "seconds": 1.1, "channels": 2, "as": "flac"},
        "Zephyr base": {"rate": 22050, "gain": 0.3, "seconds": 0.6, "channels": 1, "as": "wav"},
    }
    for number, (title, kind) in enumerate(kinds.items()):
        for prompt in range(prompts):
            for take in range(takes):
                t = np.arange(round(kind["seconds"] * kind["rate"])) / kind["rate"]
                tone = np.sin(2 * np.pi * (300 + 170 * number + 60 * prompt + 20 * take) * t)
                audio = np.repeat((kind["gain"] * tone)[None], kind["channels"], axis=0)
                write_audio(
                    folder / title / f"scene{prompt}_{take}.{kind['as']}",
                    audio.astype(np.float32),
                    kind["rate"],
                    settings={"prompt": f"scene number {prompt}", "model": title, "steps": 777},
                )
    return {title: folder / title for title in kinds}


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
