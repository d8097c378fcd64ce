"""Where the prompts of a form come from: a set of the studio, one's captions, a list, or one's own words."""

from typing import Any

import gradio as gr

from studio.services.services import Services
from studio.tabs.door import HIDDEN, shown
from studio.visitors import owner_of

CAPTIONS = "captions:"  # before the id of a list of one's own captions


def build_source(services: Services, set_id: str) -> dict[str, Any]:
    """The controls that fill the field of prompts above them, by name.

    Args:
        set_id: the page's name of the list of sets.
    """
    return {
        "set": gr.Dropdown(
            own_and_sets(services),
            value="",
            label="Prompt set",
            info="Puts its prompts into the field above.",
            elem_id=set_id,
        ),
        "upload": gr.UploadButton(
            "Upload a list of prompts (.txt, .csv)", file_types=[".txt", ".csv"], size="sm"
        ),
    }


def own_and_sets(services: Services) -> list[tuple[str, str]]:
    """The choices that everybody has."""
    sets = [(f"{one['title']} ({one['count']})", one["name"]) for one in services.prompt_sets()]
    return [("Your own", ""), *sets]


def wire_source(services: Services, form: dict[str, Any]) -> None:
    """What the controls of `build_source` do to the form's prompts."""

    def owner(request: gr.Request) -> str:
        return owner_of(request, services.config.is_shared)

    @shown
    def take_set(name, request: gr.Request):
        if not name:
            return gr.skip()
        if name.startswith(CAPTIONS):
            found = services.prompt_writing.prompts_of(owner(request), name.removeprefix(CAPTIONS))
            return "\n".join(found)
        return "\n".join(services.prompts_of(name))

    @shown
    def take_list(path):
        return "\n".join(services.read_prompt_file(path)), ""

    @shown
    def look_again(request: gr.Request):
        lists = [
            (f"Captions: {one['title']} ({one['count']})", CAPTIONS + one["id"])
            for one in services.prompt_writing.listing(owner(request))
        ]
        return gr.update(choices=[*own_and_sets(services), *lists])

    form["set"].focus(look_again, None, form["set"], **HIDDEN)
    form["set"].input(take_set, form["set"], form["prompts"], **HIDDEN)
    form["upload"].upload(take_list, form["upload"], [form["prompts"], form["set"]], **HIDDEN)
    # What one has changed by hand is no longer the set.
    form["prompts"].input(None, None, form["set"], js="() => ''", **HIDDEN)
