"""Votes to take away, under /studio/results: one CSV, or a zip in the form that is asked for."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from pipelines.errors import StudioError
from studio.routes.door import NO_STORE, Answer, outgoing
from studio.services.services import Services


def export(services: Services, request: Request, owner: str) -> Response:
    """?as=csv|studio|datasets|trl|…|all; without it the votes as one CSV, as others may have it."""
    campaign, asked = request.path_params["campaign"], request.query_params
    form = asked.get("as", "csv")
    if form == "csv":
        return outgoing(services.vote_data.votes_table(owner, campaign))
    pieces = services.vote_data.export_zip(owner, campaign, **wishes_in(asked, form))
    name = f"votes-{campaign[:8]}-{form}.zip"
    headers = {**NO_STORE, "content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(pieces, media_type="application/zip", headers=headers)


def forms(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """What this campaign's votes can be taken away as."""
    return {"forms": services.vote_data.forms(request.path_params["campaign"])}


def wishes_in(asked: Mapping[str, str], form: str) -> dict[str, Any]:
    """The wishes of a query string."""
    share = asked.get("agreement", "0.6")
    try:
        agreement = float(share)
    except ValueError as error:
        raise StudioError(
            f"The least agreement is {share[:20]!r}; give a share, 0 to 1."
        ) from error
    return {
        "form": form,
        "agreement": agreement,
        "aspect": asked.get("aspect") or None,
        **{name: asked.get(name) == "1" for name in ("fair", "ties", "both_bad")},
    }


TABLE: list[tuple[str, str, Answer]] = [
    ("GET", "/results/{campaign}/export", export),
    ("GET", "/results/{campaign}/forms", forms),
]
