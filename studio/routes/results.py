"""What a campaign's votes say, under /studio/results: boards, figures, voters, who is left out."""

from typing import Any

from starlette.requests import Request

from pipelines.errors import StudioError
from studio.routes.door import Answer
from studio.services.results.results import Wish
from studio.services.services import Services


def results(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """The results as they stand: ?aspect=, ?intervals=, ?tag=, ?everything=1 (with who is left out)."""
    return services.results.view(campaign_in(request), owner, wish_in(request))


def agreement(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Krippendorff's alpha of each question; apart, because it costs more than the board."""
    return services.results.agreement(campaign_in(request), owner, wish_in(request))


def figure(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """One figure for plotly; ?scale= where there are several tables."""
    from components.vote_figures import results_figure

    name, campaign = request.path_params["name"], campaign_in(request)
    if name == "time":
        view: dict[str, Any] = {"hours": services.results.by_hour(campaign, owner)}
    elif name == "agreement":
        view = services.results.agreement(campaign, owner, wish_in(request))
    else:
        view = services.results.view(campaign, owner, wish_in(request))
    return results_figure(name, view, request.query_params.get("scale", "")[:40])


def voters(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """How far each voter can be relied on; for the owner."""
    return services.results.voters(campaign_in(request), owner)


def disputed(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """The items on which people differ most; for the owner."""
    return services.results.disputed(campaign_in(request), owner)


def exclude(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Leave out {voter: key} or {vote: id}, with a {reason}; for the owner."""
    return services.results.exclude(campaign_in(request), owner, **words_in(request))


def lift(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Let {voter: key} or {vote: id} count again, with a {reason}; for the owner."""
    return services.results.lift(campaign_in(request), owner, **words_in(request))


def controlled(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Have loudness, length and the like held equal; the job's id. For the owner."""
    return {"job": services.results.submit(services.worker, campaign_in(request), owner)}


def campaign_in(request: Request) -> str:
    """The campaign that is asked about."""
    return request.path_params["campaign"]


def wish_in(request: Request) -> Wish:
    """What the address asks for."""
    asked = request.query_params
    return Wish(
        aspect=asked.get("aspect", "")[:100],
        intervals=asked.get("intervals", "jackknife")[:100],
        group=asked.get("tag", "")[:500],
        with_excluded=asked.get("everything") == "1",
    )


def words_in(request: Request) -> dict[str, str]:
    """Reason, voter and vote out of what was sent, each a text."""
    found = {name: request.state.body.get(name, "") for name in ("reason", "voter", "vote")}
    for name, value in found.items():
        if not isinstance(value, str):
            raise StudioError(f"{name} is a {type(value).__name__}; send a text.")
    return found


TABLE: list[tuple[str, str, Answer]] = [
    ("GET", "/results/{campaign}", results),
    ("GET", "/results/{campaign}/agreement", agreement),
    ("GET", "/results/{campaign}/figure/{name}", figure),
    ("GET", "/results/{campaign}/voters", voters),
    ("GET", "/results/{campaign}/disputed", disputed),
    ("POST", "/results/{campaign}/exclude", exclude),
    ("POST", "/results/{campaign}/lift", lift),
    ("POST", "/results/{campaign}/controlled", controlled),
]
