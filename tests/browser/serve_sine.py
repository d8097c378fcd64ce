"""The real page over engines of sines, a process of its own for each that is asked for.

Importing takes seconds, so it is done once and each studio is forked from there. On standard input
a line of JSON each: `{"folder": ..., "port": ..., "pause": ..., "config": {...}}` begins one (with
`"bands": true` over a CLAP that tells high from low, with `"real": true` over the studio's own engines)
and is answered with its process id, `{"end": id}` ends one, as a container is ended, and is answered
with how it ended when it is gone, `{"kill": id}` ends it at once, `{"alive": id}` is answered with 1
while it runs, else 0. One that does not end says on standard error where it stands, and is killed.
"""

import faulthandler
import json
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from studio.config import Config
from studio.services.engines import Engines
from studio.services.finetune import listening, run
from studio.services.services import Services
from studio.shell import build_page, launch_options
from tests.studio.judged import BandEngines
from tests.studio.sine_engines import SineEngines

PATIENCE = 120  # seconds that a studio has to end; a training saves first, which takes up to 60


class KeepingEngines(SineEngines):
    """Sines, and whatever was trained here."""

    def models(self) -> list[Any]:
        kept = self.config.data / "adapters"
        return [*super().models(), *(m for m in self.adapters.models() if m.path.parent == kept)]


def serve(
    folder: str,
    port: int,
    pause: float,
    config: dict,
    bands: bool = False,
    held_out: int | None = None,
    real: bool = False,
) -> None:
    """Serve until a signal comes."""
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    config = Config(data=Path(folder), port=port, host="127.0.0.1", **config)
    if held_out is not None:  # this process is forked for this studio alone
        listening.HELD_OUT = run.HELD_OUT = held_out
    engines = Engines(config) if real else (BandEngines if bands else KeepingEngines)(config)
    engines.pause = pause
    services, ended = Services(config, engines), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    services.start()
    page = build_page(services)
    page.launch(**launch_options(services), prevent_thread_lock=True)
    ended.wait()
    page.close(verbose=False)
    services.close()


def forked(wish: dict) -> int:
    """A process that serves what is wished; its id."""
    child = os.fork()
    if child:
        return child
    try:
        serve(**wish)
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(1)  # whatever happened, never back into the parent's loop


def ended(end: int = 0, kill: int = 0) -> int:
    """Its exit status, once it is gone."""
    child = end or kill
    if not is_running(child):
        return 0
    os.kill(child, signal.SIGTERM if end else signal.SIGKILL)
    patience = time.monotonic() + PATIENCE
    while time.monotonic() < patience:
        gone, status = os.waitpid(child, os.WNOHANG)
        if gone:
            return status
        time.sleep(0.02)
    os.kill(child, signal.SIGUSR1)  # it writes where each of its threads stands
    time.sleep(1)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def is_running(child: int) -> bool:
    """Whether this child of ours has not ended."""
    try:
        return os.waitpid(child, os.WNOHANG) == (0, 0)
    except ChildProcessError:
        return False


def main() -> None:
    """Do what each line says, until there are no more."""
    for line in sys.stdin:
        wish = json.loads(line)
        if "alive" in wish:
            answer = int(is_running(wish["alive"]))
        elif "end" in wish or "kill" in wish:
            answer = ended(**wish)
        else:
            answer = forked(wish)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
