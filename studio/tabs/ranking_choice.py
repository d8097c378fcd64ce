"""The choice of what ranks a prompt's candidates: CLAP, one's own reward model, or both at a weight."""

from typing import Any

import gradio as gr

from studio.services.requests import CLAP
from studio.services.services import Services
from studio.tabs.door import HIDDEN, shown
from studio.visitors import owner_of

DONE = "done"


def build_ranking() -> dict[str, Any]:
    """The controls, by name, folded away."""
    with gr.Accordion("How they are ranked", open=False, elem_id="ranking"):
        return {
            "reward": gr.Dropdown(
                choices([]),
                value=CLAP,
                label="Ranked by",
                info="Reward models that you trained in Reward can rank too.",
                elem_id="ranker",
            ),
            "reward_weight": gr.Slider(
                0,
                1,
                value=1,
                step=0.05,
                label="The reward model's share",
                info="CLAP has the rest; at 1 it has none.",
                buttons=[],
                visible=False,
                elem_id="ranker-share",
            ),
        }


def choices(models: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Title and id of all that can rank, CLAP first.

    Args:
        models: reward models as `Rewards.models` lists them.
    """
    found = [("CLAP: how near sound and words are", CLAP)]
    for one in models:
        if one["status"] == DONE:
            heard = "simulated listeners" if one["simulated"] else "people"
            found.append((f"{one['title']} ({one['task']}, {heard})", one["id"]))
    return found


def wire_ranking(services: Services, form: dict[str, Any], opened: gr.HTML) -> None:
    """Reward models that were trained meanwhile can be chosen; one that is gone gives way to CLAP."""

    @shown
    def look_again(request: gr.Request, chosen):
        owner = owner_of(request, services.config.is_shared)
        found = choices(services.reward.models(owner))
        is_there = chosen in [id for _, id in found]
        if not is_there:
            gr.Warning("The reward model that was chosen is gone; CLAP ranks now.")
        kept = chosen if is_there else CLAP
        return gr.update(choices=found, value=kept), gr.update(visible=kept != CLAP)

    @shown
    def weigh(chosen):
        return gr.update(visible=chosen != CLAP)

    both = [form["reward"], form["reward_weight"]]
    form["reward"].focus(look_again, form["reward"], both, **HIDDEN)
    opened.select(look_again, form["reward"], both, **HIDDEN)
    form["reward"].input(weigh, form["reward"], form["reward_weight"], **HIDDEN)
