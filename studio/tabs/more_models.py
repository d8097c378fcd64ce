"""Published models: what each takes and on which terms, shown before it is first used."""

from typing import Any

import gradio as gr

from studio.services.services import Services
from studio.tabs.door import HIDDEN, shown


def build_more(services: Services) -> dict[str, Any]:
    """The controls, by name; on a shared page the owner adds models by the command line."""
    with gr.Accordion(
        "More models", open=False, elem_id="more-models", visible=not services.config.is_shared
    ):
        return {
            "published": gr.Dropdown(
                waiting(services),
                value=None,
                label="Published model",
                info="Fetched from the Hub at its first use; most want a GPU.",
                elem_id="published",
            ),
            "terms": gr.Markdown("", elem_id="terms"),
            "accept": gr.Button(
                "I accept these terms: add it", size="sm", visible=False, elem_id="accept-terms"
            ),
        }


def waiting(services: Services) -> list[tuple[str, str]]:
    """Title and name of each published model whose terms were not accepted yet."""
    found = services.engines.licences.catalogue()
    return [(each["title"], each["name"]) for each in found if not each["is_accepted"]]


def terms_of(services: Services, name: str) -> str:
    """What a person should know before they choose it."""
    found = {each["name"]: each for each in services.engines.licences.catalogue()}[name]
    needs = ", ".join(f"{size:g} GB ({mode})" for mode, size in found["memory_gb"].items())
    memory = f" It needs a device with at least {needs}." if needs else ""
    return (
        f"**{found['title']}**: {found['note']} {found['gigabytes']:g} GB are fetched.{memory}\n\n"
        f"Licence: **{found['licence']}**; the whole of it is on [its page]({found['page']})."
    )


def wire_more(services: Services, form: dict[str, Any]) -> None:
    """Choosing shows the terms; accepting them adds the model, and chooses it."""

    @shown
    def show(name):
        if not name:
            return "", gr.update(visible=False)
        return terms_of(services, name), gr.update(visible=True)

    @shown
    def accept(name):
        model = services.engines.licences.accept(name)
        more = gr.update(choices=waiting(services), value=None)
        chosen = gr.update(choices=services.choices(), value=name)
        said = f"**{model.title}** can be chosen now, in every tab. Its licence: {model.licence}."
        return more, said, gr.update(visible=False), chosen, *services.defaults(name)

    shows = [form["terms"], form["accept"]]
    form["published"].input(show, form["published"], shows, **HIDDEN)
    changes = [
        form[name] for name in ("published", "terms", "accept", "model", "steps", "guidance")
    ]
    form["accept"].click(accept, form["published"], changes, **HIDDEN)
