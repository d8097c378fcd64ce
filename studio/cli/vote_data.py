"""`vote export`, `vote import` and `vote push`: what a campaign holds, out and in."""

from typing import Any


def add_to(actions: Any) -> None:
    """The actions and their flags."""
