"""What the page itself asks for: the state of the model, and plotly.js."""

from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from studio.routes.door import FOREVER, Answer
from studio.services.services import Services


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


def backup(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Where votes live, and how many of them the backup has not confirmed."""
    return services.backup.state()


def plotly(services: Services, request: Request, owner: str) -> Response:
    """plotly.js out of the installed Python package: nothing comes from another host."""
    from components.figures import plotly_script

    return FileResponse(plotly_script(), media_type="text/javascript", headers=FOREVER)


TABLE: list[tuple[str, str, Answer]] = [
    ("GET", "/state", state),
    ("GET", "/backup", backup),
    ("GET", "/plotly.js", plotly),
]
