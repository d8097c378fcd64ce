"""The models that may be chosen, and how the aligned ones came to be."""

from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from pipelines.errors import StudioError
from studio.routes.door import NO_STORE, Answer
from studio.services.compare.views import STUDIES
from studio.services.services import Services


def models(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Every model with its title, as it stands now."""
    return {"models": [{"name": name, "title": title} for title, name in services.choices()]}


def record(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """The whole record of an adapter, by its hash."""
    return services.engines.adapters.record(request.path_params["adapter"])


def study(services: Services, request: Request, owner: str) -> Response:
    """What a recipe's study on the embedded model found, with its control, as Markdown."""
    recipe = request.path_params["recipe"]
    if recipe not in STUDIES:
        raise StudioError(f"There is no study of {recipe[:40]!r}; ask for {' or '.join(STUDIES)}.")
    path = services.engines.adapters.assets / STUDIES[recipe]
    if not path.is_file():
        raise StudioError(f"No study of {recipe} comes with this studio.")
    return PlainTextResponse(path.read_text(encoding="utf-8"), headers=NO_STORE)


TABLE: list[tuple[str, str, Answer]] = [
    ("GET", "/models", models),
    ("GET", "/models/studies/{recipe}.md", study),
    ("GET", "/models/{adapter}/record", record),
]
