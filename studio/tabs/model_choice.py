"""The choice of a model in a form: as it stands now, with what the address asks for."""

from typing import Any

import gradio as gr

from studio.services.requests import OWN, SAMPLERS
from studio.services.services import Services

WHOSE = {  # which models have each
    "euler": "TangoFlux",
    "heun": "TangoFlux, second order",
    "ddpm": "Tango",
    "dpm++": "Tango, fewer steps",
    "ddim": "AudioLDM 2",
    "dpm++ sde": "Stable Audio",
}
SAMPLER_CHOICES = [("its own", OWN), *((f"{name} ({WHOSE[name]})", name) for name in SAMPLERS)]


def fresh(services: Services, asked: str | None, now: str) -> list[Any]:
    """New values of the model, its steps and its guidance.

    What is chosen stays, with the settings that stand there; a model that the address asks for, or
    that takes the place of one that is gone, brings its own.

    Args:
        services: knows the models.
        asked: what the address names; None where it names none.
        now: what is chosen.
    """
    choices = services.choices()
    known = [name for _, name in choices]
    if asked is not None and asked not in known:
        gr.Warning(f"There is no model {asked[:80]!r} here any more; choose one of the list.")
    wanted = [name for name in (asked, now, services.config.model) if name in known][0]
    if wanted == now:
        return [gr.update(choices=choices), gr.skip(), gr.skip()]
    return [gr.update(choices=choices, value=wanted), *services.defaults(wanted)]
