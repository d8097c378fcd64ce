"""`studio`: the page, as app.py opens it."""

import argparse
from typing import Any

from studio.cli.telling import number


def add_to(verbs: Any) -> None:
    """The verb and its flags."""
    page = verbs.add_parser("studio", help="the page, as app.py")
    page.add_argument("--port", type=number)
    page.add_argument("--host")
    page.set_defaults(do=serve)


def serve(asked: argparse.Namespace) -> int:
    """What app.py does."""
    from app import main as open_page

    return open_page(data=asked.data, device=asked.device, port=asked.port, host=asked.host)
