"""The page's own elements as Gradio components: their code is in `components/browser`."""

import json
from collections.abc import Sequence

import gradio as gr

# The template is fixed: whatever people write reaches the page as text, through the code alone.
REUSE = 'window.addEventListener("baton-reuse", (event) => trigger("select", event.detail));'
ANEW = 'window.addEventListener("baton-anew", (event) => trigger("select", event.detail));'

OPENED = """
const taken = () => {
  const here = new URL(location.href), found = {};
  for (const name of NAMES) {
    if (here.searchParams.has(name)) found[name] = here.searchParams.get(name);
    here.searchParams.delete(name);
  }
  if (Object.keys(found).length) window.history.replaceState(window.history.state, "", here);
  return found;
};
document.addEventListener("click", (event) => {
  if (event.target.closest?.('[role="tab"]')?.textContent.trim() === TAB) trigger("select", taken());
});
trigger("select", taken());
"""


def opened(tab: str, names: Sequence[str] = ()) -> gr.HTML:
    """Nothing to see; its `select` event comes with the page and whenever the tab is opened.

    Args:
        tab: the word on the tab.
        names: parts of the address that the event carries, where they are there; they are taken out
            of it, so that each counts once.
    """
    told = OPENED.replace("NAMES", json.dumps(list(names))).replace("TAB", json.dumps(tab))
    return gr.HTML(
        html_template="<i hidden></i>",
        js_on_load=told,
        apply_default_css=False,
        elem_id=f"{tab.lower()}-opened",
        elem_classes="bs-opened",
    )


def deck() -> gr.HTML:
    """The run in view, with its cards; its `select` event carries the id of a candidate to reuse."""
    return gr.HTML(
        html_template="<baton-deck></baton-deck>",
        js_on_load=REUSE,
        apply_default_css=False,
        elem_id="deck",
    )


def history() -> gr.HTML:
    """Earlier runs."""
    return plain("<baton-history></baton-history>", "history")


def bench() -> gr.HTML:
    """The comparison in view; its `select` event carries the id of one to fill the form from."""
    return gr.HTML(
        html_template="<baton-bench></baton-bench>",
        js_on_load=ANEW,
        apply_default_css=False,
        elem_id="bench",
    )


def comparisons() -> gr.HTML:
    """Earlier comparisons."""
    return plain("<baton-comparisons></baton-comparisons>", "comparisons")


def vote() -> gr.HTML:
    """The campaign in view: its servings, its results, its data."""
    return plain("<baton-vote></baton-vote>", "voting")


def campaigns() -> gr.HTML:
    """The campaigns that a visitor may see."""
    return plain("<baton-campaigns></baton-campaigns>", "campaigns")


def reward_form() -> gr.HTML:
    """What a reward model is to learn from, and how."""
    return plain("<baton-reward-form></baton-reward-form>", "reward-form")


def reward() -> gr.HTML:
    """The reward model in view."""
    return plain("<baton-reward></baton-reward>", "reward-view")


def rewards() -> gr.HTML:
    """Earlier reward models."""
    return plain("<baton-rewards></baton-rewards>", "rewards")


def captions() -> gr.HTML:
    """The captions under review."""
    return plain("<baton-captions></baton-captions>", "captions")


def caption_lists() -> gr.HTML:
    """One's own lists of captions, and the way to a new one."""
    return plain("<baton-caption-lists></baton-caption-lists>", "caption-lists")


def finetune_form() -> gr.HTML:
    """What a model is to learn from, and how."""
    return plain("<baton-finetune-form></baton-finetune-form>", "finetune-form")


def finetune() -> gr.HTML:
    """The run in view."""
    return plain("<baton-finetune></baton-finetune>", "finetune-view")


def finetunes() -> gr.HTML:
    """Earlier runs of fine-tuning."""
    return plain("<baton-finetunes></baton-finetunes>", "finetunes")


def head(title: str, saying: str) -> gr.HTML:
    """The name of the studio, the state of its model, light or dark."""
    return plain(
        f'<header class="bs-head-row"><h1>{title}</h1><p>{saying}</p>'
        "<span class='bs-gap'></span><baton-model></baton-model><baton-theme></baton-theme></header>",
        "masthead",
    )


def plain(template: str, elem_id: str) -> gr.HTML:
    """A fixed piece of the page."""
    return gr.HTML(
        html_template=template, js_on_load=None, apply_default_css=False, elem_id=elem_id
    )
