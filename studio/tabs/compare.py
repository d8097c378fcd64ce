"""Compare: two models, or one at two settings, on the same words and the same noise."""

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
from studio.tabs.prompt_source import build_source, wire_source
from studio.visitors import owner_of

FOLLOW = (
    "(job) => { if (job) window.dispatchEvent(new CustomEvent('baton-compare', {detail: {job}})) }"
)
RIVALS = ("embedded-aligned", "embedded-clean")  # what the usual model stands against at first
SIDE = ("model", "steps", "guidance", "sampler")
ASKED = (
    "prompts",
    "seconds",
    "seed",
    "pinned",
    *(f"{name}_{side}" for side in "ab" for name in SIDE),
)


def build(services: Services) -> None:
    """The tab, inside the Blocks that are open."""
    with gr.Row(elem_id="compare", equal_height=False):
        with gr.Column(scale=0, min_width=320, elem_classes="bs-composer"):
            form = build_form(services)
            opened = elements.opened("Compare", "ab")
        with gr.Column(scale=1, min_width=320, elem_classes="bs-results"):
            bench = elements.bench()
            elements.comparisons()
    wire_button(services, form)
    wire_form(services, form)
    wire_opened(services, form, opened)
    wire_reuse(services, form, bench)
    gr.api(endpoint(services), api_name="compare", concurrency_limit=4)


def build_form(services: Services) -> dict[str, Any]:
    """The controls, by name."""
    form = {}
    form["prompts"] = gr.Textbox(
        label="Prompts",
        info="One per line; each becomes a pair. Equal lines count once.",
        value=EXAMPLES[1],
        placeholder="a dog barks followed by a church bell ringing",
        lines=3,
        max_lines=10,
        elem_id="compare-prompts",
    )
    form["beforehand"] = gr.Markdown(
        services.comparisons.beforehand(EXAMPLES[1]), elem_id="compare-beforehand"
    )
    form |= build_source(services, "prompt-set")
    models = usual_sides(services)
    for side, model in models.items():
        form[f"model_{side}"] = gr.Dropdown(
            services.choices(), value=model, label=side.upper(), elem_id=f"model-{side}"
        )
    form["seconds"] = gr.Slider(
        1,
        services.longest(),
        value=10,
        step=0.5,
        label="Seconds",
        buttons=[],
        elem_id="compare-seconds",
    )
    form["button"] = gr.Button("Compare", variant="primary", elem_id="compare-button")
    form |= build_seed()
    with gr.Accordion("How each is made", open=False, elem_id="compare-making"):
        for side, model in models.items():
            form |= build_making(services, side, model)
    form["job"] = gr.Textbox(visible="hidden")
    return form


def build_seed() -> dict[str, Any]:
    """The seed, which is drawn unless it is pinned."""
    with gr.Row(elem_classes="bs-seed-row"):
        return {
            "seed": gr.Number(
                label="Seed",
                value=draw_seed(),  # until the first comparison draws its own
                precision=0,
                minimum=0,
                maximum=SEED_LIMIT - 1,
                min_width=120,
                elem_id="compare-seed",
            ),
            "pinned": gr.Checkbox(
                label="Pinned",
                info="If not, each run draws one.",
                min_width=120,
                elem_id="compare-pinned",
                elem_classes="bs-pinned",
            ),
        }


def usual_sides(services: Services) -> dict[str, str]:
    """The models that stand there at first: the usual one, and the aligned one where there is one."""
    usual, names = services.config.model, [name for _, name in services.choices()]
    return {"a": usual, "b": next((name for name in RIVALS if name in names), usual)}


def build_making(services: Services, side: str, model: str) -> dict[str, Any]:
    """One side's controls that most people leave alone: they begin as the model's own."""
    limits, letter = services.config, side.upper()
    steps, guidance = services.defaults(model)
    return {
        f"steps_{side}": gr.Slider(
            1,
            limits.max_steps,
            value=steps,
            step=1,
            label=f"Steps of {letter}",
            buttons=[],
            elem_id=f"steps-{side}",
        ),
        f"guidance_{side}": gr.Slider(
            0,
            limits.max_guidance,
            value=guidance,
            step=0.1,
            label=f"Guidance of {letter}",
            buttons=[],
            elem_id=f"guidance-{side}",
        ),
        f"sampler_{side}": gr.Dropdown(SAMPLER_CHOICES, value=OWN, label=f"Sampler of {letter}"),
    }


def wire_button(services: Services, form: dict[str, Any]) -> None:
    """The button: check, put in the row, follow."""

    @shown
    def start(request: gr.Request, *values):
        told = dict(zip(ASKED, values, strict=True))
        a, b = ({name: told[f"{name}_{side}"] for name in SIDE} for side in "ab")
        wish = services.check_comparison(
            told["prompts"],
            a=a,
            b=b,
            seconds=told["seconds"],
            seed=told["seed"] if told["pinned"] else None,
        )
        return services.compare(owner_of(request, services.config.is_shared), wish), wish.seed

    asked = [form[name] for name in ASKED]
    form["button"].click(start, asked, [form["job"], form["seed"]], **HIDDEN).success(
        None, form["job"], None, js=FOLLOW, **HIDDEN
    )


def wire_form(services: Services, form: dict[str, Any]) -> None:
    """What fills the form: a prompt set, a list, a model's own settings."""

    @shown
    def take_defaults(model):
        return services.defaults(model)

    @shown
    def foretell(prompts):
        return services.comparisons.beforehand(prompts or "")

    wire_source(services, form)
    form["prompts"].change(
        foretell, form["prompts"], form["beforehand"], trigger_mode="always_last", **HIDDEN
    )
    for side in "ab":
        made = [form[f"steps_{side}"], form[f"guidance_{side}"]]
        form[f"model_{side}"].input(take_defaults, form[f"model_{side}"], made, **HIDDEN)


def wire_opened(services: Services, form: dict[str, Any], opened: gr.HTML) -> None:
    """Models that were kept meanwhile can be chosen; the address may name both sides.

    Where it names an aligned one, the prompts are some that it has not learned from: on one prompt
    nothing could be found.
    """

    @shown
    def refresh(event: gr.EventData, *now):
        told, named = [], [name for side in "ab" if (name := getattr(event, side, None))]
        for side, model in zip("ab", now, strict=True):
            told += fresh(services, getattr(event, side, None), model)
        prompts = services.comparisons.held_out(named)
        if prompts:
            gr.Info(f"{len(prompts)} prompts stand ready, none of which was learned from.")
        return [*told, "\n".join(prompts) if prompts else gr.skip()]

    made = [form[f"{name}_{side}"] for side in "ab" for name in ("model", "steps", "guidance")]
    sides = [form["model_a"], form["model_b"]]
    opened.select(refresh, sides, [*made, form["prompts"]], **HIDDEN)


def wire_reuse(services: Services, form: dict[str, Any], bench: gr.HTML) -> None:
    """A comparison fills the form that could have asked for it."""

    @shown
    def reuse(event: gr.EventData):
        asked = services.comparisons.view(event.id)["request"]
        known = [name for _, name in services.choices()]
        told = ["\n".join(asked["prompts"]), asked["seconds"], asked["seed"], True]
        for side in "ab":
            made = asked[side]
            told.append(made["model"] if made["model"] in known else gr.skip())
            own = dict(zip(("steps", "guidance"), services.defaults(made["model"]), strict=True))
            told += [own[name] if made[name] is None else made[name] for name in own]
            told.append(made["sampler"] or OWN)
        return [*told, ""]

    bench.select(reuse, None, [form[name] for name in (*ASKED, "set")], **HIDDEN)


def endpoint(services: Services) -> Any:
    """The named endpoint `/compare`, for programs: the same as the button, and it waits."""

    def compare(
        prompts: str,
        model_a: str | None = None,
        model_b: str | None = None,
        seconds: float = 10.0,
        steps_a: int | None = None,
        steps_b: int | None = None,
        guidance_a: float | None = None,
        guidance_b: float | None = None,
        seed: int | None = None,
        request: gr.Request = None,
    ) -> dict:
        """Pairs of sounds from the same noise (a prompt per line), their scores, and a summary.

        Each sound is an address on this server. Null takes the usual models, a model's own numbers,
        and a drawn seed.
        """
        usual = usual_sides(services)
        wish = services.check_comparison(
            prompts,
            a={"model": model_a or usual["a"], "steps": steps_a, "guidance": guidance_a},
            b={"model": model_b or usual["b"], "steps": steps_b, "guidance": guidance_b},
            seconds=seconds,
            seed=seed,
        )
        job = services.compare(owner_of(request, services.config.is_shared), wish)
        while not services.comparisons.job_of(job).is_over:
            time.sleep(0.1)
        found = services.comparisons.view(job)
        if found["error"]:
            raise StudioError(found["error"])
        for pair in found["pairs"]:
            for side in "ab":
                del pair[side]["peaks"]  # a drawing, for the page alone
                pair[side]["sound"] = f"/studio/candidates/{pair[side]['id']}/sound.wav"
        return found

    return shown(compare)
