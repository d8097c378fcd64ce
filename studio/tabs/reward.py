"""Reward: a model that learns from labels and votes what people would say of a sound."""

import gradio as gr

from components import elements
from studio.services.services import Services


def build(services: Services) -> None:
    """The tab, inside the Blocks that are open; all of it draws itself from /studio/reward."""
    with gr.Row(elem_id="reward", equal_height=False):
        with gr.Column(scale=0, min_width=320, elem_classes="bs-composer"):
            elements.reward_form()
        with gr.Column(scale=1, min_width=320, elem_classes="bs-results"):
            elements.reward()
            elements.rewards()
