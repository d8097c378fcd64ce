"""Runs and candidates: what a run is at, sounds with seeking, pictures, downloads, small changes."""

from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from pipelines.errors import StudioError
from studio.routes.door import FOREVER, NO_STORE, Answer, outgoing
from studio.services.services import Services


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
    job = request.path_params["job"]
    found = services.store.candidates.find(services.views.job_of(job, owner).candidates)
    rankings = services.views.rankings(job, owner)
    return outgoing(services.downloads.zip(found, request.path_params["kind"], rankings))


def favourite(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Like the candidate (?liked=1) or no longer (?liked=0)."""
    liked = request.query_params.get("liked") == "1"
    services.set_favourite(owner, request.path_params["candidate"], liked)
    return {"is_favourite": liked}


def again(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Make the same anew; the new run's id."""
    return {"job": services.same_again(owner, request.path_params["candidate"])}


def vary(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Make the same with new seeds, ranked as in ?run=; the new run's id."""
    text = request.query_params.get("count", "4")
    if not text.isdigit():
        raise StudioError(f"The number of variations is {text[:20]!r}; give a whole number.")
    run = request.query_params.get("run", "")[:64]
    return {"job": services.vary(owner, request.path_params["candidate"], int(text), run)}


TABLE: list[tuple[str, str, Answer]] = [
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
]
