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
MostUpload = Callable[[Services], int]  # MB


def door(services: Services, answer: Answer, most_mb: MostUpload | None = None) -> Handler:
    """The one place where a person's fault in a route becomes an answer: its status, its sentence.

    What was sent as JSON is in `request.state.body`, an object. Other bodies are not read, but for
    those of answers that take a file, whatever it is called: it lies at `request.state.upload` until
    the answer is made.

    Args:
        services: what answers.
        answer: makes the answer.
        most_mb: tells how large a file it takes; None: it takes none.
    """

    @functools.wraps(answer)
    async def handle(request: Request) -> Response:
        owner = owner_of(request, services.config.is_shared)
        folder = None
        try:
            request.state.body = {} if most_mb is not None else await read_json(request)
            if most_mb is not None:
                folder = services.downloads.new_folder()
                request.state.upload = folder / "upload"
                await read_file(request, request.state.upload, most_mb(services))
            found = await run_in_threadpool(answer, services, request, owner)
        except StudioError as error:
            return JSONResponse({"error": str(error)}, status_of(error), headers=NO_STORE)
        finally:
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
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


async def read_file(request: Request, to: Path, most_mb: int) -> None:
    """Write the body into a file, never more than so many MB of it.

    Raises:
        StudioError: nothing was sent, too much, or there is no room on the disk.
    """
    size = 0
    try:
        with to.open("xb") as file:
            async for chunk in request.stream():
                size += len(chunk)
                if size > most_mb * 10**6:
                    raise TooLarge(f"More than {most_mb} MB were sent; send a smaller file.")
                file.write(chunk)
    except OSError as error:
        raise StudioError(
            f"The file could not be kept ({error.strerror}); free some disk space."
        ) from error
    if not size:
        raise StudioError("Nothing was sent; send the file as the body.")


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
