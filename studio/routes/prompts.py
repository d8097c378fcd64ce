"""Captions under review: lists of them, one list, changes to a caption, the campaign made of it."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from pipelines.errors import StudioError
from studio.routes.door import Answer, taken_away
from studio.services.services import Services

WISHES = ("task", "count", "split", "labels", "writer", "title", "seed")
CAMPAIGN = ("model", "takes", "seconds", "title", "votes_wanted", "voters")


def lists(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """The person's lists, what may be asked for, and the models whose sounds may be labelled."""
    models = [{"title": title, "name": name} for title, name in services.choices()]
    found = services.prompt_writing
    return {
        "lists": found.listing(owner),
        **found.choices(),
        "models": models,
        "usual": services.config.model,
    }


def write(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Begin a list."""
    told = known(request.state.body, WISHES)
    wish = services.prompt_writing.check(**told)
    return {"id": services.prompt_writing.create(owner, wish)}


def one_list(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """A list as it stands."""
    return services.prompt_writing.view(owner, request.path_params["draft"])


def change(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Change one caption; the list as it is then."""
    found, told = services.prompt_writing, request.state.body
    draft, number = request.path_params["draft"], request.path_params["number"]
    acts: dict[str, Callable[[], dict[str, Any]]] = {
        "reword": lambda: found.reword(owner, draft, number, told.get("text")),
        "order": lambda: found.set_order(owner, draft, number, told.get("order")),
        "redraw": lambda: found.draw_again(owner, draft, number),
        "drop": lambda: found.drop(owner, draft, number, is_dropped=True),
        "restore": lambda: found.drop(owner, draft, number, is_dropped=False),
    }
    act = request.path_params["act"]
    if act not in acts:
        raise StudioError(f"A caption cannot be {act[:20]!r}; choose from {', '.join(acts)}.")
    return acts[act]()


def add(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """One caption more; the list as it is then."""
    return services.prompt_writing.add(owner, request.path_params["draft"])


def ask_model(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Have the language model word what waits for it."""
    services.prompt_writing.ask_model(owner, request.path_params["draft"])
    return one_list(services, request, owner)


def stop(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Ask the language model's wording to stop."""
    return {"stopping": services.prompt_writing.stop(owner, request.path_params["draft"])}


def remove(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Throw a list away."""
    services.prompt_writing.remove(owner, request.path_params["draft"])
    return {"is_removed": True}


def campaign(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Put the captions before listeners; the campaign's id."""
    told = known(request.state.body, CAMPAIGN)
    told.setdefault("model", services.config.model)
    draft = request.path_params["draft"]
    return {"campaign": services.prompt_writing.make_campaign(owner, draft, **told)}


def table(services: Services, request: Request, owner: str) -> Response:
    """The captions as CSV."""
    draft = request.path_params["draft"]
    text = services.prompt_writing.table(owner, draft)
    return taken_away(text, "text/csv; charset=utf-8", f"captions-{draft[:8]}.csv")


def known(told: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """What was sent, if nothing else is in it; None says nothing."""
    if unknown := sorted(set(told) - set(names)):
        raise StudioError(f"There is no wish {unknown[0][:40]!r}; known are {', '.join(names)}.")
    return {name: value for name, value in told.items() if value is not None}


TABLE: list[tuple[str, str, Answer]] = [
    ("GET", "/prompts", lists),
    ("POST", "/prompts", write),
    ("GET", "/prompts/{draft}", one_list),
    ("POST", "/prompts/{draft}/captions", add),
    ("POST", "/prompts/{draft}/captions/{number:int}/{act}", change),
    ("POST", "/prompts/{draft}/model", ask_model),
    ("POST", "/prompts/{draft}/stop", stop),
    ("POST", "/prompts/{draft}/remove", remove),
    ("POST", "/prompts/{draft}/campaign", campaign),
    ("GET", "/prompts/{draft}/captions.csv", table),
]
