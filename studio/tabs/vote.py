"""Vote: which sound is better, judged blind. The form is Gradio's; the campaign draws itself."""

from typing import Any

import gradio as gr

from components import elements
from pipelines.errors import StudioError
from studio.services.campaigns.request import TITLE_LENGTH
from studio.services.requests import OWN
from studio.services.services import Services
from studio.tabs.door import HIDDEN, shown
from studio.tabs.examples import EXAMPLES
from studio.tabs.model_choice import SAMPLER_CHOICES
from studio.tabs.prompt_source import build_source, wire_source
from studio.visitors import owner_of

FOLLOW = """(campaign) => {
  if (!campaign) return;
  document.querySelector("#campaign-form > button.open")?.click();
  window.dispatchEvent(new CustomEvent("baton-campaign", {detail: {campaign}}));
}"""  # the fold is closed here: Gradio does not close one that a person opened
WHO = [
    ("Anyone", "anyone"),
    ("With a passphrase", "passphrase"),
    ("Hugging Face account", "account"),
]
ALIGNED = "embedded-clean"  # what the base is set against until somebody aligns a model
PLAIN = (
    "title",
    "takes",
    "votes_wanted",
    "most_per_voter",
    "seconds",
    "who",
    "passphrase",
    "is_listed",
)
ASKED = (
    "template",
    "prompts",
    "models",
    "zip",
    "is_added",
    *(f"added_{name}" for name in ("model", "steps", "guidance", "sampler")),
    *PLAIN,
    "is_revealed",
    "heard",
    "half_steps",
    "is_simulated",
)


def build(services: Services) -> None:
    """The tab, inside the Blocks that are open."""
    with gr.Row(elem_id="vote", equal_height=False):
        with gr.Column(scale=0, min_width=320, elem_classes="bs-composer"):
            elements.campaigns()
            elements.caption_lists()
            with gr.Accordion("New campaign", open=False, elem_id="campaign-form"):
                form = build_form(services)
        with gr.Column(scale=1, min_width=320, elem_classes="bs-results"):
            elements.captions()
            elements.vote()
    wire_button(services, form)
    wire_form(services, form)
    wire_template(services, form)


def build_form(services: Services) -> dict[str, Any]:
    """The controls, by name."""
    templates = services.campaigns.templates()
    first = templates[0]
    form = {
        "template": gr.Dropdown(
            [(one["title"], one["name"]) for one in templates],
            value=first["name"],
            label="Kind of test",
            elem_id="campaign-template",
        ),
        "about": gr.Markdown(first["about"], elem_id="campaign-about"),
        "title": gr.Textbox(
            label="Title",
            placeholder="What voters read first",
            max_lines=1,
            max_length=TITLE_LENGTH,
            elem_id="campaign-title",
        ),
    }
    form |= build_prompts(services)
    form |= build_systems(services)
    with gr.Row(elem_classes="bs-pair-row"):
        form["takes"] = gr.Number(
            first["wishes"]["takes"],
            label="Takes",
            info="Per system.",
            precision=0,
            minimum=1,
            maximum=services.config.max_count,
            min_width=120,
            elem_id="campaign-takes",
        )
        form["votes_wanted"] = gr.Number(
            first["wishes"]["votes_wanted"],
            label="Votes wanted",
            info="Per item.",
            precision=0,
            minimum=1,
            min_width=120,
            elem_id="campaign-wanted",
        )
    form |= build_door(services)
    with gr.Accordion("How it is judged", open=False, elem_id="campaign-judging"):
        form |= build_judging(first["wishes"])
    form["button"] = gr.Button("Make the campaign", variant="primary", elem_id="campaign-button")
    form["campaign"] = gr.Textbox(visible="hidden")
    return form


def build_prompts(services: Services) -> dict[str, Any]:
    """What is asked of the models."""
    return {
        "prompts": gr.Textbox(
            label="Prompts",
            info="One per line; each is judged by itself.",
            value="\n".join(EXAMPLES[1:5]),
            lines=4,
            max_lines=10,
            elem_id="campaign-prompts",
        ),
        **build_source(services, "campaign-set"),
        "seconds": gr.Slider(
            1,
            services.longest(),
            value=10,
            step=0.5,
            label="Seconds",
            buttons=[],
            elem_id="campaign-seconds",
        ),
    }


def build_systems(services: Services) -> dict[str, Any]:
    """Whose sounds are judged: models as they are, and one more at settings of its own."""
    usual, names = services.config.model, [name for _, name in services.choices()]
    steps, guidance = services.defaults(usual)
    limits = services.config
    form = {
        "models": gr.Dropdown(
            services.choices(),
            value=[usual, ALIGNED] if ALIGNED in names and usual != ALIGNED else [usual],
            multiselect=True,
            label="Systems",
            info="Voters never see which is which.",
            elem_id="campaign-models",
        )
    }
    with gr.Accordion("One more, at other settings", open=False, elem_id="campaign-added"):
        form |= {
            "is_added": gr.Checkbox(False, label="Add it to the systems", elem_id="campaign-add"),
            "added_model": gr.Dropdown(services.choices(), value=usual, label="Model"),
            "added_steps": gr.Slider(
                1, limits.max_steps, value=steps, step=1, label="Steps", buttons=[]
            ),
            "added_guidance": gr.Slider(
                0, limits.max_guidance, value=guidance, step=0.1, label="Guidance", buttons=[]
            ),
            "added_sampler": gr.Dropdown(SAMPLER_CHOICES, value=OWN, label="Sampler"),
        }
    with gr.Accordion("Or sounds of other models", open=False, elem_id="campaign-sounds"):
        gr.Markdown(
            "A zip with a folder of WAV, FLAC, OGG or MP3 files for each system. A CSV in it with "
            "the columns file and caption tells the prompts, unless the files themselves do. It "
            "takes the place of prompts and systems above."
        )
        form["zip"] = gr.File(
            label="Zip of sounds", file_types=[".zip"], height=96, elem_id="campaign-zip"
        )
    return form


def build_door(services: Services) -> dict[str, Any]:
    """Who may vote, and who finds the campaign."""
    known = [one for one in WHO if one[1] != "account" or services.config.can_sign_in]
    return {
        "who": gr.Radio(known, value="anyone", label="Who may vote", elem_id="campaign-who"),
        "passphrase": gr.Textbox(
            label="Passphrase",
            info="Kept as a hash; nobody can read it again.",
            type="password",
            visible=False,
            elem_id="campaign-passphrase",
        ),
        "is_listed": gr.Checkbox(
            False,
            label="Public: listed here, results for all",
            info="If not, only who has the link finds it.",
            elem_id="campaign-listed",
        ),
    }


def build_judging(wishes: dict[str, Any]) -> dict[str, Any]:
    """What most people leave as the template has it."""
    is_pairs = wishes["task"] == "pairwise"
    return {
        "heard": gr.Slider(
            0,
            100,
            value=80,
            step=5,
            label="To be heard of each sound, %",
            buttons=[],
            elem_id="campaign-heard",
        ),
        "most_per_voter": gr.Number(
            0,  # an empty number is 0 as soon as its fold was opened
            label="At most for each voter",
            info="0: all that there is to judge.",
            precision=0,
            minimum=0,
            elem_id="campaign-most",
        ),
        "is_revealed": gr.Checkbox(
            wishes["reveals"] == "on request",
            label="Voters may ask what they heard, after the vote",
            elem_id="campaign-reveals",
        ),
        "aspects": gr.CheckboxGroup(
            [("Quality", "quality"), ("Relevance", "relevance")],
            value=wishes.get("aspects", []),
            label="Also asked, if voters like",
            visible=is_pairs,
            elem_id="campaign-aspects",
        ),
        "half_steps": gr.Checkbox(
            False, label="Half steps (1, 1.5, 2, …)", visible=False, elem_id="campaign-halves"
        ),
        "is_simulated": gr.Checkbox(
            False,
            label="A demonstration: simulated listeners vote, not people",
            elem_id="campaign-simulated",
        ),
    }


def wire_button(services: Services, form: dict[str, Any]) -> None:
    """The button: check, put in the row, follow."""
    names = (*ASKED, "aspects")

    @shown
    def start(request: gr.Request, *values):
        told = dict(zip(names, values, strict=True))
        owner = owner_of(request, services.config.is_shared)
        wishes = {
            **{name: told[name] if told[name] != "" else None for name in PLAIN},
            "most_per_voter": told["most_per_voter"] or None,
            "template": told["template"],
            "reveals": "on request" if told["is_revealed"] else "never",
            "heard_share": told["heard"] / 100,
            "half_steps": told["half_steps"],
            "aspects": told["aspects"],
            "voters": "simulated" if told["is_simulated"] else "people",
        }
        if told["zip"]:
            made = services.campaign_folders.create(owner, told["zip"], **wishes)
        else:
            prompts = services.prompt_writing.with_labels(owner, told["prompts"])
            wish = services.campaigns.check(prompts, systems=systems_of(told), **wishes)
            made = services.campaigns.create(owner, wish)
        return made, ""

    asked = [form[name] for name in names]
    after = [form["campaign"], form["passphrase"]]
    form["button"].click(start, asked, after, **HIDDEN).success(
        None, form["campaign"], None, js=FOLLOW, **HIDDEN
    )


def systems_of(told: dict[str, Any]) -> list[Any]:
    """The models as they are, and the one at other settings where it was added."""
    if not told["is_added"]:
        return told["models"]
    names = ("model", "steps", "guidance", "sampler")
    return [*told["models"], {name: told[f"added_{name}"] for name in names}]


def wire_form(services: Services, form: dict[str, Any]) -> None:
    """What fills the form: a prompt set, a list, a model's own settings; and who needs a passphrase."""

    @shown
    def take_defaults(model):
        return services.defaults(model)

    @shown
    def show_phrase(who):
        return gr.update(visible=who == "passphrase")

    wire_source(services, form)
    made = [form["added_steps"], form["added_guidance"]]
    form["added_model"].input(take_defaults, form["added_model"], made, **HIDDEN)
    form["who"].input(show_phrase, form["who"], form["passphrase"], **HIDDEN)


def wire_template(services: Services, form: dict[str, Any]) -> None:
    """A kind of test fills in what is usual for it, its prompt set with it where it has one."""

    @shown
    def take_template(name):
        found = next((one for one in services.campaigns.templates() if one["name"] == name), None)
        if found is None:
            raise StudioError(f"There is no template {name!r}; reload the page.")
        wishes, chosen = found["wishes"], found.get("prompt_set")
        task = wishes["task"]
        return {
            form["about"]: found["about"],
            form["takes"]: wishes["takes"],
            form["votes_wanted"]: wishes["votes_wanted"],
            form["most_per_voter"]: wishes.get("most_per_voter", 0),
            form["is_revealed"]: wishes["reveals"] == "on request",
            form["aspects"]: gr.update(visible=task == "pairwise", value=wishes.get("aspects", [])),
            form["half_steps"]: gr.update(visible=task == "mos", value=False),
            form["set"]: chosen or gr.skip(),
            form["prompts"]: "\n".join(services.prompts_of(chosen)) if chosen else gr.skip(),
        }

    names = ("about", "takes", "votes_wanted", "most_per_voter", "is_revealed", "aspects")
    filled = [form[name] for name in (*names, "half_steps", "set", "prompts")]
    form["template"].input(take_template, form["template"], filled, **HIDDEN)
