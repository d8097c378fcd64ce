"""The results page of a study: a function of its figures, so that no number in it was typed."""

from typing import Any


def page(told: dict[str, Any]) -> str:
    """The page."""
    return str(told["judge"])
