"""Comparisons: how each stands, its pictures, and what may be taken away of it."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from pipelines.errors import StudioError
from studio.routes.door import Answer, outgoing, taken_away
from studio.services.compare.views import file_name
from studio.services.services import Services

BATTLE_WISHES = {"title", "votes_wanted", "gold", "is_listed", "who", "passphrase", "reveals"}


def comparisons(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """The person's comparisons, the newest first, without their pairs."""
    return {"comparisons": services.comparisons.latest(owner)}


def comparison(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """One comparison as it stands; for whoever has the link."""
    name = request.path_params["comparison"]
    is_mine = services.comparisons.job_of(name).owner == owner
    return {**services.comparisons.view(name), "is_mine": is_mine}


def battles(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """The person's own blind battles of a comparison; nobody else's are told."""
    return {"battles": services.battles.of(owner, request.path_params["comparison"])}


def open_battle(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Put both sides to a blind vote; only who asked for the comparison may."""
    wishes = request.state.body
    unknown = sorted(set(wishes) - BATTLE_WISHES)
    if unknown:
        raise StudioError(
            f"A battle has no {', '.join(unknown)[:80]}; give {', '.join(sorted(BATTLE_WISHES))}."
        )
    return services.battles.open(owner, request.path_params["comparison"], **wishes)


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


def measures_table(services: Services, request: Request, owner: str) -> Response:
    """What all pairs of a comparison say as CSV, to take away."""
    name = request.path_params["comparison"]
    told = services.comparisons.measures(name)
    return taken_away(told, "text/csv", f"comparison-{name[:8]}-measures.csv")


def pair_sounds(services: Services, request: Request, owner: str) -> Response:
    """Every sound of a comparison as a zip of WAV files, settings embedded."""
    found = services.comparisons.all_sounds(request.path_params["comparison"])
    named = {file_name(*where): candidate for where, candidate in found.items()}
    return outgoing(services.downloads.zip_named(named, "wav"))


TABLE: list[tuple[str, str, Answer]] = [
    ("GET", "/comparisons", comparisons),
    ("GET", "/comparisons/{comparison}", comparison),
    ("POST", "/comparisons/{comparison}/stop", stop_comparison),
    ("GET", "/comparisons/{comparison}/battles", battles),
    ("POST", "/comparisons/{comparison}/battle", open_battle),
    ("GET", "/comparisons/{comparison}/pairs/{place:int}/picture", pair_picture),
    ("GET", "/comparisons/{comparison}/report.json", report),
    ("GET", "/comparisons/{comparison}/pairs.csv", pairs_table),
    ("GET", "/comparisons/{comparison}/measures.csv", measures_table),
    ("GET", "/comparisons/{comparison}/sounds.zip", pair_sounds),
]
