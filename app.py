"""Run me: `python app.py` opens the studio in a browser page on this machine."""

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # read by gradio when it is imported

import signal
import sys
import threading

from pipelines.errors import StudioError
from studio.config import read_config
from studio.services.services import Services


def main(**flags: object) -> int:
    """Open the store, build the page, serve it until asked to end; the exit status."""
    try:
        services = Services(read_config(os.environ, **flags))
        services.engines.hold()
    except StudioError as error:
        sys.stderr.write(f"{error}\n")
        return 2

    from studio.shell import build_page, launch_options

    page, ended = build_page(services), threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    services.start()
    try:
        _, address, _ = page.launch(**launch_options(services), prevent_thread_lock=True)
        sys.stderr.write(f"Baton Studio is at {address}\n")
        ended.wait()
    except OSError as error:  # the port is taken
        sys.stderr.write(f"{error}\n")
        return 2
    finally:
        page.close(verbose=False)
        services.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
