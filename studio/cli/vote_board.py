"""`vote board`: what a campaign's votes say, as lines of JSON."""

from typing import Any


def add_to(actions: Any) -> None:
    """The action and its flags."""
