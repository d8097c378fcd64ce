"""The real page over engines of sines: `python tests/browser/serve_sine.py FOLDER PORT PAUSE`."""

import os
import signal
import sys
import threading
from pathlib import Path

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent / "studio")]

from sine_engines import SineEngines  # noqa: E402

from studio.config import Config  # noqa: E402
from studio.services.services import Services  # noqa: E402
from studio.shell import build_page, launch_options  # noqa: E402


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
