"""Finetune: a model learns from labels and rewards, or from a folder of sounds, and is heard on the way."""

import gradio as gr

from components import elements
from studio.services.services import Services


def build(services: Services) -> None:
    """The tab, inside the Blocks that are open; all of it draws itself from /studio/finetune."""
    with gr.Row(elem_id="finetune", equal_height=False):
        with gr.Column(scale=0, min_width=320, elem_classes="bs-composer"):
            elements.finetune_form()
        with gr.Column(scale=1, min_width=320, elem_classes="bs-results"):
            elements.finetune()
            elements.finetunes()
