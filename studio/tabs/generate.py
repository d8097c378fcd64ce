"""Generate: from words to sounds. The form is Gradio's; the run beside it draws itself."""

import time
from typing import Any

import gradio as gr

from components import elements
from pipelines.errors import StudioError
from pipelines.seeds import SEED_LIMIT
from studio.services.requests import OWN, draw_seed
from studio.services.services import Services
from studio.tabs.door import HIDDEN, shown
from studio.tabs.examples import EXAMPLES
from studio.tabs.model_choice import SAMPLER_CHOICES, fresh
from studio.tabs.more_models import build_more, wire_more
from studio.tabs.ranking_choice import build_ranking, wire_ranking
from studio.tabs.shortcut_controls import build_shortcuts
from studio.visitors import owner_of

FOLLOW = "(job) => { if (job) window.dispatchEvent(new CustomEvent('baton-run', {detail: {job}})) }"


def build(services: Services) -> None:
    """The tab, inside the Blocks that are open."""
    with gr.Row(elem_id="generate", equal_height=False):
        with gr.Column(scale=0, min_width=320, elem_classes="bs-composer"):
            form = build_form(services)
            opened = elements.opened("Generate", ["model"])
        with gr.Column(scale=1, min_width=320, elem_classes="bs-results"):
            deck = elements.deck()
            elements.history()
    wire_button(services, form)
    wire_form(services, form, deck)
    wire_opened(services, form, opened)
    wire_ranking(services, form, opened)
    wire_more(services, form)
    gr.api(endpoint(services), api_name="generate", concurrency_limit=4)


def build_form(services: Services) -> dict[str, Any]:
    """The controls, by name."""
    limits, form = services.config, {}
    form["prompts"] = gr.Textbox(
        label="Prompt",
        info="One per line makes a list.",
        placeholder="a dog barks followed by a church bell ringing",
        lines=3,
        max_lines=10,
        elem_id="prompt",
    )
    form["hint"] = gr.Markdown("", elem_id="unknown-words")
    form["count"] = gr.Slider(
        1, limits.max_count, value=4, step=1, label="Candidates", buttons=[], elem_id="count"
    )
    form["seconds"] = gr.Slider(
        1,
        services.longest_alone(),
        value=10,
        step=0.5,
        label="Seconds",
        buttons=[],
        elem_id="seconds",
    )
    form["button"] = gr.Button("Generate", variant="primary", elem_id="generate-button")
    with gr.Row(elem_classes="bs-seed-row"):
        form["seed"] = gr.Number(
            label="Seed",
            value=draw_seed(),  # until the first run draws its own
            precision=0,
            minimum=0,
            maximum=SEED_LIMIT - 1,
            min_width=120,
            elem_id="seed",
        )
        form["pinned"] = gr.Checkbox(
            label="Pinned",
            info="If not, each run draws one.",
            min_width=120,
            elem_id="pinned",
            elem_classes="bs-pinned",
        )
    form |= build_ranking()
    with gr.Accordion("How it is made", open=False, elem_id="making"):
        form |= build_making(services)
        form |= build_shortcuts()
    form |= build_more(services)
    form["example"] = gr.Dataset(
        components=[gr.Textbox(visible=False)],
        samples=[[text] for text in EXAMPLES],
        label="Examples: is everything there, and in order?",
        type="index",
        samples_per_page=len(EXAMPLES),
        elem_id="examples",
    )
    form["upload"] = gr.UploadButton(
        "Upload a list of prompts (.txt, .csv)", file_types=[".txt", ".csv"], size="sm"
    )
    form["job"] = gr.Textbox(visible="hidden", elem_id="job-id")
    return form


def build_making(services: Services) -> dict[str, Any]:
    """The controls that most people leave alone."""
    limits = services.config
    steps, guidance = services.defaults(limits.model)
    return {
        "steps": gr.Slider(
            1, limits.max_steps, value=steps, step=1, label="Steps", buttons=[], elem_id="steps"
        ),
        "guidance": gr.Slider(
            0, limits.max_guidance, value=guidance, step=0.1, label="Guidance", buttons=[]
        ),
        "sampler": gr.Dropdown(SAMPLER_CHOICES, value=OWN, label="Sampler"),
        "model": gr.Dropdown(
            services.choices(), value=limits.model, label="Model", elem_id="model"
        ),
    }


ASKED = (
    "prompts", "count", "seconds", "steps", "guidance", "seed", "pinned", "sampler", "model",
    "reward", "reward_weight", "guide_from", "guide_to", "reuse",
)  # fmt: skip


def wire_button(services: Services, form: dict[str, Any]) -> None:
    """The button: check, put in the row, follow."""

    @shown
    def start(request: gr.Request, *values):
        wish = dict(zip(ASKED, values, strict=True))
        prompts, pinned = wish.pop("prompts"), wish.pop("pinned")
        if not pinned:
            wish["seed"] = None
        checked = services.check(prompts, **wish)
        job = services.generate(owner_of(request, services.config.is_shared), checked)
        return job, checked.seed

    asked = [form[name] for name in ASKED]
    form["button"].click(start, asked, [form["job"], form["seed"]], **HIDDEN).success(
        None, form["job"], None, js=FOLLOW, **HIDDEN
    )


def wire_form(services: Services, form: dict[str, Any], deck: gr.HTML) -> None:
    """What fills the form: an example, a list, a card, the model's own settings."""

    @shown
    def take_example(index):
        return EXAMPLES[index]

    @shown
    def take_list(path):
        return "\n".join(services.read_prompt_file(path))

    @shown
    def reuse(event: gr.EventData):
        made = services.views.candidate(event.id)
        s, known = made.settings, [name for _, name in services.choices()]
        model = chosen if (chosen := services.engines.chosen_as(s.model)) in known else gr.skip()
        told = (made.prompt.text, made.prompt.seconds, s.steps, s.guidance, s.seed, True)
        return *told, s.sampler, model, s.guide_from, s.guide_to, s.reuse

    @shown
    def hint(prompts, model):
        return services.hint(prompts or "", model)

    @shown
    def take_defaults(model):
        return services.defaults(model)

    form["model"].input(take_defaults, form["model"], [form["steps"], form["guidance"]], **HIDDEN)
    form["example"].click(take_example, form["example"], form["prompts"], **HIDDEN)
    form["upload"].upload(take_list, form["upload"], form["prompts"], **HIDDEN)
    kept = (
        "prompts", "seconds", "steps", "guidance", "seed", "pinned", "sampler", "model",
        "guide_from", "guide_to", "reuse",
    )  # fmt: skip
    deck.select(reuse, None, [form[name] for name in kept], **HIDDEN)
    form["prompts"].change(
        hint, [form["prompts"], form["model"]], form["hint"], trigger_mode="always_last", **HIDDEN
    )


def wire_opened(services: Services, form: dict[str, Any], opened: gr.HTML) -> None:
    """Models that were kept meanwhile can be chosen; the address may name one."""

    @shown
    def refresh(event: gr.EventData, model):
        return fresh(services, getattr(event, "model", None), model)

    opened.select(
        refresh, form["model"], [form["model"], form["steps"], form["guidance"]], **HIDDEN
    )


def endpoint(services: Services) -> Any:
    """The named endpoint `/generate`, for programs: the same as the button, and it waits."""

    def generate(
        prompt: str,
        count: int = 1,
        seconds: float = 10.0,
        steps: int | None = None,
        guidance: float | None = None,
        seed: int | None = None,
        model: str | None = None,
        reward: str | None = None,
        reward_weight: float = 1.0,
        request: gr.Request = None,
    ) -> dict:
        """Sounds for a prompt (or several, one per line), with their seeds, settings and scores.

        Each candidate's `sound` is an address on this server, its `ranking` its place among those
        of its prompt. A seed of null draws one. What ranks is CLAP, or `reward`: the id of a reward
        model of yours, at the share `reward_weight`.
        """
        wish = services.check(
            prompt,
            count=count,
            seconds=seconds,
            steps=steps,
            guidance=guidance,
            seed=seed,
            model=model,
            reward=reward,
            reward_weight=reward_weight,
        )
        owner = owner_of(request, services.config.is_shared)
        job = services.generate(owner, wish)
        while not (run := services.views.job(job, owner))["is_over"]:
            time.sleep(0.1)
        if run["error"]:
            raise StudioError(run["error"])
        for card in run["cards"]:
            card["sound"] = f"/studio/candidates/{card['id']}/sound.wav"
        return run

    return shown(generate)
