"""The real page over engines of sines: `python tests/browser/serve_sine.py FOLDER PORT PAUSE`."""

import os
import signal
import sys
import threading
from pathlib import Path

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from studio.config import Config
from studio.services.services import Services
from studio.shell import build_page, launch_options
from tests.studio.sine_engines import SineEngines


def main(folder: str, port: str, pause: str) -> None:
    """Serve until a signal comes."""
    config = Config(data=Path(folder), port=int(port), host="127.0.0.1")
    engines = SineEngines(config)
    engines.pause = float(pause)
    services, ended = Services(config, engines), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    services.start()
    page = build_page(services)
    page.launch(**launch_options(services), prevent_thread_lock=True)
    ended.wait()
    page.close(verbose=False)
    services.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
