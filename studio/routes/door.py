"""What every address of ours shares: who asks, what is answered, and how a fault is told."""

import functools
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from pipelines.errors import StudioError
from studio.services.services import Services
from studio.visitors import owner_of

FOREVER = {"cache-control": "private, max-age=31536000, immutable"}  # named by a hash
NO_STORE = {"cache-control": "no-store"}
Handler = Callable[[Request], Awaitable[Response]]
Answer = Callable[[Services, Request, str], Response | dict[str, Any]]


def door(services: Services, answer: Answer) -> Handler:
    """The one place where a person's fault in a route becomes an answer: 400 and its sentence."""

    @functools.wraps(answer)
    async def handle(request: Request) -> Response:
        owner = owner_of(request, services.config.on_space)
        try:
            found = await run_in_threadpool(answer, services, request, owner)
        except StudioError as error:
            return JSONResponse({"error": str(error)}, 400)
        return found if isinstance(found, Response) else JSONResponse(found, headers=NO_STORE)

    return handle


def outgoing(path: Path) -> Response:
    """A file to take away, deleted with its folder once it is sent."""
    clean = BackgroundTask(shutil.rmtree, path.parent, ignore_errors=True)
    return FileResponse(path, filename=path.name, headers=NO_STORE, background=clean)


def taken_away(text: str, media_type: str, name: str) -> Response:
    """Text that the browser saves under a name."""
    headers = {**NO_STORE, "content-disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type=media_type, headers=headers)
