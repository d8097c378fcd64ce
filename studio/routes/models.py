"""The models that may be chosen, and how the aligned ones came to be."""

from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from pipelines.errors import StudioError
from studio.routes.door import NO_STORE, Answer
from studio.services.compare.views import STUDY
from studio.services.services import Services


def models(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Every model with its title, as it stands now."""
    return {"models": [{"name": name, "title": title} for title, name in services.choices()]}


def record(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """The whole record of an adapter, by its hash."""
    return services.engines.adapters.record(request.path_params["adapter"])


def study(services: Services, request: Request, owner: str) -> Response:
    """What the study of the shipped aligned model found, with its control, as Markdown."""
    path = services.engines.adapters.assets / STUDY
    if not path.is_file():
        raise StudioError("No aligned model is shipped with this studio, so it has no study.")
    return PlainTextResponse(path.read_text(encoding="utf-8"), headers=NO_STORE)


TABLE: list[tuple[str, str, Answer]] = [
    ("GET", "/models", models),
    ("GET", "/models/study.md", study),
    ("GET", "/models/{adapter}/record", record),
]
