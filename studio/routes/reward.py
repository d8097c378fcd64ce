"""Reward models, under /studio/reward: what can teach one, training, figures, sounds to hear."""

from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from pipelines.errors import StudioError
from studio.refusals import Unknown
from studio.routes.door import NO_STORE, Answer
from studio.services.finetune.crpo.sides import run_sides
from studio.services.services import Services


def sources(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """The person's campaigns with what each could teach, and the presets."""
    return services.reward.sources(owner)


def train(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Begin a training; the reward model's id."""
    asked = request.state.body
    told = {name: asked.get(name) for name in ("campaigns", "title", "settings")}
    return {"id": services.reward.submit(owner, **told)}


def models(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """The person's reward models, the newest first."""
    return {"models": services.reward.models(owner)}


def model(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """One as it stands."""
    return services.reward.view(request.path_params["reward"], owner)


def figure(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Curves, histogram or calibration for plotly."""
    from components.reward_figures import reward_figure

    name = request.path_params["name"]
    return reward_figure(name, services.reward.view(request.path_params["reward"], owner))


def sides(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """The rewards of both sides of a ?comparison=, or of a ?run= and its ?iteration=, for plotly.

    Before all sounds of a comparison are judged: how many are, and of how many; then ask again.
    """
    from components.reward_figures import sides_figure

    asked, reward = request.query_params, request.path_params["reward"]
    if "run" in asked:
        told = asked.get("iteration", "")
        if not told.isascii() or not told.isdigit():
            raise StudioError(f"The iteration is {told[:20]!r}; give a whole number from 1.")
        run = asked["run"][:64]
        return sides_figure(run_sides(services.finetune, reward, owner, run, int(told[:6])))
    comparison = asked.get("comparison", "")[:64]
    found = services.reward.sides(reward, owner, comparison)
    return found if "of" in found else sides_figure(found)


def sound(services: Services, request: Request, owner: str) -> Response:
    """A sound on which reward and people disagree, with byte ranges."""
    reward, place = request.path_params["reward"], request.path_params["place"]
    path = services.reward.sound(reward, owner, place)
    if not path.is_file():
        raise Unknown("This sound is no longer on the disk.")
    return FileResponse(path, media_type="audio/wav", headers=NO_STORE)


def stop(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Ask a training to stop."""
    return {"stopping": services.reward.stop(request.path_params["reward"], owner)}


def remove(services: Services, request: Request, owner: str) -> dict[str, Any]:
    """Take one off the list and off the disk."""
    services.reward.remove(request.path_params["reward"], owner)
    return {"is_removed": True}


TABLE: list[tuple[str, str, Answer]] = [
    ("GET", "/reward/sources", sources),
    ("GET", "/reward", models),
    ("POST", "/reward", train),
    ("GET", "/reward/{reward}", model),
    ("GET", "/reward/{reward}/figures/{name}", figure),
    ("GET", "/reward/{reward}/histogram", sides),
    ("GET", "/reward/{reward}/sounds/{place:int}.wav", sound),
    ("POST", "/reward/{reward}/stop", stop),
    ("POST", "/reward/{reward}/remove", remove),
]
