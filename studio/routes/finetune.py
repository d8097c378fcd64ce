"""Fine-tuning: what can be trained on what, runs and their curves, samples and files to take away."""

import json
import zipfile
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from studio.routes.door import NO_STORE, Answer, MostUpload, outgoing, taken_away
from studio.services.finetune.views import figure
from studio.services.services import Services


def sources(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """What the person can choose from."""
    return services.finetune.sources(owner)


def estimate(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """How long a run would take, on what data, before it is begun."""
    return services.finetune.estimate(owner, request.state.body)


def start(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Put a run in the row."""
    return {"id": services.finetune.start(owner, request.state.body)}


def runs(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """The person's runs, the newest first."""
    return {"runs": services.finetune.views.latest(owner)}


def run(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """One run as it stands."""
    return services.finetune.views.view(request.path_params["run"], owner)


def stop(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Save and stop."""
    return {"stopping": services.finetune.stop(owner, request.path_params["run"])}


def resume(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Go on from the last checkpoint; the run as it stands then."""
    services.finetune.resume(owner, request.path_params["run"])
    return run(services, request, owner)


def keep(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Keep the adapter, or that of an iteration, as a model under a title; the run as it stands then."""
    name, asked = request.path_params["run"], request.state.body
    return services.finetune.keep(owner, name, asked.get("title"), asked.get("iteration"))


def remove(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Remove the model, the run's files, or both."""
    what = request.state.body.get("what")
    services.finetune.remove(owner, request.path_params["run"], what)
    return {"is_removed": True}


def drawn(services: Services, request: Request, owner: str) -> Response:
    """The loss curves or the development curve, as a plotly figure."""
    found = services.finetune.views.view(request.path_params["run"], owner)
    return JSONResponse(figure(request.path_params["name"], found), headers=NO_STORE)


def sample(services: Services, request: Request, owner: str) -> Response:
    """The sound of a sample, with byte ranges."""
    told = request.path_params
    path = services.finetune.views.sample(told["run"], owner, told["step"], told["number"])
    return FileResponse(path, media_type="audio/wav", headers=NO_STORE)


def adapter(services: Services, request: Request, owner: str) -> Response:
    """The adapter with its card and its record, as a zip."""
    name = request.path_params["run"]
    files = services.finetune.views.adapter_files(name, owner)
    target = services.downloads.new_folder() / f"adapter-{name[:8]}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bundle:
        for path in files:
            bundle.write(path, path.name)
    return outgoing(target)


def record(services: Services, request: Request, owner: str) -> Response:
    """All there is to know of a finished run, to take away."""
    name = request.path_params["run"]
    found = services.finetune.views.record(name, owner)
    text = json.dumps(found, ensure_ascii=False, indent=1)
    return taken_away(text, "application/json", f"run-{name[:8]}.json")


def add_folder(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Take in a creator's zip of sounds and captions, which is the body."""
    title = request.query_params.get("title")
    return services.finetune.add_folder(owner, request.state.upload, title)


def remove_folder(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Delete a creator's folder."""
    services.finetune.remove_folder(owner, request.path_params["folder"])
    return {"is_removed": True}


def most_upload_mb(services: Services) -> int:
    """How large a zip may be."""
    return services.finetune.most_upload_mb


TABLE: list[tuple[str, str, Answer] | tuple[str, str, Answer, MostUpload]] = [
    ("GET", "/finetune/sources", sources),
    ("POST", "/finetune/estimate", estimate),
    ("POST", "/finetune/folders", add_folder, most_upload_mb),
    ("POST", "/finetune/folders/{folder}/remove", remove_folder),
    ("POST", "/finetune", start),
    ("GET", "/finetune", runs),
    ("GET", "/finetune/{run}", run),
    ("POST", "/finetune/{run}/stop", stop),
    ("POST", "/finetune/{run}/resume", resume),
    ("POST", "/finetune/{run}/keep", keep),
    ("POST", "/finetune/{run}/remove", remove),
    ("GET", "/finetune/{run}/figures/{name}", drawn),
    ("GET", "/finetune/{run}/samples/{step:int}/{number:int}.wav", sample),
    ("GET", "/finetune/{run}/adapter.zip", adapter),
    ("GET", "/finetune/{run}/record.json", record),
]
