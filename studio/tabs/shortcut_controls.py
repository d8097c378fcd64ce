"""Ways to be faster that make another sound, each named as what it is and off unless chosen."""

from typing import Any

import gradio as gr


def build_shortcuts() -> dict[str, Any]:
    """The controls, by name."""
    gr.Markdown("Faster, but another sound (TangoFlux and the embedded model):")
    return {
        "guide_from": gr.Slider(
            0,
            1,
            value=0,
            step=0.05,
            label="Guidance from noise level",
            info="Guidance interval: below it the text alone is followed, at half the work.",
            buttons=[],
            elem_id="guide-from",
        ),
        "guide_to": gr.Slider(
            0,
            1,
            value=1,
            step=0.05,
            label="Guidance up to noise level",
            buttons=[],
            elem_id="guide-to",
        ),
        "reuse": gr.Slider(
            0,
            1,
            value=0,
            step=0.05,
            label="Step caching",
            info="How far the input may drift before the blocks run again; 0: they always run.",
            buttons=[],
            elem_id="reuse",
        ),
    }
