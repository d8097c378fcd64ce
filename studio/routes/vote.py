"""The door for votes, under /studio/vote: join, the next serving, sounds by token, votes, reveals."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from studio.refusals import NotAllowed
from studio.routes.door import NO_STORE, Answer
from studio.services.services import Services
from studio.store.votes import PERSON
from studio.voters import Voter, drop_voter, new_name, set_voter, voter_id, voter_of, voters_of


def voter_in(services: Services, request: Request) -> Voter:
    """Who votes; a browser without a name must join first."""
    found = voter_of(request, services.config)
    if found is None:
        raise NotAllowed("You do not take part yet; join the campaign first.")
    return found


def join(services: Services, request: Request, owner: str) -> Response:
    """Take part; a browser without a name gets one, out of reach of scripts."""
    found, name = voter_of(request, services.config), None
    if found is None or (found.kind == PERSON and services.voting.is_forgotten(found)):
        name = new_name()
        found = Voter(id=voter_id(name), kind=PERSON)
    passphrase = request.state.body.get("passphrase")
    told = services.voting.join(
        request.path_params["campaign"], found, passphrase if isinstance(passphrase, str) else ""
    )
    answer = JSONResponse(told, headers=NO_STORE)
    if name:
        set_voter(answer, name, services.config)
    return answer


def next_serving(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """The sounds that are before this voter, or that there are no more."""
    return services.voting.next(request.path_params["campaign"], voter_in(services, request))


def last_serving(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """The sounds that this voter voted on last."""
    return services.voting.last(request.path_params["campaign"], voter_in(services, request))


def sound(services: Services, request: Request, owner: str) -> Response:
    """One sound; no name, date or tag with it that could tell it from another."""
    content = services.voting.sound(request.path_params["token"], voter_in(services, request))
    return Response(content, media_type="audio/wav", headers=NO_STORE)


def draft(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Keep an answer that is not yet sent."""
    answer = request.state.body.get("answer")
    voter = voter_in(services, request)
    return services.voting.draft(request.path_params["serving"], voter, answer)


def vote(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Store a vote or take it back; answered only once it is on disk."""
    return services.voting.cast(request.state.body, voter_in(services, request))


def reveal(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """What made the sounds that were voted on; locks the vote."""
    return services.voting.reveal(request.path_params["serving"], voter_in(services, request))


def forget(services: Services, request: Request, owner: str) -> Response:
    """Delete all that is stored about who asks, and the name in the cookie with it."""
    names = [voter.id for voter in voters_of(request, services.config)]
    answer = JSONResponse(services.forgetting.forget(names), headers=NO_STORE)
    drop_voter(answer, services.config)
    return answer


TABLE: list[tuple[str, str, Answer]] = [
    ("POST", "/vote/{campaign}/join", join),
    ("POST", "/vote/{campaign}/next", next_serving),
    ("POST", "/vote/{campaign}/last", last_serving),
    ("GET", "/vote/sounds/{token}.wav", sound),
    ("POST", "/vote/servings/{serving}/draft", draft),
    ("POST", "/vote/votes", vote),
    ("POST", "/vote/servings/{serving}/reveal", reveal),
    ("POST", "/vote/forget", forget),
]
