"""The page's own addresses under /studio: one file per verb, each with a table of what it answers."""

from pathlib import Path

from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from studio.routes import (
    campaigns,
    compare,
    finetune,
    generate,
    models,
    page,
    prompts,
    results,
    reward,
    vote,
    vote_data,
)
from studio.routes.door import door
from studio.services.services import Services

ROOT = Path(__file__).resolve().parents[2]
FILES = (
    page,
    models,
    generate,
    prompts,
    vote,
    campaigns,
    results,
    vote_data,
    reward,
    finetune,
    compare,
)  # each has a TABLE


def routes(services: Services) -> list[Route | Mount]:
    """Every route, each bound to these services."""
    bound = [
        Route(f"/studio{path}", door(services, answer, *upload), methods=[method])
        for file in FILES
        for method, path, answer, *upload in file.TABLE
    ]
    return [
        *bound,
        Mount("/studio/components", StaticFiles(directory=ROOT / "components" / "browser")),
        Mount("/studio/assets", StaticFiles(directory=ROOT / "assets" / "page")),
    ]
