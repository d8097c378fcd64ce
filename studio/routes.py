"""The page's own addresses under /studio: sounds with seeking, pictures, downloads, small changes."""

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
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from pipelines.errors import StudioError
from studio.services.comparison_views import file_name
from studio.services.services import Services
from studio.visitors import owner_of

ROOT = Path(__file__).resolve().parent.parent
FOREVER = {"cache-control": "private, max-age=31536000, immutable"}  # named by a hash
NO_STORE = {"cache-control": "no-store"}
Handler = Callable[[Request], Awaitable[Response]]
Answer = Callable[[Services, Request, str], Response | dict[str, Any]]


def routes(services: Services) -> list[Route | Mount]:
    """Every route, each bound to these services."""
    table: list[tuple[str, str, Answer]] = [
        ("GET", "/state", state),
        ("GET", "/history", history),
        ("GET", "/favourites", favourites),
        ("GET", "/jobs/{job}", job),
        ("POST", "/jobs/{job}/stop", stop),
        ("GET", "/jobs/{job}/all.{kind}.zip", download_all),
        ("GET", "/candidates/{candidate}/sound.wav", sound),
        ("GET", "/candidates/{candidate}/picture", picture),
        ("GET", "/candidates/{candidate}/download.{kind}", download),
        ("POST", "/candidates/{candidate}/favourite", favourite),
        ("POST", "/candidates/{candidate}/again", again),
        ("POST", "/candidates/{candidate}/vary", vary),
        ("GET", "/comparisons", comparisons),
        ("GET", "/comparisons/{comparison}", comparison),
        ("POST", "/comparisons/{comparison}/stop", stop_comparison),
        ("GET", "/comparisons/{comparison}/pairs/{place:int}/picture", pair_picture),
        ("GET", "/comparisons/{comparison}/report.json", report),
        ("GET", "/comparisons/{comparison}/pairs.csv", pairs_table),
        ("GET", "/comparisons/{comparison}/sounds.zip", pair_sounds),
        ("GET", "/plotly.js", plotly),
    ]
    bound = [
        Route(f"/studio{path}", door(services, answer), methods=[method])
        for method, path, answer in table
    ]
    return [
        *bound,
        Mount("/studio/components", StaticFiles(directory=ROOT / "components" / "browser")),
        Mount("/studio/assets", StaticFiles(directory=ROOT / "assets" / "page")),
    ]


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


def state(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """How far the usual model is; being asked, it begins to load."""
    services.warm()
    found = services.engines.state(request.query_params.get("model", services.config.model))
    return {
        "model": found.name,
        "is_ready": found.is_ready,
        "is_loading": found.is_loading,
        "problem": found.problem,
    }


def history(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """The person's runs, the newest first."""
    before = request.query_params.get("before", "")[:40]
    return {"runs": services.views.history(owner, before=before)}


def favourites(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """The candidates that the person likes."""
    return {"cards": services.views.favourites(owner)}


def job(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """One run as it stands."""
    return services.views.job(request.path_params["job"], owner)


def stop(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Ask a run to stop."""
    return {"stopping": services.stop(owner, request.path_params["job"])}


def sound(services: Services, request: Request, owner: str) -> Response:
    """The clip, with byte ranges, so that the browser can seek."""
    found = services.views.candidate(request.path_params["candidate"])
    path = services.store.clips.path(found.clip)
    if not path.is_file():
        raise StudioError(
            "The sound of this candidate is no longer on the disk; generate it again."
        )
    return FileResponse(path, media_type="audio/wav", headers=FOREVER)


def picture(services: Services, request: Request, owner: str) -> Response:
    """The spectrogram and the event timeline, as a plotly figure."""
    from components.figures import candidate_figure

    found = services.views.candidate(request.path_params["candidate"])
    audio, rate = services.store.clips.read(found.clip)
    figure = candidate_figure(audio, rate, services.views.events(found.id))
    return JSONResponse(figure, headers=NO_STORE)


def download(services: Services, request: Request, owner: str) -> Response:
    """The candidate as WAV or FLAC, settings embedded."""
    found = services.views.candidate(request.path_params["candidate"])
    return outgoing(services.downloads.file(found, request.path_params["kind"]))


def download_all(services: Services, request: Request, owner: str) -> Response:
    """All candidates of a run as a zip."""
    ids = services.views.job_of(request.path_params["job"], owner).candidates
    found = services.store.candidates.find(ids)
    return outgoing(services.downloads.zip(found, request.path_params["kind"]))


def outgoing(path: Path) -> Response:
    """A file to take away, deleted with its folder once it is sent."""
    clean = BackgroundTask(shutil.rmtree, path.parent, ignore_errors=True)
    return FileResponse(path, filename=path.name, headers=NO_STORE, background=clean)


def favourite(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Like the candidate (?liked=1) or no longer (?liked=0)."""
    liked = request.query_params.get("liked") == "1"
    services.set_favourite(owner, request.path_params["candidate"], liked)
    return {"is_favourite": liked}


def again(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Make the same anew; the new run's id."""
    return {"job": services.same_again(owner, request.path_params["candidate"])}


def vary(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Make the same with new seeds; the new run's id."""
    text = request.query_params.get("count", "4")
    if not text.isdigit():
        raise StudioError(f"The number of variations is {text[:20]!r}; give a whole number.")
    return {"job": services.vary(owner, request.path_params["candidate"], int(text))}


def comparisons(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """The person's comparisons, the newest first, without their pairs."""
    return {"comparisons": services.comparisons.latest(owner)}


def comparison(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """One comparison as it stands; for whoever has the link."""
    return services.comparisons.view(request.path_params["comparison"])


def stop_comparison(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Ask a comparison to stop; only who asked for it may."""
    return {"stopping": services.stop(owner, request.path_params["comparison"])}


def pair_picture(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Both pictures of a pair and their difference, as plotly figures."""
    place = request.path_params["place"]
    return services.comparisons.picture(request.path_params["comparison"], place)


def report(services: Services, request: Request, owner: str) -> Response:
    """Everything of a comparison as JSON, to take away."""
    found = services.comparisons.report(request.path_params["comparison"])
    text = json.dumps(found, ensure_ascii=False, indent=1)
    return taken_away(text, "application/json", f"comparison-{found['id'][:8]}.json")


def pairs_table(services: Services, request: Request, owner: str) -> Response:
    """The pairs of a comparison as CSV, to take away."""
    name = request.path_params["comparison"]
    return taken_away(services.comparisons.table(name), "text/csv", f"comparison-{name[:8]}.csv")


def taken_away(text: str, media_type: str, name: str) -> Response:
    """Text that the browser saves under a name."""
    headers = {**NO_STORE, "content-disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type=media_type, headers=headers)


def pair_sounds(services: Services, request: Request, owner: str) -> Response:
    """Every sound of a comparison as a zip of WAV files, settings embedded."""
    found = services.comparisons.all_sounds(request.path_params["comparison"])
    named = {file_name(*where): candidate for where, candidate in found.items()}
    return outgoing(services.downloads.zip_named(named, "wav"))


def plotly(services: Services, request: Request, owner: str) -> Response:
    """plotly.js out of the installed Python package: nothing comes from another host."""
    from components.figures import plotly_script

    return FileResponse(plotly_script(), media_type="text/javascript", headers=FOREVER)
