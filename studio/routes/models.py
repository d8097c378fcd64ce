"""The models that may be chosen, and how the aligned ones came to be."""

from typing import Any

from starlette.requests import Request

from studio.routes.door import Answer
from studio.services.services import Services


def models(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Every model with its title, as it stands now."""
    return {"models": [{"name": name, "title": title} for title, name in services.choices()]}


def record(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """The whole record of an adapter, by its hash."""
    return services.engines.adapters.record(request.path_params["adapter"])


TABLE: list[tuple[str, str, Answer]] = [
    ("GET", "/models", models),
    ("GET", "/models/{adapter}/record", record),
]
