"""Campaigns: those that one may see, one as it stands, closing, opening, removing."""

from typing import Any

from starlette.requests import Request

from studio.routes.door import Answer
from studio.services.services import Services
from studio.voters import voter_of


def campaigns(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """The listed campaigns and the person's own, the newest first."""
    return {"campaigns": services.campaigns.listing(owner, voter_of(request, services.config))}


def campaign(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """One campaign as it stands; for whoever has the link."""
    name = request.path_params["campaign"]
    return services.campaigns.view(name, owner, voter_of(request, services.config))


def close_campaign(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Take no more votes; only who made it may."""
    services.campaigns.close(owner, request.path_params["campaign"])
    return campaign(services, request, owner)


def open_campaign(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Take votes again; only who made it may."""
    services.campaigns.open(owner, request.path_params["campaign"])
    return campaign(services, request, owner)


def remove_campaign(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Take one without votes off the lists; only who made it may."""
    services.campaigns.remove(owner, request.path_params["campaign"])
    return {"is_removed": True}


TABLE: list[tuple[str, str, Answer]] = [
    ("GET", "/campaigns", campaigns),
    ("GET", "/campaigns/{campaign}", campaign),
    ("POST", "/campaigns/{campaign}/close", close_campaign),
    ("POST", "/campaigns/{campaign}/open", open_campaign),
    ("POST", "/campaigns/{campaign}/remove", remove_campaign),
]
