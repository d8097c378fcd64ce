"""What every address of ours shares: who asks, what was sent, what is answered, how a fault is told."""

import functools
import json
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from pipelines.errors import StudioError
from studio.refusals import TooLarge, status_of
from studio.services.services import Services
from studio.visitors import owner_of

FOREVER = {"cache-control": "private, max-age=31536000, immutable"}  # named by a hash
NO_STORE = {"cache-control": "no-store"}
MOST_BYTES = 64 * 1024  # of JSON; the longest vote needs a tenth of it
Handler = Callable[[Request], Awaitable[Response]]
Answer = Callable[[Services, Request, str], Response | dict[str, Any]]


def door(services: Services, answer: Answer) -> Handler:
    """The one place where a person's fault in a route becomes an answer: its status, its sentence.

    What was sent as JSON is in `request.state.body`, an object; other bodies are not read.
    """

    @functools.wraps(answer)
    async def handle(request: Request) -> Response:
        owner = owner_of(request, services.config.is_shared)
        try:
            request.state.body = await read_json(request)
            found = await run_in_threadpool(answer, services, request, owner)
        except StudioError as error:
            return JSONResponse({"error": str(error)}, status_of(error), headers=NO_STORE)
        return found if isinstance(found, Response) else JSONResponse(found, headers=NO_STORE)

    return handle


async def read_json(request: Request) -> dict[str, Any]:
    """The JSON object that was sent, or an empty one when nothing was sent as JSON.

    Raises:
        StudioError: too long, not JSON, no object, or with numbers that JSON does not have.
    """
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        return {}
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MOST_BYTES:
            raise TooLarge(f"More than {MOST_BYTES // 1024} kB of JSON were sent; send less.")
    try:
        found = json.loads(content or b"{}", parse_constant=refuse_constant)
        json.dumps(found, ensure_ascii=False).encode()  # half a surrogate could never be sent back
    except (ValueError, RecursionError) as error:
        raise StudioError("What was sent is not JSON that can be read; send an object.") from error
    if not isinstance(found, dict):
        raise StudioError(f"A {type(found).__name__} was sent; send a JSON object.")
    return found


def refuse_constant(name: str) -> None:
    """NaN and Infinity are no JSON, though Python reads them."""
    raise ValueError(name)


def outgoing(path: Path) -> Response:
    """A file to take away, deleted with its folder once it is sent."""
    clean = BackgroundTask(shutil.rmtree, path.parent, ignore_errors=True)
    return FileResponse(path, filename=path.name, headers=NO_STORE, background=clean)


def taken_away(text: str, media_type: str, name: str) -> Response:
    """Text that the browser saves under a name."""
    headers = {**NO_STORE, "content-disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type=media_type, headers=headers)
