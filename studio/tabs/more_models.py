"""Models beside those that come with the studio: what each takes and on which terms, before its first use."""

from typing import Any

import gradio as gr

from studio.services.services import Services
from studio.tabs.door import HIDDEN, shown

PUBLISHED, FOLDER = "published", "folder"  # where the model comes from whose terms are shown


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
            "folder": gr.Textbox(
                label="Or a folder on this machine",
                info="Its full path. Published files, or a diffusers pipeline.",
                placeholder="/models/tango2",
                max_lines=1,
                elem_id="model-folder",
            ),
            "read": gr.Button("Read this folder", size="sm", elem_id="read-folder"),
            "terms": gr.Markdown("", elem_id="terms"),
            "accept": gr.Button(
                "I accept these terms: add it", size="sm", visible=False, elem_id="accept-terms"
            ),
            "asked": gr.State(None),
        }


def waiting(services: Services) -> list[tuple[str, str]]:
    """Title and name of each published model whose terms were not accepted yet."""
    found = services.engines.licences.catalogue()
    return [(each["title"], each["name"]) for each in found if not each["is_accepted"]]


def terms_of(services: Services, name: str) -> str:
    """What a person should know of a published model before they choose it."""
    found = {each["name"]: each for each in services.engines.licences.catalogue()}[name]
    needs = ", ".join(f"{size:g} GB ({mode})" for mode, size in found["memory_gb"].items())
    memory = f" It needs a device with at least {needs}." if needs else ""
    return (
        f"**{found['title']}**: {found['note']} {found['gigabytes']:g} GB are fetched.{memory}\n\n"
        f"Licence: **{found['licence']}**; the whole of it is on [its page]({found['page']})."
    )


def terms_of_folder(found: dict[str, Any]) -> str:
    """What a person should know of a folder's model before they choose it; names are no markup."""
    return (
        f"`{found['title'].replace('`', '')}`: {found['note']} Its weights take "
        f"{found['bytes'] / 1e9:.2g} GB of memory.\n\nLicence: **{found['licence']}**."
    )


def wire_more(services: Services, form: dict[str, Any]) -> None:
    """Choosing shows the terms; accepting them adds the model, and chooses it."""
    if services.config.is_shared:  # hidden there; so nobody else may call it either
        return

    @shown
    def show(name):
        if not name:
            return None, "", gr.update(visible=False), gr.skip()
        return (PUBLISHED, name), terms_of(services, name), gr.update(visible=True), ""

    def forget():
        return None, "", gr.update(visible=False), None

    @shown
    def read(given):
        found = services.engines.folders.look(given or "")
        return (FOLDER, found["path"]), terms_of_folder(found), gr.update(visible=True)

    @shown
    def accept(asked):
        model, name = taken(services, *asked)
        said = (
            f"`{model.title.replace('`', '')}` is the model of this form now, and in the list of every "
            f"tab. Its licence: **{model.licence}**."
        )
        chosen = gr.update(choices=services.choices(), value=name)
        more = gr.update(choices=waiting(services), value=None)
        return None, said, gr.update(visible=False), "", more, chosen, *services.defaults(name)

    shows = [form[name] for name in ("asked", "terms", "accept")]
    form["published"].input(show, form["published"], [*shows, form["folder"]], **HIDDEN)
    for asks in (form["folder"].submit, form["read"].click):
        asks(forget, None, [*shows, form["published"]], **HIDDEN).then(
            read, form["folder"], shows, **HIDDEN
        )
    changed = [form[name] for name in ("folder", "published", "model", "steps", "guidance")]
    form["accept"].click(accept, form["asked"], [*shows, *changed], **HIDDEN)


def taken(services: Services, source: str, name: str) -> tuple[Any, str]:
    """The model whose terms were accepted, and the name that it is chosen by."""
    if source == PUBLISHED:
        return services.engines.licences.accept(name), name
    model = services.engines.folders.take(name)
    return model, model.name
