"""Where the prompts of a form come from: a set of the studio, an uploaded list, or one's own words."""

from typing import Any

import gradio as gr

from studio.services.services import Services
from studio.tabs.door import HIDDEN, shown


def build_source(services: Services, set_id: str) -> dict[str, Any]:
    """The controls that fill the field of prompts above them, by name.

    Args:
        set_id: the page's name of the list of sets.
    """
    sets = [(f"{one['title']} ({one['count']})", one["name"]) for one in services.prompt_sets()]
    return {
        "set": gr.Dropdown(
            [("Your own", ""), *sets],
            value="",
            label="Prompt set",
            info="Puts its prompts into the field above.",
            elem_id=set_id,
        ),
        "upload": gr.UploadButton(
            "Upload a list of prompts (.txt, .csv)", file_types=[".txt", ".csv"], size="sm"
        ),
    }


def wire_source(services: Services, form: dict[str, Any]) -> None:
    """What the controls of `build_source` do to the form's prompts."""

    @shown
    def take_set(name):
        return "\n".join(services.prompts_of(name)) if name else gr.skip()

    @shown
    def take_list(path):
        return "\n".join(services.read_prompt_file(path)), ""

    form["set"].input(take_set, form["set"], form["prompts"], **HIDDEN)
    form["upload"].upload(take_list, form["upload"], [form["prompts"], form["set"]], **HIDDEN)
    # What one has changed by hand is no longer the set.
    form["prompts"].input(None, None, form["set"], js="() => ''", **HIDDEN)
