"""How the page calls us: out of its API's sight, and with each fault told as a message."""

import functools
import logging
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import Any

import gradio as gr

from pipelines.errors import StudioError

log = logging.getLogger(__name__)
HIDDEN = {"api_visibility": "private", "show_progress": "hidden"}  # of what only the page may call


class Door:
    """Lets a `StudioError` out as its own sentence, and anything else as a reference to the log."""

    def __enter__(self) -> "Door":
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, StudioError):
            raise gr.Error(str(error), duration=12, print_exception=False) from error
        if isinstance(error, Exception) and not isinstance(error, gr.Error):
            reference = uuid.uuid4().hex[:8]
            log.error("a handler failed (reference %s)", reference, exc_info=error)
            raise gr.Error(
                f"This is our fault, not yours; the log has it under {reference}.",
                print_exception=False,
            ) from error


def shown(handler: Callable[..., Any]) -> Callable[..., Any]:
    """The handler, its faults shown to the person."""

    @functools.wraps(handler)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        with Door():
            return handler(*args, **kwargs)

    return guarded
